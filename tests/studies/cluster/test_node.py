"""What a task has on its node: a mailbox, a post, and its output handed on."""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from fittingroom.studies.cluster.node import Lines, Mailbox, Post, Printed, Said, output_to


def post_to(mailbox: Mailbox, ticket: int) -> Post:
    """Return a task's post where the mailbox is no actor but in this process."""

    def method(name: str) -> Any:
        return SimpleNamespace(remote=getattr(mailbox, name))

    actor = SimpleNamespace(put=method("put"), is_to_stop=method("is_to_stop"))
    return Post(actor, ticket, lambda value: value)


def test_letters_are_read_once_and_in_order() -> None:
    mailbox = Mailbox()
    post_to(mailbox, 1).send("a")
    post_to(mailbox, 2).print("b")
    assert mailbox.empty() == [Said(1, "a"), Printed(2, "b")]
    assert mailbox.empty() == []


def test_only_the_task_that_is_meant_is_asked_to_stop() -> None:
    mailbox = Mailbox()
    mailbox.stop(2)
    assert [post_to(mailbox, ticket).asked_to_stop() for ticket in (1, 2)] == [False, True]


def test_output_and_warnings_are_handed_on_line_by_line() -> None:
    lines: list[str] = []
    with warnings.catch_warnings(action="always"), output_to(lines.append):
        print("one", end="")
        print(" line")
        print("two\n\nthree", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        print("no end", end="")
    assert lines == ["one line", "two", "three", "warning: careful", "no end"]
    print("as before")


def test_what_was_printed_before_an_error_is_not_lost() -> None:
    lines: list[str] = []

    def fail() -> None:
        with output_to(lines.append):
            print("last words", end="")
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()
    assert lines == ["last words"]


def test_lines_count_as_a_file_does() -> None:
    lines: list[str] = []
    file = Lines(lines.append)
    assert file.write("a\nb") == 3
    assert lines == ["a"]

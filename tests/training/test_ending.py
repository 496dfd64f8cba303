"""Who hears the signals that ask for an end, and when they interrupt."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest

from fittingroom.training.ending import (
    SIGNALS,
    AskedToEnd,
    Ending,
    ending_by_signals,
    signal_of,
    stopping_between_steps,
)

SIGINT, SIGTERM = int(signal.SIGINT), int(signal.SIGTERM)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the handler reads."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_where_nobody_is_patient_the_first_signal_interrupts() -> None:
    ending = Ending()
    assert not ending.should_stop()
    with pytest.raises(AskedToEnd) as caught:
        ending(SIGTERM, None)
    assert caught.value.signal == signal_of(caught.value) == SIGTERM
    assert ending.should_stop()


@pytest.mark.parametrize("first", [SIGINT, SIGTERM])
def test_between_steps_the_first_signal_is_written_down(clock: list[float], first: int) -> None:
    ending = Ending()
    ending.patient = True
    ending(first, None)
    assert ending.signal == first
    assert ending.should_stop()
    with pytest.raises(AskedToEnd) as caught:
        ending(SIGINT, None)  # somebody insists
    assert caught.value.signal == SIGINT
    assert ending.signal == first


def test_another_sigterm_is_heard_after_five_seconds(clock: list[float]) -> None:
    ending = Ending()
    ending.patient = True
    ending(SIGTERM, None)
    clock[0] = 105.0
    ending(SIGTERM, None)
    clock[0] = 105.1
    with pytest.raises(AskedToEnd):
        ending(SIGTERM, None)


def test_the_deaf_hear_ctrl_c_alone() -> None:
    ending = Ending()
    ending.deaf = lambda: True
    ending(SIGTERM, None)
    assert not ending.should_stop()
    with pytest.raises(AskedToEnd):
        ending(SIGINT, None)


def test_an_interruption_that_says_no_signal_is_ctrl_c() -> None:
    assert signal_of(KeyboardInterrupt()) == signal_of(None) == SIGINT
    assert AskedToEnd().signal == SIGINT


def test_handlers_are_ours_inside_and_the_callers_afterwards() -> None:
    def handlers() -> list[Any]:
        return [signal.getsignal(number) for number in SIGNALS]

    before = handlers()
    with ending_by_signals() as ending:
        assert handlers() == [ending] * len(SIGNALS)
        patience = [ending.patient]
        with stopping_between_steps() as inner:
            assert inner is ending
            patience.append(ending.patient)
        assert [*patience, ending.patient] == [False, True, False]
    assert handlers() == before


@pytest.mark.parametrize("theirs", [signal.SIG_IGN, lambda *_: None])
def test_what_a_program_made_of_sigterm_stays(theirs: Any) -> None:
    before = signal.signal(SIGTERM, theirs)
    try:
        with ending_by_signals() as ending:
            assert signal.getsignal(SIGTERM) is theirs
            assert signal.getsignal(SIGINT) is ending
    finally:
        signal.signal(SIGTERM, before)


def test_in_another_thread_nothing_is_changed() -> None:
    before = signal.getsignal(SIGINT)
    seen = []

    def work() -> None:
        with stopping_between_steps() as ending:
            seen.append((signal.getsignal(SIGINT), ending.should_stop()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment

from fittingroom.errors import RunError
from fittingroom.reports import markdown
from fittingroom.reports.texts import Texts
from fittingroom.runs import folder


def test_marks_are_escaped_so_that_they_show() -> None:
    assert markdown.escape("a|b") == r"a\|b"
    assert markdown.escape("*_`[x](y)") == r"\*\_\`\[x\](y)"
    assert markdown.escape("<b>&lt;") == "&lt;b&gt;&amp;lt;"
    assert markdown.escape("@someone #1 $x$") == r"&#64;someone \#1 \$x\$"
    assert markdown.escape("two\nlines") == "two lines"


def test_a_name_cannot_begin_a_list() -> None:
    assert [markdown.escape(text) for text in ("- a", "1. a", "+", "-a", "1.5")] == [
        r"\- a",
        r"\1. a",
        r"\+",
        "-a",
        "1.5",
    ]


@given(st.text())
def test_no_text_leaves_its_cell_or_opens_a_tag(text: str) -> None:
    row = markdown.row([text, "end"])
    assert "\n" not in row
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3
    assert "<" not in row


def test_pictures_lie_beside_the_file_and_are_written_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    whole = folder.write_whole

    def write(path: Path, content: bytes) -> None:
        written.append(path.relative_to(tmp_path).as_posix())
        whole(path, content)

    for module in (markdown, folder):
        monkeypatch.setattr(module, "write_whole", write)
    path = tmp_path / "my report.md"
    page = '![x]({{ picture("a.svg") }})\n\n\n\n{{ "a|b" | md }}\n'
    monkeypatch.setattr(markdown, "environment", planted(page))
    markdown.write_markdown(path, Texts(), "page", {}, {"a.svg": b"<svg/>"})
    assert written == ["my report-pictures/a.svg", "my report.md"]
    assert path.read_text("utf-8") == "![x](my%20report-pictures/a.svg)\n\na\\|b\n"


def planted(page: str) -> Callable[[Texts], Environment]:
    real = markdown.environment

    def environment(texts: Texts) -> Environment:
        made = real(texts)
        made.loader = DictLoader({"page": page})
        return made

    return environment


def test_a_place_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markdown, "environment", planted("nothing"))
    (tmp_path / "a-pictures").write_text("in the way")
    with pytest.raises(RunError, match="a-pictures: cannot be made"):
        markdown.write_markdown(tmp_path / "a.md", Texts(), "page", {}, {"a.svg": b"<svg/>"})

"""Reports in Markdown, with their pictures in a folder beside them, for GitHub, Kaggle, a hand-in.

Follows GitHub Flavored Markdown, https://github.github.com/gfm/. Whatever comes from data, a class
name say, is escaped, so that it shows as text and cannot break a table.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fittingroom._version import __version__
from fittingroom.errors import RunError
from fittingroom.reports import formats
from fittingroom.reports.texts import Sentence, Texts
from fittingroom.runs.folder import write_text, write_whole

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

# Marks that mean something within a line; "@" would call a person on GitHub.
_MARKS = re.compile(r"[\\`*_{}\[\]|~$#]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}


def escape(text: object) -> str:
    """Return text on one line that Markdown shows as it is."""
    line = " ".join(str(text).split())
    line = "".join(_ENTITIES.get(mark, mark) for mark in line)
    line = _MARKS.sub(r"\\\g<0>", line).replace("&\\#64;", "&#64;")
    return re.sub(r"^([-+]|\d+[.)])(?=\s|$)", r"\\\1", line)


def environment(texts: Texts) -> Environment:
    """Return what renders the Markdown templates, in the one language of `texts`.

    Templates have `t` (a text, escaped), `md` (a filter that escapes), `row` (cells as a row of a
    table), `picture` (a picture of the folder) and `fmt` (the numbers' formats).
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("fittingroom.reports"),
        autoescape=False,  # noqa: S701 - no HTML is made; `escape` is applied to every text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def t(text: str | Sentence, **params: Any) -> str:
        return escape(texts.plain(text, **params))

    made.filters["md"] = escape
    made.globals.update(t=t, row=row, fmt=formats, language=texts.language, version=__version__)
    return made


def row(cells: list[object] | tuple[object, ...]) -> str:
    """Return a row of a table, its cells escaped."""
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def pictures_folder(path: Path) -> Path:
    """Return the folder of a Markdown file's pictures: beside it, named after it."""
    return path.with_name(f"{path.stem}-pictures")


def write_markdown(
    path: Path,
    texts: Texts,
    template: str,
    context: Mapping[str, Any],
    pictures: Mapping[str, bytes],
) -> None:
    """Write a Markdown file and its pictures, each whole or not at all, the file last.

    Parameters
    ----------
    template
        Shows a picture with `![words]({{ picture("name.svg") }})`, and can ask `pictures`.
    pictures
        File name -> content.

    Raises
    ------
    RunError
        If something cannot be written.
    """
    folder = pictures_folder(path)
    text = (
        environment(texts)
        .get_template(template)
        .render(
            **context,
            pictures=pictures,
            picture=lambda name: f"{quote(folder.name)}/{quote(name)}",
        )
    )
    if pictures:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"{folder}: cannot be made: {error.strerror or error}") from error
    for name, content in pictures.items():
        write_whole(folder / name, content)
    write_text(path, re.sub(r"\n{3,}", "\n\n", text))


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG."""
    from fittingroom.evaluation.figures.style import DPI, figure_style

    buffer = io.BytesIO()
    with figure_style():
        figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()

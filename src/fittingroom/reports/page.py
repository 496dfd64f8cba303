"""Sections -> one HTML file that needs nothing else: style, script and pictures are inside.

The page forbids itself, by its Content-Security-Policy, to fetch anything and to run any script
but its own, which it names by SHA-256: a class name that holds a script would not run even if it
were written into the page unescaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol

from markupsafe import Markup

from fittingroom._version import __version__
from fittingroom.reports import formats
from fittingroom.reports.texts import LANGUAGES, Sentence, Texts

if TYPE_CHECKING:
    from jinja2 import Environment

# What the page's script says; the other texts are in the page.
SCRIPT_TEXTS = (
    "page.explorer.cell",
    "page.explorer.right",
    "page.explorer.count",
    "page.explorer.some",
    "page.explorer.empty",
    "page.explorer.more",
    "page.explorer.picture",
)


@dataclass(frozen=True)
class Section:
    """A part of a page: what links to it, the key of its heading, and its content."""

    id: str
    title_key: str
    html: Markup


def render_page(
    texts: Texts,
    *,
    title: Sentence,
    kind: Sentence,
    sections: Sequence[Section],
    hero: str = "",
    warnings: Sequence[Sentence] = (),
    home: str = "",
) -> str:
    """Return the whole page.

    Parameters
    ----------
    title, kind
        The heading, and what kind of report it heads.
    sections
        In this order, listed in the table of contents.
    hero
        What stands above everything else: the number that people look for.
    warnings
        What must not be overlooked, e.g. that the pictures are sketches.
    home
        Where the page that this one belongs to is served; empty for a page of its own.
    """
    script, style = template_file("report.js"), template_file("report.css")
    return (
        environment(texts)
        .get_template("page.html.jinja")
        .render(
            title=title,
            kind=kind,
            sections=sections,
            hero=hero,
            warnings=warnings,
            script=Markup(script),  # noqa: S704 - our own file
            style=Markup(style),  # noqa: S704 - our own file
            policy=Markup(content_policy()),  # noqa: S704 - our own, without quotation marks
            home=home,
            script_texts=texts.for_script(*SCRIPT_TEXTS),
        )
    )


def content_policy() -> str:
    """Return the Content-Security-Policy of a page."""
    digest = base64.b64encode(hashlib.sha256(template_file("report.js").encode()).digest())
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest.decode()}'; base-uri 'none'; form-action 'none'"
    )


class View(Protocol):
    """What a report shows, as its page needs it."""

    @property
    def title(self) -> Sentence:
        """The heading."""

    @property
    def titles(self) -> Mapping[str, str]:
        """Section's id -> key of its title; in the order of the page."""

    @property
    def warnings(self) -> Sequence[Sentence]:
        """What must not be overlooked."""


def render_view(
    texts: Texts,
    view: View,
    kind: Sentence,
    template: str,
    context: Mapping[str, Any],
    home: str = "",
) -> str:
    """Return the page of a run, a study or a tuning.

    Parameters
    ----------
    kind
        What kind of report it is.
    template
        Its name; it has a macro without parameters for each section, and one named hero.
    context
        The names that the macros use.
    home
        See `render_page`.
    """
    macros = environment(texts).get_template(template).make_module(dict(context))
    sections = [Section(name, key, getattr(macros, name)()) for name, key in view.titles.items()]
    return render_page(
        texts,
        title=view.title,
        kind=kind,
        sections=sections,
        hero=macros.hero(),  # type: ignore[attr-defined]
        warnings=view.warnings,
        home=home,
    )


def environment(texts: Texts) -> Environment:
    """Return what renders the HTML templates: everything is escaped, every name must be known.

    Templates have `t` (a text in both languages), `words` (something that is in both already),
    `plain` (a text in one language), `fmt` (the numbers' formats) and `languages`.
    """
    made = templates_in("fittingroom.reports", "templates")
    made.filters["breakable"] = breakable
    made.globals.update(
        t=texts.html,
        words=texts.words,
        plain=texts.plain,
        fmt=formats,
        language=texts.language,
        languages=LANGUAGES,
        version=__version__,
    )
    return made


def templates_in(package: str, folder: str) -> Environment:
    """Return what renders HTML templates: everything is escaped, every name must be known."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def breakable(name: str) -> Markup:
    """Return a name that a browser may break after the marks that join words in class names."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_-])", name))


@cache
def template_file(name: str) -> str:
    """Return the content of one of the files in `templates`."""
    return resources.files("fittingroom.reports").joinpath("templates", name).read_text("utf-8")

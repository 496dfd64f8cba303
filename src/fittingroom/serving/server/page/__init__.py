"""The web page: give it a picture, and see what the models make of it.

`page.html.jinja` is its frame, `page.js` does everything in it, `page.css` stands on the style
sheet of the reports; `en.toml` and `ko.toml` hold what it says. Nothing in it comes from another
host, and no script runs but its own.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import FittingroomError
from fittingroom.reports.page import content_policy, render_view, template_file, templates_in
from fittingroom.reports.run_report import view_run
from fittingroom.reports.run_view import RunView
from fittingroom.reports.texts import LANGUAGES, Texts, say
from fittingroom.runs.run import Run

AUTO = "auto"  # the language that the browser asks for
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MATRIX_SECTIONS = ("confusion", "classes", "mistakes")

# A coat hanger.
ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#1f5fa8"/>
<path d="M12.5 10.5a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1-1.5 2.3L5.5 22.5q-1.5 2 1 2h19q2.5 0 1-2L16 16"
 fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"/>
</svg>
"""


@dataclass(frozen=True)
class Page:
    """What a browser gets: `html`, and in `policy` the Content-Security-Policy to send with it."""

    html: str
    policy: str


class MatrixView(RunView):
    """A run of which only what it confuses is shown."""

    @property
    def titles(self) -> dict[str, str]:
        """Section's id -> key of its title, in the order of the page."""
        return {name: f"run.sections.{name}" for name in MATRIX_SECTIONS}


def index_page(language: str = AUTO) -> Page:
    """Return the page.

    Parameters
    ----------
    language
        "en", "ko", or "auto" for the one that the browser asks for; who has switched once, sees
        what was chosen.

    Raises
    ------
    FittingroomError
        If the language is another one.
    """
    if language not in (AUTO, *LANGUAGES):
        known = ", ".join((AUTO, *LANGUAGES))
        raise FittingroomError(f"unknown language {language!r}; known are {known}")
    environment = templates_in(__name__, ".")
    first = LANGUAGES[0] if language == AUTO else language
    html = environment.get_template("page.html.jinja").render(
        wanted=language,
        language=first,
        t=texts(first).__getitem__,
        texts={language: texts(language) for language in LANGUAGES} | {"names": names()},
    )
    return Page(html, POLICY)


def matrix_page(
    run: Run, data: DataSplits | str | Path | None = None, language: str = LANGUAGES[0]
) -> Page:
    """Return a page with what a finished run confuses, from its report; "#ko" opens it in Korean.

    Parameters
    ----------
    data
        See `fittingroom.report`.
    language
        "en", "ko" or "auto", which is English here.

    Raises
    ------
    FittingroomError
        If the language is another one.
    RunError
        If the run is unfinished or damaged.
    """
    spoken = Texts(LANGUAGES[0] if language == AUTO else language)
    found = view_run(run, data)
    view = MatrixView(found.run, found.pictures, found.absent)
    context = {"view": view, "texts": spoken}
    html = render_view(spoken, view, say("run.kind"), "run.html.jinja", context, home="/")
    return Page(html, f"{content_policy()}; frame-ancestors 'none'")


@cache
def texts(language: str) -> dict[str, str]:
    """Return what the page says in a language: "table.key" -> text, with {parameters}."""
    tables = tomllib.loads(own_file(f"{language}.toml"))
    return {
        f"{table}.{key}": text for table, found in tables.items() for key, text in found.items()
    }


def names() -> dict[str, str]:
    """Return what well-known classes are called in Korean."""
    return tomllib.loads(own_file("names.ko.toml"))


def own_file(name: str) -> str:
    """Return the content of a file of this folder."""
    return resources.files(__name__).joinpath(name).read_text("utf-8")


# What is served under /static: name -> media type and content.
STATIC: dict[str, tuple[str, str]] = {
    "page.css": ("text/css", template_file("report.css") + own_file("page.css")),
    "page.js": ("text/javascript", own_file("page.js")),
    "icon.svg": ("image/svg+xml", ICON),
}

"""A chart: two drawings and words, within a page or as a file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from markupsafe import Markup, escape

from fittingroom.reports.charts.drawing import Drawing, number
from fittingroom.reports.charts.labels import Label, spoken
from fittingroom.reports.texts import LANGUAGES, Sentence, Texts

FONTS = "system-ui, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', NanumGothic, sans-serif"

# What the roles are in a file; a page has its own, which change with light and dark.
LIGHT = {
    "ink": "#1f2933",
    "muted": "#5b6774",
    "faint": "#d3dae1",
    "paper": "#ffffff",
    "accent": "#b4530a",
    "series-1": "#1f5fa8",
    "series-2": "#b4530a",
    "series-3": "#1f7a4d",
    "series-4": "#8a3f96",
    "series-5": "#a3213f",
    "series-6": "#0f7285",
    "series-7": "#7a5b00",
    "series-8": "#56606c",
}

# A chart's first part is named for all of them.
HIDDEN = Markup('aria-hidden="true"')


@dataclass(frozen=True)
class Chart:
    """A chart, drawn once for a screen or a sheet and once for a phone.

    Parameters
    ----------
    title
        What it shows.
    caption
        How to read it, in a sentence or two.
    wide, narrow
        The drawings.
    """

    title: Sentence
    caption: Sentence
    wide: Drawing
    narrow: Drawing

    def inline(self, texts: Texts) -> Markup:
        """Return it for a page: both drawings, of which the style sheet shows one, and its words.

        A drawing that is taller than a sheet is cut in parts, which a printer keeps whole. The
        words below it name it for a screen reader too: a `<title>` has one language only.
        """

        def tip(label: Label) -> str:  # a `<title>` has one language only: the page's first
            return spoken(label, texts.language)

        parts = [
            (kind, place, part, part.svg(in_every_language, tip, css_colour))
            for kind, drawing in (("wide", self.wide), ("narrow", self.narrow))
            for place, part in enumerate(drawing.parts())
        ]
        name = f"chart-{stable_number(''.join(marks for *_, marks in parts))}"
        named = Markup('role="img" aria-labelledby="{}"').format(name)
        svgs = Markup("").join(
            svg_element(kind, HIDDEN if place else named, part, marks)
            for kind, place, part, marks in parts
        )
        return Markup(
            '<div class="chart{tall}">{svgs}<p class="chart-caption" id="{name}">'
            "<strong>{title}</strong> {caption}</p></div>"
        ).format(
            tall=" in-parts" if self.wide.cuts else "",
            svgs=svgs,
            name=name,
            title=texts.html(self.title),
            caption=texts.html(self.caption),
        )

    def file(self, texts: Texts, language: str) -> str:
        """Return it as an SVG file of its own, light, in one language."""

        def write(label: Label) -> Markup:
            return escape(spoken(label, language))

        drawing = self.wide
        return Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" role="img" lang="{language}" '
            'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'font-family="{fonts}">\n<title>{title}</title><desc>{caption}</desc>'
            '<rect width="{width}" height="{height}" fill="{paper}"/>{marks}</svg>\n'
        ).format(
            language=language,
            width=number(drawing.width),
            height=number(drawing.height),
            fonts=FONTS,
            title=texts.plain(self.title, language),
            caption=texts.plain(self.caption, language),
            paper=LIGHT["paper"],
            marks=drawing.svg(write, write, light_colour),
        )


def svg_element(kind: str, role: Markup, part: Drawing, marks: Markup) -> Markup:
    """Return a part of a drawing for a page, which scales it."""
    return Markup(
        '<svg class="chart-{kind}" {role} viewBox="0 {top} {width} {height}" '
        'style="max-width:{limit}px">{marks}</svg>'
    ).format(
        kind=kind,
        role=role,
        top=number(part.top),
        width=number(part.width),
        height=number(part.height),
        limit=number(part.width * 1.15),
        marks=marks,
    )


def in_every_language(label: Label) -> Markup:
    """Return a label as the content of a `<text>`, of which the style sheet shows one language."""
    said = {language: spoken(label, language) for language in LANGUAGES}
    if len(set(said.values())) == 1:
        return escape(said[LANGUAGES[0]])
    return Markup("").join(
        Markup('<tspan lang="{}">{}</tspan>').format(*pair) for pair in said.items()
    )


def light_colour(role: str) -> str:
    """Return the colour of a role within a file."""
    return LIGHT.get(role, role)


def css_colour(role: str) -> str:
    """Return the colour of a role within a page."""
    return f"var(--{role})" if role in LIGHT else role


def stable_number(text: str) -> str:
    """Return a short name that follows from the text: the same page has the same names."""
    return f"{crc32(text.encode()):08x}"

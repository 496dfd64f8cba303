"""Every sentence of the reports, in English and in Korean.

`texts/<language>/<file>.toml` holds them; the text `accuracy` in the table `[headline]` of
`run.toml` is called `run.headline.accuracy`. A text may have parameters:

- `{name}`: the parameter.
- `{name:은/는}`, in Korean: the parameter and the particle that fits it (`particles.PARTICLES`).
- `{name:picture/pictures}`, in English: the parameter, a space and the word; the first form
  after "1", the second after anything else.

A parameter is text or a number already formatted, something in two languages (anything with a
method `of(language)`), or a `Sentence`. In HTML it is escaped, as every text is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from fittingroom.errors import FittingroomError
from fittingroom.reports.particles import PARTICLES, with_particle

LANGUAGES = ("en", "ko")

_PARAMETER = re.compile(r"\{(\w+)(?::([^{}]+))?\}")


@dataclass(frozen=True)
class Sentence:
    """A text by its key, with its parameters, in no language yet."""

    key: str
    params: Mapping[str, Any] = field(default_factory=dict)


def say(key: str, **params: Any) -> Sentence:
    """Return the text `key` with these parameters, to be written later."""
    return Sentence(key, params)


class Texts:
    """The texts, and the language that a page shows at first.

    Parameters
    ----------
    language
        "en" or "ko".

    Raises
    ------
    FittingroomError
        If the language is another one.
    """

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            raise FittingroomError(
                f"unknown language {language!r}; known are {', '.join(LANGUAGES)}"
            )
        self.language = language

    def plain(self, text: str | Sentence, language: str | None = None, **params: Any) -> str:
        """Return a text in one language, by default the page's, with nothing escaped."""
        language = language or self.language
        sentence = text if isinstance(text, Sentence) else Sentence(text, params)

        def fill(match: re.Match[str]) -> str:
            value = self._spoken(sentence.params[match[1]], language)
            return with_form(value, match[2]) if match[2] else value

        return _PARAMETER.sub(fill, load(language)[sentence.key])

    def html(self, text: str | Sentence, **params: Any) -> Markup:
        """Return a text in every language as spans, of which the style sheet shows one."""
        return self._tagged("span", text, params)

    def svg(self, text: str | Sentence, **params: Any) -> Markup:
        """Return the same for use within `<text>` of a drawing: `tspan`s."""
        return self._tagged("tspan", text, params)

    def words(self, words: Any) -> Markup:
        """Return something that is already in every language (`of(language)`) as spans."""
        return _spans("span", ((language, words.of(language)) for language in LANGUAGES))

    def cell(self, value: Any) -> Any:
        """Return what a page shows of a value: sentences and words as spans, others as they are."""
        if isinstance(value, Sentence):
            return self.html(value)
        return self.words(value) if hasattr(value, "of") else value

    def cells(self, rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
        """Return what a page shows of the rows of a table."""
        return [[self.cell(value) for value in row] for row in rows]

    def for_script(self, *keys: str) -> dict[str, dict[str, str]]:
        """Return texts, parameters unfilled, for the page's script: key -> language -> text."""
        return {key: {language: load(language)[key] for language in LANGUAGES} for key in keys}

    def _tagged(self, tag: str, text: str | Sentence, params: Mapping[str, Any]) -> Markup:
        sentence = text if isinstance(text, Sentence) else Sentence(text, params)
        return _spans(tag, ((language, self.plain(sentence, language)) for language in LANGUAGES))

    def _spoken(self, value: Any, language: str) -> str:
        if isinstance(value, Sentence):
            return self.plain(value, language)
        return str(value.of(language)) if hasattr(value, "of") else str(value)


def with_form(value: str, forms: str) -> str:
    """Return a parameter followed by the particle, or the word, that fits it."""
    if forms in PARTICLES:
        return with_particle(value, forms)
    one, many = forms.split("/")
    return f"{value} {one if value == '1' else many}"


@cache
def load(language: str) -> dict[str, str]:
    """Return all texts of a language: key -> text."""
    folder = resources.files("fittingroom.reports").joinpath("texts", language)
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            content = tomllib.loads(file.read_text("utf-8"))
            found |= dict(_flat(content, file.name.removesuffix(".toml")))
    return found


def parameters(text: str) -> set[str]:
    """Return the names of a text's parameters."""
    return {name for name, _ in _PARAMETER.findall(text)}


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}.{key}")
        else:
            yield f"{prefix}.{key}", value


def _spans(tag: str, texts: Iterable[tuple[str, str]]) -> Markup:
    return Markup("").join(
        Markup('<{tag} lang="{language}">{text}</{tag}>').format(
            tag=tag, language=language, text=escape(text)
        )
        for language, text in texts
    )

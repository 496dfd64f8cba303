from __future__ import annotations

import re
from pathlib import Path

import pytest
from markupsafe import Markup

import fittingroom.reports
from fittingroom.errors import FittingroomError
from fittingroom.reports.particles import PARTICLES
from fittingroom.reports.texts import LANGUAGES, Texts, load, parameters, say

ROOM = Path(fittingroom.reports.__file__).parent
KEY = re.compile(r"""["'](\w+(?:\.[\w-]+)+)["']""")
# A key that is put together: f"run.conclusions.{key}" or "page.classes." ~ name.
START_OF_KEY = re.compile(r"""["'](\w+(?:\.[\w-]+)*[.-])(?:["']\s*~|\{)""")


class Both:
    """Something in two languages."""

    def of(self, language: str) -> str:
        return {"en": "coat", "ko": "코트"}[language]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Texts:
    texts = {
        "en": {"a": "{name} has {count:picture/pictures}.", "b": "see: {inner}", "c": "<{name}>"},
        "ko": {"a": "{name:은/는} {count}장입니다.", "b": "{inner} 참고", "c": "<{name:으로/로}>"},
    }
    monkeypatch.setattr("fittingroom.reports.texts.load", texts.__getitem__)
    return Texts("en")


def test_a_text_is_written_with_its_parameters_and_the_forms_that_fit(planted: Texts) -> None:
    assert planted.plain("a", name="Shirt", count="1") == "Shirt has 1 picture."
    assert planted.plain("a", name="Shirt", count="0") == "Shirt has 0 pictures."
    assert planted.plain("a", "ko", name="Bag", count="1") == "Bag은 1장입니다."


def test_a_parameter_may_be_in_two_languages_or_another_text(planted: Texts) -> None:
    assert planted.plain("a", "ko", name=Both(), count="2") == "코트는 2장입니다."
    inner = say("a", name=Both(), count="2")
    assert planted.plain(say("b", inner=inner)) == "see: coat has 2 pictures."
    assert planted.words(Both()) == '<span lang="en">coat</span><span lang="ko">코트</span>'


def test_html_has_every_language_and_escapes_everything(planted: Texts) -> None:
    found = planted.html("c", name="<b>Bag</b>")
    assert isinstance(found, Markup)
    assert found == (
        '<span lang="en">&lt;&lt;b&gt;Bag&lt;/b&gt;&gt;</span>'
        '<span lang="ko">&lt;&lt;b&gt;Bag&lt;/b&gt;로&gt;</span>'
    )
    assert planted.svg("c", name="x").startswith('<tspan lang="en">&lt;x&gt;</tspan>')


def test_a_parameter_that_looks_like_a_parameter_stays_text(planted: Texts) -> None:
    assert planted.plain("c", name="{name}") == "<{name}>"


def test_a_missing_parameter_or_text_is_an_error_of_ours(planted: Texts) -> None:
    for key, params in (("a", {"name": "x"}), ("nothing", {})):
        with pytest.raises(KeyError):
            planted.plain(key, **params)


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FittingroomError, match="'fr'; known are en, ko"):
        Texts("fr")


def test_no_text_is_missing_in_a_language() -> None:
    known = {language: load(language) for language in LANGUAGES}
    assert known["en"].keys() == known["ko"].keys()
    for key in known["en"]:
        assert parameters(known["en"][key]) == parameters(known["ko"][key]), key
        assert all(known[language][key].strip() for language in LANGUAGES), key


def test_every_form_of_a_parameter_is_one_that_exists() -> None:
    for language in LANGUAGES:
        for key, text in load(language).items():
            for forms in re.findall(r"\{\w+:([^{}]*)\}", text):
                if language == "ko":
                    assert forms in PARTICLES, key
                else:
                    assert re.fullmatch(r"[^/]+/[^/]+", forms), key


def test_korean_is_korean_and_english_is_english() -> None:
    for key, text in load("en").items():
        assert not re.search("[가-힣]", text), key
    for key, text in load("ko").items():
        words = re.sub(r"\{[^{}]*\}", "", text)
        assert re.search("[가-힣]", words) or not re.search(r"[a-z]{3}", words), key


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    files = [path for path in ROOM.rglob("*") if path.suffix in {".py", ".jinja", ".js"}]
    source = "\n".join(path.read_text("utf-8") for path in files)
    keys, starts = set(KEY.findall(source)), tuple(START_OF_KEY.findall(source))
    known = load("en")
    tables = {key.split(".")[0] for key in known}
    unused = [key for key in known if key not in keys and not key.startswith(starts)]
    assert unused == []
    missing = [key for key in keys if key.split(".")[0] in tables and key not in known]
    not_keys = (".py", ".jinja", ".json", ".toml", "-", ".")  # names of files, starts of keys
    assert [key for key in missing if not key.endswith(not_keys)] == []

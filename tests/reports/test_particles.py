from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.reports.particles import PARTICLES, sound, with_particle

SYLLABLES = st.integers(ord("가"), ord("힣")).map(chr)


@pytest.mark.parametrize(
    ("word", "topic", "direction"),
    [
        ("셔츠", "셔츠는", "셔츠로"),
        ("가방", "가방은", "가방으로"),
        ("양말", "양말은", "양말로"),  # ㄹ
        ("Shirt", "Shirt는", "Shirt로"),
        ("T-shirt/top", "T-shirt/top은", "T-shirt/top으로"),
        ("Trouser", "Trouser는", "Trouser로"),
        ("Coat", "Coat는", "Coat로"),
        ("Sandal", "Sandal은", "Sandal로"),
        ("Bag", "Bag은", "Bag으로"),
        ("Ankle boot", "Ankle boot는", "Ankle boot로"),
        ("airplane", "airplane은", "airplane으로"),
        ("automobile", "automobile은", "automobile로"),
        ("truck", "truck은", "truck으로"),
        ("CNN", "CNN은", "CNN으로"),
        ("MLP", "MLP는", "MLP로"),
        ("0", "0은", "0으로"),  # 영
        ("1", "1은", "1로"),  # 일
        ("5", "5는", "5로"),  # 오
        ("6", "6은", "6으로"),  # 육
        ("10,000", "10,000은", "10,000으로"),  # 만
        ("0.001", "0.001은", "0.001로"),
        ("88.94%", "88.94%는", "88.94%로"),  # 퍼센트
        ("(가방)", "(가방)은", "(가방)으로"),
        ("🙂", "🙂는", "🙂로"),
        ("", "는", "로"),
    ],
)
def test_the_particle_follows_how_the_word_is_read(word: str, topic: str, direction: str) -> None:
    assert with_particle(word, "은/는") == topic
    assert with_particle(word, "으로/로") == direction


def test_each_pair_gives_the_form_after_a_consonant_first() -> None:
    assert [with_particle("옷", pair) for pair in PARTICLES] == [
        "옷은",
        "옷이",
        "옷을",
        "옷과",
        "옷으로",
    ]
    assert [with_particle("코트", pair) for pair in PARTICLES] == [
        "코트는",
        "코트가",
        "코트를",
        "코트와",
        "코트로",
    ]


@given(SYLLABLES)
def test_a_syllable_ends_as_its_decomposition_says(syllable: str) -> None:
    """Unicode's own decomposition has the final consonant as a third letter."""
    import unicodedata

    letters = unicodedata.normalize("NFD", syllable)
    expected = "open" if len(letters) == 2 else "rieul" if letters[2] == "\u11af" else "closed"
    assert sound(syllable) == sound(letters) == expected


@given(st.text(), st.sampled_from(PARTICLES))
def test_any_text_gets_one_of_the_two_forms(word: str, pair: str) -> None:
    assert with_particle(word, pair).removeprefix(word) in pair.split("/")

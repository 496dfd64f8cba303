"""Korean particles: which of 은/는, 이/가, 을/를, 과/와, 으로/로 follows a word.

The form depends on how the word ends when it is read aloud: after a final consonant 은, 이, 을,
과, 으로; after a vowel 는, 가, 를, 와, 로; and after ㄹ 로 too (Korean orthography, article 18 and
the dictionary's entries of the particles; https://korean.go.kr).

- Hangul: a syllable's final consonant is part of its code point (Unicode 3.12).
- Digits as read in Korean: 영, 일, 이, 삼, ...; a zero at the end is 영, 십, 백, 천 or 만, all of
  them with a final consonant. "%" is 퍼센트.
- Capital abbreviations letter by letter (CNN is 시엔엔), other Latin words as loanwords are
  written (외래어 표기법, chapter 3, section 1): l, m, n and ng close a syllable; p, t, k do after
  a single short vowel (top 톱, jacket 재킷, but coat 코트, shirt 셔트); other letters do not.
  A rule by letters is sometimes wrong about sounds; `SPOKEN` holds words for which it is.
"""

from __future__ import annotations

import re
import unicodedata

PARTICLES = ("은/는", "이/가", "을/를", "과/와", "으로/로")

OPEN, CLOSED, RIEUL = "open", "closed", "rieul"

DIGITS = dict(zip("0123456789", "CROCOOCRRO", strict=True))
LETTERS = {"L": RIEUL, "R": RIEUL, "M": CLOSED, "N": CLOSED}
SPOKEN = {"bag": CLOSED, "book": CLOSED, "look": CLOSED, "web": CLOSED}

_SHORT = re.compile(r"(^|[^aeiou])[aeiouy][ptk]$|ck$")
_ACRONYM_LENGTH = 5


def with_particle(word: str, pair: str) -> str:
    """Return `word` followed by the form of the particle that fits it.

    Parameters
    ----------
    pair
        One of `PARTICLES`: the form after a consonant, then the one after a vowel.
    """
    after_consonant, after_vowel = pair.split("/")
    ending = sound(word)
    light = ending == OPEN or (ending == RIEUL and pair == "으로/로")
    return word + (after_vowel if light else after_consonant)


def sound(word: str) -> str:
    """Return how a word ends when it is read in Korean: "open", "closed" or "rieul" (ㄹ)."""
    spoken = unicodedata.normalize("NFC", word)
    spoken = "".join(mark for mark in spoken if mark.isalnum() or mark in "% ").strip()
    if not spoken or spoken[-1] == "%":
        return OPEN
    last = spoken[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return {0: OPEN, 8: RIEUL}.get(final, CLOSED)
    if last in DIGITS:
        return {"O": OPEN, "C": CLOSED, "R": RIEUL}[DIGITS[last]]
    return _latin(re.findall(r"[A-Za-z]*$", re.sub(r"[^\w]", " ", word).strip())[0])


def _latin(word: str) -> str:
    """Judge the ending of a Latin word; any other script counts as open."""
    if word.isupper() and len(word) <= _ACRONYM_LENGTH:
        return LETTERS.get(word[-1], OPEN)
    lower = word.lower()
    if lower in SPOKEN:
        return SPOKEN[lower]
    if len(lower) > 3 and lower[-2:] in {"le", "me", "ne"}:
        lower = lower[:-1]  # a silent e: airplane 에어플레인, ankle 앵클
    if lower.endswith("l"):
        return RIEUL
    if lower.endswith(("m", "n", "ng")) or _SHORT.search(lower):
        return CLOSED
    return OPEN

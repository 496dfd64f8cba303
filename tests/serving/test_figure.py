from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.serving.figure import MOST_PHOTOS
from fittingroom.serving.predictor import RunPredictor

pytestmark = pytest.mark.usefixtures("isolated")


def words(figure: object) -> list[str]:
    """Return every text in a figure."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    assert isinstance(figure, Figure)
    return [text.get_text() for text in figure.findobj(Text)]


def test_each_photo_has_a_row_with_what_was_seen_and_answered(
    predictor: RunPredictor, photos: Path
) -> None:
    found = fr.predict(predictor, photos)
    figure = found.plot()
    assert len(figure.axes) == 3 * 3
    for one in found:
        assert one.answer in words(figure)
    explained = fr.predict(predictor, photos, explain=True).plot()
    assert len(explained.axes) == 4 * 3
    assert "what mattered" in words(explained)


def test_warnings_stand_above_and_sketches_are_named(predictor: RunPredictor, photos: Path) -> None:
    found = fr.predict(predictor, photos / "b.png")
    warned = replace(found[0].photo, warnings=("cut-off",))
    shown = replace(found, predictions=(replace(found[0], photo=warned),)).plot()
    assert any("reaches over the edge" in text for text in words(shown))
    assert any("sketches, not Fashion-MNIST" in text for text in words(shown))


def test_of_many_photos_the_first_are_drawn(predictor: RunPredictor, photos: Path) -> None:
    found = fr.predict(predictor, [photos / "b.png"] * (MOST_PHOTOS + 1))
    figure = found.plot()
    assert len(figure.axes) == 3 * MOST_PHOTOS
    assert f"first {MOST_PHOTOS} of {MOST_PHOTOS + 1}" in " ".join(words(figure))


def test_letters_that_no_font_has_are_left_out_also_of_the_datas_name(
    predictor: RunPredictor, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "data_name", "my data \N{DRESS}")
    figure = fr.predict(predictor, photos / "b.png").plot()
    figure.savefig("picture.png")  # where matplotlib would warn
    assert any("trained on my data;" in text for text in words(figure))

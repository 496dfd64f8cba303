from __future__ import annotations

import numpy as np

from fittingroom.data.dataset import Images
from fittingroom.serving.heat import heat_map
from fittingroom.serving.predictor import Answers
from fittingroom.serving.preparation import Preparation


class Corner:
    """Answers "yes" the surer, the lighter the upper left corner is."""

    name, data_name = "corner", "made for a test"
    classes: tuple[str, ...] = ("no", "yes")
    threshold, fitted_on, sketches = 1.0, "validation", False

    def __init__(self, shape: tuple[int, int, int], *, alone: bool) -> None:
        self.preparation = Preparation(shape, alone, 0, shape[2], 1.0)

    def answer(self, images: Images) -> Answers:
        yes = 0.1 + 0.8 * images[:, 0, :4, :4].mean(axis=(1, 2)) / 255
        return Answers(
            np.stack([1 - yes, yes], 1).astype(np.float32), np.zeros(len(images), np.float32)
        )


def explained(predictor: Corner, seen: Images) -> np.ndarray:
    return heat_map(
        predictor.answer, predictor.preparation, seen, predictor.answer(seen[None]).probabilities[0]
    )


def test_what_mattered_is_where_covering_takes_from_the_answer() -> None:
    seen = np.full((1, 28, 28), 200, np.uint8)
    found = explained(Corner((1, 28, 28), alone=True), seen)
    assert found.shape == (28, 28)
    assert found.dtype == np.float32
    assert found.max() == 1
    assert found[:4, :4].max() == 1
    assert not found[10:].any()
    assert not found[:, 10:].any()


def test_covering_that_adds_to_the_answer_is_below_zero() -> None:
    seen = np.full((1, 28, 28), 20, np.uint8)  # the answer is no, and the more so when covered
    found = explained(Corner((1, 28, 28), alone=True), seen)
    assert found.min() == -1
    assert found.max() == 0


def test_whole_photos_are_covered_with_their_mean_colour() -> None:
    seen = np.zeros((3, 20, 24), np.uint8)
    seen[:, 10:] = 200  # so that the mean is lighter than the corner, which says no
    found = explained(Corner((3, 20, 24), alone=False), seen)
    assert found.shape == (20, 24)
    assert found[:2, :2].max() > 0


def test_where_nothing_mattered_nothing_is_shown() -> None:
    seen = np.zeros((1, 28, 28), np.uint8)
    assert not explained(Corner((1, 28, 28), alone=True), seen).any()


def test_a_picture_of_one_pixel_can_be_explained() -> None:
    predictor = Corner((1, 1, 1), alone=True)
    assert explained(predictor, np.full((1, 1, 1), 255, np.uint8)).shape == (1, 1)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fittingroom.errors import DataError
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.figures import mistakes_sheet, samples_sheet, save, single_image


def shown(axes: Any) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(image.get_array()) for image in axes.images]


def test_a_grey_picture_is_drawn_as_in_the_notebook() -> None:
    image = np.arange(28 * 28, dtype=np.uint8).reshape(1, 28, 28)
    figure = single_image(image, "Ankle boot", caption="first picture", sketches=True)
    axes, bar = figure.axes
    assert axes.images[0].get_cmap().name == "binary"
    assert axes.images[0].get_clim() == (0, 255)
    np.testing.assert_array_equal(shown(axes)[0], image[0])
    assert bar.get_ylim() == (0, 255)
    assert [text.get_text() for text in figure.texts] == [
        "Ankle boot",
        "first picture; 28 x 28 pixels, values 0 to 255",
        SKETCHES_NOTE,
    ]


def test_a_colour_picture_has_no_colour_bar() -> None:
    image = np.zeros((3, 16, 20), np.uint8)
    image[0] = 255
    (axes,) = single_image(image, "$red$").axes
    assert shown(axes)[0].shape == (16, 20, 3)
    assert shown(axes)[0][0, 0].tolist() == [255, 0, 0]


def test_samples_are_the_first_of_each_class_in_rows_with_names(pictures: Any) -> None:
    dataset = pictures(np.array([1, 0, 1, 0, 1]), ("cat", "dog"), (1, 4, 4))
    (axes,) = samples_sheet(dataset, data_name="pets", per_class=4).axes
    assert [text.get_text() for text in axes.texts] == ["cat", "dog"]
    cats, dogs = shown(axes)
    np.testing.assert_array_equal(cats[:, :4], dataset.images[1, 0])
    np.testing.assert_array_equal(cats[:, -4:], dataset.images[3, 0])
    np.testing.assert_array_equal(dogs[:, -4:], dataset.images[4, 0])


def test_seeded_samples_repeat_and_differ_by_seed(pictures: Any) -> None:
    dataset = pictures(np.zeros(50, np.int64), ("cat",))

    def drawn(seed: int) -> bytes:
        return shown(samples_sheet(dataset, data_name="pets", seed=seed).axes[0])[0].tobytes()

    assert drawn(1) == drawn(1) != drawn(2)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 24)])
def test_a_class_without_pictures_keeps_its_row(shape: Any, pictures: Any, tmp_path: Any) -> None:
    dataset = pictures(np.array([0, 2]), ("cat", "dog", "cow"), shape)
    figure = samples_sheet(dataset, data_name="pets", sketches=True)
    assert len(figure.axes[0].texts) == 3
    assert len(figure.axes[0].images) == 2
    assert figure.texts[-1].get_text() == SKETCHES_NOTE
    save(figure, tmp_path / "samples")


@pytest.mark.parametrize("count", [2, 16, 17, 47, 100])
def test_names_of_many_classes_stay_on_the_sheet_and_off_the_pictures(
    count: int, pictures: Any
) -> None:
    classes = tuple(f"a category called {k}" for k in range(count))
    figure = samples_sheet(pictures(np.arange(count).repeat(2), classes), data_name="pets")
    (axes,) = figure.axes
    images = [image.get_window_extent() for image in axes.images]
    for text in axes.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert not any(box.overlaps(image) for image in images)


def test_mistakes_show_the_surest_first_with_both_names(build: Any, pictures: Any) -> None:
    evaluation = build()
    dataset = pictures(evaluation.labels)
    figure = mistakes_sheet(evaluation, dataset, count=7)
    (axes,) = figure.axes
    assert len(axes.images) == 7
    first = evaluation.mistakes()[0]
    np.testing.assert_array_equal(shown(axes)[0], dataset.images[first, 0])
    predicted, true = (text.get_text() for text in axes.texts[:2])
    name = evaluation.classes[evaluation.predicted[first]]
    assert predicted == f"{name} {evaluation.confidence[first]:.1%}"
    assert true == f"true: {evaluation.classes[evaluation.labels[first]]}"
    assert f"7 of {len(evaluation.mistakes())} mistakes" in figure.texts[1].get_text()


def test_no_mistakes_are_said_to_be_none(build: Any, pictures: Any, tmp_path: Any) -> None:
    evaluation = build([0, 1], [0, 1], sketches=True)
    figure = mistakes_sheet(evaluation, pictures(evaluation.labels))
    assert figure.texts[1].get_text().startswith("None: every picture is predicted correctly")
    assert figure.texts[-1].get_text() == SKETCHES_NOTE
    save(figure, tmp_path / "mistakes")


def test_a_certain_mistake_is_not_called_impossible(build: Any, pictures: Any) -> None:
    evaluation = build([0], [1])
    (axes,) = mistakes_sheet(evaluation, pictures(evaluation.labels)).axes
    assert axes.texts[0].get_text() == "Trouser 99.9%"


def test_long_names_stay_under_their_own_picture(build: Any, pictures: Any) -> None:
    names = ("a class with a name that never ends", "WWWWWWWWWWWWWWWWWWWWWWWWWWWW")
    evaluation = build([0, 1] * 6, [1, 0] * 6, names)
    (axes,) = mistakes_sheet(evaluation, pictures(evaluation.labels, names)).axes
    boxes = [text.get_window_extent() for text in axes.texts]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    assert not any(a.overlaps(b) for a, b in pairs)


def test_pictures_that_were_not_evaluated_are_refused(build: Any, pictures: Any) -> None:
    evaluation = build([0, 1], [1, 0])
    for labels in (np.array([0, 1, 1]), np.array([1, 1])):
        with pytest.raises(DataError, match="not those that were evaluated"):
            mistakes_sheet(evaluation, pictures(labels))

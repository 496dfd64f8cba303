from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fittingroom.data import sketches
from fittingroom.data.fashion_mnist import CLASSES
from fittingroom.data.sketches import MARKER, MAX_PICTURES, NOTE, batches, canvas, draw, write_idx
from fittingroom.data.sketches.outlines import Array, Part, outline, stroke
from fittingroom.data.sketches.wardrobe import WARDROBE, Style
from fittingroom.errors import DataError

FASHION_MNIST_FILES = {
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
}
STYLES = [
    pytest.param(style, id=f"{name}-{number}")
    for name, styles in WARDROBE.items()
    for number, style in enumerate(styles)
]


def inside(contour: Array, x: float, y: float) -> bool:
    """Even-odd rule by walking round one contour, (V, 2): an independent reference."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(contour, np.roll(contour, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            crossings += 1
    return crossings % 2 == 1


# The data set


def test_is_grey_28_by_28_with_the_classes_of_fashion_mnist() -> None:
    data = draw(40, 20)
    assert data.learning.images.shape == (40, 1, 28, 28)
    assert data.test.images.shape == (20, 1, 28, 28)
    assert data.learning.images.dtype == np.uint8
    assert data.learning.labels.dtype == np.int64
    assert data.classes == CLASSES


def test_says_that_it_is_sketches_and_how_to_get_the_real_pictures() -> None:
    data = draw(10, 10, seed=3)
    assert data.sketches
    assert (data.name, data.source, data.notes) == ("sketches", "drawn with seed 3", (NOTE,))
    assert "not Fashion-MNIST" in NOTE
    assert "--data fashion-mnist" in NOTE


def test_same_seed_draws_the_same_pictures() -> None:
    assert draw(60, 30, seed=7).fingerprint == draw(60, 30, seed=7).fingerprint


def test_drawings_have_not_changed_unnoticed() -> None:
    """Results on sketches are published: who changes the drawings measures them anew."""
    assert draw(200, 100).fingerprint == (
        "d9bda7c2b2f46fd72cec172fa78c7b61faf05b9751da138f97b4172feb4ac9af"
    )


def test_pictures_do_not_depend_on_what_was_drawn_before() -> None:
    first = draw(30, 10)
    draw(50, 50, seed=9)
    assert draw(30, 10).fingerprint == first.fingerprint


def test_another_process_draws_the_same_pictures() -> None:
    code = "from fittingroom.data.sketches import draw; print(draw(50, 20, seed=1).fingerprint)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == draw(50, 20, seed=1).fingerprint


def test_another_seed_draws_other_pictures_in_another_order() -> None:
    one, other = draw(100, 20, seed=0), draw(100, 20, seed=1)
    assert not np.array_equal(one.learning.labels, other.learning.labels)
    assert not set(map(bytes, one.learning.images)) & set(map(bytes, other.learning.images))


def test_test_pictures_stay_the_same_for_any_number_of_training_pictures() -> None:
    small, large = draw(20, 30), draw(200, 30)
    np.testing.assert_array_equal(small.test.images, large.test.images)
    np.testing.assert_array_equal(small.test.labels, large.test.labels)


def test_no_picture_is_drawn_twice_within_or_across_the_parts() -> None:
    data = draw(1_500, 500)
    pictures = [*map(bytes, data.learning.images), *map(bytes, data.test.images)]
    assert len(set(pictures)) == 2_000


def test_train_and_test_streams_differ_even_for_equal_numbers() -> None:
    data = draw(100, 100)
    assert not np.array_equal(data.learning.labels, data.test.labels)


def test_classes_are_balanced_and_shuffled() -> None:
    data = draw(500, 200)
    np.testing.assert_array_equal(data.learning.class_counts, np.full(10, 50))
    np.testing.assert_array_equal(data.test.class_counts, np.full(10, 20))
    assert np.count_nonzero(np.diff(data.learning.labels)) > 400


@pytest.mark.parametrize(("train", "test"), [(1, 1), (13, 7), (1_023, 1)])
def test_any_number_of_pictures_can_be_drawn(train: int, test: int) -> None:
    data = draw(train, test)
    assert (len(data.learning), len(data.test)) == (train, test)
    assert np.ptp(data.learning.class_counts) <= 1


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"train": 0}, "training sketches must be 1 to 1,000,000, found 0"),
        ({"train": -5}, "training sketches"),
        ({"test": 0}, "test sketches"),
        ({"test": -1}, "test sketches"),
        ({"train": MAX_PICTURES + 1}, "found 1,000,001"),
        ({"test": 10**30}, "test sketches"),
        ({"seed": -1}, "seed of the sketches must be 0 or more, found -1"),
    ],
)
def test_nonsense_numbers_are_refused(numbers: dict[str, int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        draw(**({"train": 10, "test": 10} | numbers))


def test_lack_of_memory_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sketches, "_part", exhausted)
    with pytest.raises(DataError, match=r"20,000 \+ 10 sketches do not fit into memory"):
        draw(20_000, 10)


# The pictures


@pytest.mark.parametrize("style", STYLES)
def test_every_style_fills_its_frame_on_a_black_ground(style: Style) -> None:
    pictures = batches.garments(style, 200, np.random.default_rng(0))
    drawn = pictures > 0
    spans = np.maximum(drawn.any(axis=1).sum(axis=1), drawn.any(axis=2).sum(axis=1))
    assert spans.min() >= 24
    assert 0.1 < drawn.mean() < 0.75
    corners = pictures[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert np.median(corners) == 0


def test_every_class_has_styles_whose_shares_add_up_to_one() -> None:
    assert tuple(WARDROBE) == CLASSES
    for styles in WARDROBE.values():
        assert sum(style.share for style in styles) == pytest.approx(1)


def test_every_span_runs_from_low_to_high_over_a_part_of_the_garments() -> None:
    for styles in WARDROBE.values():
        for low, high, *part in (span for style in styles for span in style.spans.values()):
            assert low <= high
            assert all(0 < share < 1 or share == 1 for share in part)


def test_grey_levels_are_about_those_of_fashion_mnist() -> None:
    """The real training set has mean 72.9 and standard deviation 90.0."""
    images = draw(3_000, 10).learning.images
    assert images.mean() == pytest.approx(72.9, abs=4)
    assert images.std() == pytest.approx(90.0, abs=5)


def test_small_batches_leave_no_picture_undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 7)
    images = draw(200, 10).learning.images
    assert (images.reshape(200, -1).max(axis=1) > 0).all()


# The canvas


def test_coverage_of_a_box_is_its_area_in_each_pixel() -> None:
    box = outline((2.25, 3.0), (5.5, 3.0), (5.5, 6.0), (2.25, 6.0))
    expected = np.zeros((28, 28))
    expected[3:6, 2:6] = (0.75, 1.0, 1.0, 0.5)
    np.testing.assert_allclose(canvas.coverage(box)[0], expected, atol=1e-6)


def test_coverage_agrees_with_the_even_odd_rule_on_random_polygons() -> None:
    rng = np.random.default_rng(1)
    triangles = rng.uniform(-5, 33, (40, 1, 3, 2))
    covered = canvas.coverage(triangles)
    sub = (np.arange(10) + 0.5) / 10
    for triangle, found in zip(triangles[:, 0], covered, strict=True):
        for row, column in rng.integers(0, 28, (12, 2)):
            expected = np.mean([inside(triangle, column + x, row + y) for x in sub for y in sub])
            assert found[row, column] == pytest.approx(expected, abs=0.2)


def test_total_coverage_is_the_polygons_area() -> None:
    """Against the shoelace formula; the rest is what lies between the sampled lines."""
    rng = np.random.default_rng(2)
    triangles = rng.uniform(1, 27, (50, 1, 3, 2))
    (x0, y0), (x1, y1), (x2, y2) = np.moveaxis(triangles[:, 0], 0, -1)
    area = np.abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2
    np.testing.assert_allclose(canvas.coverage(triangles).sum(axis=(1, 2)), area, atol=1.5)


def test_winding_does_not_matter_and_equal_contours_unite() -> None:
    triangle = outline((3.0, 4.0), (20.0, 6.0), (9.0, 25.0))
    once = canvas.coverage(triangle)
    np.testing.assert_allclose(canvas.coverage(triangle[:, :, ::-1]), once, atol=1e-6)
    twice = np.concatenate([triangle, triangle], axis=1)
    assert (canvas.coverage(twice) >= once - 1e-6).all()
    assert canvas.coverage(twice).max() == 1


def test_polygons_are_cut_off_at_the_frame() -> None:
    everything = outline((-50.0, -50.0), (90.0, -50.0), (90.0, 90.0), (-50.0, 90.0))
    np.testing.assert_allclose(canvas.coverage(everything), 1, atol=1e-6)
    outside = outline((30.0, 2.0), (40.0, 2.0), (40.0, 20.0), (30.0, 20.0))
    assert canvas.coverage(outside).max() == 0


def test_stroke_covers_length_times_width() -> None:
    line = stroke(2.0, (4.0, 10.0), (24.0, 10.0))
    assert canvas.coverage(line).sum() == pytest.approx(2 * (20 + 1), abs=0.1)  # overlaps both ends


def test_hidden_parts_neither_show_nor_count_for_the_frame() -> None:
    near = outline((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    far = near + 100.0
    still = dict.fromkeys(("shift_x", "shift_y", "tilt", "shear", "sway", "phase"), np.zeros(1))
    measures = still | {"size": np.full(1, 0.5), "stretch": np.ones(1)}
    parts = canvas.pose([Part(near), Part(far, np.zeros(1), 9.0)], measures)
    picture = canvas.paint(parts, 1)[0]
    expected = np.zeros((28, 28))
    expected[7:21, 7:21] = 1
    np.testing.assert_allclose(picture, expected, atol=1e-6)


# As files


def read_idx(path: Path) -> NDArray[np.uint8]:
    content = gzip.decompress(path.read_bytes())
    assert content[:3] == b"\0\0\x08"
    shape = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def test_written_files_hold_what_was_drawn(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "new" / "folder", 30, 20, seed=4)
    data = draw(30, 20, seed=4)
    assert {path.name for path in folder.iterdir()} == FASHION_MNIST_FILES | {
        "classes.txt",
        "sketches.json",
    }
    for prefix, part in (("train", data.learning), ("t10k", data.test)):
        images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
        np.testing.assert_array_equal(images, part.images[:, 0])
        np.testing.assert_array_equal(labels, part.labels)
    assert (folder / "classes.txt").read_text("utf-8").splitlines() == list(CLASSES)


def test_marker_says_how_the_sketches_were_drawn(tmp_path: Path) -> None:
    marker = json.loads((write_idx(tmp_path, 30, 20, seed=4) / MARKER).read_text("utf-8"))
    assert marker == {"sketches": True, "train": 30, "test": 20, "seed": 4, "note": NOTE}


def test_written_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    one, other = write_idx(tmp_path / "one", 20, 10), write_idx(tmp_path / "other", 20, 10)
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes()


def test_sketches_replace_sketches(tmp_path: Path) -> None:
    write_idx(tmp_path, 30, 20)
    write_idx(tmp_path, 10, 10)
    assert len(read_idx(tmp_path / "train-labels-idx1-ubyte.gz")) == 10


def test_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    real = tmp_path / "train-images-idx3-ubyte.gz"
    real.write_bytes(b"the real pictures")
    with pytest.raises(DataError, match=r"found train-images-idx3-ubyte\.gz; choose another"):
        write_idx(tmp_path, 10, 10)
    assert [path.name for path in tmp_path.iterdir()] == [real.name]
    assert real.read_bytes() == b"the real pictures"


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(DataError, match="taken: the sketches cannot be written"):
        write_idx(tmp_path / "taken", 10, 10)


@pytest.mark.parametrize("survivors", range(6))
def test_a_crash_leaves_only_whole_files_behind_a_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survivors: int
) -> None:
    """The disk is full after `survivors` whole files and half of the next one."""
    whole = write_idx(tmp_path / "whole", 20, 10)
    write_bytes, written = Path.write_bytes, []

    def write_until_full(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) > survivors:
            write_bytes(path, content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(DataError, match="No space left on device"):
        write_idx(tmp_path / "full", 20, 10)
    left = {path.name: path.read_bytes() for path in (tmp_path / "full").iterdir()}
    assert len(left) == survivors
    assert not left or MARKER in left
    assert all((whole / name).read_bytes() == content for name, content in left.items())


# How hard they are


def test_a_linear_model_learns_much_but_not_all_and_confuses_tops() -> None:
    """Logistic regression reaches about 84% on Fashion-MNIST; shirts are its weakest class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import confusion_matrix

    data = draw(3_000, 1_000)
    flat = [part.images.reshape(len(part), -1) / 255 for part in (data.learning, data.test)]
    model = LogisticRegression(C=0.01, max_iter=200, tol=1e-2).fit(flat[0], data.learning.labels)
    predicted = model.predict(flat[1])
    assert 0.70 < np.mean(predicted == data.test.labels) < 0.86

    mistakes = confusion_matrix(data.test.labels, predicted)
    np.fill_diagonal(mistakes, 0)
    tops = [CLASSES.index(name) for name in ("T-shirt/top", "Pullover", "Coat", "Shirt")]
    assert mistakes[np.ix_(tops, tops)].sum() > 0.6 * mistakes.sum()
    assert mistakes.sum(axis=1).argmax() == CLASSES.index("Shirt")

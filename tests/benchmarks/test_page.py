"""The page is written from the files of results alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import costs
import ladder
import page
import results
from row import MACHINE, OURS
from rows.loop_parts import PARTS, PYTHON, REST, shares

RATES = {
    "gflops_best": 200.0,
    "gflops_64x784x256": 200.0,
    "gflops_conv_3x3_64_14x14": 100.0,
    "gb_per_s": 10.0,
}
WORK = {
    "multiply_adds": 234_752,
    "first_layer": 200_704,
    "activations": 394,
    "parameters": 235_146,
    "fixed_multiply_adds": 0,
    "pictures": 900_000,
    "steps": 14_070,
}


@pytest.fixture
def folder(result: Callable[..., Any], tmp_path: Path) -> Path:
    """Two measured rows as files."""
    one_run = {
        "notebook's loop": [{"seconds": 30.0, "accuracy": 0.889}] * 2,
        OURS: [{"seconds": 15.0, "accuracy": a, "work": WORK} for a in (0.889, 0.891)],
        MACHINE: [RATES],
    }
    instead = {"Keras tutorial": [{"seconds": 20.0, "accuracy": 0.88, "peak_MB": 600.0}]}
    place = tmp_path / "results"
    results.write(result("one-run", reference="notebook's loop", ways=one_run), place)
    results.write(result("instead", ways=instead, note="1 turn of 3"), place)
    return place


def test_page_has_every_aim_and_says_what_was_not_measured(folder: Path, tmp_path: Path) -> None:
    page.write(folder, tmp_path / "speed.md")
    text = (tmp_path / "speed.md").read_text("utf-8")
    headline = text[: text.index("## ")].splitlines()
    rows = {line.split(" | ")[0][2:]: line for line in headline if line.startswith("| ")}
    assert "2x (2x to 2x, n=2); 15 s (15 to 15, n=2) | reached |" in rows["one-run"]
    assert rows["gpu-94"].endswith("| not measured | not measured |")
    assert "Shortened: instead: 1 turn of 3." in text
    assert "`FITTINGROOM_DATA=... python benchmarks one-run`" in text
    assert (tmp_path / "images" / "ladder.png").is_file()
    assert "](images/ladder.png)" in text


def test_page_without_any_result_stands_too(tmp_path: Path) -> None:
    page.write(tmp_path / "nothing", tmp_path / "speed.md")
    text = (tmp_path / "speed.md").read_text("utf-8")
    assert "nothing measured yet" in text
    assert not (tmp_path / "images").exists()


def test_a_result_is_read_back_as_it_was_written(folder: Path) -> None:
    found = results.read_all(folder)["one-run"]
    assert found.values(OURS, "accuracy") == [0.889, 0.891]
    assert found.ratios(OURS) == [2.0, 2.0]


def test_limits_say_how_far_a_row_is_from_them(folder: Path) -> None:
    lines = costs.limits(results.read_all(folder))
    # 906.2e9 operations at 200e9 a second; 7 floats x 235,146 x 938 x 15 steps at 10e9 bytes.
    assert "| one-run | 906 | 4.53 s | 9.83 s | 15 s | 1.5 times |" in lines
    assert "| convolution 3x3, 64 to 64 channels, 14x14 | 100 GFLOP/s (n=1) |" in lines


def test_rates_of_a_gpu_are_told_apart_from_those_of_the_cpu(folder: Path) -> None:
    found = results.read_all(folder)
    there = replace(found["one-run"], row="gpu-94", machine={"gpu": "NVIDIA X"})
    lines = costs.limits(found | {"gpu-94": there})
    heads = [line for line in lines if line.startswith("| measured beside the rows")]
    assert heads == [
        "| measured beside the rows | median (lowest to highest) |",
        "| measured beside the rows on NVIDIA X, bf16 | median (lowest to highest) |",
    ]


def test_straight_line_is_found() -> None:
    exact = {n: [0.1 + 0.02 * n / 1000] for n in (15_000, 30_000, 60_000, 240_000)}
    assert costs.straight_line(exact, "pictures") == (
        "Seconds = 0.1 + 0.02 for each 1,000 pictures; no median is further from this line than 0%."
    )


def test_ladder_labels_do_not_cover_marks_or_each_other() -> None:
    rungs = [
        ladder.Rung(
            f"a way with a long name, {number}", number % 2 == 0, s, a, (a - 0.001, a + 0.001)
        )
        for number, (s, a) in enumerate(
            [
                (1.6, 0.89),
                (15.0, 0.89),
                (30.0, 0.8895),
                (18.0, 0.882),
                (29.0, 0.921),
                (330.0, 0.922),
            ]
        )
    ]
    figure = ladder.draw(rungs, "a machine")
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == len(rungs)
    marks = [ladder.mark_box(axes, rung) for rung in rungs]
    for number, box in enumerate(boxes):
        others = boxes[:number] + marks[:number] + marks[number + 1 :]
        assert all(ladder.overlap(box, other) < 1 for other in others)
        assert ladder.outside(box, figure.bbox) < 1


def test_ladder_describes_itself(folder: Path) -> None:
    text = ladder.alt_text(ladder.rungs_of(results.read_all(folder)))
    assert text.endswith(
        "notebook's loop 88.9% in 30 s; notebook-three-layer 89.0% in 15 s; "
        "Keras tutorial 88.0% in 20 s"
    )


def test_shares_of_the_loop_add_up_and_the_rest_is_python() -> None:
    own = {"aten::addmm": 0.5, "aten::_fused_adam_": 0.2, "aten::threshold_backward": 0.1}
    found = shares(own, 1.0)
    assert set(found) == {*PARTS, REST, PYTHON}
    assert (found["matrix products"], found["optimizer"], found[REST]) == (0.5, 0.2, 0.1)
    assert found[PYTHON] == pytest.approx(0.2)


def test_a_cluster_costs_something_once_and_something_for_each_run(
    result: Callable[..., Any],
) -> None:
    def found(study_seconds: float, driver_seconds: float, runs: int) -> list[dict[str, float]]:
        each = driver_seconds / runs
        return [{"study_seconds": study_seconds, "driver_seconds": each, "runs": runs}]

    ways = {
        "this machine, 8 runs": found(20.0, 1.0, 8),
        "this machine, 40 runs": found(84.0, 1.32, 40),
        "Ray, 8 runs": found(40.0, 4.0, 8),
        "Ray, 40 runs": found(120.0, 7.2, 40),
    }
    told = costs.cluster({"cluster": result("cluster", ways=ways)})
    assert told[2] == "| this machine, 8 runs | 20 (n=1) | 1 (n=1) |"
    assert told[-3] == (
        "this machine: 4 s before the first run, 2.00 s for each, of which 0.010 s of the driver's "
        "CPU."
    )
    assert told[-1] == (
        "Ray: 20 s before the first run, 2.50 s for each, of which 0.100 s of the driver's CPU."
    )
    assert costs.cluster({}) == ["Not measured."]


def test_the_ladder_names_the_machines_of_what_it_shows(result: Callable[..., Any]) -> None:
    one_run, cluster = result("one-run", ways={}), result("cluster", ways={})
    assert ladder.measured_for({"cluster": cluster, "one-run": one_run}) == [one_run]

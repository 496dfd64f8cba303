from __future__ import annotations

from pathlib import Path

from tests.reports.charts.conftest import Read
from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports.charts import ranking
from fittingroom.reports.charts.ranking import accuracy_range

RECORDED = [{"id": "1", "accuracy": 0.85, "settings": ["bad"], "label": "note 1"}]


def test_the_best_stands_above_with_every_seed_and_what_was_recorded(
    tmp_path: Path, read: Read
) -> None:
    study = plant_study(tmp_path, {"bad": BAD, "good": GOOD}, recorded=RECORDED)
    root, words = read(ranking(study.results))
    assert words.index("good") < words.index("bad")
    assert "90.03%" in words
    assert "80.08%" in words
    assert "seed 2: 89.80%" in words
    assert "recorded: note 1, 85.00%" in words
    dots = [element for element in root.iter() if element.tag.endswith("circle")]
    assert len(dots) == 8 + 1  # the seeds, and the legend's


def test_one_seed_has_no_interval_and_the_legend_says_so(tmp_path: Path, read: Read) -> None:
    _, words = read(ranking(plant_study(tmp_path, {"bad": [0.8], "good": [0.9]}).results))
    assert "interval" not in words
    assert "recorded" not in words


def test_a_very_wide_interval_does_not_squeeze_the_measurements(tmp_path: Path) -> None:
    results = plant_study(tmp_path, {"bad": [0.70, 0.90], "good": [0.90, 0.91]}).results
    assert results.setting("bad").interval is not None
    low, high = accuracy_range(results.ranking, {})
    assert low >= 0.5
    assert high <= 1

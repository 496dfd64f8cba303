from __future__ import annotations

from pathlib import Path

from tests.reports.charts.conftest import Read
from tests.reports.planting_tuning import plant_tuning, small_plan, trial_at

from fittingroom.reports.charts import history
from fittingroom.reports.charts.frame import Scale
from fittingroom.reports.charts.history import best_so_far
from fittingroom.reports.charts.trials import Plot, accuracy_ends

PLAN = small_plan()
ACCURACIES = (0.86, 0.85, 0.88, 0.87, 0.89)
TRIALS = [
    *(trial_at(PLAN, n, lr=0.001 * (n + 1), accuracy=a) for n, a in enumerate(ACCURACIES)),
    trial_at(PLAN, 5, "pruned", lr=0.01, accuracy=0.895, curve=(0.895,)),
]


def test_the_steps_are_the_highest_complete_accuracy_so_far(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", TRIALS, PLAN)
    plot = Plot.within(accuracy_ends(tuning.trials), Scale(0, 6, 0, 600), 0, 100)
    heights = {round(x / 100): y for x, y in best_so_far(tuning, plot)}
    expected = {0: 0.86, 2: 0.88, 4: 0.89, 6: 0.89}
    assert heights == {number: plot.frame.y(value) for number, value in expected.items()}


def test_every_trial_has_its_number_and_accuracy(tmp_path: Path, read: Read) -> None:
    _, words = read(history(plant_tuning(tmp_path / "t", TRIALS, PLAN)))
    for number, accuracy in enumerate(ACCURACIES):
        assert f"trial {number}: {accuracy:.2%}" in words
    assert "trial 5: 89.50% when it was stopped" in words
    assert "starting recipe" not in words


def test_the_starting_recipe_has_its_line(tmp_path: Path, read: Read) -> None:
    start = trial_at(PLAN, 6, lr=PLAN.start.lr, accuracy=0.87)
    _, words = read(history(plant_tuning(tmp_path / "t", [*TRIALS, start], PLAN)))
    assert "starting recipe" in words

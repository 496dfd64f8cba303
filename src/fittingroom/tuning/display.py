"""What Jupyter shows of a tuning."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fittingroom.data.display import headline, line, table, warning
from fittingroom.errors import FittingroomError, TuningError
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.studies.comparisons import in_points
from fittingroom.studies.display import ranking_table
from fittingroom.tuning.space import brief
from fittingroom.tuning.tuning import ranked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fittingroom.tuning.tuning import Trial, Tuning

MOST_TRIALS = 5
NOTHING = "\N{EN DASH}"
START, BEST = "start", "best"


def show_tuning(tuning: Tuning) -> str:
    """Return how many trials there are, the best of them, and the winner against the start."""
    data = tuning.record["data"]
    said = [warning(SKETCHES_NOTE)] if data["sketches"] else []
    said.append(headline(f"Tuning {tuning.name}", count_states(tuning)))
    if tuning.best is None:
        return "".join([*said, line("no trial is complete yet")])
    said += [
        line(f"{data['name']}, chosen on {data['validation']:,} validation pictures"),
        best_table(tuning),
        *([line(winner(tuning.finalists[0]))] if tuning.finalists else []),
    ]
    try:
        said.append(show_final(tuning))
    except FittingroomError as error:
        said.append(warning(str(error)))
    return "".join(said)


def count_states(tuning: Tuning) -> str:
    """Say how many trials came to which end."""
    states = Counter(trial.state for trial in tuning.trials)
    ends = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
    return f"{len(tuning.trials):,} trials" + (f": {ends}" if ends else "")


def best_table(tuning: Tuning) -> str:
    """Return the complete trials of the highest validation accuracy, the best first."""
    names = [parameter.name for parameter in tuning.plan.space.parameters]
    rows = [trial_cells(trial, names) for trial in ranked(tuning.trials)[:MOST_TRIALS]]
    heads = ["trial", "accuracy", *names, "seconds"]
    return table("Validation accuracy: flattering, since the trials are ranked by it", heads, rows)


def winner(trial: Trial) -> str:
    """Say what the best finalist came to."""
    seeds = len(trial.all_accuracies)
    return f"the winner, trial {trial.number}: {trial.mean:.2%}, mean of {seeds} seeds"


def trial_cells(trial: Trial, names: list[str]) -> list[str]:
    """Return a trial's number, accuracy, values and seconds."""
    return [
        str(trial.number),
        f"{trial.accuracy or 0.0:.2%}",
        *(brief(trial.values[name]) for name in names),
        NOTHING if trial.seconds is None else f"{trial.seconds:.1f}",
    ]


def show_final(tuning: Tuning) -> str:
    """Return the winner and the start on the test pictures, and how they differ."""
    final = tuning.final
    if final is None:
        return line("the winner has not been held against the start on the test set")
    results = final.results
    told = ranking_table(results)
    if {START, BEST} <= {setting.name for setting in results.settings}:
        found = results.compare(BEST, START).difference
        if found is not None:
            told += line(
                f"{BEST} - {START}: {in_points(found.mean)} points (95% interval "
                f"{in_points(found.low)} to {in_points(found.high)}), p = {found.p:.2g}, "
                f"paired over {found.n} seeds"
            )
    return told


def draw_tuning(tuning: Tuning) -> Figure:
    """Draw the trials by number and the best so far.

    Raises
    ------
    TuningError
        If no trial is complete.
    """
    from fittingroom.evaluation.figures import trial_history

    if tuning.best is None:
        raise TuningError(f"{tuning.folder}: no trial of this tuning is complete yet")
    data = tuning.record["data"]
    caption = f"{data['name']}, {data['validation']:,} validation pictures"
    return trial_history(tuning.trials, data_name=caption, sketches=data["sketches"])

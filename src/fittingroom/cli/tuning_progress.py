"""How a tuning goes on, as its command shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.cli.live import View, bare_table
from fittingroom.cli.terminal import Terminal, duration

if TYPE_CHECKING:
    from rich.table import Table

    from fittingroom.tuning.tuning import Trial
    from fittingroom.tuning.watch import Snapshot


def print_news(terminal: Terminal, snapshot: Snapshot) -> None:
    """Print a line for each trial that has come to an end."""
    from fittingroom.tuning.space import brief

    left = "" if snapshot.seconds_left is None else f", {duration(snapshot.seconds_left)} left"
    before = snapshot.ended - len(snapshot.news)
    for place, trial in enumerate(snapshot.news, start=before + 1):
        of = f"/{snapshot.budget:,}" if snapshot.budget < float("inf") else ""
        values = "  ".join(f"{name}={brief(v)}" for name, v in trial.values.items())
        whose = "finalist " if snapshot.of_finalists else ""
        terminal.say(f"{whose}{place:,}{of}  {values}: {outcome(trial)}{left}")


def outcome(trial: Trial) -> str:
    """Say in a few words what a trial came to."""
    if trial.state == "failed":
        return f"failed: {trial.reason}"
    stopped = f" (stopped after {len(trial.curve)})" if trial.state == "pruned" else ""
    return f"{percent(trial.accuracy)}{stopped}"


def live_table(snapshot: Snapshot, height: int) -> Table:
    """Return where a tuning stands as a table that fits a terminal of so many lines."""
    from fittingroom.tuning.space import brief

    rows = [] if snapshot.best is None else [("best", snapshot.best)]
    rows += [("running", trial) for trial in snapshot.those("running")]
    names = list(rows[0][1].values) if rows else []
    table = bare_table(("", "trial", *names, "epoch", "val. accuracy"))
    for kind, trial in rows[: max(height - 6, 1)]:
        values = [brief(value) for value in trial.values.values()]
        epoch = f"{len(trial.curve)}/{trial.recipe.epochs}"
        table.add_row(kind, str(trial.number), *values, epoch, percent(trial.accuracy))
    table.caption = caption(snapshot)
    return table


def caption(snapshot: Snapshot) -> str:
    """Say how many trials ended, in which way, and how long it will take."""
    of = f" of {snapshot.budget:,}" if snapshot.budget < float("inf") else ""
    whose = "finalists trained again" if snapshot.of_finalists else "trials done"
    said = f"{snapshot.ended:,}{of} {whose}"
    for state, words in (("pruned", "stopped early"), ("failed", "failed")):
        count = len(snapshot.those(state))
        said += f", {count:,} {words}" if count else ""
    if snapshot.seconds_left is not None:
        said += f"; about {duration(snapshot.seconds_left)} left"
    return said


def percent(accuracy: float | None) -> str:
    """Write an accuracy, or that there is none yet."""
    return "-" if accuracy is None else f"{accuracy:.2%}"


VIEW = View(live_table, print_news)

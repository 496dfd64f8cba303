"""How a study goes on, as its command shows it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from fittingroom.cli.live import View, bare_table
from fittingroom.cli.terminal import Terminal, duration

if TYPE_CHECKING:
    from rich.table import Table

    from fittingroom.studies.watch import Snapshot, Standing


def print_news(terminal: Terminal, snapshot: Snapshot) -> None:
    """Print a line for each run that has come to an end."""
    before = snapshot.done - len(snapshot.news)
    left = "" if snapshot.seconds_left is None else f", {duration(snapshot.seconds_left)} left"
    for number, (name, seed, accuracy) in enumerate(snapshot.news, start=before + 1):
        result = "diverged" if accuracy is None else f"{accuracy:.2%}"
        terminal.say(f"{number}/{snapshot.total}  {name}, seed {seed}: {result}{left}")


def live_table(snapshot: Snapshot, height: int) -> Table:
    """Return where a study stands as a table that fits a terminal of so many lines."""
    table = bare_table(("setting", "done", "running", "mean so far"))
    for standing in those_that_fit(snapshot.standings, height - 6):
        table.add_row(*standing_cells(standing))
    left = (
        "" if snapshot.seconds_left is None else f", about {duration(snapshot.seconds_left)} left"
    )
    table.caption = f"{snapshot.done} of {snapshot.total} runs done{left}"
    return table


def those_that_fit(standings: Sequence[Standing], lines: int) -> list[Standing]:
    """Return the settings to show: all, or first those that are being worked on."""
    if len(standings) <= lines:
        return list(standings)

    def urgency(index: int) -> tuple[bool, bool]:
        standing = standings[index]
        return not standing.running, len(standing.accuracies) + standing.failed == standing.total

    urgent = sorted(range(len(standings)), key=urgency)
    return [standings[index] for index in sorted(urgent[: max(lines, 1)])]


def standing_cells(standing: Standing) -> list[str]:
    """Return one setting's standing as text: done of total, running, mean ± half its interval."""
    from fittingroom.evaluation.significance import t_interval

    done = f"{len(standing.accuracies) + standing.failed}/{standing.total}"
    so_far = "-"
    if standing.accuracies:
        so_far = f"{fmean(standing.accuracies):.2%}"
        interval = t_interval(standing.accuracies)
        if interval:
            so_far += f" ± {50 * (interval[1] - interval[0]):.2f}"
    failed = f" ({standing.failed} diverged)" if standing.failed else ""
    running = str(standing.running) if standing.running else ""
    return [standing.setting.name, done + failed, running, so_far]


VIEW = View(live_table, print_news)

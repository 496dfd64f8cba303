"""What takes long, shown while it goes on: a table on a terminal, else a line for each news."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.cli.terminal import Terminal

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class View:
    """How snapshots of one kind of work are shown.

    Parameters
    ----------
    table
        Makes of a snapshot a table that fits so many lines.
    print_news
        Says in lines what is new in a snapshot.
    """

    table: Callable[[Any, int], Table]
    print_news: Callable[[Terminal, Any], None]


@contextmanager
def following(terminal: Terminal) -> Iterator[Callable[[View, Any], None]]:
    """Yield what to call with each snapshot and its view; a quiet terminal shows nothing."""
    if terminal.quiet:
        yield lambda _view, _snapshot: None
    elif terminal.console.is_terminal:
        from rich.live import Live

        # One for all views: older versions of rich know no second one beside it.
        with Live(console=terminal.console, auto_refresh=False, transient=True) as live:
            yield lambda view, snapshot: live.update(
                view.table(snapshot, terminal.console.height), refresh=True
            )
    else:
        yield lambda view, snapshot: view.print_news(terminal, snapshot)


def bare_table(heads: Sequence[str]) -> Table:
    """Return a table without rows, whose first column is of words and the others of numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index else "left", overflow="fold")
    table.caption_justify = "left"
    return table

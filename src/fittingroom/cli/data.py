"""`data show`, `data check` and `data make`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fittingroom.cli.options import ClassesOption, JsonOption, QuietOption, SizeOption
from fittingroom.cli.terminal import Terminal, one_line_errors
from fittingroom.cli.writing_bar import follow_writing
from fittingroom.errors import RecipeError

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits

data_app = typer.Typer(help="Look at a data set, check it, or draw one.", no_args_is_help=True)


@data_app.command("show")
def show_data(
    data: Annotated[str, typer.Argument(metavar="[PATH]", help="path or name")] = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in a data set."""
    with one_line_errors():
        from fittingroom.data.inspection import describe

        terminal = Terminal(as_json=as_json)
        description = describe(load_data(terminal, data, classes, size))
        if as_json:
            terminal.result("", description.to_dict())
            return
        channels, height, width = description.image_shape
        kind = " (sketches, not Fashion-MNIST)" if description.sketches else ""
        terminal.say(f"{description.name}{kind}, from {description.source}")
        terminal.say(
            f"{'colour' if channels == 3 else 'grey'} pictures of {height}x{width}, pixel mean "
            f"{description.pixel_mean:.2f} and standard deviation {description.pixel_std:.2f} "
            "on 0-255"
        )
        terminal.say(f"fingerprint {description.fingerprint}")
        rows = [(c.name, c.train, c.validation, c.test) for c in description.classes]
        rows.append(("all", description.train, description.validation, description.test))
        terminal.table(
            ("class", "train", "validation", "test"),
            [(name, *(f"{count:,}" for count in counts)) for name, *counts in rows],
        )


@data_app.command("check")
def check_data(
    data: Annotated[str, typer.Argument(metavar="[PATH]", help="path or name")] = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether a data set is sound.

    Looks for duplicates, overlaps, contradictions, blanks and imbalance.
    """
    with one_line_errors():
        from fittingroom.data.inspection import check

        terminal = Terminal(as_json=as_json)
        findings = check(load_data(terminal, data, classes, size))
        text = "\n".join(f"{finding.severity}: {finding.sentence}" for finding in findings)
        terminal.result(
            text or "nothing to complain of", [finding.to_dict() for finding in findings]
        )


make_app = typer.Typer(help="Write a data set to a folder.", no_args_is_help=True)
data_app.add_typer(make_app, name="make")


ShardSizeOption = Annotated[
    int | None,
    typer.Option("--shard-size", help="pictures in a shard, by default 100,000"),
]


@make_app.command("sketches")
def make_sketches(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="where to write the files")],
    train: Annotated[int, typer.Option("--train", help="training pictures")] = 12_000,
    test: Annotated[int, typer.Option("--test", help="test pictures")] = 2_000,
    seed: Annotated[int, typer.Option("--seed", help="which pictures")] = 0,
    shards: Annotated[
        bool, typer.Option("--shards", help="in shards, for more than memory holds")
    ] = False,
    shard_size: ShardSizeOption = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", help="processes that draw shards, by default one a core"),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Draw the built-in set of garments and write it as IDX files.

    Four of them, or with --shards as many as it takes, and never all in memory.
    """
    with one_line_errors(lasting=True):
        from fittingroom.data.sketches import write_idx, write_shards

        terminal = Terminal(quiet=quiet)
        if not shards:
            if shard_size is not None or jobs is not None:
                raise RecipeError("--shard-size and --jobs are for --shards; give that too")
            write_idx(folder, train=train, test=test, seed=seed)
        else:
            with follow_writing(terminal) as on_progress:
                write_shards(
                    folder, train, test, seed, shard_size, jobs=jobs, on_progress=on_progress
                )
        terminal.say(f"{train:,} + {test:,} sketches lie in {folder}")


@make_app.command("shards")
def make_shards(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="path or name of a data set")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="where to write the shards")],
    shard_size: ShardSizeOption = None,
    classes: ClassesOption = None,
    size: SizeOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write a data set that is trained on from disk."""
    with one_line_errors(lasting=True):
        from fittingroom.data.shards.writing import save

        terminal = Terminal(quiet=quiet)
        splits = load_data(terminal, source, classes, size)
        with follow_writing(terminal) as on_progress:
            save(splits, folder, shard_size, on_progress)
        terminal.say(f"{len(splits.learning):,} + {len(splits.test):,} pictures lie in {folder}")


def load_data(
    terminal: Terminal, source: str, classes: Path | None = None, size: str | None = None
) -> DataSplits:
    """Load a data set and say what a person should know about it.

    What takes time is told on the standard error, what is so on the standard output.
    """
    from fittingroom.data.sources import load

    splits = load(source, classes=classes, size=read_size(size), announce=terminal.whisper)
    for note in splits.notes:
        terminal.say(f"note: {note}")
    return splits


def read_size(text: str | None) -> tuple[int, int] | None:
    """Read "28" or "32x24" (height x width).

    Raises
    ------
    RecipeError
        If it is neither.
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RecipeError(f"--size must be 28 or HEIGHTxWIDTH, e.g. 32x24, found {text!r}")
    return int(parts[0]), int(parts[-1])

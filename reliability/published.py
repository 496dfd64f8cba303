"""`make reproduce`: what is behind the numbers of README and docs, and what comes of it again.

    python reliability/published.py                   lists them, with where each number stands
    python reliability/published.py fast-mlp          trains its recorded runs again and compares
    python reliability/published.py --measure serve   gives the command that measured it
    python reliability/published.py --record NAME     makes a record anew: records/NAME.json

A record is the run.json of a run that was trained here on one thread, so that it can be repeated
bit for bit on any machine with the same kind of CPU. `fittingroom reproduce` takes one as it is.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
RECORDS = HERE / "records"
PAGES = ("README.md", "README.ko.md", "docs/scale.md")
DATA_VARIABLE = "FITTINGROOM_DATA"

# A number and its unit, in both languages; what the two call alike is one.
UNITS = {
    "%p": "points",
    "%": "%",
    "points": "points",
    "point": "points",
    "ms": "ms",
    "MB": "MB",
    "GB": "GB",
    "answers": "answers",
    "times": "times",
    "배": "times",
    "minutes": "minutes",
    "minute": "minutes",
    "min": "min",
    "hours": "hours",
    "h": "h",
    "시간": "hours",
    "seconds": "s",
    "s": "s",
    "초": "s",
}
FIGURE = re.compile(
    r"(?<![\w.-])(\d[\d,]*(?:\.\d+)?) ?(" + "|".join(UNITS) + r")(?![A-Za-z])(?!/)",
)


@dataclass(frozen=True)
class Source:
    """What measured some of the figures.

    Parameters
    ----------
    name
        What it is called here.
    command
        That measures them.
    figures
        Numbers with their units, as the pages have them.
    runs
        Names of recorded runs that are among those it trains.
    """

    name: str
    command: str
    figures: tuple[str, ...]
    runs: tuple[str, ...] = ()


def read() -> tuple[dict[str, Source], dict[str, str], dict[str, str]]:
    """Return the sources, the figures that are stated without one, and the recorded runs' words."""
    told = tomllib.loads((HERE / "published.toml").read_text("utf-8"))
    sources = {
        name: Source(name, table["command"], tuple(table["figures"]), tuple(table.get("runs", ())))
        for name, table in told["source"].items()
    }
    return sources, told["stated"], told["runs"]


def figures_in(text: str) -> Iterator[str]:
    """Go through the numbers with units of a text, each as published.toml spells it."""
    for number, unit in FIGURE.findall(text):
        spelled = UNITS[unit]
        yield f"{number}{spelled}" if spelled == "%" else f"{number} {spelled}"


def places(page: str) -> Iterator[tuple[int, str, str]]:
    """Go through a page's figures: number of the line, its text, the figure."""
    lines = (ROOT / page).read_text("utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        for figure in figures_in(line):
            yield number, line, figure


def list_sources(sources: Sequence[Source]) -> None:
    """Print each source with its command, its recorded runs and the lines that have its figures."""
    for source in sources:
        print(f"{source.name}: {source.command}")
        for run in source.runs:
            print(f"  fittingroom reproduce {record_of(run).relative_to(ROOT).as_posix()}")
        for page in PAGES:
            found: dict[int, list[str]] = {}
            for number, _, figure in places(page):
                if figure in source.figures and figure not in found.setdefault(number, []):
                    found[number].append(figure)
            for number, figures in found.items():
                if figures:
                    print(f"  {page}:{number}: {', '.join(figures)}")
        print()
    print("docs/speed.md has the command of each of its rows at its end, docs/log.md beside each")
    print("number. To repeat: make reproduce ARGS=NAME")


def record_of(run: str) -> Path:
    """Return where a run's record is kept."""
    return RECORDS / f"{run}.json"


def repeat(source: Source) -> bool:
    """Train a source's recorded runs again; return whether none came out different."""
    records = [record_of(run) for run in source.runs]
    if not records:
        print(f"{source.name}: no single runs are recorded; --measure gives `{source.command}`")
        return True
    codes = []
    for record in records:
        print(f"{source.name}: {record.relative_to(ROOT).as_posix()}", flush=True)
        words = [sys.executable, "-m", "fittingroom", "reproduce", str(record)]
        codes.append(subprocess.run(words, check=False).returncode)
    return not any(codes)


def measure(source: Source) -> bool:
    """Give the command that measured; return whether it went well."""
    name, *words = shlex.split(source.command)
    ours = ["-m", "fittingroom"] if name == "fittingroom" else []
    print(f"{source.name}: {source.command}", flush=True)
    command = [sys.executable, *ours, *words]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def make_record(run: str, words: str) -> bool:
    """Train a run in an empty folder and keep its record; return whether it went well.

    The data lie in ./data there, so that no path of this machine comes into the record.
    """
    named = os.environ.get(DATA_VARIABLE)
    if not named or not Path(named).is_dir():
        sys.exit(
            f"published.py: {DATA_VARIABLE} must name the folder of Fashion-MNIST's four files"
        )
    train = ["train", *shlex.split(words), "--threads", "1", "--name", run]
    quick = ["--no-figures", "--no-report"]
    environment = {name: value for name, value in os.environ.items() if name != DATA_VARIABLE}
    paths = [str(ROOT / "src"), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").symlink_to(Path(named).resolve(), target_is_directory=True)
        command = [sys.executable, "-m", "fittingroom", *train, *quick]
        done = subprocess.run(command, cwd=folder, env=environment, check=False)
        if done.returncode:
            return False
        RECORDS.mkdir(exist_ok=True)
        shutil.copyfile(Path(folder) / "runs" / run / "run.json", record_of(run))
    print(f"recorded: {record_of(run).relative_to(ROOT).as_posix()}")
    return True


def main() -> int:
    """Do what was asked for; return the process's exit code."""
    sources, _, runs = read()
    parser = argparse.ArgumentParser(
        prog="published.py", description="Repeat what is behind the numbers of README and docs."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of sources, or of runs to record")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--measure", action="store_true", help="give the command that measured")
    way.add_argument("--record", action="store_true", help="train a run and keep its record")
    told = parser.parse_args()
    known = runs if told.record else sources
    unknown = [name for name in told.names if name not in known]
    if unknown:
        parser.error(f"unknown name {unknown[0]!r}; known are {', '.join(known)}")
    if told.record:
        went_well = [make_record(run, runs[run]) for run in told.names or runs]
        return int(not all(went_well))
    if not told.names:
        list_sources(list(sources.values()))
        return 0
    do = measure if told.measure else repeat
    went_well = [do(sources[name]) for name in told.names]
    return int(not all(went_well))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

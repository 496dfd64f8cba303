"""Fuzz every reader of strangers' files, guided by coverage: `make fuzz`.

::

    make fuzz                                     every reader, two minutes each
    make fuzz ARGS="idx csv --minutes 10"         some of them, longer
    make fuzz ARGS="--inputs 100000 --jobs 2"     at most so many inputs each, two at a time

Each reader starts from small real files, which the program's own writers make first. It may raise
the errors that its documentation names, with one line; anything else is a finding: another
exception, more than ten seconds or 2 GB for one input, a crash, a program started, a connection, a
file written elsewhere. Findings are kept in reliability/.cache/findings. The numbers go to
reliability/results/fuzz.json, and from there into docs/reliability.md.

The same seed tries the same inputs, as far as libFuzzer allows: how many it comes to in a given
time depends on the machine, so give --inputs to repeat a run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fittingroom.training.device import cpu_name
from fuzzing import TARGETS, page

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
ATHERIS = CACHE / f"atheris-{platform.python_version()}"
FINDINGS = CACHE / "findings"
REQUIREMENTS = HERE / "fuzzing" / "requirements.txt"
RESULTS = HERE / "results" / "fuzz.json"
PACKAGES = ("numpy", "pillow", "pillow-heif", "pydantic", "safetensors", "onnxruntime", "torch")

SECONDS_AN_INPUT = 10
MEGABYTES = 2048
# A crash of compiled code ends a process; after so many of them a target is given up.
MOST_CRASHES = 20

ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What became of one target.

    Parameters
    ----------
    inputs, seconds
        How many were read, in how much time, the start of the process included.
    edges
        Of the instrumented Python code, that libFuzzer saw reached.
    reached, lines
        Lines of the reader's own files that the kept inputs reach, and all of them.
    findings
        First lines of what was found, one for each kind.
    """

    inputs: int
    seconds: float
    edges: int
    reached: int
    lines: int
    findings: tuple[str, ...]


def main() -> int:
    """Fuzz; return 1 if anything was found, 2 if it cannot be done."""
    chosen = arguments()
    path = python_path()
    if path is None:
        return 2
    shared_memory = Path("/dev/shm")  # noqa: S108 - Linux's own, and only for a new folder in it
    where = shared_memory if os.access(shared_memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fuzzing-", dir=where) as folder:
        place, environment = Path(folder), os.environ | {"PYTHONPATH": path}
        print("making small real files to start from", flush=True)
        workshop = place / "workshop"
        workshop.mkdir()
        words = [sys.executable, "-m", "fuzzing.workshop", str(workshop)]
        subprocess.run(words, env=environment, check=True)

        def work(name: str) -> Outcome:
            outcome = fuzz(name, workshop, place, environment, chosen)
            with ONE_AT_A_TIME:
                tell(name, outcome)
                write(name, outcome, chosen)
                page.write()
            return outcome

        with ThreadPoolExecutor(chosen.jobs) as pool:
            outcomes = list(pool.map(work, chosen.targets))
    total = sum(outcome.inputs for outcome in outcomes)
    kinds = sum(len(outcome.findings) for outcome in outcomes)
    print(f"{total:,} inputs, {kinds} findings" + (f" in {FINDINGS}" if kinds else ""))
    return 1 if kinds else 0


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="readers: " + ", ".join(TARGETS),
    )
    parser.add_argument("targets", nargs="*", metavar="READER", help="all where none is named")
    parser.add_argument("--minutes", type=float, default=2, help="for each, at most (2)")
    parser.add_argument("--inputs", type=int, default=-1, help="for each, at most")
    parser.add_argument("--jobs", type=int, default=1, help="so many at a time (1)")
    parser.add_argument("--seed", type=int, default=1, help="libFuzzer's, from 1 (1)")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no reader {unknown[0]!r}; known are {', '.join(TARGETS)}")
    chosen.targets = chosen.targets or list(TARGETS)
    return chosen


def python_path() -> str | None:
    """Return where the processes look for modules; None, after one line, without atheris.

    It is no part of the environment, since there are builds of it for some machines only.
    """
    if not (ATHERIS / "atheris").is_dir():
        print("installing atheris", flush=True)
        words = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        more = ["--only-binary", ":all:", "--target", str(ATHERIS), "-r", str(REQUIREMENTS)]
        done = subprocess.run([sys.executable, *words, *more], check=False)
        if done.returncode:
            print(
                "fuzz: atheris cannot be installed: it needs the package index, and exists for "
                "Python 3.11 to 3.13 on Linux on x86-64 only",
                file=sys.stderr,
            )
            return None
    return os.pathsep.join(map(str, [HERE.parent / "src", HERE, ATHERIS]))


def fuzz(
    name: str, workshop: Path, place: Path, environment: dict[str, str], chosen: argparse.Namespace
) -> Outcome:
    """Fuzz one target until its time or its inputs are used up."""
    here = place / name
    for folder in ("corpus", "scratch", "findings"):
        (here / folder).mkdir(parents=True)
    start, inputs, edges = time.monotonic(), 0, 0
    left = 60 * chosen.minutes
    for attempt in range(MOST_CRASHES):
        log = run_child(name, workshop, here, environment, chosen, attempt, left, inputs)
        inputs += int(number(r"stat::number_of_executed_units:\s*(\d+)", log))
        edges = max(edges, int(number(r"cov: (\d+)(?!.*cov: )", log)))
        left = 60 * chosen.minutes - (time.monotonic() - start)
        if "DONE" in log or "Done " in log or left < 1 or 0 <= chosen.inputs <= inputs:
            break
        keep_crash(here, log, attempt)
    seconds = time.monotonic() - start
    reached, lines = lines_reached(name, workshop, here, environment)
    return Outcome(inputs, round(seconds), edges, reached, lines, keep_findings(name, here))


def run_child(
    name: str,
    workshop: Path,
    here: Path,
    environment: dict[str, str],
    chosen: argparse.Namespace,
    attempt: int,
    seconds: float,
    inputs: int,
) -> str:
    """Run one process of libFuzzer to its end, and return what it printed."""
    flags = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-seed={chosen.seed + attempt}",
        f"-timeout={SECONDS_AN_INPUT}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={here}/",
        "-print_final_stats=1",
    ]
    if chosen.inputs >= 0:
        flags.append(f"-runs={max(0, chosen.inputs - inputs)}")
    words = [sys.executable, "-m", "fuzzing.child", name, str(workshop), str(here), *flags]
    for folder in (here / "scratch").iterdir():
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    done = subprocess.run(
        words, env=environment, cwd=here, capture_output=True, check=False, errors="replace"
    )
    return done.stdout + done.stderr


def number(pattern: str, log: str) -> float:
    """Return the last number that a pattern finds, 0 where there is none."""
    found = re.findall(pattern, log)
    return float(found[-1]) if found else 0


def keep_crash(here: Path, log: str, attempt: int) -> None:
    """Keep the input that ended a process, as the findings that did not."""
    reason = re.search(r"ERROR: libFuzzer: (.*)", log)
    kind = f"the process ended: {reason[1] if reason else log.strip()[-300:]}"
    (here / "findings" / f"crash-{attempt}.txt").write_text(f"{kind}\n\n{log[-4000:]}", "utf-8")
    for artifact in here.glob("*-*"):
        if artifact.is_file():
            artifact.replace(here / "findings" / f"crash-{attempt}.bin")


def lines_reached(
    name: str, workshop: Path, here: Path, environment: dict[str, str]
) -> tuple[int, int]:
    """Return how many lines of the reader's files the kept inputs reach, and how many there are."""
    for folder in (here / "scratch").iterdir():
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    words = [sys.executable, "-m", "fuzzing.reached", name, str(workshop), str(here)]
    done = subprocess.run(words, env=environment, capture_output=True, check=True, text=True)
    reached, lines = json.loads(done.stdout.splitlines()[-1])
    return reached, lines


def keep_findings(name: str, here: Path) -> tuple[str, ...]:
    """Move what was found to where it stays, and return the first line of each kind."""
    shutil.rmtree(FINDINGS / name, ignore_errors=True)
    stories = sorted((here / "findings").glob("*.txt"))
    if stories:
        shutil.copytree(here / "findings", FINDINGS / name)
    return tuple(story.read_text("utf-8").partition("\n")[0] for story in stories)


def tell(name: str, outcome: Outcome) -> None:
    """Tell what became of a target."""
    rate = outcome.inputs / max(outcome.seconds, 1)
    print(
        f"{name:12} {outcome.inputs:>9,} inputs {rate:>7,.0f}/s {outcome.edges:>5} edges "
        f"{outcome.reached}/{outcome.lines} lines, {len(outcome.findings)} findings",
        *(f"    {finding}" for finding in outcome.findings),
        sep="\n",
        flush=True,
    )


def write(name: str, outcome: Outcome, chosen: argparse.Namespace) -> None:
    """Add a result; what was measured elsewhere, or with other versions, is forgotten."""
    conditions = describe(chosen)
    before: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    same = before.get("conditions") == conditions
    readers = before["readers"] if same else {}
    words = shlex.join(sys.argv[1:])
    command = f'make fuzz ARGS="{words}"' if words else "make fuzz"
    readers[name] = {"command": command} | asdict(outcome)
    found = {"conditions": conditions, "readers": {n: readers[n] for n in TARGETS if n in readers}}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")


def describe(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return under what conditions was measured."""
    return {
        "seed": chosen.seed,
        "machine": f"{cpu_name()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "atheris": re.search(r"atheris==(\S+)", REQUIREMENTS.read_text("utf-8"))[1],  # type: ignore[index]
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    sys.exit(main())

"""Plant mistakes in the source one by one, and count those that the tests do not notice.

    python reliability/mutants.py evaluation --sample 100
    python reliability/mutants.py --report

Of all mistakes that there can be in a room of the house (mutation/planting.py), a random sample is
planted, each in a copy of the source by itself, and the tests of that room that come to its line
are run, the quickest first, until one fails. What is done already is kept in results/mutants.json
and not done again while the file stays as it is, so that a larger sample goes on from a smaller.

Why not mutmut or cosmic-ray: mutmut 3 passes over decorated functions and module constants (a
sixth of the functions here), and puts trampolines in front of the functions that pydantic,
dataclasses and torch look into; cosmic-ray starts Python, and so imports torch, anew for every
mutant. Here the libraries are imported once, and a fork runs the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from mutation.planting import Mutant, mutants_of

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
ROOMS = ("data", "training", "evaluation", "studies")
WORK = ROOT / "build" / "mutants"
RESULTS = ROOT / "reliability" / "results" / "mutants.json"

# Imported before the forks, so that none has to.
HEAVY = (
    "hypothesis.extra.numpy",
    "matplotlib.figure",
    "numpy",
    "optuna",
    "PIL.Image",
    "pydantic",
    "pytest",
    "scipy.stats",
    "sklearn.metrics",
    "statsmodels.api",
    "torch",
)

# What can become of a mistake, in the order of the report.
NOTICED = ("killed", "timeout")
OUTCOMES = (*NOTICED, "survived", "unreached")

# A mistake may make a loop endless: this many times what the tests take is long enough.
PATIENCE = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], help="all four by default")
    parser.add_argument("--sample", type=int, default=100, help="mistakes a room; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--seconds", type=int, default=60, help="of tests for a mistake; those beyond are not run"
    )
    parser.add_argument("--again", action="store_true", help="try anew what went unnoticed")
    parser.add_argument("--report", action="store_true", help="only show what was found")
    options = parser.parse_args()
    if not hasattr(os, "fork"):
        sys.exit("mutants: needs os.fork, which Windows does not have; use Linux or macOS")
    for room in options.rooms or ROOMS:
        if not options.report:
            test_room(room, options)
    show(read_results())


def test_room(room: str, options: argparse.Namespace) -> None:
    """Plant a sample of a room's mistakes, those that are not done yet."""
    everything = all_mutants(room)
    random.Random(options.seed).shuffle(everything)
    chosen = everything[: options.sample or None]
    copy = prepare_copy(room)
    reached = tests_by_line(room, copy)
    check_that_sound_source_passes(reached)
    done = {found["key"]: found for found in read_results().get(room, {}).get("found", [])}
    kept = [done[m.key] for m in chosen if m.key in done and done[m.key]["sha"] == digest(m)]
    found = {each["key"]: each for each in kept if not options.again or each["outcome"] in NOTICED}
    for number, mutant in enumerate(chosen, start=1):
        if mutant.key not in found:
            found[mutant.key] = try_out(mutant, copy, reached, options.seconds)
            outcome = found[mutant.key]["outcome"]
            print(f"{room} {number}/{len(chosen)} {outcome} {mutant.key[:80]!r}", flush=True)
            write_results(room, len(everything), options, list(found.values()))


def check_that_sound_source_passes(reached: dict[str, Any]) -> None:
    """End here if tests fail without a mistake: then they would seem to notice every one."""
    seconds: dict[str, float] = reached["seconds"]
    tests = sorted({t for lines in reached["lines"].values() for ts in lines.values() for t in ts})
    quickest = sorted(tests, key=lambda name: seconds[name])[:100]
    if run_in_fork(quickest, 600) != "survived":
        sys.exit("mutants: the quickest tests fail on the source as it is; repair them first")


def all_mutants(room: str) -> list[Mutant]:
    """Return all mistakes that there can be in a room, in order."""
    paths = sorted((SOURCE / "fittingroom" / room).rglob("*.py"))
    return [m for path in paths for m in mutants_of(name_of(path), path.read_text("utf-8"))]


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def digest(mutant: Mutant) -> str:
    """Return what tells that the file is still the one that was tested, mistake and all."""
    return hashlib.sha256(mutant.source.encode()).hexdigest()[:16]


def prepare_copy(room: str) -> Path:
    """Copy the source to where mistakes are planted, and let this process and its forks use it."""
    copy = WORK / room / "src"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    path = [str(copy), str(ROOT)]
    os.environ.update(
        PYTHONPATH=os.pathsep.join(path),
        # Compiled files are told apart by seconds and sizes, which two mistakes may share.
        PYTHONDONTWRITEBYTECODE="1",
        HYPOTHESIS_STORAGE_DIRECTORY=str(WORK / room / "hypothesis"),
        OMP_NUM_THREADS="1",
    )
    sys.dont_write_bytecode = True
    sys.path[:0] = path
    os.chdir(ROOT)
    for name in HEAVY:
        import_module(name)
    return copy


# Which tests come to a line


def tests_by_line(room: str, copy: Path) -> dict[str, Any]:
    """Return for each file and line the tests that come to it, and how long each test takes.

    Measured once and kept while source and tests of the room stay as they are.
    """
    files = [*(SOURCE / "fittingroom" / room).rglob("*.py"), *(ROOT / "tests" / room).rglob("*.py")]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()
    path = WORK / room / "reached.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if known["state"] == state:
            return known
    print(f"{room}: running its tests once, to see which come to which line ...", flush=True)
    reached = {"state": state, **measure_tests(room, copy)}
    path.write_text(json.dumps(reached), "utf-8")
    return reached


# Of a test that starts processes, these are told by a variable of pytest's whose they are.
COVERAGE = """
[run]
parallel = true
source = fittingroom.{room}
patch = _exit, fork
context = ${{PYTEST_CURRENT_TEST-}}
disable_warnings = module-not-imported, no-data-collected, module-not-measured
"""


def measure_tests(room: str, copy: Path) -> dict[str, Any]:
    """Run a room's tests under coverage; return the tests by line, and the seconds of each."""
    from coverage import CoverageData

    data, log, config = (WORK / room / name for name in ("coverage", "log", "coveragerc"))
    data.unlink(missing_ok=True)
    config.write_text(COVERAGE.format(room=room), "utf-8")
    words = [
        *(sys.executable, "-m", "pytest", f"tests/{room}", "-q", "-p", "no:cacheprovider"),
        *("--cov", f"--cov-config={config}", "--cov-context=test", "--cov-report="),
        *("--durations=0", "-vv", "--durations-min=0", "--tb=no"),
    ]
    environment = {**os.environ, "COVERAGE_FILE": str(data), "COVERAGE_PROCESS_START": str(config)}
    with log.open("w") as stream:
        subprocess.run(words, env=environment, stdout=stream, stderr=subprocess.STDOUT, check=False)
    seconds: dict[str, float] = {}
    failed = set()
    for line in log.read_text("utf-8").splitlines():
        match line.split():
            case [time_taken, "setup" | "call" | "teardown", name] if time_taken.endswith("s"):
                seconds[name] = seconds.get(name, 0) + float(time_taken[:-1])
            case ["FAILED" | "ERROR", name, *_]:
                failed.add(name)
    found = CoverageData(str(data))
    found.read()
    lines = {
        Path(file).relative_to(copy).as_posix(): {
            str(line): sorted({test_of(c) for c in contexts} & (seconds.keys() - failed))
            for line, contexts in found.contexts_by_lineno(file).items()
        }
        for file in found.measured_files()
        if Path(file).is_relative_to(copy)  # Ray has copies of its own
    }
    return {"lines": lines, "seconds": seconds}


def test_of(context: str) -> str:
    """Return the test of "test|call", as pytest-cov has it, or of "test (call)", as pytest has."""
    return context.rpartition("|")[0] or context.rpartition(" (")[0]


def tests_for(mutant: Mutant, reached: dict[str, Any], most: int) -> list[str]:
    """Return the tests to run, the quickest first, so many seconds of them at most.

    What runs while a module is imported is for all tests that come to the file, and then to its
    folder; and so are the further lines of a long statement, which belong to no test. None if
    there are none.
    """
    files: dict[str, dict[str, list[str]]] = reached["lines"]
    here = files.get(mutant.file, {})
    folder = mutant.file.rpartition("/")[0] + "/"
    last = mutant.line + mutant.before.count("\n")
    tests = {test for line in range(mutant.line, last + 1) for test in here.get(str(line), ())}
    if mutant.at_import or not tests:
        tests = every(here)
    further: set[str] = set()
    if mutant.at_import or not tests:
        further = {t for file in files if file.startswith(folder) for t in every(files[file])}
    seconds: dict[str, float] = reached["seconds"]
    chosen: list[str] = []
    total = 0.0
    for group in (tests, further - tests):
        for test in sorted(group, key=lambda name: (seconds[name], name)):
            total += seconds[test]
            if chosen and total > most:
                break
            chosen.append(test)
    return chosen


def every(lines: dict[str, list[str]]) -> set[str]:
    """Return all tests that come to a file."""
    return {test for tests in lines.values() for test in tests}


# One mistake


def try_out(mutant: Mutant, copy: Path, reached: dict[str, Any], seconds: int) -> dict[str, Any]:
    """Plant a mistake, run the tests that come to it, and say what they did."""
    tests = tests_for(mutant, reached, seconds)
    path = copy / mutant.file
    sound = path.read_text("utf-8")
    path.write_text(mutant.source, "utf-8")
    try:
        expected = sum(reached["seconds"][test] for test in tests)
        outcome = run_in_fork(tests, 30 + PATIENCE * expected) if tests else "unreached"
    finally:
        path.write_text(sound, "utf-8")
    return {
        "key": mutant.key,
        "sha": digest(mutant),
        "outcome": outcome,
        "tests": len(tests),
        "file": mutant.file,
        "line": mutant.line,
        "before": mutant.before,
        "after": mutant.after,
    }


def run_in_fork(tests: list[str], limit: float) -> str:
    """Run tests in a fork of this process: "killed" if one fails, "survived", or "timeout"."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os._exit(run_tests(tests))
    ends = time.monotonic() + limit
    while time.monotonic() < ends:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            stop_group(child)
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.05)
    stop_group(child)
    os.waitpid(child, 0)
    return "timeout"


def stop_group(child: int) -> None:
    """End a fork and whatever its tests started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def run_tests(tests: list[str]) -> int:
    """Run tests until one fails, without a word; return pytest's exit status."""
    import pytest

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:cov", "--tb=no", "-o", "addopts="]
    # Hypothesis is imported before pytest, which would rewrite its assertions.
    words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*words, "--import-mode=importlib", *tests]))


# Results


def read_results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    return found


def write_results(
    room: str, mutants: int, options: argparse.Namespace, found: list[dict[str, Any]]
) -> None:
    result = {"mutants": mutants, "seed": options.seed, "seconds": options.seconds, "found": found}
    results = {**read_results(), room: result}
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    RESULTS.parent.mkdir(exist_ok=True)
    beside = RESULTS.with_suffix(".part")
    beside.write_text(text, "utf-8")
    beside.replace(RESULTS)


def show(results: dict[str, Any]) -> None:
    """Print for each room how many mistakes were noticed, with Wilson's interval; and which not."""
    for room, result in results.items():
        for line in survivors(result["found"]):
            print(line)
        print(summary(room, result))
    print(overall(list(results.values())))


def overall(results: list[dict[str, Any]]) -> str:
    """Say what share of all mistakes is noticed: the rooms' shares by their numbers of mistakes.

    With the 95% interval of a stratified sample (Cochran 1977, Sampling Techniques, 5.4 and 5.9).
    """
    everything = sum(result["mutants"] for result in results)
    share = variance = 0.0
    for result in results:
        weight, tried = result["mutants"] / everything, len(result["found"])
        found = sum(each["outcome"] in NOTICED for each in result["found"]) / tried
        share += weight * found
        variance += weight**2 * found * (1 - found) / (tried - 1)
    half = 1.96 * variance**0.5
    return f"all: {share:.1%} noticed ({share - half:.1%} to {share + half:.1%}) of {everything:,}"


def survivors(found: list[dict[str, Any]]) -> Iterator[str]:
    for each in sorted(found, key=lambda each: (each["file"], each["line"])):
        if each["outcome"] not in NOTICED:
            change = f"- {each['before']}\n+ {each['after']}"
            yield f"{each['file']}:{each['line']}: {each['outcome']}\n{change}\n"


def summary(room: str, result: dict[str, Any]) -> str:
    from fittingroom.evaluation.intervals import wilson_interval

    outcomes = [each["outcome"] for each in result["found"]]
    counts = {name: outcomes.count(name) for name in OUTCOMES}
    noticed = sum(counts[name] for name in NOTICED)
    low, high = wilson_interval(noticed, len(outcomes))
    return (
        f"{room}: {noticed / len(outcomes):.1%} noticed ({low:.1%} to {high:.1%}), {len(outcomes)} "
        f"of {result['mutants']:,} tried (seed {result['seed']}, "
        f"{result['seconds']} s of tests at most): "
        + ", ".join(f"{count} {name}" for name, count in counts.items())
    )


if __name__ == "__main__":
    main()

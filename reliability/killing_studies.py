"""Kill a study that two workers share, over and over, and see that every run counts once.

The study is the command `fittingroom study` in a process group of its own. At a moment drawn
evenly from the time that it takes, its leader, one of its two workers, or all of them are killed
(SIGKILL); then the same command is given again. A study that is finished makes room for a new one.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import fittingroom as fr
from fittingroom.runs import folder as files
from fittingroom.studies.study import RUNS
from killing_runs import ENOUGH_PROBLEMS, results_of, same_weights

PLAN = """
name = "soak"
seeds = 3

[base]
model = "two-layer"
epochs = 8
batch_size = 64

[settings.slow]
lr = 0.0005

[settings.fast]
lr = 0.01
schedule = "one-cycle"

[settings.convolutional]
model = "convnet"
model_options = { widths = [4, 6, 8] }
flip = true
"""
WORDS = ("--jobs", "2", "--stack", "1", "--no-report", "--quiet")


@dataclass
class Outcome:
    """What became of the studies.

    Parameters
    ----------
    kills
        By what was killed.
    under_way
        How many runs were unfinished, and how many finished, when it was killed, added up.
    finished, identical
        How many studies came to their end, and with nothing but the runs of an uninterrupted one.
    problems
        What was not as it should be, one line each.
    """

    kills: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    identical: int = 0
    problems: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        counts = {"kills": dict(sorted(self.kills.items())), "under_way": dict(self.under_way)}
        return asdict(self) | counts


def kill_studies(
    kills: int, data: Path, out: Path, rng: random.Random, tell: Callable[[Outcome], None]
) -> None:
    """Kill a study `kills` times, and tell of all so far when one came to its end."""
    plan = out / "soak.toml"
    plan.write_text(PLAN, "utf-8")
    words = ["study", str(plan), "--data", str(data), *WORDS, "--out"]
    started = time.monotonic()
    if begin([*words, str(out / "whole")]).wait() != 0:
        raise SystemExit("an uninterrupted study failed")
    seconds = time.monotonic() - started
    whole = fr.open_study(out / "whole" / "soak")
    outcome = Outcome()
    number = 0
    while outcome.kills.total() < kills and len(outcome.problems) < ENOUGH_PROBLEMS:
        number += 1
        kill_one([*words, str(out / f"study-{number}")], out, number, seconds, outcome, rng)
        compare(fr.open_study(out / f"study-{number}" / "soak"), whole, outcome)
        shutil.rmtree(out / f"study-{number}")
        tell(outcome)


def kill_one(
    words: list[str], out: Path, number: int, seconds: float, outcome: Outcome, rng: random.Random
) -> None:
    """Bring a study to its end, however often it is killed on the way."""
    folder = out / f"study-{number}" / "soak"
    while True:
        leader = begin(words)
        try:
            code = leader.wait(rng.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            outcome.kills[kill_some(leader, rng)] += 1
            outcome.under_way.update(statuses(folder))
            leader.wait()
            continue
        if code != 0:
            outcome.problems.append(f"{folder.parent.name}: exit code {code}")
        outcome.finished += 1
        return


def kill_some(leader: subprocess.Popen[bytes], rng: random.Random) -> str:
    """Kill the leader of a study, one of its workers, or all; return which."""
    workers = children(leader.pid)
    whom = rng.choice(["all", "the leader", "a worker"])
    victims = {
        "all": [leader.pid, *workers],
        "the leader": [leader.pid],
        "a worker": [rng.choice(workers)] if workers else [leader.pid],
    }[whom]
    for victim in victims:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            whom = "who had ended"
    return whom if workers or whom == "all" else "the leader, before it had workers"


def children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def statuses(folder: Path) -> Counter[str]:
    """Count the runs of a study by what their records say."""
    return Counter(str(record["status"]) for record in fr.list_runs(folder / RUNS))


def compare(study: fr.Study, whole: fr.Study, outcome: Outcome) -> None:
    """See that a study has every run of an uninterrupted one, once, with its bits."""
    problems = list(study.problems)
    if study.runs.keys() != whole.runs.keys():
        problems.append(f"{len(study.runs)} runs of {len(whole.runs)}")
    if study.folder and statuses(study.folder) != {files.FINISHED: len(whole.runs)}:
        problems.append(f"run folders: {dict(statuses(study.folder))}")
    problems += [f"{key}: other results" for key in whole.runs if not same(study, whole, key)]
    if any(setting.n != len(whole.plan.seeds) for setting in study.results.settings):
        problems.append(f"counted {[setting.n for setting in study.results.settings]}")
    outcome.problems += problems
    outcome.identical += not problems


def same(study: fr.Study, whole: fr.Study, key: tuple[str, int]) -> bool:
    """Tell whether a run came to the same in both."""
    run, expected = study.runs[key], whole.runs[key]
    return same_weights(run, expected) and results_of(run) == results_of(expected)


def begin(words: list[str]) -> subprocess.Popen[bytes]:
    """Call the command line in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "fittingroom", *words])

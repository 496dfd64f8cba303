"""Writes docs/speed.md and its picture from the results alone; `python benchmarks/page.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import costs
import ladder
from aims import AIMS
from measuring import describe, table
from results import RESULTS, Result, read_all

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "speed.md"
PICTURE = "images/ladder"

HOW = """\
Time runs from process-ready (libraries imported, pictures read, a GPU's driver started) to the
final weights; building, compiling and warming up count. Every repetition is a process of its own,
the ways take turns (A B A B), and a ratio is taken pair by pair: machines drift. Times and ratios
are medians (lowest to highest), accuracies means over seeds on the 10,000 test pictures with their
95% interval (Student's t). Recipes train on all 60,000 training pictures (`--protocol notebook`),
as the references do; their fields were chosen on validation pictures. A reference that is to reach
an accuracy is looked at after each epoch, outside the clock, and stops at the first epoch that is
there: a look at the test set that favours it. Where it never came there, the ratio is called "more
than". What could not be measured is called that, and not estimated."""

SHOWN = """\
The virtual machine that these numbers come from announces its CPU's matrix unit (AMX) and lets it
work, but hides the description of its tiles (CPUID leaf 1D): a process dies at its first product in
bf16. The program finds that out in a trial and computes in fp32. On a machine that tells the truth
the same recipes take bf16 by themselves. What that would be here is measured as "tiles described":
`benchmarks/tiles.c`, loaded before Python, answers the question that the machine leaves open:

    cc -O2 -shared -fPIC benchmarks/tiles.c -o tiles.so
    LD_PRELOAD=$PWD/tiles.so fittingroom train --recipe convnet-94"""

LIMITS = """\
The least time that a run can take on this machine: its operations over the best rate of matrix
products, or its bytes over the bandwidth of main memory, whichever is more; both rates were
measured in turn with the row. Operations: 6 for each multiply-add of a layer, picture and epoch, 4
in the first layer, whose input needs no gradient. Bytes: 7 floats a parameter and step (Adam) and
4 a layer's output. Small networks stay in the caches, which are faster than main memory, so for
them the bytes are no hard limit."""

ON_DISK = (
    "An epoch over 5,000,000 sketches, 3.9 GB, in shuffled batches of 512. On disk, at most 1.3",
    "times the time and 1,500 MB are the aim; the system has the files in its cache.",
)

CLUSTER = """\
Studies of runs of one epoch (two-layer), two side by side: by processes of this machine, and by a
Ray that is started here and ends with the study. The driver hands the runs out and writes what they
bring; its time is what more machines do not make less."""

SERVING = """\
`fittingroom serve` of a three-layer network; wrk, one thread, posts a 28x28 PNG over kept
connections. Memory grown: resident memory at the end less that after a warm-up of 3 seconds."""

TRUST = """\
The first 2,000 test pictures, enlarged ten times, dark on white, with a border of random width on
each side: answered for as the pictures themselves, or not. Calibrated: with the temperature that
validation pictures gave. Flagged: pictures beyond the novelty that 5% of the validation pictures
exceed. The kinds were drawn when the method was chosen, with validation pictures beside them;
digits are scikit-learn's."""

PARTS = """\
Where the time of the training loop goes: torch's profiler over one epoch of 12,800 pictures, own
time of the operations by kind. What the wall clock has beyond them is Python and the profiler
itself."""


TUNING = """\
A learning rate, its schedule and a batch size of the notebook's deeper network are looked for, by
the accuracy on 5,000 validation pictures: by `fittingroom tune` (its finalists' further seeds among
its epochs), by random search without stopping any trial early, each with as many epochs in all, and
by the notebook's six rates, which have no schedule. The validation accuracy of `tune` is a mean of
three seeds, the others' the highest of as many seeds as trials, and so more flattering. The test
accuracy is that of each way's choice over five fresh seeds. "saved" are the epochs that trials
which were stopped early did not train. Means over repetitions of the whole search."""


def write(folder: Path = RESULTS, target: Path = PAGE) -> None:
    """Write the page and the ladder from the results in a folder."""
    results = read_all(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    rungs = ladder.write(results, target.parent / PICTURE)
    target.write_text(text_of(results, rungs), "utf-8")


def text_of(results: Mapping[str, Result], rungs: list[ladder.Rung]) -> str:
    """Return the page."""
    picture = [f"![{ladder.alt_text(rungs)}]({PICTURE}.png)"] if rungs else ["Not measured."]
    sections = (
        ("How it was measured", HOW.splitlines()),
        ("How accurate, how soon", picture),
        ("Accuracy of the recipes", costs.accuracy(results)),
        ("The tiles of this machine", SHOWN.splitlines()),
        ("How far from the limit", [*LIMITS.splitlines(), "", *costs.limits(results)]),
        ("Where the time goes", [*PARTS.splitlines(), "", *costs.loop_parts(results)]),
        ("Start-up", costs.start_up(results)),
        ("Memory", ["At most 1,200 MB on the CPU is the aim.", "", *costs.memory(results)]),
        ("How cost grows", costs.growth(results)),
        ("More pictures than memory holds", [*ON_DISK, "", *costs.on_disk(results)]),
        ("A study on a cluster", [*CLUSTER.splitlines(), "", *costs.cluster(results)]),
        ("Loading and reports", costs.others(results)),
        ("Answers for photos", costs.photos(results)),
        ("The server under load", [*SERVING.splitlines(), "", *costs.serving(results)]),
        ("Whether answers can be believed", [*TRUST.splitlines(), "", *costs.trust(results)]),
        ("Tuning", [*TUNING.splitlines(), "", *costs.tuning(results)]),
        ("To repeat a number", repeat(results.values())),
    )
    lines = ["# Speed", "", *opening(results), "", *headline(results)]
    for heading, content in sections:
        lines += ["", f"## {heading}", "", *content]
    return "\n".join(lines) + "\n"


def opening(results: Mapping[str, Result]) -> list[str]:
    """Say on what everything was measured, and what was shortened."""
    data = sorted({result.data for result in results.values()}) or ["nothing measured yet"]
    shortened = sorted(f"{r.row}: {r.note}" for r in results.values() if r.note)
    lines = [
        "Written by `benchmarks/page.py` from `benchmarks/results/`; `make bench-full` measures it",
        "anew.",
        f"Data: {'; '.join(data)}.",
    ]
    return [*lines, f"Shortened: {'; '.join(shortened)}."] if shortened else lines


def headline(results: Mapping[str, Result]) -> list[str]:
    """Return the table of aims and what was measured."""
    rows = []
    for aim in AIMS:
        result = results.get(aim.row)
        told = (aim.written(aim.aim), aim.written(aim.stretch), aim.measured(result))
        rows.append((aim.row, aim.what, aim.reference, *told, aim.verdict(result)))
    return table(("row", "what", "reference", "aim", "stretch", "measured", "verdict"), rows)


def repeat(results: Iterable[Result]) -> list[str]:
    """Return the command of every row, with its machine and date."""
    results = list(results)
    if not results:
        return ["Not measured."]
    machines = list(dict.fromkeys(describe(result.machine) for result in results))
    letters = {text: chr(ord("A") + number) for number, text in enumerate(machines)}
    rows = [
        (
            f"`FITTINGROOM_DATA=... {result.command}`",
            result.date,
            letters[describe(result.machine)],
            f"{result.busy:.2f}",
        )
        for result in results
    ]
    head = ("command", "date", "machine", "cores busy elsewhere, at most")
    names = [f"- {letter}: {text}" for text, letter in letters.items()]
    return [*names, "", *table(head, rows)]


if __name__ == "__main__":
    write()

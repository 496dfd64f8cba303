"""Do everything else that writes on a disk that is too small.

    python -m tests.pressure.filling_others DATA FOLDER

FOLDER is a disk in memory, which is mounted here, with a few sizes for each command. Then there is
room, and the same command is given again. Prints one line of JSON for each case: the command, the
disk's size in kilobytes, the exit code and what was complained of, what half-written files there
were, the same of the second time, and whether it has come to what it comes to where there is room.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from tests.pressure.filling import FIELDS, call, weights

from fittingroom.serving import export as _export
from fittingroom.studies import conduct as _study
from fittingroom.tuning import conduct as _tune

IMPORTED = (_export, _study, _tune)
PLAN = """
name = "full"
seeds = 2
[base]
model = "two-layer"
epochs = 1
batch_size = 32
[settings.slow]
lr = 0.001
[settings.fast]
lr = 0.01
"""


def contents(place: Path) -> dict[str, bytes]:
    """Return what is in a folder."""
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


def models(place: Path) -> dict[str, str]:
    """Return the weights of every run below a folder."""
    runs = sorted(path.parent for path in place.rglob("model.safetensors"))
    return {run.relative_to(place).as_posix(): weights(run) for run in runs}


def names(place: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return [name for name, content in contents(place).items() if content]


def main() -> None:
    """Go through all commands and sizes."""
    data, disk = sys.argv[1], Path(sys.argv[2])
    roomy = disk.parent / "roomy"
    call(None, "train", "--data", data, *FIELDS, "--name", "run", "--out", str(roomy / "runs"))
    run, photo, plan = (
        str(roomy / "runs" / "run"),
        disk.parent / "photo.png",
        disk.parent / "p.toml",
    )
    Image.effect_noise((40, 40), 50).save(photo)
    plan.write_text(PLAN, "utf-8")
    study = ("study", str(plan), "--data", data, "--jobs", "1", "--stack", "1", "--out", "{}")
    tune: tuple[str, ...] = ("tune", "two-layer", "--data", data, "--vary", "lr=1e-3..1e-2")
    tune += (
        "--trials",
        "2",
        "--jobs",
        "1",
        "--epochs",
        "2",
        "--final-seeds",
        "2",
        "--finalists",
        "1",
        "--out",
        "{}",
    )
    sketches = ("data", "make", "sketches", "{}/made", "--train", "300", "--test", "30")
    tell: list[tuple[tuple[str, ...], tuple[int, ...], Callable[[Path], Any]]] = [
        (study, (256,), models),
        (tune, (32,), models),
        (("report", run, "-o", "{}/page.html"), (64,), names),
        (("report", run, "-o", "{}/page.md"), (4,), names),
        (("export", run, "{}/model.onnx"), (16,), names),
        (("predict", run, str(photo), "--show", "{}/shown.png"), (8,), names),
        (sketches, (100,), contents),
        ((*sketches, "--shards", "--shard-size", "100", "--jobs", "1"), (100,), contents),
    ]
    for number, (words, sizes, result) in enumerate(tell):
        place = roomy / str(number)
        place.mkdir()
        call(None, *(word.format(place) for word in words))
        expected = result(place)
        for size in sizes:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "fill", str(disk)]
            subprocess.run(mount, check=True)
            try:
                there = [word.format(disk) for word in words]
                code, said = call(None, *there)
                parts = [name for name in contents(disk) if ".part" in name]
                subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
                then, again = call(None, *there)
                case = [words[0], size, code, said, parts, then, again, result(disk) == expected]
                print(json.dumps(case), flush=True)
            finally:
                subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    main()

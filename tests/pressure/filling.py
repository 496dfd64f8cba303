"""Train on a disk that becomes full, over and over: `filling.py DATA FOLDER [SIZE ...]`.

Without sizes, for N = 1, 2, ... the Nth time that a file is flushed to disk finds it full, and so
does all that follows (a disk that allocates late, as XFS and btrfs do, says so only then), until a
run writes less often. With sizes, in kilobytes, FOLDER is a disk in memory of that size, which is
mounted here. Then there is room again, and the run goes on, or begins anew where it had not begun.
Prints one line of JSON for each case: what the command said, its exit code, and whether the run has
come to the same weights as one that always had room.

The processes are forked from this one, which has imported all that takes time.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from fittingroom.cli import main
from fittingroom.reports import report as _report
from fittingroom.runs import checkpoints
from fittingroom.runs import train as _train
from fittingroom.serving import keeping as _keeping

IMPORTED = (_report, _train, _keeping)
# A run flushes fewer files.
MOST = 60
FIELDS = ("--model", "two-layer", "--epochs", "2", "--batch-size", "32")


def fills_at(number: int) -> Callable[[Any], None]:
    """Return an os.fsync for which the disk is full from its `number`th call on."""
    calls, flush = itertools.count(1), os.fsync

    def fsync(file: Any) -> None:
        if not stat.S_ISDIR(os.fstat(file).st_mode) and next(calls) >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(file)

    return fsync


def call(full_at: int | None, *words: str) -> tuple[int, str]:
    """Call the command in a process of its own; return its exit code and what it complained of."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(writer, 2)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        checkpoints.EPOCH_SECONDS = 0.0
        if full_at is not None:
            vars(os)["fsync"] = fills_at(full_at)
        sys.argv = ["fittingroom", *words]
        code: Any = 1
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code or 0
        except BaseException as error:
            sys.stderr.write(f"traceback: {error!r}\n")
        sys.stderr.flush()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as complaints:
        text = complaints.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text


def weights(run: Path) -> str:
    """Return a run's weights as text, "" where there are none."""
    path = run / "model.safetensors"
    if not path.exists():
        return ""
    return str({name: array.tobytes() for name, array in sorted(load_file(path).items())})


def cases(folder: Path, sizes: list[str]) -> Iterator[tuple[str, Path, int | None]]:
    """Yield each case: its name, a folder for runs, at which flush its disk is full."""
    for number in range(1, MOST) if not sizes else ():
        yield str(number), folder / str(number), number
    for size in sizes:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "fill", folder], check=True)
        try:
            yield size, folder, None
        finally:
            subprocess.run(["umount", folder], check=True)


def fill_everywhere(data: str, folder: Path, sizes: list[str]) -> None:
    """Go through all cases."""
    train = ("train", "--data", data, *FIELDS)
    more = () if sizes else ("--no-figures", "--no-report")
    roomy = folder.parent / "roomy"
    call(None, *train, *more, "--name", "run", "--out", str(roomy))
    expected = weights(roomy / "run")
    for name, runs, full_at in cases(folder, sizes):
        code, said = call(full_at, *train, *more, "--name", "run", "--out", str(runs))
        if sizes:
            subprocess.run(["mount", "-o", "remount,size=64m", runs], check=True)
        parts = sorted(path.name for path in runs.rglob("*.part*"))
        run, then, again = runs / "run", 0, ""
        if not weights(run) or '"finished"' not in (run / "run.json").read_text("utf-8"):
            begun = (run / "run.json").exists()
            run = run if begun else runs / "again"
            words = ("train", "--resume", "run") if begun else (*train, "--name", "again")
            then, again = call(None, *words, *more, "--out", str(runs))
        same = weights(run) == expected
        print(json.dumps([name, code, said, then, again, same, parts]), flush=True)
        if code == 0:
            break


if __name__ == "__main__":
    fill_everywhere(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])

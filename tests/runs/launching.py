"""Do to processes what torchrun does, many times over: `python launching.py CASES OUT`.

CASES is a JSON file, {name: {"processes": [[word, ...], ...], "apart": ..., "when": ...}}. Each
process calls the command line with its words, in the folder OUT/NAME; those that are apart, as if
on machines of their own, in OUT/NAME/RANK. When is [text, rank, signal]: once process 0 has printed
the text, the signal is sent to that process. As torchrun does, the rest are asked to end as soon as
one has failed. What they print goes to OUT/NAME/RANK.out and RANK.err; the exit codes,
{name: [code, ...]}, are printed here.

The processes are forked from this one, which has imported all that takes time.
"""

# ruff: noqa: F401 - what training imports when it first needs it: once here, not in each process

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from fittingroom.cli import main
from fittingroom.reports import report
from fittingroom.runs import checkpoints
from fittingroom.runs import train as _train

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 30


def launch(name: str, case: dict[str, Any], out: Path) -> list[int]:
    """Run one case; return the exit codes."""
    folder = out / name
    folder.mkdir(parents=True)
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    children = []
    for rank, words in enumerate(case["processes"]):
        child = os.fork()
        if child == 0:
            place = place_of(rank, len(case["processes"]), store.port, case.get("apart", False))
            begin(words, place, folder / str(rank) if case.get("apart") and rank else folder, rank)
        children.append(child)
    return watch(children, case.get("when"), folder / "0.out")


def place_of(rank: int, size: int, port: int, apart: bool) -> dict[str, str]:
    """Return the variables that torchrun sets."""
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": "0" if apart else str(rank),
        "LOCAL_WORLD_SIZE": "1" if apart else str(size),
        "GROUP_RANK": str(rank) if apart else "0",
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }


def begin(words: list[str], place: dict[str, str], folder: Path, rank: int) -> NoReturn:
    """Call the command line in this process, and end it."""
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    shown = folder.parent if folder.name == str(rank) else folder
    for number, kind in ((1, "out"), (2, "err")):
        os.dup2(os.open(shown / f"{rank}.{kind}", os.O_WRONLY | os.O_CREAT), number)
    os.environ |= place
    checkpoints.EPOCH_SECONDS = 0.0
    sys.argv = ["fittingroom", *words]
    code: object = 1
    try:
        main()
    except SystemExit as exit_:
        code = exit_.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)


def watch(children: list[int], when: list[Any] | None, shown: Path) -> list[int]:
    """Wait for all processes; return their exit codes, -N for signal N."""
    codes: dict[int, int] = {}
    asked_at = 0.0
    while len(codes) < len(children):
        time.sleep(POLL_SECONDS)
        if when and shown.exists() and when[0] in shown.read_text():
            os.kill(children[when[1]], when[2])
            when = None
        left = [child for child in children if child not in codes]
        for child in left:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                codes[child] = os.waitstatus_to_exitcode(status)
        left = [child for child in left if child not in codes]
        if any(codes.values()) and not asked_at:
            send(left, signal.SIGTERM)
            asked_at = time.monotonic()
        elif asked_at and time.monotonic() - asked_at > PATIENCE_SECONDS:
            send(left, signal.SIGKILL)
    return [codes[child] for child in children]


def send(children: list[int], number: int) -> None:
    for child in children:
        os.kill(child, number)


if __name__ == "__main__":
    cases = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps({name: launch(name, case, Path(sys.argv[2])) for name, case in cases.items()}))

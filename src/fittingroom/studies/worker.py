"""A process that works on a study.

`python -m fittingroom.studies.worker FOLDER DEVICE THREADS JOBS STACK`: STACK is the number of
runs to train at once, or "auto". It reads the plan, one line of JSON, from its standard input.
It ends when all runs are done, or when its standard input closes: whoever started it has asked it
to stop, or is no more.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from fittingroom.errors import FittingroomError
from fittingroom.training.ending import AskedToEnd, ending_by_signals, signal_of


def main(folder: str, device: str, threads: str, jobs: str, stack: str) -> int:
    """Work; return the exit code."""
    most = None if stack == "auto" else int(stack)

    def do(order: bytes, pulse: Callable[[], None]) -> None:
        do_work(order, Path(folder), device, int(threads), int(jobs), most, pulse)

    return obey(do)


def obey(do: Callable[[bytes, Callable[[], None]], None]) -> int:
    """Read an order, one line, from the standard input, and do it until that is closed.

    `do` is called with the order, and with what it is to call several times a second, which ends
    it where it was interrupted and did not notice.

    Returns
    -------
    The exit code.
    """
    line = sys.stdin.buffer.readline()
    if not line:
        return 130
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # or listen() does nothing where it is ignored
    with ending_by_signals() as ending:

        def stop_if_asked() -> None:
            if ending.should_stop():  # where training heard of it too late, and finished its run
                raise AskedToEnd(ending.signal)

        try:
            threading.Thread(target=listen, daemon=True).start()
            do(line, stop_if_asked)
        except FittingroomError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        except KeyboardInterrupt as interruption:
            return 128 + signal_of(interruption)
        return 0


def do_work(
    line: bytes,
    folder: Path,
    device: str,
    threads: int,
    jobs: int,
    stack: int | None,
    pulse: Callable[[], None],
) -> None:
    """Read the plan and the data, and do every run that nobody else does."""
    import torch

    from fittingroom.runs.run import load_again
    from fittingroom.studies.plan import validate
    from fittingroom.studies.study import read_record
    from fittingroom.studies.work import work

    torch.set_num_threads(threads)
    plan = validate(json.loads(line), str(folder))
    splits = load_again(read_record(folder)["data"], whose=f"study {plan.name}")
    work(folder, plan, splits, device, pulse, jobs=jobs, stack=stack)


def listen() -> None:
    """Ask the work to end once the standard input is closed."""
    # Not sys.stdin: its lock, held by a thread that waits, lets Python crash at its end.
    while os.read(0, 1):
        pass
    _thread.interrupt_main(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:6]))

"""A process that works on a study: `python -m fittingroom.studies.worker FOLDER DEVICE THREADS`.

It ends when all runs are done, or when its standard input closes: whoever started it has asked it
to stop, or is no more.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from pathlib import Path

from fittingroom.errors import FittingroomError


def main(folder: str, device: str, threads: str) -> int:
    """Work; return the exit code."""
    import torch

    from fittingroom.studies.study import open_study
    from fittingroom.studies.work import work

    # Python lets interrupt_main() do nothing where a shell's `&` has the signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=stop_with_standard_input, daemon=True).start()
    torch.set_num_threads(int(threads))
    try:
        study = open_study(folder)
        work(Path(folder), study.plan, study.data(), device)
    except FittingroomError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def stop_with_standard_input() -> None:
    """Interrupt the work once the standard input is closed."""
    sys.stdin.read()
    _thread.interrupt_main()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

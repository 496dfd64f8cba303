"""Do a study and write each run that is begun to a file: `conducting.py PLAN DATA JOBS LOG`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.train import train_together
from fittingroom.studies import work
from fittingroom.studies.conduct import study


def main(plan: str, data: str, jobs: str, log: str) -> int:
    """Return the exit code: that of the signal for an interruption."""

    def logged(*arguments: Any, **options: Any) -> Any:
        with Path(log).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in options["names"])
        return train_together(*arguments, **options)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    vars(work)["train_together"] = logged
    try:
        study(plan, data, jobs=int(jobs))
    except Interrupted as stop:
        print(stop)
        return 128 + stop.signal
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

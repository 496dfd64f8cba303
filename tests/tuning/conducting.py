"""A tuning as a program: `python conducting.py DATA STORAGE TRIALS JOBS OUT LOG [STALL]`.

It logs which rates it begins to train with, one a line: its process and the rate. STORAGE "-" is
the folder's. With STALL it begins so many trials and then trains for ever. Who is silent is taken
for dead sooner than a person would wait.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import fittingroom as fr
from fittingroom.runs.conduct import Interrupted
from fittingroom.tuning import heartbeat
from fittingroom.tuning.trial import Trainer


def main(
    data: str, storage: str, trials: str, jobs: str, out: str, log: str, stall: str = "0"
) -> int:
    """Return the exit code: that of the signal for an interruption."""
    train = Trainer.train
    begun = 0

    def logged(self: Trainer, recipe: fr.Recipe, *arguments: Any) -> None:
        nonlocal begun
        begun += 1
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {recipe.lr!r}\n")
        while begun == int(stall):
            self.pulse()
            if self.should_stop():
                break
            time.sleep(0.05)
        train(self, recipe, *arguments)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    vars(heartbeat).update(HEARTBEAT_SECONDS=1, GRACE_SECONDS=3)
    setattr(Trainer, "train", logged)  # noqa: B010 - mypy minds an assignment
    try:
        fr.tune(
            "two-layer",
            data,
            vary={"lr": "1e-4..1e-1:log"},
            trials=int(trials),
            storage=None if storage == "-" else storage,
            epochs=2,
            final_seeds=0,
            finalists=0,
            jobs=int(jobs),
            out=out,
        )
    except Interrupted as stop:
        print(stop)
        return 128 + stop.signal
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A process that works on a tuning: `python -m fittingroom.tuning.worker FOLDER DEVICE THREADS`.

It reads its order, one line of JSON, from its standard input: there the storage's password is seen
by nobody. It ends when the budget is used up, or when its standard input closes.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

from fittingroom.studies.worker import obey


def main(folder: str, device: str, threads: str) -> int:
    """Work; return the exit code."""

    def do(order: bytes, pulse: Callable[[], None]) -> None:
        do_work(order, Path(folder), device, int(threads), pulse)

    return obey(do)


def do_work(
    order: bytes, folder: Path, device: str, threads: int, pulse: Callable[[], None]
) -> None:
    """Read the order and the data, and do trials."""
    import torch

    from fittingroom.runs.prepare import settle_device
    from fittingroom.runs.run import load_again
    from fittingroom.tuning.search import join
    from fittingroom.tuning.storage import address_of, open_storage
    from fittingroom.tuning.trial import learning_only
    from fittingroom.tuning.tuning import plan_from, read_record
    from fittingroom.tuning.work import Work

    torch.set_num_threads(threads)
    told = json.loads(order)
    plan = plan_from(told["plan"], str(folder))
    splits = load_again(read_record(folder)["data"], whose=f"tuning {plan.name}")
    with open_storage(address_of(told["storage"], folder)) as storage:
        Work(
            storage,
            join(storage, plan),
            plan,
            learning_only(splits, plan.start),
            settle_device(plan.start, device),
            math.inf if told["deadline"] is None else told["deadline"],
            pulse,
        ).do()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

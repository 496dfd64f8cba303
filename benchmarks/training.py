"""One run of the notebook's algorithm (three-layer, Adam, batch 64): its own loop against ours.

FITTINGROOM_DATA=... python benchmarks/training.py [REPETITIONS] [EPOCHS]
"""

from __future__ import annotations

import sys
from pathlib import Path

from measuring import data_folder, machine, print_comparison, run_in_turn, spread

HERE = Path(__file__).parent
REFERENCE = "notebook's loop"


def main(repetitions: int = 5, epochs: int = 3) -> None:
    """Measure and print."""
    data_folder()
    print(f"training the notebook's network, {epochs} epochs of 60,000 pictures a run")
    print(f"  {machine()}")
    programs = {
        REFERENCE: [str(HERE / "notebook_loop.py"), str(epochs)],
        "fittingroom": [str(HERE / "our_loop.py"), str(epochs)],
    }
    results = run_in_turn(programs, repetitions)
    print_comparison(results, "seconds_per_epoch", "s", reference=REFERENCE)
    print_comparison(results, "peak_MB", "MB", reference=REFERENCE)
    for quantity, form in (("images_per_second", ",.0f"), ("test_accuracy", ".2%")):
        print(f"  {quantity}")
        for name, runs in results.items():
            print(f"    {name:<28} {spread([run[quantity] for run in runs], form)}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))

"""Peak memory of each recipe for the CPU: a run as a person has it, report and figures included.

Cut to one epoch, since every epoch needs the same.
"""

from __future__ import annotations

from functools import partial

from measuring import data_folder, peak_memory
from row import Found, Quantity, Row, Size, Turn

RECIPES = (
    "notebook-two-layer",
    "notebook-three-layer",
    "convnet",
    "fast",
    "convnet-92",
    "convnet-94",
)


def run(turn: Turn, name: str) -> Found:
    """Train, evaluate, draw and write one run, and return the process's peak memory."""
    import fittingroom as fr

    data = fr.load(data_folder())
    loaded = peak_memory()
    followed = fr.recipe(name, protocol="notebook", epochs=1, seed=turn.seed)
    fr.train(followed, data, device="cpu", out=turn.folder)
    return {"peak_MB": peak_memory(), "loaded_MB": loaded}


ROW = Row(
    name="memory",
    title="peak memory of a run of each CPU recipe, 1 epoch",
    ways={name: partial(run, name=name) for name in RECIPES},
    full=Size(1),
    quick=None,
    tiny=Size(1),
    quantities=(Quantity("peak_MB", "MB", ".0f"),),
    recipes=RECIPES,
)

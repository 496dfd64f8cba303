"""Whether answers for photos can be believed: round trips, calibration, what is flagged."""

from __future__ import annotations

from functools import partial

import numpy as np

from measuring import data_folder
from row import Found, Quantity, Row, Size, Turn
from strange import PHOTOS, photographed, strange


def judge(turn: Turn, recipe: str) -> Found:
    """Train with this turn's seed, and ask what is answered for photos and strange pictures."""
    import fittingroom as fr
    from fittingroom.evaluation.metrics import calibration
    from fittingroom.serving.photo import prepare
    from fittingroom.serving.predict import in_memory
    from fittingroom.serving.predictor import RunPredictor

    data = fr.load(data_folder())
    chosen = fr.recipe(recipe, seed=turn.seed)
    run = fr.train(chosen, data, out=turn.folder / "runs", figures=False)
    predictor = RunPredictor(run, data)
    test = data.test
    found: Found = {"accuracy": run.evaluation.accuracy, "ECE": run.evaluation.calibration_error}
    answers = predictor.answer(test.images)
    predicted = answers.probabilities.argmax(axis=1)
    sure = answers.probabilities.max(axis=1)
    found["ECE_calibrated"] = calibration(sure, predicted == test.labels).error

    def flagged(novelty: np.ndarray) -> float:
        return float((novelty > predictor.threshold).mean())

    found["flagged"] = {"test pictures": flagged(answers.novelty)}
    for kind, pictures in strange(test.images).items():
        found["flagged"][kind] = flagged(predictor.answer(pictures).novelty)
    pictures = test.images[: turn.options.get("photos", PHOTOS)]
    for how in ("nearest", "bicubic"):
        seen = photographed(
            pictures,
            how,
            see=lambda content: prepare(in_memory(content, "photo"), predictor.preparation).seen,
        )
        again = predictor.answer(seen).probabilities.argmax(axis=1)
        found[f"as_before_{how}"] = float((again == predicted[: len(pictures)]).mean())
    return found


ROW = Row(
    name="trust",
    title="photos of test pictures answered for as before; what is flagged as unlike everything",
    ways={
        recipe: partial(judge, recipe=recipe)
        for recipe in ("notebook-three-layer", "fast", "convnet-92")
    },
    full=Size(3),
    quick=None,
    tiny=Size(1, options={"photos": 20}),
    quantities=(
        Quantity("as_before_nearest", form=".2%", less_is_better=False),
        Quantity("as_before_bicubic", form=".2%", less_is_better=False),
        Quantity("ECE", form=".2%"),
        Quantity("ECE_calibrated", form=".2%"),
    ),
    recipes=("fast", "convnet-92"),
)

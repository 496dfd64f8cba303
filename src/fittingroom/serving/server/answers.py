"""A request's pictures -> the answers of models, as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fittingroom.serving.photo import Photo
from fittingroom.serving.predict import Prediction, pair, pictures_of
from fittingroom.serving.server.batching import Batcher
from fittingroom.serving.server.decoding import Decoding
from fittingroom.serving.server.explaining import Explaining
from fittingroom.serving.server.served import ServedModel
from fittingroom.serving.server.uploads import Upload


@dataclass(frozen=True)
class Wanted:
    """What is asked for beside the answers: what mattered, and what the model saw."""

    explain: bool = False
    seen: bool = False


class Answerer:
    """Decodes, answers and explains; each request has one picture at a time in each thread.

    So a request of many or of slow pictures takes turns with the others.

    Parameters
    ----------
    decoding, batcher, explaining
        What does it.
    """

    def __init__(self, decoding: Decoding, batcher: Batcher, explaining: Explaining) -> None:
        self.decoding = decoding
        self.batcher = batcher
        self.explaining = explaining

    async def answer(
        self, uploads: Sequence[Upload], models: Sequence[ServedModel], wanted: Wanted
    ) -> list[list[dict[str, Any]]]:
        """Return for each picture the answer of each model, JSON values.

        Raises
        ------
        PhotoError
            If one is no picture.
        RefusedError
            If too much waits, or the server is stopping.
        """
        kinds = dict.fromkeys(model.predictor.preparation for model in models)
        photos = {kind: [await self.decoding.photo(one, kind) for one in uploads] for kind in kinds}
        predictions = await asyncio.gather(
            *(self._predict(model, photos[model.predictor.preparation]) for model in models)
        )
        shown = {kind: await self._shown(photos[kind], wanted) for kind in kinds}
        columns = [
            [
                described(model, await self._explained(model, prediction, wanted), seen)
                for prediction, seen in zip(column, shown[model.predictor.preparation], strict=True)
            ]
            for model, column in zip(models, predictions, strict=True)
        ]
        return [list(row) for row in zip(*columns, strict=True)]

    async def _predict(self, model: ServedModel, photos: Sequence[Photo]) -> list[Prediction]:
        found = await self.batcher.answer(model.predictor, pictures_of(photos))
        return pair(model.predictor, photos, found)

    async def _shown(self, photos: Sequence[Photo], wanted: Wanted) -> Sequence[str | None]:
        if not wanted.seen:
            return [None] * len(photos)
        return [await self.decoding.seen(photo) for photo in photos]

    async def _explained(
        self, model: ServedModel, prediction: Prediction, wanted: Wanted
    ) -> Prediction:
        if not wanted.explain:
            return prediction
        heat = await self.explaining.heat(
            model.predictor, prediction.photo.seen, prediction.probabilities
        )
        return replace(prediction, heat=heat)


def described(model: ServedModel, prediction: Prediction, seen: str | None) -> dict[str, Any]:
    """Return an answer as JSON values."""
    photo, fields = prediction.photo, prediction.to_dict()
    del fields["file"]
    heat = prediction.heat
    return {
        "model": model.name,
        **fields,
        "negated": photo.negated,
        "box": None if photo.box is None else list(photo.box),
        "shown_size": list(photo.shown.size),
        "seen": seen,
        "heat": None if heat is None else heat.astype(np.float64).round(2).tolist(),
    }

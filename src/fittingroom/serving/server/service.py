"""What the requests of one server share, from its start to its stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from fittingroom.serving.server.answers import Answerer
from fittingroom.serving.server.batching import MOST_WAITING, Batcher
from fittingroom.serving.server.decoding import Decoding
from fittingroom.serving.server.explaining import Explaining
from fittingroom.serving.server.guarding import Rules
from fittingroom.serving.server.metrics import Metrics
from fittingroom.serving.server.served import ServedModels
from fittingroom.serving.server.uploads import Intake, Limits

AUTO = "auto"


@dataclass(eq=False)
class Service:
    """What the requests share.

    Parameters
    ----------
    models
        What is served.
    language
        Of the pages: "en", "ko", or "auto" for the one that the browser asks for.
    rules
        Whose requests are answered.
    limits
        What they may bring.
    most_waiting
        Pictures that may wait for an answer.
    """

    models: ServedModels
    language: str = AUTO
    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=Limits)
    most_waiting: int = MOST_WAITING
    metrics: Metrics = field(default_factory=Metrics)
    stopping: bool = False
    intake: Intake = field(init=False)
    answerer: Answerer = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(self.limits)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the threads, and ask each model once, so that nobody waits for a first time."""
        batcher = Batcher(self.most_waiting, self.metrics.batch)
        decoding, explaining = Decoding(), Explaining(batcher)
        self.answerer = Answerer(decoding, batcher, explaining)
        try:
            for model in self.models:
                shape = model.predictor.preparation.input_shape
                await batcher.answer(model.predictor, np.zeros((1, *shape), np.uint8), behind=True)
            yield
        finally:
            self.stopping = True
            await batcher.close()
            explaining.close()
            decoding.close()

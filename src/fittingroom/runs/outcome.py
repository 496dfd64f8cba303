"""What a run came to, and the SHA-256 of it: what another run must come to, to be the same.

Of what was computed, not of files: `history.jsonl` holds seconds, and another version of NumPy or
safetensors may write the same numbers as other bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.models.tensor_file import digest_of
from fittingroom.runs.run import Run
from fittingroom.training.history import Epoch

PARTS = ("weights", "history", "predictions")


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Parameters
    ----------
    digests
        SHA-256 (hex) of each of PARTS; none of a record from before there were any.
    test
        The evaluation, as `run.json` has it.
    weights, history, evaluation
        What the digests are of; None where there is a record and nothing else.
    """

    digests: Mapping[str, str]
    test: Mapping[str, Any]
    weights: Mapping[str, Tensor] | None = None
    history: tuple[Epoch, ...] | None = None
    evaluation: Evaluation | None = None


def outcome_of(run: Run) -> Outcome:
    """Read what a run came to from its folder.

    Raises
    ------
    RunError, ModelError
        If one of its files is missing or damaged.
    """
    weights, history, evaluation = run.weights, run.history, run.evaluation
    found = digests(weights, history, evaluation)
    return Outcome(found, run.record["results"]["test"], weights, history, evaluation)


def recorded_outcome(record: Mapping[str, Any]) -> Outcome:
    """Return what a finished run's record says of it."""
    results = record["results"]
    known = results.get("digests", {})
    return Outcome({part: str(known[part]) for part in PARTS if part in known}, results["test"])


def digests(
    weights: Mapping[str, Tensor], history: Sequence[Epoch], evaluation: Evaluation
) -> dict[str, str]:
    """Return the SHA-256 (hex) of each of PARTS."""
    return {
        "weights": digest_of({}, weights),
        "history": digest_of_history(history),
        "predictions": digest_of_predictions(evaluation),
    }


def digest_of_history(history: Sequence[Epoch]) -> str:
    """Return the SHA-256 of a history: of all its numbers but the seconds, as JSON lines."""
    lines = (json.dumps(timeless(epoch).to_dict()) + "\n" for epoch in history)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def timeless(epoch: Epoch) -> Epoch:
    """Return an epoch's record without its seconds, which no run has twice."""
    return replace(epoch, seconds=0.0)


def digest_of_predictions(evaluation: Evaluation) -> str:
    """Return the SHA-256 of the test pictures' labels, int64 (N,), and logits, float32 (N, K)."""
    digest = hashlib.sha256(repr(evaluation.logits.shape).encode())
    digest.update(evaluation.labels.astype("<i8").tobytes())
    digest.update(evaluation.logits.astype("<f4").tobytes())
    return digest.hexdigest()

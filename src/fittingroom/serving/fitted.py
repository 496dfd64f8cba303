"""What was fitted on a run's data for its answers: in the run's folder, and in an exported file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fittingroom.serving.preparation import Preparation


@dataclass(frozen=True)
class Fitted:
    """What was fitted, beside what the modules hold.

    Parameters
    ----------
    preparation
        How a photo becomes a picture of the model's kind.
    temperature
        What the scores are divided by: Guo, Pleiss, Sun and Weinberger 2017, arXiv 1706.04599.
    threshold
        The novelty beyond which an answer should not be believed.
    fitted_on
        "validation", or "training" where no pictures were held back: then the confidence is too
        high and the warnings are too many.
    pictures
        How many.
    """

    preparation: Preparation
    temperature: float
    threshold: float
    fitted_on: str
    pictures: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return vars(self) | {"preparation": self.preparation.to_dict()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        ValueError, KeyError, TypeError
            If the fields are damaged.
        """
        return cls(
            Preparation.from_dict(fields["preparation"]),
            float(fields["temperature"]),
            float(fields["threshold"]),
            str(fields["fitted_on"]),
            int(fields["pictures"]),
        )

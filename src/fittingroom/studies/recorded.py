"""Which settings can have produced a result that somebody wrote down: the detective's question.

A recorded accuracy fits a setting if it lies where one further run of the setting is expected
(`prediction_interval`).

A recorded confusion matrix fits if it is no further from the mean of the setting's matrices than
the setting's own seeds are. The distance of two matrices is half the sum of their absolute
differences: as many pictures would have to be predicted otherwise to make one of the other (total
variation, in pictures). What keeps the comparison fair: each seed is measured against the mean of
the n - 1 others, the recorded matrix against the mean of all n, and a mean of fewer scatters more.
The difference between a matrix and a mean of m others of the same setting has the variance
s^2 (1 + 1/m) in each cell, so the seeds' distances are multiplied by
sqrt((1 + 1/n) / (1 + 1/(n-1))) = sqrt(n^2 - 1) / n. Distances are positive and skewed to the
right, so it is their logarithms that are taken as normally distributed, and the upper 95%
prediction limit for one further (Meeker, Hahn and Escobar 2017, Statistical Intervals, chapter 4,
doi:10.1002/9781118594841) is the bound. That takes three seeds: two are equally far from each
other. Of 75 real runs, each left out and held against the four others of its setting, 5 (7%) were
taken for strangers; 11% without logarithms.

A setting that fits is not shown to be the right one, only not excluded; and with two tests a right
one is excluded in up to 1 of 10 cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isclose, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fittingroom.evaluation.intervals import ROUNDING, mean_and_spread
from fittingroom.evaluation.significance import CONFIDENCE_LEVEL
from fittingroom.studies.plan import Recorded
from fittingroom.studies.setting_result import SettingResult

# "About 87%" is any accuracy that is 87% when rounded to whole percent.
ABOUT = 0.005

# Fewer seeds show no spread of their distances.
FEWEST_MATRICES = 3

# Distances below half a picture count as half a picture: equal matrices have a logarithm too.
LEAST_DISTANCE = 0.5


@dataclass(frozen=True)
class Match:
    """Whether a setting can have produced the recorded result.

    Parameters
    ----------
    setting
        Its name.
    mean
        Its mean accuracy, 0 to 1.
    prediction
        Where one further run of it is expected, with 95% confidence; None for a single run.
    accuracy_fits
        Whether the recorded accuracy lies there; None if that cannot be said.
    surprise
        Two-sided p-value of the recorded accuracy, as one further run.
    distance
        Of the recorded matrix from the mean of the setting's, in pictures.
    own_distances
        Of each seed's matrix from the mean of the other seeds', made comparable, in pictures.
    matrix_fits
        Whether the recorded matrix is no further away than they are; None if that cannot be said.
    matrix_surprise
        One-sided p-value of its distance.
    fits
        Whether all that was recorded fits; None if that cannot be said.
    """

    setting: str
    mean: float
    prediction: tuple[float, float] | None
    accuracy_fits: bool | None
    surprise: float | None
    distance: float | None
    own_distances: tuple[float, ...]
    matrix_fits: bool | None
    matrix_surprise: float | None
    fits: bool | None


@dataclass(frozen=True)
class RecordedResult:
    """A recorded result, held against the settings that can have produced it.

    Parameters
    ----------
    recorded
        What was written down.
    matches
        One for each of `recorded.settings` that has finished runs, in the same order.
    same_pictures
        Whether its matrix counts as many pictures of each class as the study's test set: if not,
        it is about other pictures, and nothing fits or does not; None without a matrix.
    """

    recorded: Recorded
    matches: tuple[Match, ...]
    same_pictures: bool | None

    @property
    def nearest(self) -> str | None:
        """The setting nearest in mean accuracy and, where there is a matrix, in that as well.

        None if the two disagree, or nothing can be said.
        """
        judged = [match for match in self.matches if match.fits is not None]
        by_accuracy = min(judged, key=lambda m: abs(m.mean - self.recorded.accuracy), default=None)
        measured = [match for match in judged if match.distance is not None]
        by_matrix = min(measured, key=lambda m: m.distance or 0.0, default=by_accuracy)
        return by_accuracy.setting if by_accuracy and by_accuracy is by_matrix else None

    @property
    def conclusive(self) -> bool:
        """Whether exactly one setting fits, and every other one has been seen not to."""
        fits = [match.fits for match in self.matches]
        all_seen = len(fits) == len(self.recorded.settings) and None not in fits
        return all_seen and fits.count(True) == 1

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {
            "recorded": self.recorded.model_dump(mode="json"),
            "matches": [match_dict(match) for match in self.matches],
            "same_pictures": self.same_pictures,
            "nearest": self.nearest,
            "conclusive": self.conclusive,
        }


def match_dict(match: Match) -> dict[str, Any]:
    """Return a match as JSON values."""
    return asdict(match) | {
        "prediction": list(match.prediction) if match.prediction else None,
        "own_distances": list(match.own_distances),
    }


def hold_against(recorded: Recorded, settings: Sequence[SettingResult]) -> RecordedResult:
    """Ask of each setting that can have produced a recorded result whether it did."""
    known = {setting.name: setting for setting in settings}
    candidates = [known[name] for name in recorded.settings if name in known]
    same = same_pictures(recorded, candidates[0]) if candidates else None
    matches = tuple(match_of(recorded, setting, same) for setting in candidates)
    return RecordedResult(recorded, matches, same)


def same_pictures(recorded: Recorded, setting: SettingResult) -> bool | None:
    """Tell whether a recorded matrix is about the study's test pictures, by their numbers."""
    if recorded.confusion is None:
        return None
    counts = np.sum(recorded.confusion, axis=1)
    return np.array_equal(counts, setting.marks[0].confusion.sum(axis=1))


def match_of(recorded: Recorded, setting: SettingResult, same: bool | None) -> Match:
    """Hold a recorded result against one setting."""
    allowed = same is not False
    surprise = accuracy_surprise(recorded, setting.accuracies) if allowed else None
    distance, matrix_surprise = None, None
    own: tuple[float, ...] = ()
    if same and recorded.confusion is not None:
        matrices = np.array([marks.confusion for marks in setting.marks], float)
        distance = distance_between(recorded.confusion, matrices.mean(axis=0))
        own = distances_among(matrices)
        matrix_surprise = distance_surprise(distance, own)
    accuracy_fits, matrix_fits = is_usual(surprise), is_usual(matrix_surprise)
    judged = [accuracy_fits, *([matrix_fits] if recorded.confusion else [])]
    return Match(
        setting=setting.name,
        mean=setting.mean,
        prediction=setting.prediction,
        accuracy_fits=accuracy_fits,
        surprise=surprise,
        distance=distance,
        own_distances=own,
        matrix_fits=matrix_fits,
        matrix_surprise=matrix_surprise,
        fits=False if False in judged else None if None in judged else True,
    )


def is_usual(p: float | None) -> bool | None:
    """Tell whether a p-value is one that chance would explain; None if there is none."""
    return None if p is None else p >= 1 - CONFIDENCE_LEVEL


def accuracy_surprise(recorded: Recorded, accuracies: Sequence[float]) -> float | None:
    """Return the two-sided p-value of a recorded accuracy as that of one further run.

    Of an approximate one, the accuracy nearest to the mean that can be meant counts.
    """
    mean = float(np.mean(accuracies))
    away = abs(recorded.accuracy - mean)
    if recorded.approximate:
        away = max(0.0, away - ABOUT)
    upper_tail = tail_of_one_more(accuracies, mean + away)
    return None if upper_tail is None else min(1.0, 2 * upper_tail)


def distance_between(first: ArrayLike, second: ArrayLike) -> float:
    """Return how many pictures have to be predicted otherwise to make one matrix the other.

    Half the sum of absolute differences: each picture leaves one cell and enters another.
    """
    difference: NDArray[np.float64] = np.subtract(first, second, dtype=np.float64)
    return float(np.abs(difference).sum() / 2)


def distances_among(matrices: NDArray[np.float64]) -> tuple[float, ...]:
    """Return each matrix's distance from the mean of the others, comparable with a stranger's.

    Parameters
    ----------
    matrices
        Shape (n, K, K).

    Returns
    -------
    n distances in pictures, multiplied by sqrt(n^2 - 1) / n as the module's text explains; none
    for a single matrix.
    """
    n = len(matrices)
    if n < 2:
        return ()
    total = matrices.sum(axis=0)
    scale = sqrt(n * n - 1) / n
    return tuple(scale * distance_between(own, (total - own) / (n - 1)) for own in matrices)


def distance_surprise(distance: float, own_distances: Sequence[float]) -> float | None:
    """Return the one-sided p-value of a stranger's distance as one further of a setting's own."""
    if len(own_distances) < FEWEST_MATRICES:
        return None
    own = [log(max(own, LEAST_DISTANCE)) for own in own_distances]
    return tail_of_one_more(own, log(max(distance, LEAST_DISTANCE)))


def tail_of_one_more(values: Sequence[float], further: float) -> float | None:
    """Return the probability that one further value is at least `further`.

    (further - mean) / (s sqrt(1 + 1/n)) follows Student's t with n - 1 degrees of freedom. None
    for fewer than two values; values without spread leave only 0 or 1 (1/2 at the value itself).
    """
    from scipy.special import stdtr

    if len(values) < 2:
        return None
    n, mean, sd = mean_and_spread(values)
    if sd == 0:
        return 0.5 if isclose(further, mean, rel_tol=ROUNDING) else float(further < mean)
    return float(stdtr(n - 1, (mean - further) / (sd * sqrt(1 + 1 / n))))

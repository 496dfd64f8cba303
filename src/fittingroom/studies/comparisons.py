"""Every pair of settings compared: over their seeds, and on the same test pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

from fittingroom.evaluation.significance import (
    ImageComparison,
    PairedDifference,
    compare_on_images,
    holm,
    paired_difference,
)
from fittingroom.studies.setting_result import SettingResult

SIGNIFICANCE_LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """How two settings differ: first - second.

    Parameters
    ----------
    first, second
        Names; in `StudyResults.comparisons` the first has the higher mean, or the same.
    seeds
        Those that both have a finished run of.
    difference
        Over these seeds; None with fewer than two.
    adjusted_p
        Its p-value, adjusted (`holm`) for all pairs of the study.
    image_seed
        Whose two runs are compared picture by picture: the lowest of `seeds`; None without any.
    images
        Their comparison; None also if their test pictures are not the same.
    images_adjusted_p
        Its p-value, adjusted for all pairs of the study.
    """

    first: str
    second: str
    seeds: tuple[int, ...]
    difference: PairedDifference | None
    adjusted_p: float | None
    image_seed: int | None
    images: ImageComparison | None
    images_adjusted_p: float | None

    @property
    def significant(self) -> bool:
        """Whether the settings differ, over seeds, by more than chance would explain."""
        return self.adjusted_p is not None and self.adjusted_p < SIGNIFICANCE_LEVEL

    def turned(self) -> Comparison:
        """Return the same comparison seen from the other side: second - first."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            difference=turn_difference(self.difference) if self.difference else None,
            images=turn_images(self.images) if self.images else None,
        )

    def __str__(self) -> str:
        lines = [f"{self.first} - {self.second}"]
        if self.difference is not None:
            found = self.difference
            lines.append(
                f"  over {found.n} seeds: {in_points(found.mean)} points "
                f"(95% interval {in_points(found.low)} to {in_points(found.high)}), "
                f"p = {found.p:.3g}, adjusted {self.adjusted_p:.3g}"
            )
        if self.images is not None:
            seen = self.images
            lines.append(
                f"  on {seen.count:,} pictures, seed {self.image_seed}: "
                f"{in_points(seen.difference)} points "
                f"(95% interval {in_points(seen.low)} to {in_points(seen.high)}), "
                f"McNemar's p = {seen.p:.3g}, adjusted {self.images_adjusted_p:.3g}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self) | {"seeds": list(self.seeds), "significant": self.significant}


def in_points(difference: float) -> str:
    """Write a difference of two fractions in percentage points, with its sign."""
    return f"{100 * difference:+.2f}"


def compare_all(settings: Sequence[SettingResult]) -> tuple[Comparison, ...]:
    """Compare every setting with every later one."""
    pairs = [compare_pair(first, second) for first, second in combinations(settings, 2)]
    over_seeds = adjust([pair.difference for pair in pairs])
    on_images = adjust([pair.images for pair in pairs])
    return tuple(
        replace(pair, adjusted_p=p, images_adjusted_p=q)
        for pair, p, q in zip(pairs, over_seeds, on_images, strict=True)
    )


def compare_pair(first: SettingResult, second: SettingResult) -> Comparison:
    """Compare two settings; the p-values are not adjusted yet."""
    seeds = common_seeds(first, second)
    image_seed = min(seeds, default=None)
    return Comparison(
        first=first.name,
        second=second.name,
        seeds=seeds,
        difference=difference_over(seeds, first, second),
        adjusted_p=None,
        image_seed=image_seed,
        images=None if image_seed is None else on_same_images(first, second, image_seed),
        images_adjusted_p=None,
    )


def common_seeds(first: SettingResult, second: SettingResult) -> tuple[int, ...]:
    """Return the seeds that both settings have finished, in increasing order."""
    return tuple(sorted({*first.seeds} & {*second.seeds}))


def difference_over(
    seeds: Sequence[int], first: SettingResult, second: SettingResult
) -> PairedDifference | None:
    """Compare the accuracies of two settings, paired by seed: first - second."""
    scores = [
        [setting.accuracies[setting.seeds.index(seed)] for seed in seeds]
        for setting in (first, second)
    ]
    return paired_difference(*scores)


def on_same_images(
    first: SettingResult, second: SettingResult, seed: int
) -> ImageComparison | None:
    """Compare two single runs picture by picture; None if their test pictures differ."""
    one, other = (setting.marks[setting.seeds.index(seed)] for setting in (first, second))
    if one.pictures != other.pictures:
        return None
    return compare_on_images(one.correct, other.correct)


def adjust(tests: Sequence[PairedDifference | ImageComparison | None]) -> list[float | None]:
    """Return the p-values of tests, adjusted for their number; None where there is no test."""
    adjusted = iter(holm([test.p for test in tests if test]))
    return [next(adjusted) if test else None for test in tests]


def turn_difference(found: PairedDifference) -> PairedDifference:
    """Return second - first of first - second."""
    effect = None if found.effect is None else -found.effect
    return replace(found, mean=-found.mean, low=-found.high, high=-found.low, effect=effect)


def turn_images(found: ImageComparison) -> ImageComparison:
    """Return second - first of first - second."""
    return replace(
        found,
        only_first=found.only_second,
        only_second=found.only_first,
        difference=-found.difference,
        low=-found.high,
        high=-found.low,
        odds_ratio=found.only_second / found.only_first if found.only_first else None,
    )

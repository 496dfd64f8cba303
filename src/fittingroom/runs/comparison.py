"""A run and its repetition: identical, equal within noise, or different; and in what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt
from typing import Any

from torch import Tensor

from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.runs.outcome import PARTS, Outcome, timeless
from fittingroom.training.history import Epoch

IDENTICAL = "identical"
WITHIN_NOISE = "equal within noise"
DIFFERENT = "different"

# Of a normal distribution 0.3% lie further out than three standard errors. Those of McNemar's test
# take disputed pictures for independent, which they are nearly: repetitions with another rounding
# had differences of 1.2 of them, root mean square (docs/reliability.md), and so it takes four.
OF_PICTURES = 4
OF_SAMPLES = 3


@dataclass(frozen=True)
class Change:
    """Something that was one thing for the run and is another for its repetition."""

    name: str
    was: str
    now: str

    def __str__(self) -> str:
        if self.was == self.now:
            return f"{self.name}: {self.was} then and now, maybe in another way"
        return f"{self.name}: {self.was}, now {self.now}"


@dataclass(frozen=True)
class Noise:
    """By how much the accuracy may differ for no other reason than another rounding.

    Parameters
    ----------
    bound
        A fraction, 0 to 1.
    rule
        How it was found, for people to read.
    only_then, only_now
        Test pictures that only the run, or only its repetition answers rightly; None where the
        run's predictions are not at hand.
    """

    bound: float
    rule: str
    only_then: int | None = None
    only_now: int | None = None


@dataclass(frozen=True)
class Comparison:
    """What came of a repetition.

    Parameters
    ----------
    same
        For each of weights, history and predictions: equal bit for bit? None where the run's
        record does not say.
    changes
        What the last bits depend on, and is another now.
    accuracies, count
        Of the run and of its repetition, on so many test pictures.
    noise
        How far these may lie apart.
    answered_differently
        Test pictures that get another answer; None where the run's predictions are not at hand.
    largest_weight_difference
        Of two weights in the same place; None where the run's are not at hand, or of other shapes.
    first_other_epoch
        Counted from 1; None where the histories are equal, or the run's is not at hand.
    kept
        The repetition's folder; None where it was not kept.
    """

    same: Mapping[str, bool | None]
    changes: tuple[Change, ...]
    accuracies: tuple[float, float]
    count: int
    noise: Noise
    answered_differently: int | None = None
    largest_weight_difference: float | None = None
    first_other_epoch: int | None = None
    kept: str | None = None

    @property
    def verdict(self) -> str:
        """One of identical, equal within noise, different.

        Equal within noise takes both: a change that makes another rounding, and accuracies that
        lie no further apart than that explains. Where nothing has changed, any other bit is a
        failure to repeat.
        """
        if self.same["predictions"] and False not in self.same.values():
            return IDENTICAL
        return WITHIN_NOISE if self.changes and self.is_within_noise else DIFFERENT

    @property
    def is_within_noise(self) -> bool:
        """Whether the accuracies lie no further apart than another rounding explains."""
        then, now = self.accuracies
        return abs(now - then) <= self.noise.bound + 1e-12  # 0.89 - 0.88 is not 0.01

    @property
    def reason(self) -> str:
        """Why it is that, in a sentence without a full stop."""
        if self.verdict == IDENTICAL:
            return f"{listed([part for part in PARTS if self.same[part]])} are equal bit for bit"
        if not self.changes:
            epoch = self.first_other_epoch
            since = "" if epoch is None else f", from epoch {epoch} on"
            others = listed([part for part in PARTS if self.same[part] is False]) or "the results"
            return f"nothing that the bits depend on has changed, yet {others} have{since}"
        if self.verdict == WITHIN_NOISE:
            return "other bits, as something was computed otherwise, and an accuracy within noise"
        return "the accuracy is another, by more than another rounding explains"

    def lines(self) -> Iterator[str]:
        """Say in lines what is other, and by how much."""
        identical = self.verdict == IDENTICAL
        yield from (str(one) for one in self.changes if one.was != one.now or not identical)
        then, now = self.accuracies
        yield f"accuracy: {then:.2%}, now {now:.2%}, on {self.count:,} test pictures"
        if identical:
            return
        yield f"noise: {100 * self.noise.bound:.2f} points, {self.noise.rule}"
        if self.answered_differently is not None:
            yield (
                f"predictions: {self.answered_differently:,} pictures are answered differently; "
                f"{self.noise.only_then:,} were right and are wrong now, "
                f"{self.noise.only_now:,} the other way round"
            )
        if self.largest_weight_difference is not None:
            yield f"weights: up to {self.largest_weight_difference:.2g} apart"
        if self.first_other_epoch is not None:
            yield f"history: another from epoch {self.first_other_epoch} on"
        unknown = [part for part in PARTS if self.same[part] is None]
        if unknown:
            yield f"not compared, for the record has no digest of it: {listed(unknown)}"

    def to_dict(self) -> dict[str, Any]:
        """Return verdict, reason and all fields as JSON values."""
        return {"verdict": self.verdict, "reason": self.reason, **asdict(self)}

    def __str__(self) -> str:
        return "\n  ".join([f"{self.verdict}: {self.reason}", *self.lines()])


def listed(words: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def compare(
    was: Mapping[str, Any], then: Outcome, becomes: Mapping[str, Any], now: Outcome
) -> Comparison:
    """Compare a run and its repetition: their records, and what they came to."""
    same = {
        part: then.digests[part] == now.digests[part] if part in then.digests else None
        for part in PARTS
    }
    found = Comparison(
        same,
        tuple(find_changes(was, becomes)),
        (then.test["accuracy"], now.test["accuracy"]),
        then.test["count"],
        noise_of_records(then.test, now.test),
    )
    if then.weights is not None and now.weights is not None:
        found = replace(
            found, largest_weight_difference=largest_difference(then.weights, now.weights)
        )
    if then.history is not None and now.history is not None:
        found = replace(found, first_other_epoch=first_other_epoch(then.history, now.history))
    if then.evaluation is not None and now.evaluation is not None:
        others = int((then.evaluation.predicted != now.evaluation.predicted).sum())
        noise = noise_of_predictions(then.evaluation, now.evaluation)
        found = replace(found, answered_differently=others, noise=noise)
    return found


def noise_of_predictions(then: Evaluation, now: Evaluation) -> Noise:
    """Return how far two models lie apart that are equally good, from the pictures they dispute.

    Of b + c pictures that one of the two alone answers rightly, either has each with probability
    1/2; so b - c has the standard deviation sqrt(b + c) (McNemar 1947, doi:10.1007/BF02295996).
    """
    ours, theirs = (one.predicted == one.labels for one in (then, now))
    only_then, only_now = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    bound = OF_PICTURES * sqrt(only_then + only_now) / then.count
    rule = (
        f"{OF_PICTURES} standard errors of the pictures that one of the two alone answers "
        f"rightly: {OF_PICTURES} x sqrt({only_then} + {only_now}) / {then.count:,}"
    )
    return Noise(bound, rule, only_then, only_now)


def noise_of_records(then: Mapping[str, Any], now: Mapping[str, Any]) -> Noise:
    """Return the same where only the accuracies are known: as of two samples, which is more.

    The variance of the difference of two binomial proportions; that of answers to the same
    pictures, which agree more often than by chance, is smaller by twice their covariance.
    """
    variance = sum(one["accuracy"] * (1 - one["accuracy"]) / one["count"] for one in (then, now))
    rule = (
        f"{OF_SAMPLES} standard errors as of two samples of {then['count']:,} pictures, "
        "for the run's own predictions are not at hand"
    )
    return Noise(OF_SAMPLES * sqrt(variance), rule)


def largest_difference(then: Mapping[str, Tensor], now: Mapping[str, Tensor]) -> float | None:
    """Return how far two weights in the same place lie apart; None if the shapes are others."""
    shapes, others = ({k: t.shape for k, t in tensors.items()} for tensors in (then, now))
    if shapes != others:
        return None
    gaps = (then[name].double() - now[name].double() for name in then if then[name].numel())
    return max((float(gap.abs().max()) for gap in gaps), default=0.0)


def first_other_epoch(then: Sequence[Epoch], now: Sequence[Epoch]) -> int | None:
    """Return the first epoch, from 1, with other numbers, or that only one of two runs has."""
    for epoch, (ours, theirs) in enumerate(zip(then, now, strict=False), start=1):
        if timeless(ours) != timeless(theirs):
            return epoch
    return None if len(then) == len(now) else min(len(then), len(now)) + 1


def find_changes(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> Iterator[Change]:
    """Go through what the bits depend on and is not the same in two records.

    Fields of the recipe that the first one's version did not know are among them.
    """
    then, now = bit_makers(was), bit_makers(becomes)
    for name in [*now, *(name for name in then if name not in now)]:
        ours, theirs = then.get(name, "not recorded"), now.get(name, "not recorded")
        if ours != theirs or theirs.endswith(CHANGED):
            yield Change(name, ours, theirs)
    for name, value in becomes["recipe"].items():
        if name not in was["recipe"]:
            yield Change(f"recipe field {name}", "not known", str(value))


# Behind a commit whose files were changed: the same words may mean other changes.
CHANGED = ", changed"


def bit_makers(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what the bits of a run depend on besides recipe and data, as far as it is recorded."""
    environment = record["environment"]
    packages = environment.get("packages", {})
    on_gpu = environment["device"] != "cpu"
    known = {
        "fittingroom": environment.get("fittingroom"),
        "commit": commit_of(environment),
        "torch": packages.get("torch"),
        "numpy": packages.get("numpy"),
        "system": system_of(environment.get("platform")),
        "CPU": environment.get("cpu"),
        "CPU capability": environment.get("cpu_capability"),
        "CPU features": " ".join(environment.get("cpu_features", [])) or None,
        "device": environment["device"],
        "GPU": environment["device_name"] if on_gpu else None,
        "CUDA": environment.get("cuda"),
        "cuDNN": environment.get("cudnn"),
        "precision": environment["precision"],
        "CPU threads": environment.get("threads"),
        "variables": shown_variables(environment.get("variables", {})),
        "processes": environment.get("processes", 1),
        "runs trained at once": record.get("stacked", 1),
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def commit_of(environment: Mapping[str, Any]) -> str | None:
    """Return the commit of the source, and whether its files were changed."""
    commit = environment.get("commit")
    return commit and f"{commit[:12]}{CHANGED if environment.get('modified') else ''}"


def system_of(platform: str | None) -> str | None:
    """Return system and C library, which has the exponentials, without the kernel's version."""
    if platform is None:
        return None
    system, _, libc = platform.partition("-")[0], *platform.partition("-with-")[1:]
    return f"{system}, {libc}" if libc else system


def shown_variables(variables: Mapping[str, str]) -> str:
    """Return environment variables as a shell takes them; "none" for none."""
    return " ".join(f"{name}={value}" for name, value in sorted(variables.items())) or "none"

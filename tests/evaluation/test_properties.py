"""What holds of scores, intervals and tests whatever they are computed from; published examples.

Each score is beside scikit-learn's over random predictions, and none of them may depend on the
order of the pictures or the numbering of the classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.evaluation.intervals import prediction_interval, t_interval, wilson_interval
from fittingroom.evaluation.same_pictures import compare_on_images
from fittingroom.evaluation.significance import holm, paired_difference

SEEDS = st.integers(0, 2**32 - 1)
CONFIDENCES = st.sampled_from([0.5, 0.9, 0.95, 0.99])
SCORES = st.lists(st.integers(0, 10_000).map(lambda c: c / 10_000), min_size=2, max_size=20)
Interval = Callable[[list[float], float], tuple[float, float] | None]


# Scores of predictions


@dataclass(frozen=True)
class Predictions:
    """Labels (N,) and logits (N, K), of which some rows have two equally high ones."""

    labels: NDArray[np.int64]
    logits: NDArray[np.float32]

    def judged(self) -> Evaluation:
        return Evaluation.from_predictions(
            self.labels,
            self.logits,
            [f"class {k}" for k in range(self.logits.shape[1])],
            data_name="random",
            fingerprint="0" * 64,
            split="test",
            sketches=False,
        )


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    rng = np.random.default_rng(draw(SEEDS))
    count, classes = draw(st.integers(1, 80)), draw(st.integers(2, 7))
    labels = rng.integers(0, classes, count)
    # Some classes may be missing, some never predicted: both have scores of 0.
    logits = rng.normal(scale=draw(st.sampled_from([0.1, 1, 30])), size=(count, classes))
    logits[np.arange(count), labels] += draw(st.sampled_from([0, 2, 50]))
    logits = np.round(logits, draw(st.integers(0, 3)))
    return Predictions(labels, logits.astype(np.float32))


@settings(max_examples=60)
@given(given_=predictions())
def test_every_score_is_scikit_learns(given_: Predictions) -> None:
    found, labels = given_.judged(), given_.labels
    predicted = np.array([int(np.flatnonzero(row == row.max())[0]) for row in given_.logits])
    classes = list(range(given_.logits.shape[1]))
    exponentials = np.exp(given_.logits.astype(float) - given_.logits.max(axis=1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)

    assert found.accuracy == pytest.approx(accuracy_score(labels, predicted))
    assert found.confusion.tolist() == confusion_matrix(labels, predicted, labels=classes).tolist()
    expected = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    scores = np.array([(s.precision, s.recall, s.f1, s.support) for s in found.per_class]).T
    np.testing.assert_allclose(scores, np.array(expected, float), rtol=1e-12)
    if shares[np.arange(len(labels)), labels].min() > 1e-15:  # below, log_loss clips
        assert found.loss == pytest.approx(log_loss(labels, shares, labels=classes), abs=1e-9)


def calibration_error_by_loop(given_: Predictions, bins: int = 15) -> float:
    """Return the expected calibration error, picture by picture."""
    inside: dict[int, list[tuple[float, bool]]] = {}
    for row, label in zip(given_.logits.astype(float), given_.labels, strict=True):
        shares = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        confidence = float(np.float32(shares.max()))
        number = next(m for m in range(1, bins + 1) if confidence <= m / bins)
        inside.setdefault(number, []).append((confidence, int(row.argmax()) == label))
    gaps = []
    for answers in inside.values():
        mean_confidence = sum(c for c, _ in answers) / len(answers)
        gaps.append(len(answers) * abs(sum(r for _, r in answers) / len(answers) - mean_confidence))
    return sum(gaps) / len(given_.labels)


@settings(max_examples=60)
@given(given_=predictions())
def test_calibration_error_is_that_of_the_definition_picture_by_picture(
    given_: Predictions,
) -> None:
    found = given_.judged().calibration_error
    assert 0 <= found <= 1
    assert found == pytest.approx(calibration_error_by_loop(given_), abs=1e-6)


@settings(max_examples=60)
@given(given_=predictions(), seed=SEEDS)
def test_the_order_of_the_pictures_changes_no_score(given_: Predictions, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(given_.labels))
    one = given_.judged()
    other = Predictions(given_.labels[order], given_.logits[order]).judged()
    assert (one.correct, one.interval, one.per_class) == (
        other.correct,
        other.interval,
        other.per_class,
    )
    assert one.confusion.tolist() == other.confusion.tolist()
    assert one.most_confused == other.most_confused
    assert one.loss == pytest.approx(other.loss)
    assert one.calibration_error == pytest.approx(other.calibration_error)


@settings(max_examples=60)
@given(given_=predictions(), seed=SEEDS)
def test_numbering_the_classes_otherwise_numbers_their_scores_otherwise(
    given_: Predictions, seed: int
) -> None:
    ranked = np.sort(given_.logits, axis=1)
    assume((ranked[:, -1] > ranked[:, -2]).all())  # of equal ones the first is taken
    order = np.random.default_rng(seed).permutation(given_.logits.shape[1])
    one = given_.judged()
    other = Predictions(np.argsort(order)[given_.labels], given_.logits[:, order]).judged()
    assert other.accuracy == one.accuracy
    assert other.loss == pytest.approx(one.loss)
    assert other.calibration_error == pytest.approx(one.calibration_error)
    np.testing.assert_array_equal(other.confusion, np.asarray(one.confusion)[order][:, order])
    for place, number in enumerate(order):
        ours, theirs = other.per_class[place], one.per_class[number]
        assert (ours.precision, ours.recall, ours.f1) == (
            theirs.precision,
            theirs.recall,
            theirs.f1,
        )


@settings(max_examples=60)
@given(given_=predictions())
def test_the_most_confused_pairs_are_the_most_common_of_the_mistakes(given_: Predictions) -> None:
    found = given_.judged()
    pairs = zip(given_.labels.tolist(), given_.logits.argmax(axis=1).tolist(), strict=True)
    counted = Counter((true, wrong) for true, wrong in pairs if true != wrong)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:10]
    assert [(p.true, p.predicted, p.count) for p in found.most_confused] == [
        (f"class {true}", f"class {wrong}", count) for (true, wrong), count in ranked
    ]
    assert sum(counted.values()) == len(found.mistakes()) == found.count - found.correct


# Intervals


@example(total=92, share=1.0, confidence=0.5)
@example(total=45, share=0.0, confidence=0.75)
@given(total=st.integers(1, 5000), share=st.floats(0, 1), confidence=CONFIDENCES)
def test_wilsons_interval_holds_the_share_and_stays_within_0_and_1(
    total: int, share: float, confidence: float
) -> None:
    correct = round(share * total)
    low, high = wilson_interval(correct, total, confidence)
    assert 0 <= low <= correct / total <= high <= 1
    assert low < high
    mirrored = wilson_interval(total - correct, total, confidence)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)
    if correct < total:
        more = wilson_interval(correct + 1, total, confidence)
        assert more[0] > low
        assert more[1] > high


@given(
    total=st.integers(1, 500),
    share=st.floats(0, 1),
    times=st.integers(2, 50),
    confidence=CONFIDENCES,
)
def test_wilsons_interval_shrinks_with_more_pictures_and_grows_with_confidence(
    total: int, share: float, times: int, confidence: float
) -> None:
    correct = round(share * total)
    low, high = wilson_interval(correct, total, confidence)
    finer = wilson_interval(times * correct, times * total, confidence)
    assert finer[1] - finer[0] < high - low
    surer = wilson_interval(correct, total, (1 + confidence) / 2)
    assert surer[0] <= low
    assert surer[1] >= high
    assert surer != (low, high)


@given(values=SCORES, confidence=CONFIDENCES, scale=st.sampled_from([-2.0, 0.5, 100.0]))
@pytest.mark.parametrize("interval", [t_interval, prediction_interval])
def test_intervals_of_scores_hold_the_mean_and_move_and_stretch_with_the_scores(
    interval: Interval, values: list[float], confidence: float, scale: float
) -> None:
    found = interval(values, confidence)
    assert found is not None
    low, high = found
    assert low <= np.mean(values) + 1e-12
    assert high >= np.mean(values) - 1e-12
    assert interval(values[::-1], confidence) == pytest.approx((low, high), abs=1e-12)
    turned = interval([scale * value + 3 for value in values], confidence)
    expected = sorted((scale * low + 3, scale * high + 3))
    assert turned == pytest.approx(tuple(expected), abs=1e-9)


@given(values=SCORES, confidence=CONFIDENCES)
def test_the_interval_of_the_mean_lies_in_that_of_one_further_score_and_shrinks(
    values: list[float], confidence: float
) -> None:
    assume(len(set(values)) > 1)
    mean, further = t_interval(values, confidence), prediction_interval(values, confidence)
    many = t_interval(values * 4, confidence)
    assert mean is not None
    assert further is not None
    assert many is not None
    assert further[0] < mean[0] < many[0]
    assert many[1] < mean[1] < further[1]


@settings(max_examples=40)
@given(values=SCORES, confidence=CONFIDENCES)
def test_both_intervals_are_those_of_a_regression_on_a_constant(
    values: list[float], confidence: float
) -> None:
    assume(len(set(values)) > 1)
    line = sm.OLS(np.array(values), np.ones(len(values))).fit()
    found = line.get_prediction(np.ones(1)).summary_frame(alpha=1 - confidence).iloc[0]
    mean, further = t_interval(values, confidence), prediction_interval(values, confidence)
    assert mean == pytest.approx((found.mean_ci_lower, found.mean_ci_upper), abs=1e-9)
    assert further == pytest.approx((found.obs_ci_lower, found.obs_ci_upper), abs=1e-9)


# Tests


@settings(max_examples=40)
@given(seed=SEEDS, count=st.integers(1, 60))
def test_the_order_of_the_pictures_changes_no_comparison(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random((2, count)) < [[0.8], [0.7]]
    order = rng.permutation(count)
    one = compare_on_images(first, second, resamples=50)
    assert one == compare_on_images(first[order], second[order], resamples=50)
    assert 0 < one.p <= 1
    assert one.difference == pytest.approx(first.mean() - second.mean())


@given(firsts=SCORES, shift=st.sampled_from([0.01, 0.1]), seed=SEEDS)
def test_a_larger_difference_of_the_same_spread_is_less_likely_by_chance(
    firsts: list[float], shift: float, seed: int
) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.01, len(firsts))
    first = np.array(firsts)
    near = paired_difference(first, first - noise + noise.mean() - shift)
    far = paired_difference(first, first - noise + noise.mean() - 2 * shift)
    assert near is not None
    assert far is not None
    assert far.p < near.p
    assert (near.low, near.high) == pytest.approx((near.mean - (far.mean - far.low),
                                                   near.mean + (far.high - far.mean)))  # fmt: skip
    assert (near.p < 0.05) == (not near.low <= 0 <= near.high)


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=12), random=st.randoms())
def test_holm_goes_with_its_p_values_and_grows_with_them_and_with_their_number(
    p_values: list[float], random: object
) -> None:
    order = list(range(len(p_values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    adjusted = holm(p_values)
    assert holm([p_values[k] for k in order]) == tuple(adjusted[k] for k in order)
    higher = holm([min(1, p * 1.1) for p in p_values])
    assert all(one <= other for one, other in zip(adjusted, higher, strict=True))
    more = holm([*p_values, 1.0])
    assert all(one <= other for one, other in zip(adjusted, more[:-1], strict=True))
    bonferroni = [min(1, p * len(p_values)) for p in p_values]
    assert all(one <= other for one, other in zip(adjusted, bonferroni, strict=True))


# Published examples


def fourfold(both: int, only_first: int, only_second: int, neither: int) -> list[NDArray[np.bool_]]:
    counts = [both, only_first, only_second, neither]
    return [np.repeat(column, counts) for column in ([True, True, False, False],
                                                     [True, False, True, False])]  # fmt: skip


def test_comparison_on_pictures_is_agrestis_of_two_surveys() -> None:
    # Categorical Data Analysis, 2nd edition, section 10.1: 1,600 voters asked twice whether they
    # approve of the prime minister. Difference 0.04, standard error 0.0095, interval 0.02 to
    # 0.06; z squared 34.7, of which the exact test is an improvement.
    found = compare_on_images(*fourfold(794, 150, 86, 570))
    assert found.difference == pytest.approx(0.04)
    assert (found.low, found.high) == pytest.approx(
        (0.04 - 1.96 * 0.0095, 0.04 + 1.96 * 0.0095), abs=0.001
    )
    assert 1e-6 < found.p < 1e-4


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((101, 121, 59, 33), 0.000004),
        ((101, 70, 59, 33), 0.378688),
        ((101, 80, 59, 33), 0.089452),
        ((101, 30, 60, 33), 0.00206),
    ],
)
def test_p_value_is_that_of_vassar_colleges_page(
    table: tuple[int, int, int, int], p: float
) -> None:
    # As statsmodels' own tests have it (stats/tests/test_nonparametric.py).
    assert compare_on_images(*fourfold(*table), resamples=1).p == pytest.approx(p, abs=1e-6)


def test_holm_rejects_the_three_of_benjamini_and_hochbergs_fifteen() -> None:
    # 1995, doi:10.1111/j.2517-6161.1995.tb02031.x, section 3.2: the table of Neuhaus et al. At
    # 0.05 Bonferroni and Hochberg reject the same three, so that Holm, between them, does too.
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240),
        *(0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
    assert [p <= 0.05 for p in holm(p_values)] == [True] * 3 + [False] * 12


def test_wilsons_interval_is_brown_cai_and_dasguptas_centre_and_width() -> None:
    # 2001, doi:10.1214/ss/1009213286, equation 4: centre (X + k^2/2) / (n + k^2).
    low, high = wilson_interval(3, 10)
    k = 1.959964
    assert (low + high) / 2 == pytest.approx((3 + k * k / 2) / (10 + k * k), abs=1e-6)
    half = k * 10**0.5 / (10 + k * k) * (0.3 * 0.7 + k * k / 40) ** 0.5
    assert (high - low) / 2 == pytest.approx(half, abs=1e-6)

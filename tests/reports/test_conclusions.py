from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.reports import conclusions
from fittingroom.reports.texts import LANGUAGES, Sentence, Texts
from fittingroom.training.history import Epoch


def evaluation_of(
    confusion: list[list[int]], confidence: float = 0.9, classes: tuple[str, ...] = ()
) -> Evaluation:
    """Predictions with this confusion matrix, all of the same confidence."""
    counts = np.array(confusion)
    size = len(counts)
    pairs = np.repeat(np.argwhere(counts >= 0), counts.ravel(), axis=0)
    labels, predicted = pairs.T
    logits = np.zeros((len(labels), size))
    logits[np.arange(len(labels)), predicted] = np.log(confidence / (1 - confidence) * (size - 1))
    return Evaluation.from_predictions(
        labels,
        logits,
        classes or tuple("abcdefgh"[:size]),
        data_name="planted",
        fingerprint="0" * 64,
        split="test",
        sketches=False,
    )


def keys(sentences: list[Sentence]) -> list[str]:
    return [sentence.key.rpartition(".")[2] for sentence in sentences]


def test_an_accuracy_that_guessing_reaches_is_said_to_be_no_better() -> None:
    good = evaluation_of([[90, 10], [10, 90]])
    assert keys(conclusions.judge_accuracy(good)) == ["accuracy"]
    poor = evaluation_of([[55, 45], [45, 55]])  # 55%, interval 48-62%, half are of class a
    assert keys(conclusions.judge_accuracy(poor)) == ["accuracy", "guessing"]
    lopsided = evaluation_of([[900, 0], [90, 10]])  # 91%, but 90% are of class a
    assert keys(conclusions.judge_accuracy(lopsided)) == ["accuracy", "guessing"]


def test_a_gap_between_classes_is_real_only_where_chance_is_unlikely() -> None:
    apart = evaluation_of([[95, 5], [30, 70]])
    assert keys(conclusions.judge_classes(apart)) == ["classes"]
    few = evaluation_of([[10, 0], [3, 7]])
    assert keys(conclusions.judge_classes(few)) == ["classes-by-chance"]
    same = evaluation_of([[9, 1], [1, 9]])
    assert conclusions.judge_classes(same) == []


def test_more_classes_to_pick_from_make_the_same_gap_less_sure() -> None:
    two = evaluation_of([[90, 10], [27, 73]])
    many = np.diag([84] * 8)
    for row in range(8):
        many[row, (row + 1) % 8] = 16
    many[0], many[1] = [90, 10, 0, 0, 0, 0, 0, 0], [0, 73, 27, 0, 0, 0, 0, 0]
    best, worst = two.per_class
    assert conclusions.clearly_apart(best, worst, classes=1)
    assert keys(conclusions.judge_classes(evaluation_of(many.tolist())))[0] == "classes-by-chance"


def test_equally_good_classes_are_named_together() -> None:
    told = conclusions.judge_classes(evaluation_of([[9, 1, 0], [0, 10, 0], [0, 0, 10]]))
    assert told[0].params["best"] == "b, c"
    assert told[0].params["worst"] == "a"


def test_classes_never_predicted_and_without_pictures_are_named() -> None:
    told = conclusions.judge_classes(evaluation_of([[50, 0, 0], [50, 0, 0], [0, 0, 0]]))
    assert keys(told) == ["classes", "never-predicted", "no-pictures"]
    assert told[1].params == {"count": "1", "names": "b"}
    assert told[2].params == {"count": "1", "names": "c"}


def test_long_lists_of_names_are_cut() -> None:
    names = [str(number) for number in range(12)]
    assert conclusions.listed(names, 3) == "0, 1, 2, \N{HORIZONTAL ELLIPSIS}"
    assert conclusions.listed(names[:3], 3) == "0, 1, 2"


def test_the_most_frequent_mistake_is_told_both_ways_with_its_share() -> None:
    told = conclusions.judge_confusions(evaluation_of([[70, 20, 10], [6, 94, 0], [0, 4, 96]]))
    assert told[0].params == {
        "true": "a",
        "predicted": "b",
        "count": "20",
        "support": "100",
        "share": "20.0%",
    }
    assert told[1].params["count"] == "6"
    assert told[1].params["share"] == "65%"  # 26 of 40 mistakes
    assert keys(conclusions.judge_confusions(evaluation_of([[5, 0], [0, 5]]))) == ["no-mistakes"]


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(0.99, "overconfident"), (0.81, "calibrated"), (0.6, "underconfident")],
)
def test_confidence_is_held_against_what_is_right(confidence: float, expected: str) -> None:
    evaluation = evaluation_of([[160, 40], [40, 160]], confidence)
    assert keys(conclusions.judge_calibration(evaluation)) == [expected]


def test_the_gap_of_confidence_and_its_error_are_those_of_a_mean() -> None:
    evaluation = evaluation_of([[30, 10], [5, 55]], 0.9)
    correct = np.array([1.0] * 85 + [0.0] * 15)
    gap, error = conclusions.confidence_gap(evaluation)
    assert gap == pytest.approx(0.9 - 0.85, abs=1e-6)
    assert error == pytest.approx(correct.std() / 10, abs=1e-6)


def test_few_pictures_say_nothing_of_confidence() -> None:
    evaluation = evaluation_of([[5, 0], [5, 0]], 0.99)
    assert keys(conclusions.judge_calibration(evaluation)) == ["calibration-unknown"]


def history(losses: list[float], accuracies: list[float]) -> list[Epoch]:
    numbers = range(1, len(losses) + 1)
    return [
        Epoch(number, loss, accuracy, None, None, 0.001, 1.0)
        for number, loss, accuracy in zip(numbers, losses, accuracies, strict=True)
    ]


@pytest.mark.parametrize(
    ("losses", "accuracies", "test", "expected"),
    [
        ([1.0, 0.5], [0.6, 0.8], 0.8, "too-short"),
        ([1.0, 0.3, 0.6, 0.3, 0.5], [0.6, 0.9, 0.8, 0.9, 0.8], 0.8, "overshooting"),
        ([1.0, 0.4, 0.2, 0.1, 0.05], [0.6, 0.8, 0.9, 0.97, 0.99], 0.85, "overfitting"),
        ([2.0, 1.6, 1.3, 1.0, 0.8], [0.3, 0.4, 0.5, 0.6, 0.7], 0.7, "underfitting"),
        ([1.0, 0.4, 0.35, 0.34, 0.338], [0.6, 0.85, 0.88, 0.885, 0.887], 0.88, "fine"),
    ],
)
def test_the_curve_is_told_as_it_is_diagnosed(
    losses: list[float], accuracies: list[float], test: float, expected: str
) -> None:
    told = conclusions.judge_curve(history(losses, accuracies), test)
    assert keys(told) == [expected]


def test_a_risen_validation_loss_is_told_with_its_number() -> None:
    rising = [0.5, 0.4, 0.4, 0.4, 0.5, 0.6, 0.6]
    epochs = [
        Epoch(n, 1.0 / n, 0.9, loss, 0.85, 0.001, 1.0) for n, loss in enumerate(rising, start=1)
    ]
    assert keys(conclusions.judge_curve(epochs, 0.85)) == ["overfitting", "validation-rise"]


def test_every_conclusion_can_be_written_in_every_language() -> None:
    evaluations = [
        evaluation_of([[90, 10], [10, 90]]),
        evaluation_of([[5, 0], [5, 0]]),
        evaluation_of([[50, 0, 0], [50, 0, 0], [0, 0, 0]], 0.6),
        evaluation_of([[5, 0], [0, 5]]),
    ]
    texts = Texts()
    for evaluation in evaluations:
        for sentence in conclusions.judge_model(evaluation):
            for language in LANGUAGES:
                written = texts.plain(sentence, language)
                assert "{" not in written
                assert written.endswith(".")


def test_planted_evaluations_are_what_they_should_be() -> None:
    counts: NDArray[np.int64] = np.array([[3, 1], [0, 2]])
    assert np.array_equal(evaluation_of(counts.tolist(), 0.8).confusion, counts)
    assert evaluation_of([[3, 1], [0, 2]], 0.8).confidence == pytest.approx(0.8)

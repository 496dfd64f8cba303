"""Which runs can be trained at once, and how many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from fittingroom.models import Classifier
from fittingroom.training.compatibility import (
    MOST_ON_CPU,
    MOST_ON_GPU,
    can_train_together,
    most_together,
)
from fittingroom.training.device import Device
from fittingroom.training.recipe import Recipe

MakeClassifier = Callable[..., Classifier]
GPU = Device(torch.device("cuda"))


def test_the_notebooks_runs_can_be_trained_at_once(make_classifier: MakeClassifier) -> None:
    for model in ("two-layer", "three-layer"):
        recipe = Recipe(model=model, protocol="notebook", optimizer="sgd", weight_decay=0.1)
        assert can_train_together(recipe, make_classifier(recipe))
        of_components = recipe.but(model_options={"components": 7})
        assert can_train_together(of_components, make_classifier(of_components))


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "convnet"},
        {"model": "test:Shaky"},
        {"flip": True},
        {"shift": 1},
        {"erase": 0.5},
        {"early_stopping": 3},
        {"hard_share": 0.5},
    ],
    ids=str,
)
def test_what_would_come_out_otherwise_in_a_stack_is_trained_alone(
    fields: dict[str, Any], make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = Recipe(**fields)
    assert not can_train_together(recipe, make_classifier(recipe))
    assert most_together(recipe, make_classifier(recipe), cpu) == 1
    assert most_together(recipe, make_classifier(recipe), GPU) == 1


def test_a_stack_is_as_high_as_the_device_likes_and_its_memory_holds(
    make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = Recipe()
    classifier = make_classifier(recipe)
    assert most_together(recipe, classifier, cpu) == MOST_ON_CPU == 5
    assert most_together(recipe, classifier, GPU) == MOST_ON_GPU == 128
    assert most_together(recipe.but(batch_size=2**17), classifier, GPU) == 2**28 // (2**17 * 64)
    assert most_together(recipe.but(batch_size=10**9), classifier, GPU) == 1
    large = make_classifier(recipe.but(model_options={"hidden": [6000, 3000]}))
    assert 1 < most_together(recipe, large, GPU) < 20

"""The arithmetic of the limits, against counts by hand and torch's own counter of operations."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from fittingroom.models import Classifier, build_network
from fittingroom.training.recipe import Recipe
from limits import ADAM_FLOATS, bandwidth, bytes_moved, limit_of, matmul_rate, operations, work_of

# 784 -> 256 -> 128 -> 10, by hand.
THREE_LAYER = {
    "multiply_adds": 784 * 256 + 256 * 128 + 128 * 10,
    "first_layer": 784 * 256,
    "activations": 256 + 128 + 10,
    "parameters": 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10,
    "fixed_multiply_adds": 0,
    "pictures": 300,
    "steps": 6,
}


def classifier_of(model: str) -> Classifier:
    names = [str(number) for number in range(10)]
    return Classifier(build_network(model, (1, 28, 28), 10), names, (1, 28, 28))


def test_work_of_the_notebooks_network_is_that_by_hand() -> None:
    recipe = Recipe(epochs=3, batch_size=64)
    assert work_of(classifier_of("three-layer"), recipe, 100) == THREE_LAYER


@pytest.mark.parametrize("model", ["two-layer", "three-layer", "convnet", "whitened"])
def test_operations_are_those_that_torch_counts_forward_and_backward(model: str) -> None:
    classifier = classifier_of(model)
    images = torch.zeros(8, 1, 28, 28, dtype=torch.uint8)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(classifier(images), torch.zeros(8, dtype=torch.int64)).backward()
    counted = operations(work_of(classifier, Recipe(epochs=1, batch_size=8), 8))
    assert counted == counter.get_total_flops()


def test_what_a_recipe_looks_at_later_or_leaves_out_is_no_work() -> None:
    recipe = Recipe(epochs=3, batch_size=32, hard_share=0.5, views="shifts")
    classifier = classifier_of("three-layer")
    classifier.views = "shifts"
    fewer = {"pictures": 100 + 50 + 50, "steps": 4 + 2 + 2}
    assert work_of(classifier, recipe, 100) == THREE_LAYER | fewer


def test_principal_components_are_counted_forwards_only() -> None:
    network = build_network("three-layer", (1, 28, 28), 10, {"components": 16})
    work = work_of(Classifier(network, "abcdefghij", (1, 28, 28)), Recipe(epochs=1), 64)
    assert work["fixed_multiply_adds"] == 784 * 16
    assert work["first_layer"] == 16 * 256


def test_a_last_batch_of_few_pictures_is_a_step_too() -> None:
    steps = 3 * 2  # 64 and 36 pictures, three times
    state = ADAM_FLOATS * THREE_LAYER["parameters"] * steps
    activations = 4 * THREE_LAYER["activations"] * 300
    assert bytes_moved(THREE_LAYER) == 4 * (state + activations)


def test_the_limit_is_what_takes_longer() -> None:
    slow_memory = limit_of(THREE_LAYER, {"gflops_best": 1e6, "gb_per_s": 1e-3})
    assert slow_memory.seconds == slow_memory.bytes == bytes_moved(THREE_LAYER) / 1e6
    slow_products = limit_of(THREE_LAYER, {"gflops_best": 1e-3, "gb_per_s": 1e6})
    assert slow_products.seconds == slow_products.operations == operations(THREE_LAYER) / 1e6


def test_rates_are_measured() -> None:
    cpu = torch.device("cpu")
    assert matmul_rate(8, 16, 4, cpu, torch.float32) > 0
    assert bandwidth(cpu, floats=1000) > 0

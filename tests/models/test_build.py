"""Networks by name, and a person's own network by "module:Class"."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from fittingroom.errors import ModelError
from fittingroom.models import MODELS, build_network, import_network

SHAPE = (1, 10, 12)

OWN_MODULE = """
import torch
from torch import nn

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(120, 4)
    def forward(self, x):
        return self.layer(x.flatten(1))

class Fitting(nn.Module):
    def __init__(self, num_classes, input_shape, width=8):
        super().__init__()
        channels, height, width_of_picture = input_shape
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * height * width_of_picture, width),
            nn.Linear(width, num_classes),
        )
    def forward(self, x):
        return self.layers(x)

class Greedy(nn.Linear):
    def __init__(self, **everything):
        self.everything = everything
        super().__init__(1, 1)

class Demanding(nn.Module):
    def __init__(self, something):
        super().__init__()

class NoModule:
    pass

def make(num_classes):
    return nn.Linear(3, num_classes)

number = 3
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Write a module into a fresh working directory; yield its name."""
    name = "a_persons_own_networks"
    tmp_path.joinpath(f"{name}.py").write_text(OWN_MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 11)])
def test_every_network_takes_the_shape_and_classes_it_is_built_for(
    name: str, shape: tuple[int, int, int]
) -> None:
    scores = build_network(name, shape, 4).eval()(torch.rand(3, *shape))
    assert scores.shape == (3, 4)


def test_options_reach_the_network() -> None:
    network = build_network("three-layer", SHAPE, 4, {"hidden": [7, 5]})
    assert [tuple(weight.shape) for weight in network.parameters() if weight.ndim == 2] == [
        (7, 120),
        (5, 7),
        (4, 5),
    ]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="'alexnet'; known are two-layer, three-layer, convnet"):
        build_network("alexnet", SHAPE, 4)


def test_building_by_name_imports_nothing(own_module: str) -> None:
    with pytest.raises(ModelError, match="network of your own"):
        build_network(f"{own_module}:Plain", SHAPE, 4)
    assert own_module not in sys.modules


def test_an_unknown_option_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="'two-layer' has no option 'width'; it has hidden"):
        build_network("two-layer", SHAPE, 4, {"width": 3})


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": [0]},
        {"hidden": None},
        {"hidden": 2.5},
        {"hidden": [2**80]},
        {"hidden": [2**62]},
        {"input_shape": [1, 2, 3]},
        {"num_classes": 3},
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_line(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        build_network("two-layer", SHAPE, 4, options)
    assert "\n" not in str(caught.value)


def test_own_network_without_shape_parameters_is_built_as_it_is(own_module: str) -> None:
    network = import_network(f"{own_module}:Plain", SHAPE, 4)
    assert network(torch.rand(2, *SHAPE)).shape == (2, 4)


def test_own_network_with_shape_parameters_is_given_them(own_module: str) -> None:
    network = import_network(f"{own_module}:Fitting", (3, 5, 6), 9, {"width": 4})
    assert network(torch.rand(2, 3, 5, 6)).shape == (2, 9)


def test_own_network_that_takes_anything_is_given_all(own_module: str) -> None:
    network: Any = import_network(f"{own_module}:Greedy", SHAPE, 4, {"depth": 2})
    assert network.everything == {"input_shape": SHAPE, "num_classes": 4, "depth": 2}


def test_a_function_that_makes_a_network_will_do(own_module: str) -> None:
    network = import_network(f"{own_module}:make", SHAPE, 4)
    assert isinstance(network, nn.Linear)
    assert network.out_features == 4


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody_has_this_module:Net", "No module named 'nobody_has_this_module'"),
        ("a_persons_own_networks:Missing", "no attribute 'Missing'"),
        ("a_persons_own_networks:", "expected module:Class"),
        (":Plain", "expected module:Class"),
        (":", "expected module:Class"),
        ("..relative:Net", "expected module:Class"),
        ("a_persons_own_networks:number", "cannot be called"),
        ("a_persons_own_networks:NoModule", "expected a torch.nn.Module, found NoModule"),
        ("a_persons_own_networks:Demanding", "cannot be built: .*'something'"),
    ],
)
def test_an_own_network_that_is_not_there_or_is_none_is_refused(
    own_module: str, name: str, reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        import_network(name, SHAPE, 4)


def test_an_unknown_option_of_an_own_network_is_answered_with_its_own(own_module: str) -> None:
    with pytest.raises(ModelError, match="has no option 'hidden'; it has width"):
        import_network(f"{own_module}:Fitting", SHAPE, 4, {"hidden": [3]})


def test_the_import_path_is_left_as_it_was(own_module: str) -> None:
    before = list(sys.path)
    import_network(f"{own_module}:Plain", SHAPE, 4)
    with pytest.raises(ModelError) as caught:
        import_network("nobody_has_this_module:Net", SHAPE, 4)
    assert str(Path.cwd()) in str(caught.value)
    assert sys.path == before

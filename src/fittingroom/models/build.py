"""Networks by name: ours from MODELS, a person's own by "module:Class".

Every entry of MODELS is called as `Network(input_shape, num_classes, **options)` and maps floats
(B, C, H, W) to scores (B, K).
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from fittingroom.errors import ModelError
from fittingroom.models.convnet import ConvNet
from fittingroom.models.mlp import ThreeLayer, TwoLayer
from fittingroom.models.resnet import ResNet
from fittingroom.models.whitened import WhitenedNet
from fittingroom.models.wide_resnet import WideResNet

MODELS: dict[str, Callable[..., nn.Module]] = {
    "two-layer": TwoLayer,
    "three-layer": ThreeLayer,
    "convnet": ConvNet,
    "resnet": ResNet,
    "wide-resnet": WideResNet,
    "whitened": WhitenedNet,
}

# Functions that fill a tensor in place, in torch.nn.init and on tensors.
_FILLING = frozenset(
    {"uniform_", "normal_", "zero_", "zeros_", "ones_", "fill_", "constant_", "dirac_", "eye_"}
    | {"kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "orthogonal_"}
    | {"trunc_normal_", "copy_", "__setitem__"}
)


def check_name(name: str) -> None:
    """See that `name` is one of our networks, or has the form "module:Class".

    Raises
    ------
    ModelError
        If it is neither.
    """
    if name not in MODELS and ":" not in name:
        raise ModelError(
            f"unknown model {name!r}; known are {', '.join(MODELS)}; "
            "a network of your own is named module:Class"
        )


def build_network(
    name: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build one of our networks for pictures of `input_shape` (C, H, W) and `num_classes`.

    Raises
    ------
    ModelError
        If there is no network of that name, or it does not take these options.
    """
    check_name(name)
    if name not in MODELS:
        raise ModelError(f"model {name!r} is a network of your own; expected {', '.join(MODELS)}")
    return call_network(name, MODELS[name], input_shape, num_classes, options)


class _Unfilled(TorchFunctionMode):
    """Tensors get a shape and no values: on "meta" there are none to have.

    There torch finds out what the functions that fill a tensor would do by its compiler, whose
    import takes one to two seconds.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        del types
        if getattr(func, "__name__", "") in _FILLING and args:
            return args[0]
        if func is torch.eye:
            return torch.empty(*args, **(kwargs or {}))
        if func is torch.empty_like:
            (like,), device = args, (kwargs or {})["device"]
            return torch.empty_strided(like.size(), like.stride(), dtype=like.dtype, device=device)
        return func(*args, **(kwargs or {}))


def build_unfilled(
    name: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build one of our networks as `build_network` does, on "meta": nothing is allocated.

    However large a network a file asks for.
    """
    with torch.device("meta"), _Unfilled():
        return build_network(name, input_shape, num_classes, options)


def allocate(network: nn.Module) -> None:
    """Give a network that was built unfilled its memory on the CPU, any values in it."""
    with _Unfilled():
        network.to_empty(device="cpu")


def import_network(
    name: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Import a person's own network, named "module:Class", and build it.

    The class is called with `input_shape` and `num_classes` if it has parameters of these names.
    Importing runs that module's code: call this only with a name that a person has typed.

    Raises
    ------
    ModelError
        If the module or class is not there, or what it makes is no nn.Module.
    """
    module_name, _, class_name = name.partition(":")
    here = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    sys.path.insert(0, here)
    try:
        factory = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"model {name!r}: {error}; expected module:Class, importable from {here}"
        ) from error
    finally:
        sys.path.remove(here)
    return call_network(name, factory, input_shape, num_classes, options)


def call_network(
    name: str,
    factory: Callable[..., nn.Module],
    input_shape: tuple[int, int, int],
    num_classes: int,
    options: Mapping[str, Any] | None,
) -> nn.Module:
    """Call a network's class with the shapes, if it takes them, and the options."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError) as error:
        raise ModelError(f"model {name!r} cannot be called") from error
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    unknown = [] if takes_any else [key for key in options or {} if key not in parameters]
    if unknown:
        known = [key for key in parameters if key not in {"input_shape", "num_classes"}]
        raise ModelError(
            f"model {name!r} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}"
        )
    shapes = {"input_shape": input_shape, "num_classes": num_classes}
    arguments = {key: value for key, value in shapes.items() if takes_any or key in parameters}
    try:
        network = factory(**arguments, **(options or {}))
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        if "allocate" in reason or "overflowed" in reason:  # torch's words, of no use to a person
            reason = "it is too large for the memory of this machine; give smaller options"
        raise ModelError(f"model {name!r} cannot be built: {reason}") from error
    if not isinstance(network, nn.Module):
        raise ModelError(
            f"model {name!r}: expected a torch.nn.Module, found {type(network).__name__}"
        )
    return network

"""The classifier: its preprocessing, its file, and what it makes of damaged files."""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load
from torch import Tensor, nn

from fittingroom.errors import ModelError
from fittingroom.models import Classifier, Preprocessing, TwoLayer, build_network
from fittingroom.models.tensor_file import pack

SHAPE = (1, 8, 8)
CLASSES = ("셔츠", "앵클 부츠", "bag, 'large'")

Parts = tuple[dict[str, str], dict[str, Tensor]]


def classifier(architecture: str = "two-layer", **options: Any) -> Classifier:
    return Classifier(
        build_network(architecture, SHAPE, len(CLASSES), options),
        CLASSES,
        SHAPE,
        preprocessing=Preprocessing([0.286], [0.353]),
        architecture=architecture,
        options=options,
    )


def pictures(count: int = 30, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "모델.safetensors"


@pytest.fixture
def parts(path: Path) -> Parts:
    """Return the description and the tensors of a sound model file."""
    classifier(hidden=[4]).save(path)
    with safe_open(str(path), framework="pt") as file:
        description = dict(file.metadata())
    return description, load(path.read_bytes())


# Preprocessing


def test_preprocessing_divides_by_255_unless_told_otherwise() -> None:
    every_value = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    found = Preprocessing()(torch.from_numpy(every_value))
    np.testing.assert_array_equal(found.numpy(), every_value.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("mean", "std"), [([0.286], [0.353]), ([0.5, 0.4, 0.3], [0.2, 0.25, 1.0]), ([0.1], [1.0])]
)
def test_preprocessing_is_what_its_formula_says(mean: list[float], std: list[float]) -> None:
    images = pictures(5, (len(mean), 6, 7)).numpy()
    by_channel = (1, -1, 1, 1)
    expected = (images / 255 - np.reshape(mean, by_channel)) / np.reshape(std, by_channel)
    found = Preprocessing(mean, std)(torch.from_numpy(images))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)


def test_scores_are_the_networks_of_the_preprocessed_pictures() -> None:
    ours, x = classifier(), pictures()
    assert torch.equal(ours(x), ours.network((x / 255 - 0.286) / 0.353))


def test_only_what_training_adjusts_is_counted() -> None:
    ours = classifier("convnet", widths=[4, 6, 8])
    assert ours.num_parameters == sum(p.numel() for p in ours.network.parameters())
    ours.network.get_parameter("head.bias").requires_grad_(False)
    assert ours.num_parameters == sum(p.numel() for p in ours.network.parameters()) - 3


# The check before training


def test_check_scores_leaves_the_classifier_as_it_was() -> None:
    ours = classifier("convnet", widths=[4, 6, 8]).train()
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    ours.check_scores()
    assert ours.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


class Odd(nn.Module):
    """Answers with whatever it is told to."""

    def __init__(self, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor) -> Any:
        return self.answer(x)


def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda x: x.flatten(1), r"expected scores of shape \(2, 3\), found \(2, 64\)"),
        (lambda x: x[:, 0, 0, 0], r"expected scores of shape \(2, 3\), found \(2,\)"),
        (lambda x: x[:1, 0, 0, :3], r"expected scores of shape \(2, 3\), found \(1, 3\)"),
        (lambda x: (x, x), "found tuple"),
        (lambda _x: None, "found NoneType"),
        (nn.Linear(5, 3), r"does not take pictures of \(1, 8, 8\)"),
        (nn.Conv2d(3, 3, 3), r"does not take pictures of \(1, 8, 8\)"),
        (lambda _x: fail(ValueError()), "ValueError"),
        (lambda _x: fail(RuntimeError("one\ntwo")), "one$"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(answer: Any, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        Classifier(Odd(answer), CLASSES, SHAPE, architecture="odd").check_scores()


# The file, there and back


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("two-layer", {"hidden": [5]}),
        ("three-layer", {}),
        ("convnet", {"widths": [4, 6, 8]}),
        ("convnet", {"widths": [8, 16, 32]}),
    ],
)
def test_what_is_saved_is_loaded_bit_for_bit(
    path: Path, architecture: str, options: dict[str, Any]
) -> None:
    ours, x = classifier(architecture, **options), pictures()
    ours.train()(x)  # moves the running averages of batch normalisation
    ours.save(path)
    loaded = Classifier.load(path)
    assert loaded.classes == CLASSES
    assert loaded.input_shape == SHAPE
    assert (loaded.architecture, loaded.options) == (architecture, options)
    assert not loaded.training
    assert loaded.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(t, ours.state_dict()[k]) for k, t in loaded.state_dict().items())
    assert torch.equal(loaded(x), ours.eval()(x))


def test_the_same_classifier_is_saved_as_the_same_bytes_each_time() -> None:
    """Left to chance, twenty orders of five entries would be one in one case of 10^39."""
    ours = classifier()
    saved = {ours.to_bytes() for _ in range(20)}
    assert len(saved) == 1
    assert int.from_bytes(saved.pop()[:8], "little") % 8 == 0  # the tensors lie where they can be


def test_loading_a_classifier_draws_no_random_numbers(path: Path) -> None:
    classifier().save(path)
    before = torch.get_rng_state()
    Classifier.load(path)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_file_is_plain_safetensors(parts: Parts) -> None:
    description, tensors = parts
    assert json.loads(description["classes"]) == list(CLASSES)
    assert set(tensors) == {
        "preprocessing.mean",
        "preprocessing.std",
        "network.fc1.weight",
        "network.fc1.bias",
        "network.fc2.weight",
        "network.fc2.bias",
    }


class Tied(nn.Module):
    """Uses one weight twice, as autoencoders and language models do."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64, bias=False)
        self.second = nn.Linear(64, 64, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.second(self.first(x.flatten(1)))[:, :3]
        return scores


def test_tied_weights_are_saved_and_loaded(path: Path) -> None:
    ours, x = Classifier(Tied(), CLASSES, SHAPE, architecture="mine:Tied"), pictures()
    ours.save(path)
    assert torch.equal(Classifier.load(path, Tied())(x), ours(x))


def test_an_own_network_is_loaded_into_an_instance_and_never_imported(path: Path) -> None:
    Classifier(Tied(), CLASSES, SHAPE, architecture="antigravity:Tied").save(path)
    with pytest.raises(ModelError, match=r"'antigravity:Tied'.* as `network`"):
        Classifier.load(path)
    with pytest.raises(ModelError, match="do not fit TwoLayer"):
        Classifier.load(path, TwoLayer(SHAPE, 3))


# Files that are not what they should be


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        Classifier.load(path)
    with pytest.raises(ModelError, match="no such model file"):
        Classifier.load(path.parent)


def test_a_pickle_is_refused_unread(path: Path) -> None:
    path.write_bytes(pickle.dumps(classifier().state_dict()))
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        Classifier.load(path)
    torch.save(classifier().state_dict(), path)
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        Classifier.load(path)


def test_a_file_cut_short_anywhere_is_refused(path: Path) -> None:
    whole = classifier(hidden=[4]).to_bytes()
    for length in [*range(0, len(whole), 37), *range(10), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            Classifier.load(path)


def test_a_file_with_something_behind_it_is_refused(path: Path) -> None:
    path.write_bytes(classifier().to_bytes() + b"\0")
    with pytest.raises(ModelError):
        Classifier.load(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelError):
        Classifier.load(path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_byte_gives_a_classifier_or_a_model_error(
    path: Path, data: st.DataObject
) -> None:
    content = bytearray(classifier(hidden=[4]).to_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(0, header - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(ModelError):
        Classifier.load(path).check_scores()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("options", "5"),
        ("options", "true"),
        ("options", '"hidden"'),
        ("options", '{"hidden": [5]}'),
        ("options", '{"hidden": [true]}'),
        ("options", '{"hidden": 4.0}'),
        ("options", '{"depth": 4}'),
        ("options", "{"),
        ("options", "[" * 100_000),
        ("input_shape", "[1, 8]"),
        ("input_shape", "[1, 8, 8, 8]"),
        ("input_shape", "64"),
        ("input_shape", "[1, 8, 9]"),
        ("input_shape", "[-1, -8, 8]"),
        ("input_shape", "[0, 8, 8]"),
        ("input_shape", "[NaN, 8, 8]"),
        ("input_shape", "[Infinity, 8, 8]"),
        ("input_shape", "[1e300, 8, 8]"),
        ("classes", "[]"),
        ("classes", "{}"),
        ("classes", "3"),
        ("classes", '["a", "b"]'),
        ("architecture", ""),
        ("architecture", "convnet"),
        ("architecture", "three-layer"),
        ("architecture", "os:system"),
        ("format", "fittingroom-model/999"),
    ],
)
def test_a_damaged_description_is_refused(path: Path, parts: Parts, key: str, value: str) -> None:
    description, tensors = parts
    path.write_bytes(pack(tensors, {**description, key: value}))
    with pytest.raises(ModelError) as caught:
        Classifier.load(path)
    assert "\n" not in str(caught.value)


def test_an_incomplete_description_is_refused(path: Path, parts: Parts) -> None:
    description, tensors = parts
    for missing in description.keys() - {"content", "views"}:
        path.write_bytes(pack(tensors, {k: v for k, v in description.items() if k != missing}))
        with pytest.raises(ModelError):
            Classifier.load(path)
    path.write_bytes(pack(tensors, {}))
    with pytest.raises(ModelError, match="found no format"):
        Classifier.load(path)


def test_missing_and_unknown_tensors_are_refused(path: Path, parts: Parts) -> None:
    description, tensors = parts
    for missing in tensors:
        path.write_bytes(pack({k: v for k, v in tensors.items() if k != missing}, description))
        with pytest.raises(ModelError):
            Classifier.load(path)
    for unknown in ("other", "network.other", "preprocessing.other"):
        path.write_bytes(pack({**tensors, unknown: torch.zeros(2)}, description))
        with pytest.raises(ModelError, match=f"{unknown} should be absent"):
            Classifier.load(path)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.ones(9),
        torch.ones(0),
        torch.tensor(1.0),
        torch.ones(1, 3, 1, 1),
        torch.ones(1, 1, 1, 1, dtype=torch.complex64),
        torch.ones(4, 64, dtype=torch.int8),
        torch.ones(4, 64, dtype=torch.float64),
    ],
    ids=lambda tensor: f"{tensor.dtype}{list(tensor.shape)}",
)
def test_tensors_of_another_shape_or_type_are_refused(
    path: Path, parts: Parts, wrong: Tensor
) -> None:
    description, tensors = parts
    for name in tensors:
        path.write_bytes(pack({**tensors, name: wrong}, description))
        with pytest.raises(ModelError):
            Classifier.load(path)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("two-layer", {"hidden": [4 * 10**12]}),
        ("two-layer", {"hidden": [2**62]}),
        ("three-layer", {"hidden": [10**7, 10**7]}),
        ("convnet", {"widths": [10**6, 10**6, 10**6]}),
    ],
)
def test_a_file_that_promises_a_gigantic_network_allocates_nothing(
    path: Path, parts: Parts, architecture: str, options: dict[str, Any]
) -> None:
    # The smallest of them would take 40 TB: that an answer comes at all is the proof.
    description, tensors = parts
    promised = {"architecture": architecture, "options": json.dumps(options)}
    path.write_bytes(pack(tensors, {**description, **promised}))
    with pytest.raises(ModelError):
        Classifier.load(path)


@pytest.mark.parametrize("model", ["two-layer", "three-layer", "convnet"])
def test_multiply_adds_are_those_that_torch_counts(model: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    built = classifier(model).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        built(pictures(1))
    assert 2 * built.count_multiply_adds() == counter.get_total_flops()


# Views


def views_by_hand(ours: Classifier, images: Tensor, views: str) -> Tensor:
    """Return the mean of scores of separate forward passes, as airbench weights them."""

    def score(x: Tensor) -> Tensor:
        return ours.network(ours.preprocessing(x))  # type: ignore[no-any-return]

    def both(x: Tensor) -> Tensor:
        return (score(x) + score(x.flip(-1))) / 2

    if views == "mirror":
        return both(images)
    down, up = torch.zeros_like(images), torch.zeros_like(images)
    down[..., 1:, 1:], up[..., :-1, :-1] = images[..., :-1, :-1], images[..., 1:, 1:]
    # The mirror image is taken first and moved then: both ways, so that it makes no difference.
    mirror = images.flip(-1)
    other_down, other_up = torch.zeros_like(images), torch.zeros_like(images)
    other_down[..., 1:, 1:] = mirror[..., :-1, :-1]
    other_up[..., :-1, :-1] = mirror[..., 1:, 1:]
    moved = score(down) + score(up) + score(other_down) + score(other_up)
    return both(images) / 2 + moved / 8


@pytest.mark.parametrize("views", ["mirror", "shifts"])
@pytest.mark.parametrize("architecture", ["two-layer", "convnet"])
def test_scores_are_the_mean_over_the_views(architecture: str, views: str) -> None:
    ours, x = classifier(architecture), pictures()
    ours.views = views
    ours.eval()
    torch.testing.assert_close(ours(x), views_by_hand(ours, x, views))
    if views == "mirror":
        torch.testing.assert_close(ours(x), ours(x.flip(-1)))


def test_training_looks_at_one_view() -> None:
    ours, x = classifier(), pictures()
    expected = ours.train()(x)
    ours.views = "shifts"
    assert torch.equal(ours(x), expected)
    assert not torch.allclose(ours.eval()(x), expected)


@pytest.mark.parametrize(("views", "passes"), [("one", 1), ("mirror", 2), ("shifts", 6)])
def test_views_are_saved_with_the_weights_and_counted(views: str, passes: int, path: Path) -> None:
    ours, x = classifier(hidden=[4]), pictures()
    ours.views = views
    assert ours.count_multiply_adds() == passes * (64 * 4 + 4 * 3)
    ours.save(path)
    loaded = Classifier.load(path)
    assert loaded.views == views
    assert torch.equal(loaded(x), ours.eval()(x))
    with safe_open(str(path), framework="pt") as file:
        assert ("views" in file.metadata()) == (views != "one")


def test_unknown_views_in_a_file_are_damage(parts: Parts, path: Path) -> None:
    description, tensors = parts
    path.write_bytes(pack(tensors, {**description, "views": "seven"}))
    with pytest.raises(ModelError, match="the description of the model is damaged"):
        Classifier.load(path)


def test_a_header_that_is_damaged_is_told_in_one_line(path: Path) -> None:
    header = b'{"a":{"dtype":"\\n","shape":[],"data_offsets":[0,0]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelError, match="unknown variant") as error:
        Classifier.load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("resnet", {"blocks": [1, 1, 1, 10**9]}),
        ("wide-resnet", {"depth": 4 + 6 * 10**9}),
        ("whitened", {"widths": [1] * 10**6, "depths": [1] * 10**6}),
    ],
)
def test_a_file_that_promises_endlessly_many_layers_is_refused_before_they_are_made(
    path: Path, parts: Parts, architecture: str, options: dict[str, Any]
) -> None:
    description, tensors = parts
    promised = {"architecture": architecture, "options": json.dumps(options)}
    path.write_bytes(pack(tensors, {**description, **promised}))
    with pytest.raises(ModelError, match=r"expected|must be") as error:
        Classifier.load(path)
    assert len(str(error.value)) < 500


def test_a_small_file_of_pictures_too_large_for_memory_is_refused(path: Path) -> None:
    built = classifier("convnet", widths=[1, 1, 1])
    built.save(path)
    with safe_open(str(path), framework="pt") as file:
        description = file.metadata() | {"input_shape": "[1, 100000, 100000]"}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    path.write_bytes(pack(tensors, description))
    with pytest.raises(ModelError, match="numbers of a picture of 100000x100000, at most"):
        Classifier.load(path)


def test_another_format_is_told_in_one_line_whatever_it_is(parts: Parts, path: Path) -> None:
    description, tensors = parts
    path.write_bytes(pack(tensors, {**description, "format": "\n\x1b[2J" * 1000}))
    with pytest.raises(ModelError, match=r"found \\n\\x1b") as error:
        Classifier.load(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500

"""A small data set that can be learned, the real one, and a place where nothing is lying about."""

from __future__ import annotations

import gc
import io
import os
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.files import DataFile, file_in_memory

# Set before torch is imported, here and in every program that a test starts: the tests leave
# the machine usable, and bit-for-bit comparisons see one number of threads. Tests side by side
# have one thread each, for those of two processes would wait for each other; whoever starts them
# has read this too, and they inherit its number.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
else:
    os.environ.setdefault("OMP_NUM_THREADS", "2")

# Tests compute on the CPU, where a run comes to the same bits whatever it is trained beside, also
# where a GPU is. Those that need one are run by themselves: see CONTRIBUTING.md.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

# Ray's tasks would otherwise give way to every other process (niceness 15), tests beside them too.
os.environ.setdefault("RAY_worker_niceness", "0")

# How long an example takes says more of the machine than of what is tested.
settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: at the end one process alone would be busy with them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Keep the thousands of tests out of every garbage collection that follows."""
    gc.freeze()


SHAPES = ("left", "right", "top", "bottom")


def shape_pictures(count: int, seed: int) -> ImageDataset:
    """Draw grey pictures of 8x8, noisy, one half of each brighter: which one is its class."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(SHAPES)).astype(np.int64)
    images = rng.integers(0, 150, (count, 1, 8, 8)).astype(np.uint8)
    halves = (np.s_[:, :4], np.s_[:, 4:], np.s_[:4], np.s_[4:])
    for image, label in zip(images, labels, strict=True):
        image[0][halves[label]] += 70
    return ImageDataset(images, labels, SHAPES)


def draw_shapes() -> DataSplits:
    """Draw 240 + 80 pictures of four classes that two epochs suffice to learn something about."""
    learning, test = shape_pictures(240, seed=0), shape_pictures(80, seed=1)
    return DataSplits("shapes", "made for a test", learning, test).with_validation(40)


@pytest.fixture
def shapes() -> DataSplits:
    """Pictures that nobody else has had."""
    return draw_shapes()


@pytest.fixture(scope="module")
def shapes_of_module() -> DataSplits:
    """The same, for what the tests of a file share."""
    return draw_shapes()


@pytest.fixture
def shapes_folder(shapes: DataSplits, tmp_path: Path) -> Path:
    """The same pictures as four IDX files and a classes.txt."""
    return write_idx(tmp_path / "shapes", shapes)


def write_idx(folder: Path, splits: DataSplits) -> Path:
    """Write pictures as MNIST's four files (http://yann.lecun.com/exdb/mnist/)."""
    folder.mkdir()
    for part, data in (("train", splits.learning), ("t10k", splits.test)):
        for name, array in (
            (f"{part}-images-idx3-ubyte", data.images[:, 0]),
            (f"{part}-labels-idx1-ubyte", data.labels.astype(np.uint8)),
        ):
            (folder / name).write_bytes(idx_bytes(array))
    (folder / "classes.txt").write_text("\n".join(splits.classes), "utf-8")
    return folder


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Return an array as an IDX file: 0, 0, 8 for unsigned bytes, dimensions, lengths, values."""
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def in_memory(content: bytes, name: str = "photo.png") -> DataFile:
    """Return bytes as a file."""
    return file_in_memory(content, name)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return a picture as the content of a file of that kind."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def free_port() -> int:
    """Return a TCP port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with an empty cache, no data variable and no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FITTINGROOM_DATA", raising=False)
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    return tmp_path


@pytest.fixture(scope="session")
def fashion_mnist() -> DataSplits:
    """The real data, read once; marks of tests that use it: real_data."""
    if not os.environ.get("FITTINGROOM_DATA"):
        pytest.skip("reads the real Fashion-MNIST: set FITTINGROOM_DATA to its folder")
    from fittingroom.data.sources import load

    return load("fashion-mnist")

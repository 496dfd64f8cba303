"""Readers beside NumPy on raw bytes, over generated files.

The files are put together from their formats' descriptions, and read a second time by nothing
but NumPy's view of their bytes: where each pixel lies is said here, not asked of a library.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from tests.conftest import in_memory

from fittingroom.data import idx, npz, tables
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.files import DataFile
from fittingroom.data.pictures import read_picture
from fittingroom.data.shards.writing import save
from fittingroom.data.sources import load

Bytes = NDArray[np.uint8]

SIDES = st.integers(1, 7)
GREY = st.tuples(st.integers(1, 9), SIDES, SIDES)
CLASSES = ("a", "b", "c")
NUMBERS = ["|u1", "|i1", "<u2", ">u2", "<i4", ">i4", "<i8", ">u8", "<f2", "<f4", ">f8", "|b1"]


def bytes_of(shape: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[Bytes]:
    """Return a strategy for arrays of any bytes."""
    return arrays(np.uint8, shape)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for one file after another, for hypothesis's many examples."""
    return tmp_path_factory.mktemp("raw")


# IDX (http://yann.lecun.com/exdb/mnist/)


@given(images=bytes_of(GREY), packed=st.booleans())
def test_idx_pictures_are_the_bytes_from_the_sixteenth_on(images: Bytes, packed: bool) -> None:
    content = struct.pack(">I3I", 0x00000803, *images.shape) + images.tobytes()
    file = in_memory(gzip.compress(content) if packed else content, "images")
    found = idx.read_array(file, dimensions=3)
    count, rows, columns = np.frombuffer(content, ">u4", count=3, offset=4)
    raw = np.frombuffer(content, np.uint8, offset=16)
    assert found.shape == (count, rows, columns)
    assert found.ravel().tolist() == raw.tolist()
    last = raw[(count - 1) * rows * columns + (rows - 1) * columns]  # of the last picture
    assert found[-1, -1, 0] == last


@given(labels=bytes_of(st.integers(1, 60).map(lambda count: (count,))))
def test_idx_labels_are_the_bytes_from_the_eighth_on(labels: Bytes) -> None:
    content = struct.pack(">II", 0x00000801, len(labels)) + labels.tobytes()
    found = idx.read_array(in_memory(content, "labels"), dimensions=1)
    assert found.tolist() == list(content[8:])


# CSV: a label and the pixels of a square picture in each line


@settings(max_examples=60)
@given(data=st.data(), side=st.integers(1, 6), count=st.integers(1, 9))
def test_csv_pictures_are_the_numbers_between_the_commas(
    data: st.DataObject, side: int, count: int
) -> None:
    rows = data.draw(arrays(np.uint8, (count, 1 + side * side)))
    place = data.draw(st.integers(0, side * side))  # of the label column
    names = [f"pixel{number}" for number in range(side * side)]
    names.insert(place, "label")
    text = ",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    found = tables.read_table(in_memory(text.encode(), "train.csv"))
    assert found is not None
    raw = np.fromstring(text.partition("\n")[2].replace("\n", ","), np.int64, sep=",")
    raw = raw.reshape(count, -1)
    assert found.labels.tolist() == raw[:, place].tolist()
    pixels = np.hstack([raw[:, :place], raw[:, place + 1 :]])
    assert found.images.shape == (count, 1, side, side)
    assert found.images.reshape(count, -1).tolist() == pixels.tolist()


# .npy, in .npz (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)


def npy(dtype: str, shape: tuple[int, ...], values: bytes, version: int, fortran: bool) -> bytes:
    """Put an .npy file together by hand."""
    text = f"{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    size = "<H" if version == 1 else "<I"
    used = 8 + struct.calcsize(size) + len(text) + 1
    text += b" " * (-used % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(text)) + text + values


@given(
    data=st.data(),
    dtype=st.sampled_from(NUMBERS),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    version=st.sampled_from([1, 2, 3]),
    fortran=st.booleans(),
)
def test_npy_values_are_the_bytes_after_the_header(
    data: st.DataObject, dtype: str, shape: tuple[int, ...], version: int, fortran: bool
) -> None:
    items = int(np.prod(shape)) * np.dtype(dtype).itemsize
    values = data.draw(st.binary(min_size=items, max_size=items))
    if dtype == "|b1":
        values = bytes(value & 1 for value in values)
    content = npy(dtype, shape, values, version, fortran)
    found = npz.read_array(in_memory(content, "a.npy"))
    assert found.dtype == np.dtype(dtype)
    raw = np.frombuffer(content[-items:], dtype)
    expected = raw.reshape(shape[::-1]).transpose() if fortran else raw.reshape(shape)
    assert found.tobytes() == expected.tobytes()
    assert found.shape == expected.shape
    assert np.load(io.BytesIO(content), allow_pickle=False).tobytes() == found.tobytes()


@settings(max_examples=40)
@given(data=st.data(), colour=st.booleans(), kind=st.sampled_from(["|u1", ">i4", "<f8"]))
def test_npz_pictures_and_labels_are_those_of_its_members(
    folder: Path, data: st.DataObject, colour: bool, kind: str
) -> None:
    count, height, width = data.draw(GREY)
    members = {}
    for part, pictures in (("train", count + 2), ("test", count)):
        pixels = data.draw(arrays(np.uint8, (pictures, height, width, 3 if colour else 1)))
        pixels[0, 0, 0, 0] = 7  # if all were 0 and 1, they would be shares of white
        labels = np.arange(pictures) % 3 % 2
        for name, array in ((f"x_{part}", pixels.astype(kind)), (f"y_{part}", labels)):
            members[name] = npy(array.dtype.str, array.shape, array.tobytes(), 1, fortran=False)
    with zipfile.ZipFile(folder / "a.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    found = load(folder / "a.npz")
    for part, dataset in (("train", found.learning), ("test", found.test)):
        size = dataset.images.size * np.dtype(kind).itemsize
        stored = np.frombuffer(members[f"x_{part}"][-size:], kind)
        stored = stored.reshape(-1, height, width, 3 if colour else 1)
        assert np.moveaxis(dataset.images, 1, 3).tolist() == stored.tolist()
        labels = np.frombuffer(members[f"y_{part}"][-8 * len(dataset) :], "<i8")
        assert dataset.labels.tolist() == labels.tolist()


# Picture files whose pixels lie in them as they are, or deflated


def pgm(pixels: Bytes) -> bytes:
    """Netpbm (https://netpbm.sourceforge.net/doc/pgm.html): P5 grey, P6 colours."""
    height, width = pixels.shape[:2]
    kind = "P5" if pixels.ndim == 2 else "P6"
    return f"{kind}\n{width} {height}\n255\n".encode() + pixels.tobytes()


def png(pixels: Bytes) -> bytes:
    """PNG without filters (https://www.w3.org/TR/png-3/, sections 5 and 11)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    height, width = pixels.shape[:2]
    colours = 0 if pixels.ndim == 2 else 2
    head = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def bmp(pixels: Bytes) -> bytes:
    """Return a bitmap (BITMAPINFOHEADER, 24 bits): blue, green, red, from the lowest line up."""
    height, width = pixels.shape[:2]
    colours = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    lines = [line[:, ::-1].tobytes() + bytes(-3 * width % 4) for line in colours[::-1]]
    body = b"".join(lines)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(body), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + head + body


@pytest.mark.parametrize("write", [pgm, png, bmp])
@settings(max_examples=60)
@given(data=st.data(), colour=st.booleans())
def test_pixels_of_picture_files_are_those_in_their_bytes(
    write: Any, data: st.DataObject, colour: bool
) -> None:
    height, width = data.draw(SIDES), data.draw(SIDES)
    pixels = data.draw(arrays(np.uint8, (height, width, 3) if colour else (height, width)))
    file: DataFile = in_memory(write(pixels), f"a.{write.__name__}")
    found = read_picture(file, (height, width))
    if colour and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]  # grey, though written in colours
    assert found.tolist() == pixels.tolist()


# Shards: IDX files that are mapped, not read


@settings(max_examples=25)
@given(data=st.data(), channels=st.sampled_from([1, 3]), size=st.integers(1, 12))
def test_shards_one_after_another_are_the_pictures(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, channels: int, size: int
) -> None:
    shape = (channels, data.draw(SIDES), data.draw(SIDES))
    parts = [
        ImageDataset(data.draw(arrays(np.uint8, (count, *shape))), np.arange(count) % 3, CLASSES)
        for count in (11, 4)
    ]
    folder = tmp_path_factory.mktemp("shards") / "set"
    save(DataSplits("raw", "made for a test", parts[0], parts[1]), folder, size)
    found = load(folder)
    for name, part, its in zip(("train", "test"), parts, (found.learning, found.test), strict=True):
        files = sorted(folder.glob(f"{name}-*-images-*"))
        offset = 4 + 4 * (3 if channels == 1 else 4)
        raw = np.concatenate([np.fromfile(file, np.uint8, offset=offset) for file in files])
        assert raw.tolist() == part.images.ravel().tolist()
        assert np.asarray(its.images).ravel().tolist() == raw.tolist()
        labels = sorted(folder.glob(f"{name}-*-labels-*"))
        raw = np.concatenate([np.fromfile(file, np.uint8, offset=8) for file in labels])
        assert its.labels.tolist() == raw.tolist()

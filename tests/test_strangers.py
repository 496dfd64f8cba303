"""Files of strangers, small on disk and made to take all memory, are refused within 6 GiB.

They are read by one process that has no more than that: a reader that believed them would not end
with the line that is expected here. Each asks for ten times as much.
"""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere a process's memory cannot be limited"
)

LIMIT = 6 * 2**30
SPARSE = 64 * 2**30

READING = """
import json, resource, sys
from pathlib import Path
import fittingroom as fr
from fittingroom.data.idx import read_array
from fittingroom.data import npz, tables
from fittingroom.data.files import file_on_disk
from fittingroom.data.pictures import read_picture
from fittingroom.serving.photo import prepare
from fittingroom.serving.preparation import Preparation
from fittingroom.studies.reading import read_plan
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.recipe import recipe

resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
READERS = {
    "idx": lambda path: read_array(file_on_disk(path), 3),
    "npy": lambda path: npz.read_array(file_on_disk(path)),
    "csv": lambda path: tables.read_table(file_on_disk(path)),
    "png": lambda path: read_picture(file_on_disk(path), (28, 28)),
    "photo": lambda path: prepare(file_on_disk(path), Preparation((1, 28, 28))),
    "set": fr.load,
    "run": fr.open_run,
    "history": lambda path: fr.open_run(path).history,
    "recipe": recipe,
    "plan": read_plan,
    "study": fr.open_study,
    "tuning": fr.open_tuning,
    "model": fr.Classifier.load,
    "checkpoint": Checkpoint.load,
}
answers = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        READERS[path.name.partition("-")[0]](path)
        answers[path.name] = "was read"
    except fr.FittingroomError as error:
        answers[path.name] = f"{type(error).__name__}: {error}"
    except BaseException as error:
        answers[path.name] = f"a traceback: {error!r}"
print(json.dumps(answers))
"""


def sparse(path: Path, start: bytes = b"") -> None:
    """Make a file of 64 GiB that takes no place on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(start)
        file.truncate(SPARSE)


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(width: int, height: int) -> bytes:
    """Return a PNG that promises so many grey pixels and holds none."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def npy(shape: str, version: bytes = b"\1\0") -> bytes:
    """Return a NumPy array of this shape, as written, without its values."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': %s}\n" % shape.encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header


def safetensors(header: object) -> bytes:
    """Return a safetensors file of this header and no values."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def make(folder: Path) -> None:
    """Put all of them into a folder; their readers are told by their names."""
    promise = {"shape": [2**35], "dtype": "F32", "data_offsets": [0, 2**37]}
    files = {
        "idx-of-2^40-values": struct.pack(">HBB3I", 0, 8, 3, 2**16, 2**12, 2**12),
        "idx-packed-of-2^40": gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2**16, 2**12, 2**12)),
        "idx-of-none-in-huge-dimensions": struct.pack(">HBB3I", 0, 8, 3, 0, 2**32 - 1, 2**32 - 1),
        "npy-of-2^50-values": npy("(2**50,)".replace("2**50", str(2**50))),
        "npy-of-none-in-huge-dimensions": npy(f"(0, {2**62}, {2**62})"),
        "npy-of-too-many-dimensions": npy(f"({'1, ' * 100})"),
        "npy-with-an-endless-header": b"\x93NUMPY\2\0"
        + struct.pack("<I", 2**32 - 1)
        + b" " * 20_000,
        "npy-nested-deeply": npy("(" * 3000 + ")" * 3000),
        "csv-of-one-line": gzip.compress(b"1," * 2**26),
        "png-of-10^10-pixels": png(100_000, 100_000),
        "photo-of-10^10-pixels": png(100_000, 100_000),
        "recipe-nested-deeply.toml": b"a = " + b"[" * 50_000,
        "plan-nested-deeply.toml": b"a = " + b"[" * 50_000,
        "model-with-an-endless-header": struct.pack("<Q", 2**60) + b"{}",
        "model-of-2^37-bytes": safetensors({"a": promise}),
        "model-nested-deeply": safetensors(0)[:8] + b"[" * 50_000,
        "checkpoint-of-2^37-bytes": safetensors({"a": promise}),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    deep = "[" * 100_000
    for name, record in (
        ("run", "run.json"),
        ("study", "study.json"),
        ("tuning", "tuning.json"),
        ("set", "shards.json"),
    ):
        sparse(folder / f"{name}-of-64-GiB" / record)
        (folder / f"{name}-nested-deeply").mkdir()
        (folder / f"{name}-nested-deeply" / record).write_text(deep, "utf-8")
    for name in ("recipe-of-64-GiB.toml", "plan-of-64-GiB.toml", "csv-of-64-GiB"):
        sparse(folder / name)
    for name in ("model-of-64-GiB", "checkpoint-of-64-GiB"):
        sparse(folder / name, safetensors({"a": {**promise, "shape": [2**34 - 64]}}))
    (folder / "run-that-is-a-device").mkdir()
    (folder / "run-that-is-a-device" / "run.json").symlink_to("/dev/zero")
    with zipfile.ZipFile(folder / "set-bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", bytes(2**24))


REFUSALS = {
    "checkpoint-of-2^37-bytes": "RunError: {}: not a readable safetensors file: ",
    "checkpoint-of-64-GiB": (
        "RunError: {}: refused: a checkpoint file has at most 8,589,934,592 bytes"
    ),
    "csv-of-64-GiB": "DataError: {}: no CSV file: a line of more than 8,388,608 bytes",
    "csv-of-one-line": "DataError: {}: no CSV file: a line of more than 8,388,608 bytes",
    "idx-of-2^40-values": "DataError: {}: the header promises 1,099,511,627,776 values",
    "idx-of-none-in-huge-dimensions": "DataError: {}: the file is damaged or cannot be read",
    "idx-packed-of-2^40": "DataError: {}: the header promises 1,099,511,627,776 values",
    "model-nested-deeply": "ModelError: {}: not a readable safetensors file: ",
    "model-of-2^37-bytes": "ModelError: {}: not a readable safetensors file: ",
    "model-of-64-GiB": "ModelError: {}: refused: a model file has at most 8,589,934,592 bytes",
    "model-with-an-endless-header": "ModelError: {}: not a readable safetensors file: ",
    "npy-nested-deeply": "DataError: {}: the header of the array is damaged",
    "npy-of-2^50-values": "DataError: {}: the header promises 1,125,899,906,842,624 bytes",
    "npy-of-none-in-huge-dimensions": "DataError: {}: the file is damaged or cannot be read",
    "npy-of-too-many-dimensions": "DataError: {}: the ",
    "npy-with-an-endless-header": "DataError: {}: the header of the array is damaged",
    "photo-of-10^10-pixels": "PhotoError: {}: refused, as the picture is far too large",
    "plan-nested-deeply.toml": "StudyError: {}: not a TOML file: ",
    "plan-of-64-GiB.toml": "StudyError: {}: not a study: larger than 67,108,864 bytes",
    "png-of-10^10-pixels": "TooManyPixelsError: {}: refused, as the picture is far too large",
    "recipe-nested-deeply.toml": "RecipeError: {}: not a TOML file: ",
    "recipe-of-64-GiB.toml": "RecipeError: {}: not a TOML file: larger than 67,108,864 bytes",
    "run-nested-deeply": "RunError: {}/run.json: the run's record cannot be read: ",
    "run-of-64-GiB": "RunError: {}/run.json: the run's record cannot be read: larger than",
    "run-that-is-a-device": "RunError: {}: no such run",
    "set-bomb.zip": "DataError: {}: refused: 'train.csv' grows from",
    "set-nested-deeply": "DataError: {}/shards.json: damaged, no JSON",
    "set-of-64-GiB": "DataError: {}/shards.json: damaged, no JSON",
    "study-nested-deeply": "StudyError: {}/study.json: the study's record cannot be read: ",
    "study-of-64-GiB": "StudyError: {}/study.json: the study's record cannot be read: larger than",
    "tuning-nested-deeply": "TuningError: {}/tuning.json: the tuning's record cannot be read: ",
    "tuning-of-64-GiB": "TuningError: {}/tuning.json: the tuning's record cannot be read: larger",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    make(folder)
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, str]:
    words = [sys.executable, "-c", READING, str(folder), str(LIMIT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_every_one_of_them_was_read_within_the_limit(answers: dict[str, str]) -> None:
    assert answers.keys() == REFUSALS.keys()


@pytest.mark.parametrize("name", REFUSALS)
def test_it_is_refused_in_one_line(answers: dict[str, str], folder: Path, name: str) -> None:
    assert answers[name].startswith(REFUSALS[name].format(folder / name))
    assert "\n" not in answers[name]

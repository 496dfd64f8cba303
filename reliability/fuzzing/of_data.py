"""The readers of data sets: one file of each format, archives, folders, and sets in shards."""

from __future__ import annotations

import itertools
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath

from fuzzing.mutate import several
from fuzzing.target import Read, Target, in_file, packed, unpacked

PICTURES = (b"Exif\0\0", b"MM\0*", b"II*\0", b"IHDR", b"tRNS", b"acTL", b"ftypheic", b"\xff\xda")


def contents(folder: Path, *names: str) -> list[bytes]:
    """Return what files hold."""
    return [(folder / name).read_bytes() for name in names]


def idx_reader(_workshop: Path, _scratch: Path) -> Read:
    """Read pictures where the fourth byte says so, else labels."""
    from fittingroom.data.files import file_in_memory
    from fittingroom.data.idx import read_array

    return lambda data: read_array(file_in_memory(data, "file"), 3 if data[3:4] == b"\3" else 1)


def idx_seeds(workshop: Path) -> list[bytes]:
    """Return pictures and labels, plain and packed."""
    names = (f"train-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1"))
    plain_and_packed = itertools.chain.from_iterable((name, f"{name}.gz") for name in names)
    return contents(workshop / "data", *plain_and_packed)


def csv_reader(_workshop: Path, _scratch: Path) -> Read:
    """Read one table."""
    from fittingroom.data.files import file_in_memory
    from fittingroom.data.tables import read_table

    return lambda data: read_table(file_in_memory(data, "train.csv"))


def csv_seeds(workshop: Path) -> list[bytes]:
    """Return tables with and without a header, and what else is accepted."""
    strange = [b'"label", x\r\n"1",+02.00\r\n\r\n 0 ,255\r\n', b"\xef\xbb\xbf1,2\n3,4", b"a,1\n"]
    return contents(workshop / "data", "train.csv", "test.csv") + strange


def npy_reader(_workshop: Path, _scratch: Path) -> Read:
    """Read one array, as pictures and as labels."""
    from fittingroom.data import npz
    from fittingroom.data.files import file_in_memory
    from fittingroom.errors import DataError

    def read(data: bytes) -> None:
        array = npz.read_array(file_in_memory(data, "x.npy"))
        for become in (npz._as_images, npz._as_labels):
            with suppress(DataError):
                become(array, "x.npy")

    return read


def tree_of(files: dict[PurePosixPath, bytes]) -> object:
    """Return files in memory as the tree that a reader is given."""
    from fittingroom.data.files import DataFile, FileTree, by_path, file_in_memory, is_hidden

    known = [
        DataFile(path, str(path), len(content), file_in_memory(content, path.name).opener)
        for path, content in files.items()
        if not any(map(is_hidden, path.parts))
    ]
    folders = {parent for file in known for parent in file.path.parents} - {PurePosixPath()}
    return FileTree("set", "set", by_path(known), tuple(sorted(folders)))


def set_reader(_workshop: Path, _scratch: Path) -> Read:
    """Read a folder of files as `fittingroom.load` does, up to its fingerprint."""
    from fittingroom.data import paths
    from fittingroom.data.files import FileTree

    def read(data: bytes) -> None:
        tree = tree_of(unpacked(data))
        assert isinstance(tree, FileTree)
        with ExitStack() as stack:
            reading, trees = paths._read(tree, None, stack)
            names = paths._names_in_trees(trees)
        splits = reading.to_splits(tree.name, "set", names).with_validation()
        assert len(splits.fingerprint) == 64

    return read


def set_seeds(workshop: Path) -> list[bytes]:
    """Return a small set of every kind as one input each."""
    data, pictures = workshop / "data", workshop / "data/pictures"
    idx = {path.name: path.read_bytes() for path in data.glob("train-*ubyte")}
    names = {"classes.txt": "a\nb\n위\n".encode()}
    arrays = {f"{name}_train.npy": (data / path).read_bytes() for name, path in ARRAYS.items()}
    classes = {
        f"{part}/{label}/{picture}.{kind}": (pictures / f"{picture}.{kind}").read_bytes()
        for part in ("train", "test")
        for label in ("1", "2")
        for picture, kind in (("grey", "png"), ("a", "gif"))
    }
    table = {"train.csv": (data / "train.csv").read_bytes()}
    archive = {"a.zip": (data / "data.zip").read_bytes()}
    return [packed(files) for files in (idx | names, arrays, classes, table, archive)]


ARRAYS = {"x": "images.npy", "y": "labels.npy"}


def archive_reader(_workshop: Path, _scratch: Path) -> Read:
    """Read all files of an archive, and what it holds as arrays."""
    import zipfile

    from fittingroom.data import npz
    from fittingroom.data.archives import open_archive
    from fittingroom.data.files import file_in_memory
    from fittingroom.errors import DataError

    # Random changes nearly always break a check sum, and what lies behind it would not be reached.
    zipfile.ZipExtFile._update_crc = lambda *_: None  # type: ignore[attr-defined]

    def read(data: bytes) -> None:
        with open_archive(file_in_memory(data, "a.zip")) as tree:
            for file in tree.files:
                with suppress(DataError), file.open_content() as stream:
                    while stream.read(2**16):
                        pass
            npz.read(tree)

    return read


def picture_reader(_workshop: Path, _scratch: Path) -> Read:
    """Read a picture: its size, and the whole of it."""
    from PIL import Image

    from fittingroom.data.files import file_in_memory
    from fittingroom.data.pictures import picture_size, read_picture

    Image.MAX_IMAGE_PIXELS = 2**17  # so that a decoder's megabytes do not eat up the time

    def read(data: bytes) -> None:
        file = file_in_memory(data, "a.png")
        picture_size(file)
        pixels = read_picture(file, (28, 28))
        assert pixels.shape[:2] == (28, 28)

    return read


def picture_seeds(workshop: Path) -> list[bytes]:
    """Return small pictures of all formats."""
    return [path.read_bytes() for path in sorted((workshop / "data/pictures").iterdir())]


def shards_reader(workshop: Path, scratch: Path) -> Read:
    """Read a set in shards with this index and this file of labels."""
    from fittingroom.data.shards.reading import read

    folder = scratch / "set"
    shutil.copytree(workshop / "data/shards", folder)

    labels = "train-00000-labels-idx1-ubyte"
    whole = (folder / labels).read_bytes()

    def write_and_read(data: bytes) -> None:
        given = {path.name: content for path, content in unpacked(data).items()}
        (folder / "shards.json").write_bytes(given.get("shards.json", b""))
        (folder / labels).write_bytes(given.get(labels, whole))
        splits = read(folder)
        splits.learning.images[:2]

    return write_and_read


def shards_seeds(workshop: Path) -> list[bytes]:
    """Return an index, and one with a file of labels."""
    folder = workshop / "data/shards"
    index, labels = contents(folder, "shards.json", "train-00000-labels-idx1-ubyte")
    one = {"shards.json": index}
    return [packed(one), packed(one | {"train-00000-labels-idx1-ubyte": labels})]


def names_reader(_workshop: Path, scratch: Path) -> Read:
    """Read a list of class names, and let it name three classes."""
    from fittingroom.data.dataset import check_class_names
    from fittingroom.data.files import file_on_disk
    from fittingroom.data.paths import names_in

    return in_file(
        scratch,
        "classes.txt",
        lambda path: check_class_names(names_in(file_on_disk(path)), 3, "classes.txt"),
    )


DATA = ("DataError",)
TARGETS = {
    "idx": Target(
        "IDX, plain and gzip",
        ("data/idx.py", "data/files.py"),
        DATA,
        idx_seeds,
        idx_reader,
        words=(b"\0\0\x08\x03", b"\0\0\x08\x01", b"\x1f\x8b"),
    ),
    "csv": Target("CSV", ("data/csv_bytes.py", "data/tables.py"), DATA, csv_seeds, csv_reader),
    "npy": Target(
        "one NumPy array",
        ("data/npz.py",),
        DATA,
        lambda workshop: contents(workshop / "data", "images.npy", "labels.npy"),
        npy_reader,
        words=(b"'descr': '<u1'", b"'fortran_order': True", b"'shape': (1,)", b"\x93NUMPY\2\0"),
    ),
    "archive": Target(
        "zip and .npz",
        ("data/archives.py", "data/npz.py"),
        DATA,
        lambda workshop: contents(workshop / "data", "data.zip", "stored.npz", "packed.npz"),
        archive_reader,
        words=(b"PK\1\2", b"PK\3\4", b"PK\5\6", b"../", b"x_train.npy"),
    ),
    "folder": Target(
        "a whole set: folder of any format",
        ("data/paths.py", "data/folders.py", "data/reading.py"),
        DATA,
        set_seeds,
        set_reader,
        words=(b"\n=8<=\n", b"train/", b"test/", b"classes.txt\n"),
    ),
    "picture": Target(
        "pictures of folders",
        ("data/pictures.py",),
        DATA,
        picture_seeds,
        picture_reader,
        words=PICTURES,
    ),
    "shards": Target(
        "a set in shards",
        ("data/shards/index.py", "data/shards/reading.py"),
        DATA,
        shards_seeds,
        shards_reader,
        mutate=several,
    ),
    "names": Target(
        "classes.txt", ("data/paths.py",), DATA, lambda _: [b"a\nb\nc\n"], names_reader
    ),
}

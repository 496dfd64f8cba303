"""Small real files of every kind, made by the program's own writers: what fuzzing starts from."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import fittingroom as fr
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.idx import encode_header

CLASSES = ("left", "right", "위")


def main(folder: Path) -> None:
    """Make all of them in an empty folder, in about ten seconds."""
    splits = pictures()
    write_data(folder / "data", splits)
    make_runs(folder, splits)
    make_comparisons(folder, splits)


def pictures() -> DataSplits:
    """Return 60 + 30 noisy grey pictures of 6x6 in three classes."""
    rng = np.random.default_rng(0)

    def some(count: int) -> ImageDataset:
        labels = (np.arange(count) % len(CLASSES)).astype(np.int64)
        images = rng.integers(0, 150, (count, 1, 6, 6)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[0, :, 2 * label : 2 * label + 2] += 90
        return ImageDataset(images, labels, CLASSES)

    return DataSplits("shapes", "drawn for fuzzing", some(60), some(30)).with_validation(12)


def write_data(folder: Path, splits: DataSplits) -> None:
    """Write the first pictures in every format that is read."""
    folder.mkdir()
    images, labels = splits.learning.images[:6, 0], splits.learning.labels[:6].astype(np.uint8)
    idx = {
        "images-idx3-ubyte": encode_header(images.shape) + images.tobytes(),
        "labels-idx1-ubyte": encode_header(labels.shape) + labels.tobytes(),
    }
    for name, content in idx.items():
        (folder / f"train-{name}").write_bytes(content)
        (folder / f"train-{name}.gz").write_bytes(gzip.compress(content, mtime=0))
    rows = np.column_stack([labels, images.reshape(6, -1)])
    header = "label," + ",".join(f"pixel{number}" for number in range(36))
    np.savetxt(folder / "train.csv", rows, "%d", ",", header=header, comments="")
    np.savetxt(folder / "test.csv", rows, "%d", ",")
    arrays: dict[str, Any] = {"x_train": images, "y_train": labels}
    np.savez(folder / "stored.npz", allow_pickle=False, **arrays)
    np.savez_compressed(folder / "packed.npz", allow_pickle=False, **arrays)
    np.save(folder / "images.npy", images / 255, allow_pickle=False)
    np.save(folder / "labels.npy", labels.astype(">i4"), allow_pickle=False)
    with zipfile.ZipFile(folder / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in idx.items():
            archive.writestr(f"data/train-{name}", content)
        archive.writestr("data/classes.txt", "\n".join(CLASSES))
    from fittingroom.data.shards.writing import save

    save(splits, folder / "shards", 25)
    write_pictures(folder / "pictures")


def write_pictures(folder: Path) -> None:
    """Write a small picture in every format and most modes."""
    from PIL import Image
    from pillow_heif import register_heif_opener

    register_heif_opener()
    folder.mkdir()
    rng = np.random.default_rng(1)
    colours = Image.fromarray(rng.integers(0, 256, (9, 7, 3)).astype(np.uint8))
    white = np.full((40, 30), 255, np.uint8)
    white[8:30, 9:22] = 60
    lying = Image.Exif()
    lying[0x0112] = 6
    grey, alpha = Image.fromarray(white), colours.convert("RGBA")
    alpha.putpixel((0, 0), (1, 2, 3, 0))
    deep = Image.fromarray(white.astype(np.uint16) * 257)
    files: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "rgb.png": (colours, {}),
        "grey.png": (grey, {}),
        "alpha.png": (alpha, {}),
        "palette.png": (colours.quantize(8), {}),
        "deep.png": (deep, {}),
        "lying.jpg": (colours, {"exif": lying}),
        "progressive.jpg": (grey, {"progressive": True}),
        "cmyk.jpg": (colours.convert("CMYK"), {}),
        "a.bmp": (colours, {}),
        "a.gif": (colours.quantize(8), {}),
        "a.webp": (colours, {"lossless": True}),
        "a.tif": (colours, {"compression": "tiff_lzw"}),
        "b.tif": (deep, {}),
        "a.ppm": (colours, {}),
        "a.pgm": (grey, {}),
        "a.heic": (grey.convert("RGB"), {}),
    }
    for name, (image, options) in files.items():
        image.save(folder / name, **options)


def make_runs(folder: Path, splits: DataSplits) -> None:
    """Train a run, export it, and keep a checkpoint of an unfinished one."""
    from fittingroom.serving.predictor import RunPredictor

    run = fr.train("two-layer", splits, out=folder, name="run", figures=False, **small())
    RunPredictor(run, splits)
    fr.export(run, folder / "model.onnx", data=splits)
    (folder / "checkpoint.safetensors").write_bytes(checkpoint_bytes(splits))


def small() -> dict[str, Any]:
    """Return the fields of a recipe that takes no time."""
    return {"model_options": {"hidden": [8]}, "epochs": 2, "batch_size": 16, "lr": 0.01}


def training_state() -> Any:
    """Return a network and its optimizer as at the start of a training."""
    import torch

    from fittingroom.models.build import build_network
    from fittingroom.models.classifier import Classifier
    from fittingroom.training.checkpoint import TrainingState

    torch.manual_seed(0)
    network = build_network("two-layer", (1, 6, 6), len(CLASSES), {"hidden": [8]})
    classifier = Classifier(network, CLASSES, (1, 6, 6), architecture="two-layer")
    return TrainingState(classifier, torch.optim.Adam(classifier.parameters()))


def checkpoint_bytes(splits: DataSplits) -> bytes:
    """Return the checkpoint of a training stopped after its first epoch."""
    import torch

    from fittingroom.training.checkpoint import Checkpoint, optimizer_tensors
    from fittingroom.training.history import Epoch

    state = training_state()
    images = torch.tensor(splits.train.images[:4])
    state.classifier(images).sum().backward()
    state.optimizer.step()
    parts = {
        "model": state.classifier.state_dict(),
        "optimizer": optimizer_tensors(state.optimizer),
    }
    parts["random"] = {"cpu": torch.get_rng_state()}
    parts["epoch"] = {"losses": torch.zeros(4, 1), "correct": torch.zeros(1, dtype=torch.int64)}
    tensors = {f"{part}.{name}": t for part, named in parts.items() for name, t in named.items()}
    record = Epoch(1, 1.0, 0.5, 1.0, 0.5, 0.01, 0.1)
    return Checkpoint(1, 0, (record,), 0.1, tensors).to_bytes()


def make_comparisons(folder: Path, splits: DataSplits) -> None:
    """Carry out a study and a tuning."""
    settings = {"narrow": small(), "wide": small() | {"model_options": {"hidden": [9]}}}
    plan = {"seeds": 2, "base": {"model": "two-layer"}, "settings": settings, "name": "study"}
    fr.study(plan, splits, out=folder, jobs=1)
    fr.tune(
        "two-layer",
        splits,
        vary={"lr": "1e-3..1e-1:log", "batch_size": [16, 32]},
        trials=2,
        final_seeds=2,
        finalists=0,
        jobs=1,
        out=folder,
        name="tuning",
        **small(),
    )


def npy(array: Any) -> bytes:
    """Return an array as the content of a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

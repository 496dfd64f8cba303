"""The readers of models, checkpoints and exported files, of photos, and of the server's forms."""

from __future__ import annotations

from pathlib import Path

from fuzzing.digests import leave_out
from fuzzing.mutate import safetensors
from fuzzing.of_data import PICTURES, picture_seeds
from fuzzing.of_runs import one
from fuzzing.target import Read, Target, in_file

DTYPES = (
    b'"dtype":"F32"',
    b'"dtype":"I64"',
    b'"BF16"',
    b'"F64"',
    b'"BOOL"',
    b'"shape":[',
    b"[0,4]",
)


def model_reader(_workshop: Path, scratch: Path) -> Read:
    """Read a model, and let it answer."""
    import torch

    from fittingroom.models.classifier import Classifier

    leave_out()

    def read(path: Path) -> None:
        classifier = Classifier.load(path)
        with torch.inference_mode():
            scores = classifier(torch.zeros((1, *classifier.input_shape), dtype=torch.uint8))
        assert scores.shape == (1, len(classifier.classes))

    return in_file(scratch, "model.safetensors", read)


def checkpoint_reader(_workshop: Path, scratch: Path) -> Read:
    """Read a checkpoint, and put training back to it."""
    from fittingroom.training.checkpoint import Checkpoint, restore_epoch
    from fittingroom.training.device import select_device
    from fittingroom.training.meter import Meter
    from fuzzing.workshop import training_state

    leave_out()
    state, device = training_state(), select_device("cpu")

    def read(path: Path) -> None:
        checkpoint = Checkpoint.load(path)
        state.restore(checkpoint)
        restore_epoch(checkpoint, device, Meter(4, device))

    return in_file(scratch, "checkpoint.safetensors", read)


def answering_reader(workshop: Path, scratch: Path) -> Read:
    """Read what answers beside a model, and let both answer."""
    from fittingroom.models.classifier import Classifier
    from fittingroom.runs.folder import digest
    from fittingroom.serving import keeping

    path = workshop / "run/model.safetensors"
    classifier, model = Classifier.load(path), digest(path)
    leave_out()
    return in_file(
        scratch, "answering.safetensors", lambda path: keeping.kept(path, classifier, model)
    )


def onnx_reader(_workshop: Path, _scratch: Path) -> Read:
    """Read an exported file, and let it answer."""
    import numpy as np

    from fittingroom.serving.onnx_file import OnnxPredictor

    path = Path("model.onnx")

    def read(data: bytes) -> None:
        predictor = OnnxPredictor(path, data)
        shape = predictor.preparation.input_shape
        predictor.answer(np.zeros((1, *shape), np.uint8))

    return read


def photo_reader(_workshop: Path, _scratch: Path) -> Read:
    """Prepare a photo for a model of things alone on black, and for one of whole pictures."""
    from fittingroom.data.files import file_in_memory
    from fittingroom.serving.photo import prepare
    from fittingroom.serving.preparation import Preparation

    alone = Preparation((1, 28, 28), alone=True, longest=28, sharpness=1.3)
    whole = Preparation((3, 8, 8))

    def read(data: bytes) -> None:
        for preparation in (alone, whole):
            photo = prepare(file_in_memory(data, "a.png"), preparation, most_pixels=2**17)
            assert photo.seen.shape == preparation.input_shape

    return read


def form_reader(_workshop: Path, _scratch: Path) -> Read:
    """Take apart what is sent to the server; the first line is the content type."""
    from fittingroom.serving.server.uploads import Limits, uploads_of

    limits = Limits()

    def read(data: bytes) -> None:
        content_type, _, body = data.partition(b"\n")
        uploads = uploads_of(body, content_type.decode("latin-1"), limits)
        assert 1 <= len(uploads) <= limits.most_files
        assert all(0 < len(upload.name) <= 200 for upload in uploads)

    return read


FORM = (
    b"multipart/form-data; boundary=xx\n--xx\r\n"
    b'Content-Disposition: form-data; name="files"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\nPNG\r\n--xx--\r\n"
)

TARGETS = {
    "model": Target(
        "model.safetensors",
        ("models/classifier.py", "models/tensor_file.py", "models/build.py"),
        ("ModelError",),
        one("run/model.safetensors"),
        model_reader,
        words=(*DTYPES, b'"two-layer"', b'"three-layer"', b'"convnet"', b'"whitened"'),
        mutate=safetensors,
    ),
    "checkpoint": Target(
        "checkpoint.safetensors",
        ("training/checkpoint.py", "training/history.py"),
        ("RunError",),
        one("checkpoint.safetensors"),
        checkpoint_reader,
        words=DTYPES,
        mutate=safetensors,
    ),
    "answering": Target(
        "answering.safetensors",
        ("serving/keeping.py", "serving/fitted.py", "serving/preparation.py"),
        ("ModelError",),
        one("run/answering.safetensors"),
        answering_reader,
        words=DTYPES,
        mutate=safetensors,
    ),
    "onnx": Target(
        "exported ONNX files",
        ("serving/onnx_file.py", "serving/fitted.py"),
        ("ExportError",),
        one("model.onnx"),
        onnx_reader,
    ),
    "photo": Target(
        "photos",
        ("serving/photo.py", "serving/ground.py", "serving/parts.py", "data/pictures.py"),
        ("PhotoError",),
        picture_seeds,
        photo_reader,
        words=PICTURES,
    ),
    "form": Target(
        "forms sent to the server",
        ("serving/server/multipart.py", "serving/server/uploads.py"),
        ("fittingroom.serving.server.refusals:RefusedError",),
        lambda _: [FORM, b"image/png\nPNG"],
        form_reader,
        words=(b"\r\n\r\n", b"\r\n--xx", b"--xx--", b"filename=", b'name="files"'),
    ),
}

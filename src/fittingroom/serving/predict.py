"""Photos in, answers out: `predict`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeGuard, cast, overload

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import Images
from fittingroom.data.files import DataFile, file_in_memory, file_on_disk, list_folder
from fittingroom.data.pictures import has_picture_name
from fittingroom.errors import DataError, PhotoError
from fittingroom.serving.heat import heat_map
from fittingroom.serving.photo import BLANK, BUSY, CUT_OFF, Photo, prepare
from fittingroom.serving.predictor import RUNS, Answers, Predictor, open_predictor

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from fittingroom.data.dataset import DataSplits
    from fittingroom.runs.run import Run

STDIN = "-"
MOST_BYTES = 200 * 2**20  # of one photo
AT_ONCE = 1000  # photos that are answered for together
SURE = 0.5  # confidence below which an answer is doubtful
# What an answer may be warned of, beside what photo.py says of the photo.
UNLIKE, UNSURE = "unlike", "unsure"

WARNINGS = {
    BLANK: "nothing to see: the picture is one even tone",
    BUSY: "the ground is not even: lay the thing on a plain one",
    CUT_OFF: "the thing reaches over the edge of the picture",
    UNLIKE: "unlike everything that the model has learned from: do not believe the answer",
    UNSURE: "the model is not sure",
}


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one photo.

    Parameters
    ----------
    photo
        The photo, and what the model saw of it.
    classes
        The K class names.
    probabilities
        float32, shape (K,), calibrated on validation pictures.
    novelty
        How unlike everything known the picture is.
    threshold
        The novelty that 5% of real pictures exceed.
    heat
        float32, shape (H, W), -1 to 1: where covering the picture takes from the answer (above 0)
        or adds to it; None if it was not asked for.
    """

    photo: Photo
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    novelty: float
    threshold: float
    heat: NDArray[np.float32] | None = None

    @property
    def name(self) -> str:
        """What the photo is called."""
        return self.photo.name

    @property
    def answer(self) -> str:
        """The likeliest class."""
        return self.ranked[0][0]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return self.ranked[0][1]

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """All classes with their probabilities, the likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(self.classes[place], float(self.probabilities[place])) for place in order]

    @property
    def believable(self) -> bool:
        """Whether the picture is of the kind that the model knows."""
        return self.novelty <= self.threshold and BLANK not in self.photo.warnings

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the answer should be doubted, as keys of `WARNINGS`, the weightiest first."""
        found = list(self.photo.warnings)
        if not self.believable and BLANK not in found:
            found.insert(0, UNLIKE)
        elif self.believable and self.confidence < SURE:
            found.append(UNSURE)
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pictures, ready for JSON."""
        return {
            "file": self.name,
            "answer": self.answer,
            "confidence": self.confidence,
            "ranked": [{"class": name, "probability": share} for name, share in self.ranked],
            "novelty": self.novelty,
            "threshold": self.threshold,
            "believable": self.believable,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, eq=False)
class Predictions(Sequence[Prediction]):
    """The answers for several photos, in their order.

    Printed they are a table, in Jupyter a picture.
    """

    predictions: tuple[Prediction, ...]
    predictor: Predictor

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: int | slice) -> Prediction | Predictions:
        if isinstance(index, slice):
            return Predictions(self.predictions[index], self.predictor)
        return self.predictions[index]

    def __len__(self) -> int:
        return len(self.predictions)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return all of them, ready for JSON."""
        return [prediction.to_dict() for prediction in self]

    def plot(self) -> Figure:
        """Draw each photo, what the model saw, its answers and, where asked for, what mattered."""
        from fittingroom.serving.figure import draw_predictions

        return draw_predictions(self)

    def __str__(self) -> str:
        return "\n".join("  ".join(cell for cell in cells(one) if cell) for one in self)

    def _repr_html_(self) -> str:
        from fittingroom.data.display import headline, table, warning
        from fittingroom.evaluation.evaluate import SKETCHES_NOTE

        said = [warning(SKETCHES_NOTE)] if self.predictor.sketches else []
        said.append(headline(f"Answers of {self.predictor.name}", f"{len(self)} photos"))
        rows = [cells(one) for one in self]
        return "".join([*said, table("", COLUMNS, rows, words=len(COLUMNS))])

    def __repr__(self) -> str:
        return f"<Predictions of {self.predictor.name} for {len(self)} photos>"


COLUMNS = ("file", "answer", "confidence", "or", "or", "mind")


def cells(prediction: Prediction) -> list[str]:
    """Return a prediction as the cells of COLUMNS."""
    (answer, confidence), *others = prediction.ranked[:3]
    others += [("", 0.0)] * (2 - len(others))
    return [
        prediction.name,
        answer,
        percent(confidence),
        *(f"{name} {percent(share)}" if name else "" for name, share in others),
        "; ".join(WARNINGS[code] for code in prediction.warnings),
    ]


def percent(share: float) -> str:
    """Return a probability as people read it; what is nearly sure is not called sure."""
    return ">99.9%" if 0.9995 <= share < 1 else f"{share:.1%}"


PhotoSource = str | Path | bytes | IO[bytes]


def predict(
    model: Run | Predictor | str | Path = "latest",
    photos: PhotoSource | Iterable[PhotoSource] = (),
    *,
    explain: bool = False,
    data: DataSplits | str | Path | None = None,
    runs: str | Path = RUNS,
    network: nn.Module | str | None = None,
) -> Predictions:
    """Say what photos show.

    Parameters
    ----------
    model
        A finished run, its folder, its name or "latest", or a file that `export` wrote.
    photos
        Paths of pictures or of folders of them, "-" for the standard input, the bytes of a
        picture or an open file; one or several.
    explain
        Whether to find out too what mattered, see `Prediction.heat`.
    data
        Where the run's data are now; they are needed the first time only.
    runs
        The folder of the runs.
    network
        Only for a run of a network of your own: an instance of it.

    Raises
    ------
    PhotoError
        If there is no such photo, or it is none that can be read.
    FittingroomError
        Of the other kinds, in one line, if the model cannot be had.
    """
    found = find_photos([photos] if is_one(photos) else cast("Iterable[PhotoSource]", photos))
    predictor = open_predictor(model, data=data, runs=runs, network=network)
    return Predictions(tuple(answers(predictor, found, explain=explain)), predictor)


def is_one(photos: PhotoSource | Iterable[PhotoSource]) -> TypeGuard[PhotoSource]:
    """Tell whether it is one photo: a path, bytes, or an open file."""
    return isinstance(photos, str | Path | bytes) or hasattr(photos, "read")


def answers(
    predictor: Predictor,
    found: Iterable[DataFile],
    *,
    explain: bool = False,
    on_error: Callable[[PhotoError], None] | None = None,
) -> Iterator[Prediction]:
    """Read photos and answer, many at a time.

    Parameters
    ----------
    on_error
        Told of each photo that cannot be read, which is then left out; None to raise the error.
    """
    waiting = iter(found)
    while files := list(islice(waiting, AT_ONCE)):
        photos = list(prepare_each(files, predictor, on_error))
        if photos:
            yield from answer_prepared(predictor, photos, explain=explain)


def prepare_each(
    files: Iterable[DataFile],
    predictor: Predictor,
    on_error: Callable[[PhotoError], None] | None,
) -> Iterator[Photo]:
    """Read photos one after another; see `answers`."""
    for file in files:
        try:
            yield prepare(file, predictor.preparation)
        except PhotoError as error:
            if on_error is None:
                raise
            on_error(error)


def answer_prepared(
    predictor: Predictor, photos: Sequence[Photo], *, explain: bool = False
) -> list[Prediction]:
    """Answer for photos that were read, at least one."""
    found = pair(predictor, photos, predictor.answer(pictures_of(photos)))
    if not explain:
        return found
    return [
        replace(
            one,
            heat=heat_map(
                predictor.answer, predictor.preparation, one.photo.seen, one.probabilities
            ),
        )
        for one in found
    ]


def pictures_of(photos: Sequence[Photo]) -> Images:
    """Return what the model sees of photos, at least one, uint8 (N, C, H, W)."""
    return np.stack([photo.seen for photo in photos])


def pair(predictor: Predictor, photos: Sequence[Photo], answers: Answers) -> list[Prediction]:
    """Put photos and what a predictor answered for them together."""
    return [
        Prediction(photo, predictor.classes, probabilities, float(novelty), predictor.threshold)
        for photo, probabilities, novelty in zip(photos, *answers, strict=True)
    ]


def find_photos(sources: Iterable[PhotoSource]) -> list[DataFile]:
    """Return the files that are meant: those named, and the pictures in folders named.

    Raises
    ------
    PhotoError
        If there are none, or one is not there.
    """
    found: list[DataFile] = []
    for number, source in enumerate(sources, start=1):
        if isinstance(source, bytes):
            found.append(in_memory(source, f"picture {number}"))
        elif not isinstance(source, str | Path):
            name = str(getattr(source, "name", f"picture {number}"))
            found.append(in_memory(source.read(MOST_BYTES + 1), name))
        elif str(source) == STDIN:
            found.append(in_memory(sys.stdin.buffer.read(MOST_BYTES + 1), "standard input"))
        else:
            found += on_disk(Path(source))
    if not found:
        raise PhotoError("no photos: name pictures, folders of pictures, or - for standard input")
    return found


def on_disk(path: Path) -> list[DataFile]:
    """Return a file, or the pictures in a folder."""
    try:
        if not path.is_dir():
            return [file_on_disk(path)]
        found = [file for file in list_folder(path).files if has_picture_name(file)]
    except DataError as error:
        raise PhotoError(str(error)) from error
    except (OSError, ValueError) as error:  # a name too long, or with a zero in it
        raise PhotoError(f"{path}: cannot be read: {error}") from error
    if not found:
        raise PhotoError(f"{path}: no pictures in this folder")
    return found


def in_memory(content: bytes, name: str) -> DataFile:
    """Return bytes as a file.

    Raises
    ------
    PhotoError
        If there are too many, or none.
    """
    if len(content) > MOST_BYTES:
        raise PhotoError(f"{name}: larger than {MOST_BYTES // 2**20} MB; make the picture smaller")
    if not content:
        raise PhotoError(f"{name}: empty; a picture is expected")
    return file_in_memory(content, name)

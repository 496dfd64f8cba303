from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import ModelError, RunError
from fittingroom.runs import folder
from fittingroom.runs.folder import MODEL, digest
from fittingroom.serving import keeping
from fittingroom.serving.keeping import NAME, answering_of, read
from fittingroom.serving.novelty import Novelty

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def run(garments_run: fr.Run, tmp_path: Path) -> fr.Run:
    """A copy, to change."""
    shutil.copytree(garments_run.folder, tmp_path / "copy")
    return fr.open_run(tmp_path / "copy")


def test_what_was_fitted_is_kept_and_found_again_without_the_data(
    run: fr.Run, garments: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = garments.test.images[:50]
    (run.folder / NAME).unlink()
    first, fitted = answering_of(run, garments)
    monkeypatch.setattr(keeping, "fit_answering", None)
    second, again = answering_of(fr.open_run(run.folder))
    assert fitted == again
    assert all(
        np.array_equal(a, b)
        for a, b in zip(first.answer(images), second.answer(images), strict=True)
    )


def test_any_damage_is_noticed_and_it_is_made_anew(run: fr.Run, garments: DataSplits) -> None:
    path = run.folder / NAME
    whole = path.read_bytes()
    model = digest(run.folder / MODEL)
    _, fitted = read(path, model)
    rng = np.random.default_rng(0)
    damaged = [b"", whole[:100], whole[:-1], whole + b"x"]
    damaged += [
        whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        for place in rng.integers(0, len(whole), 12)
    ]
    for number, content in enumerate(damaged):
        path.write_bytes(content)
        with pytest.raises((ModelError, KeyError, TypeError, ValueError)):
            read(path, model)
        if number % 5 == 0:
            with pytest.warns(UserWarning, match=f"{NAME}: .*; it is made anew"):
                answering_of(fr.open_run(run.folder), garments)
            assert read(path, model)[1] == fitted


def test_one_of_another_model_is_not_used(run: fr.Run, garments: DataSplits) -> None:
    other = fr.train("two-layer", garments, epochs=1, figures=False)
    shutil.copy(run.folder / NAME, other.folder / NAME)
    with pytest.raises(ModelError, match="of another model"):
        read(other.folder / NAME, digest(other.folder / MODEL))
    with pytest.warns(UserWarning, match="of another model; it is made anew"):
        answering_of(other, garments)
    read(other.folder / NAME, digest(other.folder / MODEL))


def test_where_it_has_to_be_fitted_and_the_data_are_gone_that_is_said(
    run: fr.Run, shapes: DataSplits
) -> None:
    (run.folder / NAME).unlink()
    with pytest.raises(RunError, match=r"the run's data are needed once: .*not the data of run"):
        answering_of(run, shapes)


def test_an_unfinished_run_cannot_answer(run: fr.Run) -> None:
    run.record["status"] = "interrupted"
    with pytest.raises(RunError, match="the run is interrupted; go on with"):
        answering_of(run)


def test_a_folder_that_cannot_be_written_to_answers_all_the_same(
    run: fr.Run, garments: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.folder / NAME).unlink()

    def full(path: Path, content: bytes) -> None:
        raise RunError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr(folder, "write_whole", full)
    answering, _ = answering_of(run, garments)
    assert answering.answer(garments.test.images[:2])[0].shape == (2, 10)


def test_one_that_is_whole_but_does_not_fit_the_model_is_not_used(run: fr.Run) -> None:
    path, model = run.folder / NAME, digest(run.folder / MODEL)
    novelty, fitted = read(path, model)
    known = novelty.state_dict()
    wrong_preparation = replace(fitted.preparation, input_shape=(1, 9, 9))
    for tensors, described in (
        (known | {"bank": known["bank"][:, :2]}, fitted),
        (known | {"far": known["far"].half()}, replace(fitted, temperature=0.0)),
        (known, replace(fitted, temperature=float("nan"))),
        (known, replace(fitted, preparation=wrong_preparation)),
    ):
        path.write_bytes(keeping.content(Novelty(**tensors), described, model))
        with pytest.raises(ModelError, match=r"damaged|does not fit"):
            keeping.kept(path, run.classifier, model)

"""Runs and exported files, by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.errors import FittingroomError
from fittingroom.serving.predictor import RunPredictor
from fittingroom.serving.server.refusals import RefusedError
from fittingroom.serving.server.served import ServedModels, open_models, unlike


def test_runs_of_one_name_are_numbered_and_one_named_twice_is_opened_once(
    garments_run: fr.Run, predictor: RunPredictor, tmp_path: Path
) -> None:
    copied = tmp_path / garments_run.name
    shutil.copytree(garments_run.folder, copied)
    models = open_models([garments_run.folder, copied, str(copied)])
    assert [model.name for model in models] == [garments_run.name, f"{garments_run.name} (2)"]
    assert [one.name for one in models.chosen(None)] == [model.name for model in models]


def test_names_are_numbered_on() -> None:
    assert unlike("a", ["b"]) == "a"
    assert unlike("a", ["a", "a (2)"]) == "a (3)"


def test_what_is_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FittingroomError, match="nowhere"):
        open_models([tmp_path / "nowhere"])
    with pytest.raises(FittingroomError, match="name a run"):
        open_models([])


def test_an_exported_file_is_served_without_a_matrix(
    garments_run: fr.Run, predictor: RunPredictor, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    from fittingroom.serving.export import export

    path = tmp_path / "model.onnx"
    export(garments_run, path)
    (model,) = open_models([path])
    (run,) = open_models([garments_run.folder])
    assert model.described() == run.described() | {"matrix": None}


def test_an_unknown_name_is_refused_with_the_known_ones(garments_run: fr.Run) -> None:
    models: ServedModels = open_models([garments_run.folder])
    with pytest.raises(RefusedError, match=f"these are served: {garments_run.name}") as refused:
        models.chosen([garments_run.name, "nothing"])
    assert refused.value.status == 404

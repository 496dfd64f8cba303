"""Every number of README and docs has a command behind it; recorded runs are what they say."""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.runs.folder import read_record

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "reliability" / "records").glob("*.json"))


def load_script() -> ModuleType:
    """Import reliability/published.py, which lies in no package."""
    path = ROOT / "reliability" / "published.py"
    spec = importlib.util.spec_from_file_location("published", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["published"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


published: Any = load_script()
SOURCES, STATED, RUNS = published.read()


def test_every_number_with_a_unit_has_a_source_or_is_no_measurement() -> None:
    known = {figure for source in SOURCES.values() for figure in source.figures} | set(STATED)
    homeless = [
        f"{page}:{number}: {figure} in {line!r}"
        for page in published.PAGES
        for number, line, figure in published.places(page)
        if figure not in known
    ]
    assert homeless == []


@pytest.mark.parametrize("name", [*SOURCES, "stated"])
def test_every_figure_of_a_source_stands_somewhere(name: str) -> None:
    said = {figure for page in published.PAGES for *_, figure in published.places(page)}
    figures = set(STATED) if name == "stated" else set(SOURCES[name].figures)
    assert figures - said == set()


def test_both_languages_of_the_readme_have_the_same_figures() -> None:
    ours, theirs = (
        {figure for *_, figure in published.places(page)} for page in ("README.md", "README.ko.md")
    )
    measured = {figure for source in SOURCES.values() for figure in source.figures}
    assert {f for f in ours if f in measured and f.endswith("%")} <= theirs


def test_every_result_of_the_benchmark_has_its_command_on_the_page() -> None:
    page = (ROOT / "docs" / "speed.md").read_text("utf-8")
    results = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    assert results
    for path in results:
        assert f"python benchmarks {path.stem}`" in page


def test_numbers_are_read_as_people_write_them() -> None:
    text = "89.31%, 1.3초 만에; 2.15%p, 22배, 1,200 MB, 0.6 s; convnet-92 at 3x3, 16/s, 5 seeds"
    assert list(published.figures_in(text)) == [
        *("89.31%", "1.3 s", "2.15 points", "22 times", "1,200 MB", "0.6 s")
    ]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_recorded_run_is_that_of_its_words_and_tells_nothing_of_the_machines_folders(
    path: Path,
) -> None:
    record = read_record(path.parent, path.name)
    assert record["status"] == "finished"
    assert record["results"]["digests"].keys() == {"weights", "history", "predictions"}
    words = ["fittingroom", "train", *shlex.split(RUNS[path.stem]), "--threads", "1"]
    assert shlex.split(record["command"])[: len(words)] == words
    assert record["environment"]["modified"] is False
    assert not Path(record["data"]["source"]).is_absolute()
    text = json.dumps(record)
    assert not any(f'"/{place}' in text for place in ("home", "root", "tmp", "work", "Users"))


def test_every_run_that_a_source_names_is_recorded() -> None:
    named = {run for source in SOURCES.values() for run in source.runs}
    assert named == set(RUNS) == {path.stem for path in RECORDS}


@pytest.mark.real_data
def test_a_recorded_run_comes_to_the_same_here(fashion_mnist: DataSplits, isolated: Path) -> None:
    found = fr.reproduce(ROOT / "reliability" / "records" / "fast-seed0.json", fashion_mnist)
    assert found.verdict in {"identical", "equal within noise"}

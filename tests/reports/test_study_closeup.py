from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support
from tests.reports.planting import BAD, GOOD, plant_study
from tests.studies.conftest import CLASSES, LABELS

from fittingroom.data.dataset import ImageDataset
from fittingroom.evaluation.metrics import ClassScore
from fittingroom.reports.formats import DASH, NOTHING
from fittingroom.reports.study_closeup import class_row
from fittingroom.reports.study_report import study_page, view_study, write_study_markdown
from fittingroom.reports.study_view import StudyView
from fittingroom.reports.texts import Texts
from fittingroom.studies.study import Study


def score(precision: float, recall: float, *, support: int = 10, predicted: int = 10) -> ClassScore:
    return ClassScore("left", precision, recall, 0.5, support, predicted)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return plant_study(tmp_path / "study", {"bad": BAD, "good": GOOD})


@pytest.fixture
def view(study: Study) -> StudyView:
    """The study with pictures, all of them different."""
    images = np.random.default_rng(0).integers(0, 255, (len(LABELS), 1, 8, 8)).astype(np.uint8)
    return StudyView(study, ImageDataset(images, LABELS.astype(np.int64), CLASSES))


def test_it_is_the_lowest_seed_of_the_best_setting(study: Study) -> None:
    closeup = view_study(study).closeup
    assert closeup.run.run is study.runs["good", 0]
    told = Texts().plain(closeup.introduction)
    assert "“good”" in told
    assert "lowest seed, 0" in told
    assert "over 4 seeds" in told
    assert "900 of 1,000" in Texts().plain(closeup.conclusions[0])


def test_the_scores_of_a_class_are_the_mean_over_the_seeds_and_the_range(study: Study) -> None:
    closeup = view_study(study).closeup
    evaluations = [study.runs["good", seed].evaluation for seed in range(4)]
    by_run = [precision_recall_fscore_support(e.labels, e.predicted)[:3] for e in evaluations]
    scores = 100 * np.array(by_run)  # run, kind of score, class
    for label, row in enumerate(closeup.class_rows):
        assert len(row) == len(closeup.class_heads)
        assert (row[0], row[-1]) == (CLASSES[label], "250")
        for kind in range(3):
            found = scores[:, kind, label]
            assert row[1 + 2 * kind] == f"{found.mean():.1f}%"
            assert row[2 + 2 * kind] == f"{found.min():.1f}{DASH}{found.max():.1f}%"


def test_one_seed_has_no_range(tmp_path: Path) -> None:
    closeup = view_study(plant_study(tmp_path, {"good": GOOD[:1]})).closeup
    assert closeup.class_caption == "page.classes.caption"
    assert len(closeup.class_heads) == len(closeup.class_rows[0]) == 5
    assert "mean" not in Texts().plain(closeup.introduction)


def test_a_score_that_a_run_does_not_have_is_no_zero() -> None:
    never = score(0, 0, predicted=0)
    row = class_row([score(0.8, 0.6), never])
    assert row[1:5] == ["80.0%", f"80.0{DASH}80.0%", "30.0%", f"0.0{DASH}60.0%"]
    assert class_row([never, never])[1:3] == [NOTHING, NOTHING]
    assert class_row([score(0, 0, support=0, predicted=0)])[1:] == [NOTHING] * 3 + ["0"]


def test_the_page_shows_the_surest_mistakes_and_how_sure_the_run_is(view: StudyView) -> None:
    page = study_page(view, Texts())
    start = page.index('id="closeup"')
    section = page[start : page.index("</section>", start)]
    assert section.count("<figure>") == 24
    assert section.count('src="data:image/png') == 24
    for words in ("most frequent confusions", "Calibration.", "Class by class"):
        assert words in section


def test_markdown_shows_them_as_pictures(view: StudyView, tmp_path: Path) -> None:
    write_study_markdown(view, Texts("ko"), tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text()
    for name in ("mistakes.png", "calibration.svg"):
        assert f"(report-pictures/{name})" in text
        assert (tmp_path / "report-pictures" / name).stat().st_size > 500


def test_without_pictures_the_mistakes_are_named_all_the_same(study: Study) -> None:
    view = view_study(study)
    assert view.pictures is None
    page = study_page(view, Texts())
    section = page[page.index('id="closeup"') :]
    assert section.count("<figure>") == 24
    assert "<img" not in section

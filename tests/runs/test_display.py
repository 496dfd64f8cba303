from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RunError
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.runs import folder as files

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def run(shapes: DataSplits) -> fr.Run:
    return fr.train("two-layer", shapes, epochs=7, batch_size=32, lr=0.01, figures=False)


def parsed(html: str) -> ET.Element:
    """Read markup, which must be well-formed."""
    return ET.fromstring(f"<div>{html}</div>")  # noqa: S314 - our own


def rows(run: fr.Run) -> list[list[str]]:
    root = parsed(run._repr_html_())
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def words(run: fr.Run) -> str:
    return " ".join(parsed(run._repr_html_()).itertext())


def rewrite(run: fr.Run, **changed: object) -> fr.Run:
    files.write_record(run.folder / files.RECORD, run.record | changed)
    return fr.open_run(run.folder)


def test_it_says_what_was_trained_on_what_and_what_came_of_it(run: fr.Run) -> None:
    known = {row[0]: row[1] for row in rows(run) if len(row) == 2}
    assert known["data"] == "shapes: 216 training, 24 validation, 80 test pictures"
    assert known["recipe"] == "epochs 7, batch_size 32, optimizer adam, lr 0.01, seed 0"
    assert known["model"].startswith("two-layer, ")
    assert f"Accuracy {run.evaluation.accuracy:.2%}" in words(run)
    assert "finished" in words(run)
    assert SKETCHES_NOTE not in words(run)


def test_the_last_five_epochs_are_shown(run: fr.Run) -> None:
    epochs = [row for row in rows(run) if len(row) == 5]
    assert [row[0] for row in epochs] == ["epoch", "3", "4", "5", "6", "7"]
    last = run.history[-1]
    assert epochs[-1][1:3] == [f"{last.train_loss:.4f}", f"{last.train_accuracy:.2%}"]
    assert epochs[-1][4] == f"{last.validation_accuracy:.2%}"


def test_without_validation_there_are_no_columns_for_it(shapes: DataSplits) -> None:
    run = fr.train("two-layer", shapes, epochs=1, protocol="notebook", figures=False)
    assert [row for row in rows(run) if row[0] == "epoch"] == [["epoch", "loss", "accuracy"]]
    assert "protocol notebook" in words(run)
    assert "validation" not in words(run)


def test_an_unfinished_one_says_how_to_go_on(run: fr.Run) -> None:
    stopped = rewrite(run, status="interrupted")
    assert "interrupted" in words(stopped)
    assert "fittingroom train --resume" in words(stopped)
    assert "Accuracy" not in words(stopped)


def test_a_damaged_one_says_so_instead_of_failing(run: fr.Run) -> None:
    (run.folder / files.PREDICTIONS).write_bytes(b"damaged")
    assert files.PREDICTIONS in words(fr.open_run(run.folder))


def test_a_hostile_name_is_text(shapes: DataSplits) -> None:
    run = fr.train("two-layer", shapes, epochs=1, figures=False, out="<b>runs")
    assert str(Path("<b>runs") / run.name) in words(run)


def test_sketches_are_called_that_first(run: fr.Run) -> None:
    sketched = rewrite(run, data=run.record["data"] | {"sketches": True})
    assert words(sketched).startswith(SKETCHES_NOTE)


def test_drawn_it_is_its_learning_curves(run: fr.Run) -> None:
    figure = run.plot()
    assert isinstance(figure, Figure)
    assert figure.texts[0].get_text() == "Learning curves"
    assert figure.texts[1].get_text() == "shapes, 7 epochs"


def test_without_an_epoch_there_is_nothing_to_draw(run: fr.Run) -> None:
    (run.folder / files.HISTORY).write_bytes(b"")
    begun = rewrite(run, status="interrupted", files={})
    with pytest.raises(RunError, match="no epoch is finished yet; go on with"):
        begun.plot()

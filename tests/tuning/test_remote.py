"""A tuning whose trials a real Ray trains comes to what it comes to here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tuning.conftest import SMALL

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DeviceError, StudyError, TuningError
from fittingroom.tuning.tuning import Tuning

pytestmark = [
    pytest.mark.usefixtures("isolated"),
    pytest.mark.slow,
]


def results(tuning: Tuning) -> list[Any]:
    """Return what must not depend on where trials are done."""
    return [(t.state, dict(t.values), t.accuracies, t.further, t.curve) for t in tuning.trials]


def test_the_same_trials_come_out_on_ray(shapes: DataSplits) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'fittingroom[cluster]'")
    how: dict[str, Any] = SMALL | {
        "trials": 4,
        "prune": False,
        "finalists": 2,
        "final_seeds": 1,
    }
    far = fr.tune("two-layer", shapes, on="ray", out="far", **how)
    here = fr.tune("two-layer", shapes, out="here", **how)
    assert len(far.trials) == 4
    assert len(far.finalists) == 2
    assert results(far) == results(here)
    assert far.final is not None
    assert here.final is not None
    assert far.final.results.ranking[0].accuracies == here.final.results.ranking[0].accuracies
    assert far.record["environment"]["on"] == "ray"


def test_a_trial_on_ray_that_diverges_fails_and_the_hopeless_are_stopped(
    shapes: DataSplits,
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'fittingroom[cluster]'")
    rates = [0.01, 0.02, 0.005, 0.012, 0.008, 0.015, 1e-7, 1e30]
    how: dict[str, Any] = SMALL | {"vary": {"lr": rates}, "final_seeds": 0, "epochs": 40}
    far = fr.tune("two-layer", shapes, lr=0.01, on="ray", out="far", trials=len(rates), **how)
    by_rate = {trial.values["lr"]: trial for trial in far.trials}
    assert set(by_rate) == set(rates)  # each once
    assert by_rate[1e30].state == "failed"
    assert "the loss became" in by_rate[1e30].reason
    assert by_rate[0.01].state == "complete"
    assert far.epochs_trained <= 40 * len(rates)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"on": "nowhere"}, StudyError, "--on must be local, ray, auto"),
        ({"on": "ray", "device": "mps"}, DeviceError, "device must be auto, cpu or cuda"),
        ({"gpus_per_run": 0.5}, StudyError, "gpus_per_run is for a cluster"),
        ({"jobs": 0}, TuningError, "jobs must be 1 or more"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    shapes: DataSplits, how: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fr.tune("two-layer", shapes, out="tunings", **(SMALL | {"trials": 2} | how))
    assert not Path("tunings").exists()

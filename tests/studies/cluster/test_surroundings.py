"""What is around Ray while it is used."""

from __future__ import annotations

import os
import sys

import pytest

from fittingroom.errors import StudyError
from fittingroom.studies.cluster.connection import Cluster
from fittingroom.studies.cluster.surroundings import environment, import_ray


def test_a_ray_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it fails then
    expected = r"pip install 'fittingroom\[cluster\]'; if that finds no Ray, there is none yet"
    with pytest.raises(StudyError, match=expected):
        import_ray()
    with pytest.raises(StudyError, match="a cluster needs Ray"), Cluster("ray"):
        pass


def test_the_environment_is_as_before_and_a_persons_own_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINE", "1")
    monkeypatch.delenv("OURS", raising=False)
    with environment({"MINE": "2", "OURS": "3"}):
        assert (os.environ["MINE"], os.environ["OURS"]) == ("1", "3")
    assert os.environ["MINE"] == "1"
    assert "OURS" not in os.environ

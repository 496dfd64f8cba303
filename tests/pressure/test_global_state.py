"""The library in a process of a person's own, who has set things for reasons of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.pressure.alone import printed_by

# Of the libraries by which a model is exported, when they are imported.
EXPORTER = {"environment TORCHINDUCTOR_CACHE_DIR", "start method", "threads", "warnings.filters"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the same calls did in a process as it begins, and after it had set a lot."""
    from tests.conftest import shape_pictures, write_idx

    from fittingroom.data.dataset import DataSplits

    place = tmp_path_factory.mktemp("shared")
    splits = DataSplits("shapes", "", shape_pictures(240, 0), shape_pictures(80, 1))
    data = write_idx(place / "data", splits.with_validation(40))
    return dict(json.loads(printed_by("disturbed", data, place, cwd=place)))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["plain", "disturbed"])
def test_every_call_leaves_what_all_libraries_share_as_it_was(
    found: dict[str, Any], how: str
) -> None:
    changes = found[how]["changes"]
    assert set(changes.pop("export", ())) <= EXPORTER
    assert {name: changed for name, changed in changes.items() if changed} == {}


@pytest.mark.slow
def test_what_a_process_has_set_changes_no_result(found: dict[str, Any]) -> None:
    assert len(found["plain"]["digests"]) == 14  # of 3 runs, and of 2 settings with 2 seeds
    assert found["disturbed"]["digests"] == found["plain"]["digests"]

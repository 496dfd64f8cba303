"""One process at a time works on a run, and a lock ends with the process that holds it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RunError
from fittingroom.runs.lock import at_work
from fittingroom.training.history import Progress

pytestmark = pytest.mark.usefixtures("isolated")

HOLD = """
import sys, time
from pathlib import Path
from fittingroom.runs.lock import at_work
with at_work(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_run_that_is_being_trained_is_not_gone_on_with(shapes: DataSplits) -> None:
    refused: list[str] = []

    def try_to_resume(run: fr.Run) -> None:
        with pytest.raises(RunError, match="another process is training this run") as caught:
            fr.resume(run, shapes)
        refused.append(str(caught.value))

    run = fr.train("two-layer", shapes, epochs=1, figures=False, on_start=try_to_resume)
    assert len(refused) == 1
    assert refused[0].startswith(str(run.folder))
    assert run.status == "finished"


def test_a_run_that_another_process_goes_on_with_is_refused_until_that_is_killed(
    shapes: DataSplits, tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fr.train("two-layer", shapes, epochs=2, figures=False, on_progress=stop, name="a")
    folder = Path("runs/a")
    before = (folder / "run.json").read_bytes()
    with subprocess.Popen([sys.executable, "-c", HOLD, folder], stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="another process is training"):
            fr.resume(folder, shapes)
        assert (folder / "run.json").read_bytes() == before
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert fr.resume(folder, shapes, figures=False).status == "finished"


def test_two_runs_do_not_wait_for_each_other(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    with at_work(tmp_path / "a"), at_work(tmp_path / "b"):
        pass


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be locked"), at_work(tmp_path / "file"):
        pass

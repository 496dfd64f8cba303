"""Storages that are there, and those that are not: one line each, within seconds."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port
from tests.tuning.conftest import SMALL, Server

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import TuningError
from fittingroom.tuning import storage
from fittingroom.tuning.storage import address_of, open_storage, shown

pytestmark = pytest.mark.usefixtures("isolated")

HERE = Path()
ROOT = Path(__file__).parents[2]


def refusal(address: str) -> str:
    """Open a storage that cannot be; return the line that says why."""
    with pytest.raises(TuningError) as caught, open_storage(address_of(address, HERE)):
        pass
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("postgresql://me:secret@host:5433/db", "postgresql://me:***@host:5433/db"),
        ("postgres://me@host/db", "postgresql://me@host/db"),
        ("postgresql+psycopg://host/db?password=secret", "postgresql://host/db"),
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
        (None, "sqlite:///trials.db"),
    ],
)
def test_an_address_is_shown_without_its_password(given: str | None, seen: str) -> None:
    assert shown(address_of(given, HERE)) == seen


@pytest.mark.parametrize("given", ["mysql://me:secret@host/db", "secret", "", "postgresql:/secret"])
def test_what_is_no_address_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(TuningError, match="expected postgresql://USER@HOST/DATABASE") as caught:
        address_of(given, HERE)
    assert "secret" not in str(caught.value)


def test_a_folder_may_have_braces_and_blanks_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a {b} 한글 %7B?"
    folder.mkdir()
    with open_storage(address_of(None, folder)):
        pass
    assert (folder / "trials.db").is_file()


def test_a_server_that_is_down_is_told(server: Server) -> None:
    text = refusal(f"postgresql://me:secret@127.0.0.1:{free_port()}/db")
    assert "refused" in text
    assert "secret" not in text


def test_a_server_that_does_not_answer_is_given_up_after_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "CONNECT_SECONDS", 2)  # the fewest that the driver takes
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        assert "timeout" in refusal(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/db")
        assert time.monotonic() - started < 60


def test_a_wrong_password_and_a_missing_database_are_told(server: Server) -> None:
    text = refusal(server.url("postgres", password="another"))  # noqa: S106
    assert "password authentication failed" in text
    assert "another" not in text.replace("another --", "")
    assert 'database "nowhere" does not exist' in refusal(server.url("nowhere"))


def test_somebody_elses_tables_are_left_alone(server: Server, database: str) -> None:
    server.do(database.rpartition("/")[2], "CREATE TABLE studies (title text)")
    text = refusal(database)
    assert "expected an empty database or one of Optuna's, found other tables (studies)" in text
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("CREATE TABLE experiments (id)")
    assert "found other tables (experiments)" in refusal("sqlite:///other.db")


@pytest.mark.parametrize("tables", range(0, 13, 3))
def test_a_database_that_a_kill_or_a_full_disk_left_half_made_is_made_whole(tables: int) -> None:
    with open_storage(address_of("sqlite:///whole.db", HERE)):
        pass
    with closing(sqlite3.connect("whole.db")) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall()
    with closing(sqlite3.connect("half.db")) as connection:
        for (statement,) in found[:tables]:
            connection.execute(statement)
    open_once("sqlite:///half.db")


def test_a_database_of_another_version_of_optuna_is_told() -> None:
    with open_storage(address_of("sqlite:///old.db", HERE)):
        pass
    with closing(sqlite3.connect("old.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v1.3.0.a'")
        connection.commit()
    assert "of another version of Optuna" in refusal("sqlite:///old.db")


def test_a_file_that_is_no_database_is_told() -> None:
    Path("text.db").write_text("no database, however long one reads it" * 50, "utf-8")
    assert "file is not a database" in refusal("sqlite:///text.db")
    assert "unable to open database file" in refusal("sqlite:///nowhere/x.db")


def test_machines_may_make_the_tables_of_one_server_at_the_same_moment(database: str) -> None:
    code = f"from tests.tuning.test_storage import open_once; open_once({database!r})"
    machines = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(3)]
    assert [machine.wait(120) for machine in machines] == [0, 0, 0]


def open_once(address: str) -> None:
    """Open a storage, which is empty."""
    with open_storage(address_of(address, HERE)) as opened:
        assert opened.get_all_studies() == []


def test_a_storage_that_has_something_else_of_that_name_leaves_no_folder(
    database: str, shapes: DataSplits
) -> None:
    import optuna

    from fittingroom.tuning.search import quietly

    with open_storage(address_of(database, HERE)) as opened, quietly():
        optuna.create_study(storage=opened, study_name="two-layer").enqueue_trial({"x": 1})
    with pytest.raises(TuningError, match="has something else of the name 'two-layer'"):
        fr.tune("two-layer", shapes, storage=database, trials=1, **SMALL)
    assert not Path("tunings").exists()


def test_a_server_that_goes_down_and_comes_back_costs_no_trial(
    server: Server, database: str, shapes: DataSplits
) -> None:
    how: dict[str, Any] = {"storage": database, "trials": 4, "out": "tunings", **SMALL}

    def stop_after_two(snapshot: Any) -> None:
        if snapshot.ended >= 2:
            server.stop()

    try:
        with pytest.raises(TuningError, match="the same command again to go on") as caught:
            fr.tune("two-layer", shapes, on_progress=stop_after_two, **how)
    finally:
        server.start()
    assert "pass" not in str(caught.value)
    tuning = fr.tune("two-layer", shapes, **how)
    assert [trial.state for trial in tuning.trials if trial.state != "pruned"] == ["complete"] * 4
    record = (tuning.folder / "tuning.json").read_text("utf-8")
    assert "pass" not in record
    assert "***" in record

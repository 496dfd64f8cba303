"""Planted trials, a small tuning, and a real PostgreSQL server that the tests start themselves."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

from fittingroom.tuning.plan import TuningPlan, plan_of
from fittingroom.tuning.tuning import Trial, recipe_of

USER, PASSWORD = "tuner", "a pass{word}"
DEBIAN = Path("/usr/lib/postgresql")

# What a tuning of the tests is like: a second or two.
SMALL: dict[str, Any] = {
    "vary": {"lr": "1e-4..1e-1:log", "batch_size": [16, 32]},
    "epochs": 3,
    "batch_size": 16,
    "final_seeds": 2,
    "finalists": 0,
    "jobs": 1,
}


@pytest.fixture
def plan() -> TuningPlan:
    """A rate and a batch size vary."""
    return plan_of("two-layer", SMALL["vary"], trials=20, epochs=3)


Planted = Callable[..., Trial]


@pytest.fixture
def planted(plan: TuningPlan) -> Planted:
    """Make a trial of the plan, complete unless told otherwise."""

    def plant(number: int, values: Mapping[str, Any] | None = None, **fields: Any) -> Trial:
        values = {"lr": 0.001, "batch_size": 32} | dict(values or {})
        whole: dict[str, Any] = {"state": "complete", "accuracy": 0.5, "seconds": 1.0, "epochs": 3}
        whole |= fields
        return Trial(number, values=values, recipe=recipe_of(plan, values), **whole)

    return plant


class Server:
    """A PostgreSQL server in a folder of its own; root starts it as the user postgres.

    Parameters
    ----------
    programs
        Where initdb and pg_ctl are.
    as_user
        The words that make a command the user's.
    """

    def __init__(self, programs: Path, as_user: list[str]) -> None:
        self.programs, self.as_user = programs, as_user
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir="/tmp"))
        secret = self.folder / "password"
        secret.write_text(PASSWORD, "utf-8")
        if as_user:
            found = pwd.getpwnam("postgres")
            for path in (self.folder, secret):
                os.chown(path, found.pw_uid, found.pw_gid)
        words = ("-U", USER, f"--pwfile={secret}", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8")
        self._run("initdb", *words)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def url(self, database: str, password: str = PASSWORD) -> str:
        """Return a database's address."""
        from urllib.parse import quote

        return f"postgresql://{USER}:{quote(password)}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database, and return its address."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.do("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def do(self, database: str, *statements: str) -> None:
        """Let a database do something."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _run(self, program: str, *words: str) -> None:
        data = str(self.folder / "data")
        subprocess.run(
            [*self.as_user, str(self.programs / program), "-D", data, *words],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server of Debian's packages."""
    found = sorted(DEBIAN.glob("*/bin/initdb"))
    if sys.platform != "linux" or not found:
        pytest.skip("starts PostgreSQL: install Debian's package postgresql")
    as_user: list[str] = []
    if os.getuid() == 0:  # which PostgreSQL refuses to run as
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if shutil.which("setpriv") is None:
            pytest.skip("starts PostgreSQL, which as root needs setpriv")
    server = Server(found[-1].parent, as_user)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture
def database(server: Server) -> str:
    """The address of an empty database."""
    return server.new_database()

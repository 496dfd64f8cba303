"""Optuna's storage: a SQLite file in the tuning's folder, or a PostgreSQL server for many machines.

A process that has been silent for a while is taken for dead: whoever works on the same storage
fails its trial and has the values tried again.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import TuningError
from fittingroom.tuning import heartbeat
from fittingroom.tuning.ledger import try_again
from fittingroom.tuning.search import quietly
from fittingroom.tuning.tuning import DATABASE

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import URL

CONNECT_SECONDS = 5
# Several processes write to one SQLite file in turns.
SQLITE_WAIT_SECONDS = 60

# The name of each kind of address, and SQLAlchemy's for it.
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}


def address_of(storage: str | None, folder: Path) -> URL:
    """Return the address of a storage: the one given, else the file in the tuning's folder.

    Raises
    ------
    TuningError
        If it is none, or of a kind that is not known. The message does not repeat it, since it
        may hold a password.
    """
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if storage is None:
        return URL.create("sqlite", database=str(folder / DATABASE))
    expected = "expected postgresql://USER@HOST/DATABASE or sqlite:///FILE"
    try:
        address = make_url(storage)
    except (ArgumentError, ValueError):
        raise TuningError(f"--storage: {expected}, found no such address") from None
    if address.drivername not in DRIVERS:
        raise TuningError(f"--storage: {expected}, found {address.drivername}://...")
    return address.set(drivername=DRIVERS[address.drivername])


def shown(address: URL) -> str:
    """Return an address as people may see it: without its password."""
    without = address.set(drivername=address.get_backend_name(), query={})
    return without.render_as_string(hide_password=True)


@contextmanager
def open_storage(address: URL) -> Iterator[RDBStorage]:
    """Open a storage; one that is empty is made ready. Its connections are closed at the end.

    Raises
    ------
    TuningError
        If it is down, does not let us in, or holds something else; or becomes so meanwhile.
    """
    with storage_errors(address):
        check_tables(address)
        storage = make_ready(address)
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


def make_ready(address: URL) -> RDBStorage:
    """Return a storage, with its tables made where there are none."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    options = inspect.signature(RDBStorage).parameters
    name = "heartbeat_stale_trial_callback"
    if name not in options:  # before Optuna 4.9
        name = "failed_trial_callback"
    again: dict[str, Any] = {name: try_again}
    make: Callable[[], RDBStorage] = partial(
        RDBStorage,
        # Optuna fills in what stands in braces.
        address.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}"),
        engine_kwargs=engine_options(address),
        heartbeat_interval=heartbeat.HEARTBEAT_SECONDS,
        grace_period=heartbeat.GRACE_SECONDS,
        **again,
    )
    with quietly():
        try:
            return make()
        except (IntegrityError, ProgrammingError):  # another machine was making them just then
            time.sleep(1)
            return make()


def engine_options(address: URL) -> dict[str, Any]:
    """Return what SQLAlchemy is told about connections."""
    if address.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": SQLITE_WAIT_SECONDS}}
    # A server that was restarted, or a cable that was pulled, is noticed.
    alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    return {
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": CONNECT_SECONDS, **alive},
    }


def check_tables(address: URL) -> None:
    """See that a database is empty or one of Optuna's, if need be half made.

    Raises
    ------
    TuningError
        If it has tables of somebody else, which ours would lie between.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(address, **engine_options(address))
    try:
        tables = set(sqlalchemy.inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if not tables or {"version_info", "studies", "trials"} <= tables:
        return
    # SQLite makes one after the other, and a full disk or a kill between two leaves it so; what is
    # missing is made when it is opened. A server makes all or none.
    if address.get_backend_name() != "sqlite" or not tables <= tables_of_optuna():
        few = ", ".join(sorted(tables)[:3]) + (", ..." if len(tables) > 3 else "")
        raise TuningError(
            f"{shown(address)}: expected an empty database or one of Optuna's, found other "
            f"tables ({few}); name another --storage"
        )


def tables_of_optuna() -> set[str]:
    """Return the names of the tables that Optuna makes."""
    import sqlalchemy
    from optuna.storages import RDBStorage

    with quietly():
        storage = RDBStorage("sqlite://")  # in memory
    try:
        return set(sqlalchemy.inspect(storage.engine).get_table_names())
    finally:
        storage.engine.dispose()


@contextmanager
def storage_errors(address: URL) -> Iterator[None]:
    """Turn what a storage complains of into one line.

    Raises
    ------
    TuningError
        If it does.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    hint = "what is finished stays; give the same command again to go on"
    try:
        yield
    except ImportError as error:
        raise TuningError(
            f"{shown(address)}: {error}; install it with `pip install 'fittingroom[postgresql]'`"
        ) from None
    except (SQLAlchemyError, StorageInternalError) as error:
        raise TuningError(f"{shown(address)}: {reason_of(error)}; {hint}") from error
    except RuntimeError as error:
        if "schema" not in str(error) and "version" not in str(error):
            raise
        raise TuningError(
            f"{shown(address)}: of another version of Optuna: {reason_of(error)}"
        ) from error


def reason_of(error: BaseException) -> str:
    """Return what the database itself said, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    original = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(original).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(original).__name__

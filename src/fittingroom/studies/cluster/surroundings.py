"""What is around Ray while it is used: its environment variables, its token, its silence."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from fittingroom.errors import StudyError

# Nobody hears of what is computed here, and nobody reads what Ray says to itself; tasks have the
# environment of their node, not one that `uv run` would make for them.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "GRPC_VERBOSITY": "NONE",
}


def import_ray() -> Any:
    """Return the module `ray`.

    Raises
    ------
    StudyError
        If it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise StudyError(
            f"a cluster needs Ray ({error}): pip install 'fittingroom[cluster]'; if that finds no "
            "Ray, there is none yet for this version of Python: take 3.11 to 3.13"
        ) from error
    return ray


def own_environment() -> dict[str, str]:
    """Return what a Ray that is started here has to know."""
    return {
        # The token keeps others on this machine out of what runs in this person's name.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        # Where /dev/shm is small, as in a container, data may lie on the disk.
        "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",
    }


def read_token_anew() -> None:
    """Let Ray ask the environment for its token now; it does so by itself only when imported."""
    with suppress(ImportError, AttributeError):  # a Ray from before there were tokens
        raylet = importlib.import_module("ray._raylet")
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def silence() -> Iterator[None]:
    """Keep what Ray says of its nodes off the standard output, where JSON may be expected."""
    worker = importlib.import_module("ray._private.worker")
    before = vars(worker).get("print_to_stdstream")
    vars(worker)["print_to_stdstream"] = lambda *_what, **_how: None
    try:
        yield
    finally:
        vars(worker)["print_to_stdstream"] = before


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Have these environment variables within; those that a person has set stay as they are."""
    new = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)

"""How a task begins on a node: see that the node can do it, then import and call its function.

The package itself travels with the tasks, so a node needs nothing of it but what it depends on:
Python, Ray and the packages that are named in pyproject.toml.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# The last bits of a result depend on them.
SAME_PACKAGES = ("torch", "numpy")


def needed_versions() -> dict[str, str]:
    """Return the versions that a node has to have, without what they were built for ("+cpu")."""
    versions = {name: importlib.metadata.version(name) for name in SAME_PACKAGES}
    versions["Python"] = ".".join(platform.python_version_tuple()[:2])
    return {name: version.partition("+")[0] for name, version in versions.items()}


def modules_that_travel(names: Sequence[str] = ()) -> list[Path]:
    """Return the folder of this package, and the places of modules of a person's own.

    What is installed does not travel: a node has it, or says that it has not.
    """
    installed = Path(sysconfig.get_path("purelib"))
    found = [Path(__file__).parents[2]]
    for name in dict.fromkeys(name.partition(".")[0] for name in names):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin)
            if not path.is_relative_to(installed):
                found.append(path.parent if spec.submodule_search_locations else path)
    return found


def entrance(needed: dict[str, str]) -> Callable[..., Any]:
    """Return the function by which a node begins a task.

    Ray sends the code of a function that was made within another, and of others only the name: so
    this one runs, and can tell what is missing, where the package cannot be imported. Therefore
    it refers to nothing outside itself.

    Parameters
    ----------
    needed
        What `needed_versions` says here.
    """

    def enter(ticket: int, module: str, parcels: list[Any], mailbox: Any) -> Any:
        import importlib
        import platform
        from importlib.metadata import PackageNotFoundError, version

        import ray

        def found(name: str) -> str:
            try:
                there = platform.python_version() if name == "Python" else version(name)
            except PackageNotFoundError:
                return "none"
            return there.partition("+")[0]

        def differs(name: str) -> bool:
            return not f"{found(name)}.".startswith(f"{needed[name]}.")

        node = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        others = list(filter(differs, needed))
        if others:
            expected = ", ".join(f"{name} {needed[name]}" for name in others)
            there = ", ".join(f"{name} {found(name)}" for name in others)
            raise ImportError(
                f"node {node}: expected {expected}, as here, found {there}; "
                "install the same on every node"
            )
        try:
            importlib.import_module("fittingroom.studies.cluster.node")
            if module.startswith("fittingroom."):
                importlib.import_module(module)
        except ImportError as error:
            raise ImportError(
                f"node {node}: {error}; install on every node what fittingroom depends on"
            ) from None
        from fittingroom.errors import FittingroomError
        from fittingroom.studies.cluster.node import Post, Shared, output_to

        post = Post(mailbox, ticket, ray.get)
        try:
            with output_to(post.print):
                function, arguments = ray.get(parcels[0])
                values = [ray.get(x.reference) if isinstance(x, Shared) else x for x in arguments]
                return function(post, *values)
        except FittingroomError as error:
            raise type(error)(f"node {node}: {error}") from None
        finally:
            post.asked_to_stop()  # once it is answered, all that was said before has arrived

    return enter

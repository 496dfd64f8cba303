"""Why Ray does not do what it should, in one line."""

from __future__ import annotations

import re

from fittingroom.studies.cluster.address import AUTO, NOT_HERE, Address

MOST_REASON_LETTERS = 300


def may_pass(error: Exception) -> bool:
    """Tell whether a second try to connect may do better.

    Once in a while Ray Client's server fails to start the process that it has for each client (its
    log says "Check failed: next_worker->state == KICKED", gRPC's trouble with fork), and where a
    machine is busy Ray does not wait longer than 30 seconds for itself.
    """
    return isinstance(error, ConnectionAbortedError) or "timed out during startup" in str(error)


def why_not(address: Address, error: Exception) -> str:
    """Say why there is no connection with a cluster."""
    versions = re.findall(r"Ray: (\S+)\s+Python: (\S+)", str(error))
    if "ersion mismatch" in str(error) and len(versions) == 2:
        (ray, python), (our_ray, our_python) = versions
        return (
            f"{address.text}: expected a cluster with Ray {our_ray} and Python {our_python}, which "
            f"are here, found Ray {ray} and Python {python}; install the same on both sides"
        )
    if address.text == AUTO:
        return f"{AUTO}: {NOT_HERE}"
    return f"{address.text}: no connection with Ray: {reason_of(error)}"


def reason_of(error: BaseException) -> str:
    """Return the first line of what Ray says of an error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:MOST_REASON_LETTERS].rstrip(".")

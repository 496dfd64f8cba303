"""Where a Ray cluster is: what may be said of it, and whether one answers there.

Ray itself waits half a minute or more for what is not there, and then does not say why. Here one
question with a short limit comes first: it tells a closed port, another program, Ray's other port
and a cluster that wants a token from each other.
"""

from __future__ import annotations

import importlib
import os
import re
import socket
from dataclasses import dataclass

from fittingroom.errors import StudyError

LOCAL = "local"  # no cluster: processes on this machine
OWN = "ray"  # a Ray of our own, here
AUTO = "auto"  # the cluster that this machine is a node of
SCHEME = "ray://"

CLIENT_PORT = 10001
ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+):(?P<port>\d{1,5})")

KNOCK_SECONDS = 5.0

NOT_HERE = (
    "this machine is a node of no running Ray cluster; give its address, or --on ray to start one "
    "here"
)

# The smallest questions that Ray's two servers answer, with their requests in protobuf's wire
# format: nothing, and `type = PING` (ray/core/generated/gcs_service.proto and ray_client.proto).
CLUSTER_QUESTION = ("/ray.rpc.NodeInfoGcsService/GetClusterId", b"")
CLIENT_QUESTION = ("/ray.rpc.RayletDriver/ClusterInfo", b"\x08\x06")


@dataclass(frozen=True)
class Address:
    """The place of a cluster.

    Parameters
    ----------
    text
        As it was given.
    host, port
        Where it listens; None where Ray is to be started or found.
    """

    text: str
    host: str | None = None
    port: int | None = None

    @property
    def by_client(self) -> bool:
        """Whether this machine is no node of the cluster, and speaks with its head."""
        return self.text.startswith(SCHEME)


def read_address(text: str) -> Address:
    """Read what --on may say.

    Raises
    ------
    StudyError
        If it is something else.
    """
    if text in {LOCAL, OWN, AUTO}:
        return Address(text)
    place = text.removeprefix(SCHEME)
    if place != text and ":" not in place.rpartition("]")[2]:
        place = f"{place}:{CLIENT_PORT}"
    found = ADDRESS.fullmatch(place)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise StudyError(
            f"--on must be {LOCAL}, {OWN}, {AUTO}, HOST:PORT or {SCHEME}HOST:PORT, found {text!r}"
        )
    scheme = SCHEME if text.startswith(SCHEME) else ""
    return Address(scheme + place, found["host"].strip("[]"), int(found["port"]))


def knock(address: Address) -> None:
    """See that a Ray cluster answers at an address, within seconds.

    Raises
    ------
    StudyError
        If none does.
    """
    if address.text == AUTO:
        try:
            knock(address_here())
        except StudyError as error:
            raise StudyError(f"{AUTO}: {error}") from error
    if address.host is None or address.port is None:
        return
    try:
        socket.create_connection((address.host, address.port), KNOCK_SECONDS).close()
    except OSError as error:
        reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or error
        raise StudyError(
            f"{address.text}: no Ray cluster answers: {reason}; see that it is up and that this "
            "machine may reach it, or start one with `ray start --head`"
        ) from error
    if os.environ.get("RAY_USE_TLS") != "1":  # those have certificates that only Ray knows of
        see_who_answers(address)


def address_here() -> Address:
    """Return where the cluster of this machine is, or was: Ray remembers one that is no more.

    Raises
    ------
    StudyError
        If Ray knows of none.
    """
    services = importlib.import_module("ray._private.services")
    try:
        return read_address(str(services.canonicalize_bootstrap_address(AUTO)))
    except (ConnectionError, ValueError) as error:
        raise StudyError(NOT_HERE) from error


def see_who_answers(address: Address) -> None:
    """See that it is the server that is meant which listens at an address.

    Raises
    ------
    StudyError
        If it is another one.
    """
    asked, other = CLUSTER_QUESTION, CLIENT_QUESTION
    hint = f"Ray Client listens there: say {SCHEME}{address.text}"
    if address.by_client:
        asked, other = other, asked
        hint = (
            "a cluster's own port: on its nodes say --on HOST:PORT with it, elsewhere "
            f"{SCHEME}HOST:PORT with the port of Ray Client, {CLIENT_PORT} if nothing was said"
        )
    answer = ask(address, *asked)
    if answer == "OK":
        return
    if answer == "UNAUTHENTICATED":
        check_token(address)
    elif answer == "UNIMPLEMENTED" and ask(address, *other) != answer:
        raise StudyError(f"{address.text}: {hint}")
    else:
        raise StudyError(
            f"{address.text}: something else than Ray answers there ({answer}); "
            "give the address that `ray start --head` has printed"
        )


def ask(address: Address, method: str, request: bytes) -> str:
    """Put one question by gRPC; return the name of the answer's status."""
    import grpc

    host = f"[{address.host}]" if ":" in str(address.host) else address.host
    # A proxy for the web, which gRPC would ask too, knows no way to a cluster; nor does Ray ask it.
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(f"{host}:{address.port}", options) as channel:
        try:
            channel.unary_unary(method)(request, timeout=KNOCK_SECONDS)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


def check_token(address: Address) -> None:
    """See that Ray has been told to show its token to a cluster that wants one.

    Raises
    ------
    StudyError
        If it has not.
    """
    if os.environ.get("RAY_AUTH_MODE", "").lower() != "token":
        raise StudyError(
            f"{address.text}: the cluster wants a token: set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN to the token unless it lies in ~/.ray/auth_token"
        )

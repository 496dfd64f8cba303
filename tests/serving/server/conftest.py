"""Real servers on free ports, two models, and what a client needs to ask them, also rudely."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.serving.predictor import Predictor, RunPredictor
from fittingroom.serving.server.app import build_app
from fittingroom.serving.server.running import Server, listen
from fittingroom.serving.server.served import ServedModel, ServedModels
from fittingroom.serving.server.service import Service


class Running(NamedTuple):
    """A server that runs, and a client of it."""

    server: Server
    service: Service
    port: int
    client: httpx.Client

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def raw(self, *parts: bytes) -> bytes:
        """Send bytes, and return all that comes back until the end of the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            for part in parts:
                connection.sendall(part)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def running(models: ServedModels, **options: Any) -> Iterator[Running]:
    """Run a server in a thread; `options` are those of its `Service`."""
    service = Service(models, **options)
    sockets = listen("127.0.0.1", 0)
    started = threading.Event()
    server = Server(build_app(service), started.set)
    thread = threading.Thread(target=server.run, args=(sockets,))
    port = sockets[0].getsockname()[1]
    thread.start()
    assert started.wait(60)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield Running(server, service, port, client)
    finally:
        server.should_exit = True
        thread.join(90)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def second_predictor(
    garments: DataSplits, tmp_path_factory: pytest.TempPathFactory
) -> RunPredictor:
    """A worse model of the same garments."""
    out = tmp_path_factory.mktemp("runs")
    run = fr.train("two-layer", garments, epochs=1, out=out, figures=False)
    return RunPredictor(run, garments)


def served(*predictors: Predictor) -> ServedModels:
    """Serve these."""
    return ServedModels([ServedModel(one.name, one) for one in predictors])


@pytest.fixture(scope="session")
def shop(predictor: RunPredictor, second_predictor: RunPredictor) -> Iterator[Running]:
    """A server of two models."""
    with running(served(predictor, second_predictor)) as found:
        yield found


@pytest.fixture
def start(predictor: RunPredictor) -> Callable[..., Any]:
    """Run a server of one model with other options: `with start(limits=...) as found:`."""

    def run(*predictors: Predictor, **options: Any) -> Any:
        return running(served(*(predictors or (predictor,))), **options)

    return run

"""`serve`: a page and an API that answer for pictures."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from fittingroom.cli.options import RUNS, DataNowOption, RunsOption, chosen_language
from fittingroom.cli.terminal import INTERRUPTED, Terminal, one_line_errors
from fittingroom.errors import FittingroomError

if TYPE_CHECKING:
    import socket

    from fittingroom.serving.server.served import ServedModels

EXTRA = "to serve, {library} is needed: pip install 'fittingroom[serve]'"


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN|FILE",
            help="runs, each by name, folder or latest, or files that export wrote; by default "
            "latest",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="address to listen at; 0.0.0.0 lets others ask, too")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="port to listen at; 0 for any free one")
    ] = 8000,
    data: DataNowOption = None,
    runs: RunsOption = RUNS,
    origins: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="ORIGIN",
            help="let pages of this site ask, too: https://example.org; may be given several times",
        ),
    ] = None,
    browse: Annotated[
        bool, typer.Option("--open/--no-open", help="open the page in a browser")
    ] = False,
    language: Annotated[
        str | None,
        typer.Option("--lang", help="language of the page: en or ko; by default the browser's"),
    ] = None,
) -> None:
    """Serve a page and an API that answer for pictures."""
    with one_line_errors(lasting=True):
        terminal = Terminal()
        spoken = "auto" if language is None else chosen_language(language)
        try:
            from fittingroom.serving.server.app import build_app
            from fittingroom.serving.server.guarding import Rules, check_origins
            from fittingroom.serving.server.running import is_loopback, listen, url_of
            from fittingroom.serving.server.running import serve as run_server
            from fittingroom.serving.server.served import open_models
            from fittingroom.serving.server.service import Service
        except ImportError as error:
            raise FittingroomError(EXTRA.format(library=error.name or "a library")) from None
        try:
            allowed = check_origins(origins or ())
        except ValueError as error:
            raise FittingroomError(f"--allow-origin: {error}") from None
        with ExitStack() as opened:
            # Before the models, which take seconds: a port that is taken is known at once.
            sockets = [opened.enter_context(one) for one in listen(host, port)]
            found = open_models(models or ["latest"], data, runs)
            alone = is_loopback(sockets)
            rules = Rules(names_of(host) if alone else None, allowed)
            url = url_of(host, sockets)

            def announce() -> None:
                say_what_is_served(terminal, found, url, sockets, alone=alone)
                if browse:
                    import webbrowser

                    webbrowser.open(url)

            if not run_server(build_app(Service(found, spoken, rules)), sockets, announce):
                raise typer.Exit(INTERRUPTED)
        terminal.say("stopped: everything that was asked is answered")


def names_of(host: str) -> frozenset[str]:
    """Return what a server that only this machine reaches may be called."""
    from fittingroom.serving.server.guarding import LOOPBACK

    return frozenset({*LOOPBACK, f"[{host}]" if ":" in host else host.lower()})


def say_what_is_served(
    terminal: Terminal,
    models: ServedModels,
    url: str,
    sockets: list[socket.socket],
    *,
    alone: bool,
) -> None:
    """Say where the server listens, and what it serves."""
    for model in models:
        predictor = model.predictor
        sketches = " (the built-in sketches)" if predictor.sketches else ""
        terminal.say(
            f"{model.name}: on {predictor.data_name}{sketches}, "
            f"{predictor.tested.accuracy:.2%} of the test pictures right"
        )
    if not alone:
        addresses = ", ".join(str(one.getsockname()[0]) for one in sockets)
        terminal.say(
            f"warning: listening at {addresses}: whoever reaches this machine can ask, without a "
            "password; --host 127.0.0.1 keeps it to this machine"
        )
    terminal.say(f"{url}  (API: {url}/docs; Ctrl-C stops)")
    sys.stdout.flush()  # into a pipe or file nothing would be seen before the end

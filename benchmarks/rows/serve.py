"""The server under load: answers a second, how long each takes, and whether memory grows.

`wrk` posts a test picture, 28x28, as a PNG, over kept connections. The server is the command that
a user calls, its network three-layer, trained for one epoch: the time does not care how good it is.
It is held to 400 answers a second and 99% within 100 ms with 32 clients.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from measuring import data_folder
from row import Found, Quantity, Row, Size, Turn

SCRIPT = """
local file = io.open("{picture}", "rb")
wrk.body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = "image/png"
"""
WARM_UP = 3  # seconds, not counted


def load(turn: Turn, clients: int) -> Found:
    """Ask a server for some seconds, by so many clients at once."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt install wrk, or https://github.com/wg/wrk")
    script = write_script(turn.folder)
    with server(make_run(turn)) as url:
        ask(url, script, clients, WARM_UP)
        before = resident(url)
        found = ask(url, script, clients, turn.options["seconds"])
        after = resident(url)
    return found | {"peak_MB": after, "grown_MB": after - before}


def make_run(turn: Turn) -> Path:
    """Return the folder of the run, which is kept from turn to turn.

    Made in a process of its own, so that training leaves no mark on this one.
    """
    import multiprocessing

    folder = turn.folder.parent / "served"
    if not list(folder.glob("*/run.json")):
        worker = multiprocessing.get_context("spawn").Process(target=train, args=(folder,))
        worker.start()
        worker.join()
    return next(folder.glob("*/run.json")).parent


def train(folder: Path) -> None:
    """Train the run."""
    import fittingroom as fr

    fr.train(fr.recipe("notebook-three-layer", epochs=1), data_folder(), out=folder, figures=False)


def write_script(folder: Path) -> Path:
    """Write the picture that is posted, and what tells wrk to."""
    from PIL import Image

    import fittingroom as fr

    picture, script = folder / "picture.png", folder / "post.lua"
    Image.fromarray(fr.load(data_folder()).test.images[0, 0]).save(picture)
    script.write_text(SCRIPT.format(picture=picture), "utf-8")
    return script


@contextmanager
def server(run: Path) -> Iterator[str]:
    """Serve a run, and say where."""
    words = ["serve", str(run), "--port", "0", "--data", str(data_folder())]
    with subprocess.Popen(
        [sys.executable, "-m", "fittingroom", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        lines = iter(process.stdout.readline, "")
        try:
            yield next(line.split()[0] for line in lines if line.startswith("http://"))
        finally:
            process.terminate()


def ask(url: str, script: Path, clients: int, seconds: int) -> Found:
    """Let wrk ask, and read what it says."""
    words = ["-t1", f"-c{clients}", f"-d{seconds}", "--latency", "-s", str(script)]
    done = subprocess.run(
        ["wrk", *words, f"{url}/api/predict"], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in done or "Socket errors" in done:
        sys.exit(f"not every request was answered: {done}")
    (count,) = re.findall(r"(\d+) requests in", done)
    return {
        "answers_a_second": float(re.findall(r"Requests/sec: +([\d.]+)", done)[0]),
        "median_ms": milliseconds(done, "50%"),
        "p99_ms": milliseconds(done, "99%"),
        "requests": int(count),
    }


def milliseconds(text: str, share: str) -> float:
    """Return within how many milliseconds such a share of the requests was answered."""
    ((value, unit),) = re.findall(rf"{share} +([\d.]+)(us|ms|s|m)\s", text)
    return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit]


def resident(url: str) -> float:
    """Return the server's resident memory in MB, as it says itself."""
    with urllib.request.urlopen(f"{url}/metrics") as reply:  # noqa: S310 - our own server
        text = reply.read().decode()
    return float(re.findall(r"^process_resident_memory_bytes (\S+)", text, re.MULTILINE)[0]) / 1e6


ROW = Row(
    name="serve",
    title="the server: a 28x28 picture posted, three-layer",
    ways={"32 clients": partial(load, clients=32), "1 client": partial(load, clients=1)},
    full=Size(3, options={"seconds": 150}),
    quick=Size(1, options={"seconds": 10}, note="10 seconds of 150"),
    tiny=Size(1, options={"seconds": 1}),
    quantities=(
        Quantity("answers_a_second", form=".0f", less_is_better=False),
        Quantity("median_ms", "ms", ".3g"),
        Quantity("p99_ms", "ms", ".3g"),
        Quantity("peak_MB", "MB"),
        Quantity("grown_MB", "MB", ".2f"),
    ),
    recipes=("notebook-three-layer",),
)

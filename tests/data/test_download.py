"""The download, against a real HTTP server on the loopback that misbehaves on request."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from fittingroom.data import download
from fittingroom.data.download import FILES, Patience, RemoteFile, fashion_mnist_files
from fittingroom.errors import DownloadError

CONTENTS = {
    "images.gz": gzip.compress(np.random.default_rng(0).bytes(2_000_000), mtime=0),
    "labels.gz": gzip.compress(np.random.default_rng(1).bytes(3_000), mtime=0),
}
IMPATIENT = Patience(
    connect_seconds=2.0,
    answer_seconds=1.0,
    silence_seconds=1.5,
    window_seconds=1.0,
    bytes_per_second=10_000,
)


def remote_file(name: str, content: bytes) -> RemoteFile:
    return RemoteFile(name, hashlib.sha256(content).hexdigest(), len(content))


IMAGES, LABELS = (remote_file(name, content) for name, content in CONTENTS.items())
BOTH = (IMAGES, LABELS)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers /<behaviour>/<file>."""

    server: Server

    def do_GET(self) -> None:
        _, behaviour, name = self.path.split("/")
        self.server.requests.append(self.path)
        with suppress(ConnectionError):  # a client that gives up is part of the tests
            self.content = self.server.contents[name]
            getattr(self, behaviour)()

    def head(self, length: int | None, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def send(self, content: bytes) -> None:
        self.head(len(content))
        self.wfile.write(content)

    def drip(self, content: bytes) -> None:
        for byte in content:
            if self.server.closing.wait(0.01):
                return
            self.wfile.write(bytes([byte]))

    def fine(self) -> None:
        self.send(self.content)

    def fine_without_length(self) -> None:
        self.head(None)
        self.wfile.write(self.content)

    def declares_gzip(self) -> None:
        self.head(len(self.content), Content_Encoding="gzip")
        self.wfile.write(self.content)

    def chunked(self) -> None:
        self.protocol_version = "HTTP/1.1"
        self.head(None, Transfer_Encoding="chunked", Connection="close")
        for start in range(0, len(self.content), 100_000):
            part = self.content[start : start + 100_000]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def redirects(self) -> None:
        self.head(0, 302, Location=self.path.replace("/redirects/", "/fine/"))

    def both_must_ask(self) -> None:
        self.server.two_clients.wait()
        self.fine()

    def drips(self) -> None:
        self.head(len(self.content))
        self.drip(self.content)

    def drips_headers(self) -> None:
        self.send_response(200)
        self.flush_headers()
        self.drip(b"X-Drip: " + 10_000 * b".")

    def drips_before_redirecting(self) -> None:
        self.head(100_000, 302, Location=self.path.replace("/drips_before_redirecting/", "/fine/"))
        self.drip(bytes(100_000))

    def falls_silent(self) -> None:
        self.head(len(self.content))
        self.wfile.write(self.content[: len(self.content) // 2])
        self.server.half_sent.set()
        self.server.closing.wait()

    def truncates(self) -> None:
        self.head(len(self.content))
        self.wfile.write(self.content[: len(self.content) // 2])

    def truncates_without_length(self) -> None:
        self.head(None)
        self.wfile.write(self.content[: len(self.content) // 2])

    def dies_half_way(self) -> None:
        self.head(len(self.content))
        self.wfile.write(self.content[: len(self.content) // 2])
        reset_on_close = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
        self.connection.close()

    def hangs_up(self) -> None:
        self.close_connection = True

    def lies(self) -> None:
        self.send(self.content[::-1])

    def lies_at_length(self) -> None:
        self.send(b"more and more " * len(self.content))

    def shows_a_login_page(self) -> None:
        self.send(b"<html>Welcome to our wireless network</html>")

    def forbids(self) -> None:
        self.head(0, 403)

    def misses(self) -> None:
        self.head(0, 404)

    def breaks(self) -> None:
        self.head(0, 500)

    def log_message(self, *args: object) -> None:
        """Keep the tests' output clean."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for every handler
    contents: ClassVar[dict[str, bytes]] = CONTENTS

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[str] = []
        self.closing = threading.Event()
        self.half_sent = threading.Event()
        self.two_clients = threading.Barrier(2, timeout=60)

    def mirror(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/"


@pytest.fixture
def server() -> Iterator[Server]:
    before = threading.enumerate()
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
    for left_behind in set(threading.enumerate()) - set(before):
        left_behind.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder; no proxy stands between the tests and their server."""
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    return tmp_path / "cache" / "fashion-mnist"


def unused_mirror() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def held(folder: Path) -> dict[str, bytes]:
    """Everything in `folder`, hidden files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def in_another_process(mirror: str, first: str = "") -> list[str]:
    """Return the command that downloads BOTH from `mirror`."""
    code = f"""
{first}
from fittingroom.data.download import RemoteFile, fashion_mnist_files
fashion_mnist_files(files={BOTH!r}, mirrors=[{mirror!r}])
"""
    return [sys.executable, "-W", "error", "-c", code]


@pytest.mark.parametrize(
    "behaviour", ["fine", "fine_without_length", "chunked", "declares_gzip", "redirects"]
)
def test_folder_holds_exactly_the_files_byte_for_byte(
    server: Server, cache: Path, behaviour: str
) -> None:
    folder = fashion_mnist_files(files=BOTH, mirrors=[server.mirror(behaviour)])
    assert folder == cache
    assert held(folder) == CONTENTS


BROKEN = {
    "drips": "too slow: .* bytes in .* s",
    "drips_headers": "no answer within 1 s",
    "drips_before_redirecting": "no answer within 1 s",
    "falls_silent": "timed out",
    "truncates": "IncompleteRead|sent only",
    "truncates_without_length": r"sent only [\d,]+ of 2,0[\d,]+ bytes",
    "dies_half_way": "reset",
    "hangs_up": "closed connection|reset",
    "lies": f"expected {IMAGES.sha256} but got "
    + hashlib.sha256(CONTENTS[IMAGES.name][::-1]).hexdigest(),
    "lies_at_length": f"expected {IMAGES.sha256} but got [0-9a-f]{{64}}",
    "shows_a_login_page": "sent only 44 of 2,0[0-9,]+ bytes",
    "forbids": "HTTP 403",
    "misses": "HTTP 404",
    "breaks": "HTTP 500",
}


@pytest.mark.parametrize(("behaviour", "reason"), BROKEN.items())
def test_broken_server_is_refused_in_one_line_and_nothing_is_kept(
    server: Server, cache: Path, behaviour: str, reason: str
) -> None:
    mirror = server.mirror(behaviour)
    with pytest.raises(DownloadError, match=reason) as refusal:
        fashion_mnist_files(files=BOTH, mirrors=[mirror], patience=IMPATIENT)
    message = str(refusal.value)
    assert f"{mirror}{IMAGES.name}: " in message
    assert "FITTINGROOM_DATA" in message
    assert "\n" not in message
    assert held(cache) == {}


@pytest.mark.parametrize("behaviour", ["drips", "dies_half_way", "lies", "forbids"])
def test_next_mirror_is_tried(server: Server, behaviour: str) -> None:
    mirrors = [server.mirror(behaviour), server.mirror("fine")]
    folder = fashion_mnist_files(files=BOTH, mirrors=mirrors, patience=IMPATIENT)
    assert held(folder) == CONTENTS


def test_mirror_that_failed_is_not_asked_first_for_the_next_file(server: Server) -> None:
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("misses"), server.mirror("fine")])
    assert server.requests == ["/misses/images.gz", "/fine/images.gz", "/fine/labels.gz"]


def test_nothing_listening_names_every_address() -> None:
    mirrors = [unused_mirror(), unused_mirror()]
    with pytest.raises(DownloadError, match=r"[Rr]efused") as refusal:
        fashion_mnist_files(files=BOTH, mirrors=mirrors)
    assert all(f"{mirror}{IMAGES.name}: " in str(refusal.value) for mirror in mirrors)


def test_reason_is_the_servers_and_not_the_callers_own_trouble(server: Server) -> None:
    try:
        CONTENTS["the caller's own trouble"]
    except KeyError:
        with pytest.raises(DownloadError, match=r"images.gz: .*reset"):
            fashion_mnist_files(files=BOTH, mirrors=[server.mirror("dies_half_way")])


def test_address_that_makes_no_sense_is_reported() -> None:
    with pytest.raises(DownloadError, match="nonsense"):
        fashion_mnist_files(files=BOTH, mirrors=["nonsense"])


def test_missing_certificates_are_not_blamed_on_the_cache_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    with pytest.raises(DownloadError, match=r"https://127\.0\.0\.1:1/.*: .*gone\.pem"):
        fashion_mnist_files(files=BOTH, mirrors=["https://127.0.0.1:1"])


def test_verified_files_are_not_fetched_again(server: Server) -> None:
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    server.requests.clear()
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    assert server.requests == []


@pytest.mark.parametrize("damage", [b"", b"something else", CONTENTS[LABELS.name][:-1] + b"?"])
def test_corrupt_cached_file_is_replaced_and_the_other_kept(
    server: Server, cache: Path, damage: bytes
) -> None:
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    (cache / LABELS.name).write_bytes(damage)
    server.requests.clear()
    told: list[str] = []
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")], announce=told.append)
    assert server.requests == ["/fine/labels.gz"]
    assert told[0] == f"{cache / LABELS.name}: damaged; it is fetched again"
    assert held(cache) == CONTENTS


def test_interrupted_download_leaves_nothing_and_the_next_call_finishes(
    server: Server, cache: Path
) -> None:
    def interrupt(message: str) -> None:
        if "40%" in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")], announce=interrupt)
    assert held(cache) == {}
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    assert held(cache) == CONTENTS


def test_killed_download_leaves_no_final_name_and_is_cleared_away_a_day_later(
    server: Server, cache: Path
) -> None:
    with subprocess.Popen(in_another_process(server.mirror("falls_silent"))) as process:
        assert server.half_sent.wait(60)
        process.kill()
    (leftover,) = cache.iterdir()
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    assert {path.name for path in cache.iterdir()} == {leftover.name, *CONTENTS}

    a_day_ago = time.time() - 25 * 3600
    os.utime(leftover, (a_day_ago, a_day_ago))
    (cache / LABELS.name).unlink()
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    assert held(cache) == CONTENTS


def test_two_processes_at_once_both_succeed(server: Server, cache: Path) -> None:
    command = in_another_process(server.mirror("both_must_ask"))
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [(process.communicate()[1], process.returncode) for process in processes]
    assert outcomes == [("", 0), ("", 0)]
    assert held(cache) == CONTENTS


def test_quicker_process_that_has_the_file_open_on_windows_is_as_good(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_after_the_other_process(source: Path, target: Path) -> Path:
        target.write_bytes(source.read_bytes())
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(Path, "replace", refuse_after_the_other_process)
    fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    assert held(cache) == CONTENTS


def test_cache_folder_that_is_a_file_is_an_error(server: Server, cache: Path) -> None:
    cache.parent.write_text("in the way")
    with pytest.raises(
        DownloadError, match=r"cannot write to .*fashion-mnist: .*FITTINGROOM_CACHE"
    ):
        fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="no folder is read-only for this user"
)
def test_read_only_cache_folder_is_an_error(server: Server, cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o555)
    with pytest.raises(DownloadError, match=r"Permission denied.*FITTINGROOM_CACHE"):
        fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    cache.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="file-size limits are POSIX's")
def test_full_disk_is_an_error_that_blames_no_server(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # its own file fails as well
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (100_000, r.RLIM_INFINITY))"
    command = in_another_process(server.mirror("fine"), first=limit)
    result = subprocess.run(command, capture_output=True, text=True)
    message = result.stderr.splitlines()[-1]
    assert "DownloadError: cannot write to the cache folder" in message
    assert "File too large" in message
    assert "127.0.0.1" not in message
    assert held(cache) == {}


def test_progress_is_a_few_lines_and_pooch_prints_nothing(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    messages: list[str] = []
    mirrors = [server.mirror("forbids"), server.mirror("fine")]
    fashion_mnist_files(files=BOTH, mirrors=mirrors, announce=messages.append)
    assert messages == [
        f"no luck with {mirrors[0]}images.gz: HTTP 403 Forbidden",
        f"downloading images.gz from {mirrors[1]}images.gz",
        *(f"images.gz: {percent}% of 2.0 MB" for percent in (20, 40, 60, 80, 100)),
        f"downloading labels.gz from {mirrors[1]}labels.gz",
    ]
    assert capfd.readouterr() == ("", "")


def test_where_no_mirror_answers_nothing_is_said_but_the_error(server: Server) -> None:
    messages: list[str] = []
    with pytest.raises(DownloadError, match="HTTP 403 Forbidden"):
        fashion_mnist_files(
            files=BOTH, mirrors=[server.mirror("forbids")], announce=messages.append
        )
    assert messages == []


def test_downloaded_files_can_be_shared(server: Server) -> None:
    folder = fashion_mnist_files(files=BOTH, mirrors=[server.mirror("fine")])
    assert (folder / LABELS.name).stat().st_mode & 0o444 == 0o444


def test_cache_is_the_systems_own_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITTINGROOM_CACHE", "~/elsewhere")
    assert download.cache_folder() == Path.home() / "elsewhere"
    monkeypatch.delenv("FITTINGROOM_CACHE")
    assert "fittingroom" in download.cache_folder().parts


def test_importing_the_module_imports_neither_pooch_nor_requests() -> None:
    code = (
        "import sys, fittingroom.data.download; "
        "sys.exit(not {'pooch', 'requests', 'platformdirs'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.real_data
def test_official_table_describes_the_official_files(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "FITTINGROOM_DATA" not in os.environ:
        pytest.skip("FITTINGROOM_DATA is not set")
    official = Path(os.environ["FITTINGROOM_DATA"]) / "fashion-mnist"
    contents = {file.name: (official / file.name).read_bytes() for file in FILES}
    monkeypatch.setattr(server, "contents", contents)
    assert held(fashion_mnist_files(mirrors=[server.mirror("fine")])) == contents

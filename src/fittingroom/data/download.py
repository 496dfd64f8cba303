"""Fetch the official Fashion-MNIST files into the user's cache folder.

pooch downloads each file under a temporary name and checks its SHA-256; this module adds what
pooch leaves to its caller: the next address when one fails, limits on time and size, a final
name that appears in one step, and errors that say what to do.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fittingroom.data.fashion_mnist import NAME
from fittingroom.errors import DownloadError

if TYPE_CHECKING:
    import requests
    from urllib3 import BaseHTTPResponse

Announce = Callable[[str], None]


@dataclass(frozen=True)
class RemoteFile:
    """A file as it must be once it is here.

    Parameters
    ----------
    name
        Its name, on the server and on disk.
    sha256
        Hash of the content, hexadecimal, lower case.
    size
        Length in bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Patience:
    """When to give up on a server and try the next one.

    Parameters
    ----------
    connect_seconds
        Longest wait for a connection.
    answer_seconds
        Longest wait for the headers of the answer: looking up the name, connecting, redirects.
    silence_seconds
        Longest wait for the next byte.
    window_seconds, bytes_per_second
        Every window of this length must bring this many bytes a second on average: a server
        that drips never runs into a time-out.
    """

    connect_seconds: float = 5.0
    answer_seconds: float = 8.0
    silence_seconds: float = 15.0
    window_seconds: float = 30.0
    bytes_per_second: float = 5_000.0


# Sizes and hashes of the release of 31 August 2017, whose MD5 sums are the published ones.
FILES = (
    RemoteFile(
        "train-images-idx3-ubyte.gz",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        26_421_880,
    ),
    RemoteFile(
        "train-labels-idx1-ubyte.gz",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        29_515,
    ),
    RemoteFile(
        "t10k-images-idx3-ubyte.gz",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        4_422_102,
    ),
    RemoteFile(
        "t10k-labels-idx1-ubyte.gz",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        5_148,
    ),
)
MIRRORS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
PATIENCE = Patience()
WHAT_TO_DO = (
    "Put the four files from https://github.com/zalandoresearch/fashion-mnist into "
    "./data/fashion-mnist, or set FITTINGROOM_DATA to the folder that holds them"
)

STAGING_PREFIX = ".download-"
LEFTOVER_SECONDS = 24 * 3600
CHUNK_BYTES = 64 * 1024
PROGRESS_FROM_BYTES = 1_000_000
PROGRESS_STEPS = 5


def cache_folder() -> Path:
    """Where downloads are kept: FITTINGROOM_CACHE if set, else the system's place for caches."""
    import platformdirs

    chosen = os.environ.get("FITTINGROOM_CACHE")
    return Path(chosen or platformdirs.user_cache_dir("fittingroom", appauthor=False)).expanduser()


def fashion_mnist_files(
    *,
    announce: Announce | None = None,
    files: Sequence[RemoteFile] = FILES,
    mirrors: Sequence[str] = MIRRORS,
    patience: Patience = PATIENCE,
) -> Path:
    """Return the cache's folder of Fashion-MNIST files, after fetching those that are missing.

    Files already there are verified and kept, so an interrupted download goes on where it was,
    file by file. Any number of processes may do this at once.

    Parameters
    ----------
    announce
        Called with one-line messages for people while files are fetched.
    files
        What the folder must hold.
    mirrors
        Addresses of folders with these files, tried in turn.
    patience
        When to give up on an address.

    Raises
    ------
    DownloadError
        If a file could be had from no address, or the folder cannot be written.
    """
    folder = cache_folder() / NAME
    missing = [file for file in files if not _is_verified(folder / file.name, file)]
    if missing:
        try:
            _fetch_all(missing, folder, mirrors, patience, announce or _say_nothing)
        except OSError as error:
            raise DownloadError(
                f"cannot write to the cache folder {folder}: {error.strerror or error}; make it "
                "writable, make room there, or set FITTINGROOM_CACHE to another folder"
            ) from error
    return folder


def _fetch_all(
    missing: Sequence[RemoteFile],
    folder: Path,
    mirrors: Sequence[str],
    patience: Patience,
    announce: Announce,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    for file in missing:
        if (folder / file.name).exists():
            announce(f"{folder / file.name}: damaged; it is fetched again")
    with tempfile.TemporaryDirectory(
        prefix=STAGING_PREFIX, dir=folder, ignore_cleanup_errors=True
    ) as staging:
        for file in missing:
            fetched, mirror = _fetch(file, Path(staging), mirrors, patience, announce)
            _put_in_place(fetched, folder / file.name, file)
            mirrors = sorted(mirrors, key=mirror.__ne__)  # the one that works comes first


def _fetch(
    file: RemoteFile,
    staging: Path,
    mirrors: Sequence[str],
    patience: Patience,
    announce: Announce,
) -> tuple[Path, str]:
    """Fetch `file` into the folder `staging`; return its path and the mirror it came from."""
    with warnings.catch_warnings():
        # pooch imports tqdm, which in Jupyter wants a package for bars that nobody here draws.
        warnings.filterwarnings("ignore", "IProgress not found")
        import pooch

    failures: list[str] = []
    downloader = _Downloader(file, patience, announce, failures)
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}"
        try:
            with _silenced(pooch.get_logger()):
                path = pooch.retrieve(url, file.sha256, file.name, staging, downloader=downloader)
        except (DownloadError, ValueError) as error:  # ValueError: pooch found another hash
            failures.append(f"{url}: {str(error).rstrip('.')}")
        else:
            return Path(path), mirror
    raise DownloadError(f"could not download {file.name}: {'; '.join(failures)}. {WHAT_TO_DO}")


@dataclass(frozen=True)
class _Downloader:
    """What pooch calls to fetch `file`; its own limits neither size nor a server that drips."""

    file: RemoteFile
    patience: Patience
    announce: Announce
    failures: Sequence[str]  # of the mirrors before; told once one answers, else in the error

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Copy what `url` answers to the path `output_file`, or raise DownloadError."""
        from urllib3.exceptions import HTTPError

        with _ask(url, self.patience) as response, Path(output_file).open("wb") as output:
            if response.status_code != HTTPStatus.OK:
                raise DownloadError(f"HTTP {response.status_code} {response.reason}")
            for failure in self.failures:
                self.announce(f"no luck with {failure}")
            self.announce(f"downloading {self.file.name} from {url}")
            try:
                self._copy(response.raw, output)
            except HTTPError as error:
                raise DownloadError(_reason(error)) from error

    def _copy(self, response: BaseHTTPResponse, output: IO[bytes]) -> None:
        received = announced = 0
        guard = _StallGuard(self.patience)
        while received < self.file.size:
            # read1, not read: read waits for the whole chunk, which a dripping server never fills.
            # Not decoded: some servers declare a .gz file's own compression as one of transport.
            wanted = min(CHUNK_BYTES, self.file.size - received)
            chunk = response.read1(wanted, decode_content=False)
            if not chunk:
                raise DownloadError(f"sent only {received:,} of {self.file.size:,} bytes")
            output.write(chunk)
            received += len(chunk)
            guard.count(len(chunk))
            announced = self._announce_progress(received, announced)

    def _announce_progress(self, received: int, announced: int) -> int:
        """Say how far it is if a step is complete that was not `announced`; return the step."""
        step = received * PROGRESS_STEPS // self.file.size
        if step > announced and self.file.size >= PROGRESS_FROM_BYTES:
            percent = 100 * step // PROGRESS_STEPS
            self.announce(f"{self.file.name}: {percent}% of {self.file.size / 1e6:.1f} MB")
        return step


def _ask(url: str, patience: Patience) -> requests.Response:
    """Return the answer of `url` once its headers are here, the body still to be read.

    A thread asks, and is left behind if it is late: looking up a name has no time-out, and each
    byte of dripping headers begins a new one.

    Raises
    ------
    DownloadError
        If there is no answer, or none in time.
    """
    import requests

    answer: Future[requests.Response] = Future()

    def ask() -> None:
        timeouts = (patience.connect_seconds, patience.silence_seconds)
        headers = {"Accept-Encoding": "identity"}
        try:
            response = requests.get(url, stream=True, timeout=timeouts, headers=headers)
        except Exception as error:
            with suppress(InvalidStateError):
                answer.set_exception(DownloadError(_reason(error)))
        else:
            try:
                answer.set_result(response)
            except InvalidStateError:
                response.close()

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(patience.answer_seconds)
    except TimeoutError:
        if answer.cancel():
            raise DownloadError(f"no answer within {patience.answer_seconds:g} s") from None
        return answer.result()


class _StallGuard:
    """Raises DownloadError when a whole window of time has brought too few bytes."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._begin_window()

    def _begin_window(self) -> None:
        self._start, self._bytes = time.monotonic(), 0

    def count(self, size: int) -> None:
        """Take note of `size` bytes that came now."""
        self._bytes += size
        seconds = time.monotonic() - self._start
        if seconds < self._patience.window_seconds:
            return
        if self._bytes < self._patience.bytes_per_second * seconds:
            raise DownloadError(f"too slow: {self._bytes:,} bytes in {seconds:.1f} s")
        self._begin_window()


def _put_in_place(fetched: Path, target: Path, file: RemoteFile) -> None:
    """Give a fetched file its final name, in one step."""
    fetched.chmod(0o644)  # pooch's temporary files are private; a cache folder may be shared
    try:
        fetched.replace(target)
    except PermissionError:
        # Windows refuses while a process that was quicker has its copy open, which is as good.
        if not _is_verified(target, file):
            raise


def _is_verified(path: Path, file: RemoteFile) -> bool:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed downloads left; a younger folder may belong to one that is at work."""
    for staging in folder.glob(f"{STAGING_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - staging.stat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(staging, ignore_errors=True)


def _reason(error: BaseException) -> str:
    """Say on one line what went wrong: the words of the innermost error.

    requests and urllib3 wrap it as `reason`, cause or argument. The context is not followed: it
    also leads to whatever the caller of this module was handling.
    """
    for inner in (getattr(error, "reason", None), error.__cause__, *error.args):
        if isinstance(inner, BaseException):
            return _reason(inner)
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())


@contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    """Keep `logger` from reporting what goes well; pooch's writes to the terminal."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _say_nothing(message: str) -> None:
    """Stand in for an `announce` that was not given."""

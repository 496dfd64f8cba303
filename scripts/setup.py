"""Make the environment that everything here runs in, the folder ``.venv``.

::

    python scripts/setup.py          what fittingroom needs to run
    python scripts/setup.py --dev    and what its tests and checks need

A second call finds the environment ready and returns at once; one that follows an interrupted call
repairs what that left behind. On Linux without an NVIDIA GPU, torch's CPU build is taken where it
can be had; ``FITTINGROOM_TORCH=cpu`` or ``=default`` decides otherwise.

It needs the standard library only, on Linux, macOS and Windows. A Python that is too old must be
able to read this file to say so: its syntax is that of Python 3.7.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG = VENV / "setup.log"
LOCK = ROOT / "requirements.lock"
REPORT = VENV / "setup-report.json"

# A finished installation leaves its fingerprint in a stamp; UNFINISHED stands there while packages
# are being written, and what is found beside it cannot be trusted.
RUN_STAMP = VENV / ".installed-run"
DEV_STAMP = VENV / ".installed-dev"
UNFINISHED = VENV / ".unfinished"

SUPPORTED = ((3, 11), (3, 12), (3, 13))
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

NO_INDEX = "the package index cannot be reached: check the network or proxy, then run this again"

# What pip prints when it fails, and what that means to a person; the first that is found counts.
REASONS = {
    "No space left on device|not enough space on the disk": (
        "the disk is full: free 2 GB (8 GB for torch with CUDA), then run this again"
    ),
    "CERTIFICATE_VERIFY_FAILED|confirming the ssl certificate": (
        "the package index shows a certificate that pip does not trust; behind a company's proxy, "
        "tell pip that proxy's certificate (pip config set global.cert FILE), then run this again"
    ),
    "after connection broken by|Max retries exceeded|Read timed out": NO_INDEX,
    r"No matching distribution found for torch\b": (
        "torch has no build for this machine; it needs a 64-bit Linux, Windows or macOS 14 or later"
    ),
    "from versions: none": NO_INDEX,
}


class SetupError(Exception):
    """Why the set-up cannot go on: one line that says what to do."""


def main(arguments: list[str]) -> int:
    """Make the environment ready; return 0, or 2 after one line that says why it is not."""
    try:
        if sys.version_info[:2] not in SUPPORTED:
            return subprocess.call([*another_python(), __file__, *arguments])
        parser = argparse.ArgumentParser(description="Make the environment .venv.")
        parser.add_argument(
            "--dev", action="store_true", help="with the tools for tests and checks"
        )
        prepare(dev=parser.parse_args(arguments).dev)
    except (SetupError, OSError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nset-up: stopped; run this again to go on", file=sys.stderr)
        return 130
    return 0


def prepare(*, dev: bool) -> None:
    """Bring ``.venv`` to what ``pyproject.toml`` and ``constraints.txt`` ask for."""
    wanted = fingerprint(ROOT)
    if is_ready(wanted, DEV_STAMP if dev else RUN_STAMP):
        return
    start = time.monotonic()
    torch = wanted_torch(platform.system(), has_nvidia_gpu(), os.environ.get("FITTINGROOM_TORCH"))
    if not is_sound():
        create()
    install(torch, dev=dev)
    for stamp in (RUN_STAMP, DEV_STAMP) if dev else (RUN_STAMP,):
        stamp.write_text(wanted, encoding="utf-8")
    if UNFINISHED.exists():
        UNFINISHED.unlink()
    say(f"ready after {time.monotonic() - start:.0f} s")


def say(line: str) -> None:
    """Tell the person who waits what is going on."""
    print(f"set-up: {line}", flush=True)


def answer(command: list[str], seconds: float | None = None) -> str:
    """Return what a command prints; nothing where it fails or takes longer than ``seconds``."""
    try:
        found = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=seconds, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return ""
    return found.stdout.decode("utf-8", errors="replace").strip()


# --- Which Python -------------------------------------------------------------------------------


def another_python() -> list[str]:
    """Return the command of a supported Python on the PATH; raise SetupError if there is none."""
    for version in reversed(SUPPORTED):
        number = "{}.{}".format(*version)
        for command in ([f"python{number}"], ["py", f"-{number}"]):
            if is_supported(command):
                return command
    raise SetupError(wrong_python(sys.version_info[:2], sys.executable))


def is_supported(command: list[str]) -> bool:
    """Tell whether ``command`` starts a Python of a supported version."""
    version = answer([*command, "-c", "import sys; print(*sys.version_info[:2])"])
    return tuple(map(int, version.split())) in SUPPORTED


def wrong_python(version: tuple[int, ...], executable: str) -> str:
    """Return the line for a Python that is too old or too new."""
    known = ", ".join("{}.{}".format(*supported) for supported in SUPPORTED)
    return (
        "needs Python {}; this is {}.{} ({}) and none of those is on the PATH: "
        "install one from https://www.python.org/downloads/, then run this again"
    ).format(known, *version, executable)


# --- Is it there already ------------------------------------------------------------------------


def fingerprint(root: Path) -> str:
    """Return the digest of what an installation depends on: what, in which versions, and where."""
    import tomllib  # not at the top: a Python that is too old has none

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    parts = (
        project["project"],
        project["build-system"],
        project["tool"]["setuptools"],
        (root / "constraints.txt").read_text(encoding="utf-8"),
        (root / "requirements.lock").read_text(encoding="utf-8"),
        str(root),
    )
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def is_ready(wanted: str, stamp: Path) -> bool:
    """Tell whether the last finished installation is the wanted one."""
    return (
        PYTHON.exists()
        and not UNFINISHED.exists()
        and stamp.is_file()
        and stamp.read_bytes() == wanted.encode()
    )


def is_sound() -> bool:
    """Tell whether ``.venv`` can be built on: a Python that fits, pip, nothing half-written."""
    return (
        not UNFINISHED.exists()
        and is_supported([str(PYTHON)])
        and answer([str(PYTHON), "-m", "pip", "--version"]) != ""
    )


# --- Making it ----------------------------------------------------------------------------------


def create() -> None:
    """Make an empty environment in the place of one that cannot be built on."""
    import venv  # not at the top: it would double the time of a call that finds everything ready

    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(no_ensurepip(sys.version_info[:2]))
    clear()
    say(f"making .venv with Python {platform.python_version()}")
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(VENV)


def clear() -> None:
    """Empty ``.venv`` and mark it unfinished; raise SetupError if it was not made here."""
    ours = any(mark.exists() for mark in (UNFINISHED, RUN_STAMP, DEV_STAMP))
    if VENV.exists() and any(VENV.iterdir()) and not ours:
        raise SetupError(
            f"{VENV} is of no use and was not made here: remove it, then run this again"
        )
    VENV.mkdir(exist_ok=True)
    UNFINISHED.touch()
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != UNFINISHED:
            path.unlink()


def no_ensurepip(version: tuple[int, ...]) -> str:
    """Return the line for Debian's Python, which makes environments with a package of its own."""
    package = "python{}.{}-venv".format(*version)
    return (
        f"this Python cannot make environments: `sudo apt install {package}`, then run this again"
    )


def install(torch: str, *, dev: bool) -> None:
    """Install the build tool, torch, and the rest, in the versions of ``constraints.txt``."""
    LOG.write_bytes(b"")
    # Pinned like all else, where pip alone would fetch the newest for its build. It is small and
    # first, so that few retries tell quickly that there is no network.
    say("asking the package index")
    pip("--retries", "2", "--constraint", "constraints.txt", "setuptools")
    if torch == "cpu":
        install_cpu_torch(pinned_torch(ROOT))
    say("installing all that fittingroom needs" + (" and the tools for its tests" if dev else ""))
    project = ".[dev]" if dev else ".[export,heic,serve]"
    pip("--constraint", "constraints.txt", "--no-build-isolation", "--editable", project)
    compile_everything()


def compile_everything() -> None:
    """Compile what pip installed: on all cores, and without the packages' own tests.

    Left to the first import of each module it would never be kept where PYTHONDONTWRITEBYTECODE
    is set. A file of another Python's syntax, a template say, stays as it is.
    """
    words = ["-m", "compileall", "-q", "-q", "-j", "0", "-x", r"[/\\]tests?[/\\]"]
    subprocess.run([str(PYTHON), *words, str(VENV / "lib"), str(VENV / "Lib")], check=False)


def pip(*arguments: str) -> None:
    """Run ``pip install`` in ``.venv`` with the person's own configuration of pip.

    Its output goes to LOG. Raises SetupError with the reason if it fails.
    """
    words = ["-m", "pip", "install", "--no-input", "--no-compile", "--progress-bar", "off"]
    words += ["--report", str(REPORT)]
    process = subprocess.Popen(
        [str(PYTHON), *words, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    lines = []
    with process, LOG.open("a", encoding="utf-8") as log:
        for line in process.stdout or ():
            lines.append(line)
            log.write(line)
            follow(line)
    if process.returncode:
        raise SetupError(explain(lines))
    check_hashes(json.loads(REPORT.read_text(encoding="utf-8")), known_hashes(LOCK))


def known_hashes(lock: Path) -> dict[str, set[str]]:
    """Return the SHA-256 (hex) of the files of each package, by its name."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line.startswith((" ", "#")):
            name = re.split(r"[\[=]", line)[0]
        for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", line):
            found.setdefault(name, set()).add(digest)
    return found


def check_hashes(report: dict[str, Any], known: dict[str, set[str]]) -> None:
    """See that what pip installed has a SHA-256 that the project has for it.

    Nothing of it has run by then, for a wheel is only unpacked; but a package without a wheel for
    this machine was built by its own code before. Not known are torch's CPU builds ("+cpu"), which
    the package index does not have: for them PyTorch's index over TLS, or whoever put them where
    pip finds them, is trusted. Raises SetupError for any other.
    """
    for item in report["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        version, info = item["metadata"]["version"], item["download_info"]
        if "dir_info" in info or (name == "torch" and "+" in version):
            continue
        digest = info["archive_info"].get("hashes", {}).get("sha256")
        if digest not in known.get(name, ()):
            raise SetupError(
                f"{name} {version} from {info['url']} is not the file that {LOCK.name} knows "
                f"(its SHA-256 is {digest}): it was changed on its way, or the index has new ones; "
                "nothing of it was run; remove .venv, and renew the lock only if you trust it"
            )


def follow(line: str) -> None:
    """Mark the environment once pip begins to write to it, and announce long downloads."""
    if line.startswith("Installing collected packages"):
        UNFINISHED.touch()
    download = large_download(line)
    if download:
        say(f"  downloading {download}")


def large_download(line: str) -> str | None:
    """Return ``name (size)`` if a line of pip's announces a download of 20 MB or more."""
    found = re.match(r"\s*Downloading (?:\S*/)?([^-\s]+)-\S+ \(([\d.]+) ?([MG]B)\)", line)
    if found is None or (found[3] == "MB" and float(found[2]) < 20):
        return None
    return f"{found[1]} ({found[2]} {found[3]})"


def explain(lines: list[str]) -> str:
    """Return what pip's output means, where that is known, else its last lines."""
    output = "".join(lines)
    for pattern, meaning in REASONS.items():
        if re.search(pattern, output):
            return f"{meaning} (pip's own words are in {LOG})"
    last = "".join(lines[-8:]).rstrip()
    return f"pip failed; all it said is in {LOG}, and ends with\n{last}"


# --- Which torch --------------------------------------------------------------------------------


def wanted_torch(system: str, nvidia: bool, wish: str | None) -> str:
    """Return "cpu" or "default": the default build is huge, and for GPUs alone, only on Linux."""
    if wish not in (None, "", "cpu", "default"):
        raise SetupError(f"FITTINGROOM_TORCH can be cpu or default, and is {wish!r}")
    return wish or ("cpu" if system == "Linux" and not nvidia else "default")


def has_nvidia_gpu() -> bool:
    """Tell whether NVIDIA's driver is here."""
    places = (Path("/proc/driver/nvidia"), Path("/dev/nvidia0"))
    return shutil.which("nvidia-smi") is not None or any(place.exists() for place in places)


def pinned_torch(root: Path) -> str:
    """Return the version of torch in ``constraints.txt``."""
    constraints = (root / "constraints.txt").read_text(encoding="utf-8")
    return str(re.findall(r"^torch==(\S+)", constraints, re.MULTILINE)[0])


def install_cpu_torch(version: str) -> None:
    """Install torch's CPU build from where pip looks, else from PyTorch's index, else nothing."""
    code = "from importlib.metadata import version; print(version('torch'))"
    if answer([str(PYTHON), "-c", code]).split("+")[0] == version:
        return
    build = f"{version}+cpu"
    say(f"looking for the CPU build of torch {version}")
    with contextlib.suppress(SetupError):
        pip("--no-deps", f"torch=={build}")
        return
    if index_offers(build):
        with contextlib.suppress(SetupError):
            pip("--no-deps", "--index-url", CPU_INDEX, f"torch=={build}")
            return
    say("no CPU build in reach: taking the standard one, a download of several GB")


def index_offers(build: str) -> bool:
    """Tell whether PyTorch's CPU index can be reached and has the build, after 20 s at most."""
    query = ["index", "versions", "--index-url", CPU_INDEX, "--timeout", "5", "--retries", "0"]
    return build in answer([str(PYTHON), "-m", "pip", *query, "torch"], seconds=20)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

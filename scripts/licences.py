"""Write docs/licences.md: every package that an environment can hold, its version and licence.

::

    .venv/bin/python scripts/licences.py

Licences are those that the installed packages state of themselves; of packages for other machines
than this one, in ELSEWHERE, what is known of their projects, by hand.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from email.message import Message
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
OPTIONAL = ("cluster", "export", "heic", "mlflow", "postgresql", "serve", "tensorboard")

NVIDIA = "NVIDIA's own (CUDA EULA)"
ELSEWHERE = {
    "appnope": "BSD-2-Clause",
    "colorama": "BSD-3-Clause",
    "cuda-bindings": NVIDIA,
    "cuda-pathfinder": "Apache-2.0",
    "cuda-toolkit": NVIDIA,
    "pywin32": "PSF-2.0",
    "triton": "MIT",
    "waitress": "ZPL-2.1",
}
# Those that state none in a form that a program can read; their repositories have the files.
TOLD = {"huey": "MIT", "skops": "MIT", "psycopg-binary": "LGPL-3.0-only"}

# What packages write, as SPDX writes it; "BSD" where they do not say which.
USUAL = {
    r"mozilla|mpl.2": "MPL-2.0",
    r"apache": "Apache-2.0",
    r"python software foundation|psf": "PSF-2.0",
    r"isc": "ISC",
    r"2-clause bsd|bsd.2": "BSD-2-Clause",
    r"3-clause|bsd.3": "BSD-3-Clause",
    r"bsd": "BSD",
    r"mit": "MIT",
}
HEAD = """# Licences

fittingroom itself is under the MIT licence. These are the licences of the packages that an
environment of it can hold, in the versions of [constraints.txt](../constraints.txt), as these
state them; none of them is part of this repository. Written by `scripts/licences.py`.
"""
GROUPS = {
    "run": ("To run", "What `pip install fittingroom` brings."),
    "optional": ("Optional", "What the extras " + ", ".join(OPTIONAL) + " add."),
    "cuda": ("For NVIDIA GPUs", "What torch's builds for CUDA bring, on Linux."),
    "dev": ("To develop", "What the extra dev adds: tests and checks. No user needs them."),
}


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")
    return 0


def page() -> str:
    """Return the page."""
    groups = grouped()
    parts = [HEAD]
    for group, (title, about) in GROUPS.items():
        rows = [
            f"| {name} | {version} | {licence_of(name)} |"
            for name, version in pins().items()
            if groups[name] == group
        ]
        parts.append(f"## {title}\n\n{about}\n\n| package | version | licence |\n|---|---|---|")
        parts[-1] += "\n" + "\n".join(rows) + "\n"
    return "\n".join(parts)


def pins() -> dict[str, str]:
    """Return the pinned versions by name."""
    text = (ROOT / "constraints.txt").read_text("utf-8")
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, re.MULTILINE))


def grouped() -> dict[str, str]:
    """Return what each package is for: the first of the groups that brings it."""
    run = brought(["fittingroom"])
    optional = brought([f"fittingroom[{','.join(OPTIONAL)}]"])

    def group(name: str) -> str:
        if name.startswith(("nvidia-", "cuda-", "triton")):
            return "cuda"
        return "run" if name in run else "optional" if name in optional else "dev"

    return {name: group(name) for name in pins()}


def brought(wanted: list[str]) -> set[str]:
    """Return the names of all that requirements bring, on any machine, as far as installed here."""
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in wanted]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                stated = importlib.metadata.requires(name) or []
            except importlib.metadata.PackageNotFoundError:
                continue
            waiting += [r for r in map(Requirement, stated) if belongs(r, extra)]
    return {name for name, _ in seen}


def belongs(requirement: Requirement, extra: str) -> bool:
    """Tell whether a requirement is one of that extra ("" for none), on whatever machine."""
    named = re.findall(r"extra == ['\"]([\w-]+)['\"]", str(requirement.marker or ""))
    return extra in named if named else not extra


def licence_of(name: str) -> str:
    """Return a package's licence, as SPDX writes it where that can be told."""
    if name in TOLD or name in ELSEWHERE:
        return TOLD.get(name) or ELSEWHERE[name]
    if name.startswith("nvidia-"):
        return NVIDIA
    stated: Message = importlib.metadata.metadata(name)  # type: ignore[assignment]
    if stated.get("License-Expression"):
        return str(stated["License-Expression"])
    told = str(stated.get("License", ""))
    if re.fullmatch(r"[A-Z][\w.-]*-[\d.]+\S*( (AND|OR) [\w.-]+)*|MIT", told):
        return told
    classifiers = [line for line in stated.get_all("Classifier", []) if line.startswith("License")]
    words = [line.rpartition(" :: ")[2] for line in classifiers] or [told]
    return " AND ".join(dict.fromkeys(map(usual, words)))


def usual(words: str) -> str:
    """Return the usual name of a licence; its first line where there is none."""
    line = words.strip().partition("\n")[0]
    return next((name for known, name in USUAL.items() if re.search(known, line.lower())), line)


if __name__ == "__main__":
    sys.exit(main())

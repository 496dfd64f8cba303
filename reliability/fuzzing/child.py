"""Fuzz one target in this process, which libFuzzer ends: see `make fuzz` for what starts it.

An error that a reader may not raise does not end it: what led there is kept as a finding, the
first and then the shortest input of each place in the code, and fuzzing goes on. Only a reader
that takes too long or too much memory, or a crash of compiled code, ends it.
"""

from __future__ import annotations

import hashlib
import importlib
import random
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

from fuzzing.target import Mutate

OWN_WAY = 0.7  # of the inputs
INSTRUMENTED = ["fittingroom", "fuzzing.target", "tomllib", "zipfile"]


class Findings:
    """What was found, one of each kind, in a folder.

    Parameters
    ----------
    folder
        Where inputs (.bin) and what became of them (.txt) are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shortest: dict[str, int] = {}

    def keep(self, kind: str, data: bytes, story: str) -> None:
        """Keep an input unless a shorter one of its kind is known."""
        if len(data) >= self.shortest.get(kind, sys.maxsize):
            return
        self.shortest[kind] = len(data)
        name = hashlib.sha256(kind.encode()).hexdigest()[:12]
        (self.folder / f"{name}.bin").write_bytes(data)
        (self.folder / f"{name}.txt").write_text(f"{kind}\n\n{story}", "utf-8")


def place_of(error: BaseException) -> str:
    """Return the kind of an error and the last place in our code that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/fittingroom/" in frame.filename] or list(frames)
    last = ours[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno} in {last.name}"


def named(error: str) -> type[BaseException]:
    """Return the class of an error named as in `Target.errors`."""
    module, _, name = error.rpartition(":")
    found: type[BaseException] = getattr(
        importlib.import_module(module or "fittingroom.errors"), name
    )
    return found


def main(name: str, workshop: Path, place: Path, flags: list[str]) -> None:
    """Fuzz a target; `place` has the folders corpus, scratch and findings."""
    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzzing import TARGETS
        from fuzzing.guard import Guard

        target = TARGETS[name]
        errors = tuple(named(error) for error in target.errors)
        read = target.reader(workshop, place / "scratch")
        guard = Guard((place / "scratch").resolve())
        findings = Findings(place / "findings")
        seeds = target.seeds(workshop)
        for seed in seeds:  # what is imported late is imported, and instrumented
            with suppress(*errors):
                read(seed)

    def once(data: bytes) -> None:
        try:
            with guard:
                read(data)
        except errors as error:
            if "\n" in str(error):
                findings.keep(f"more than one line: {place_of(error)}", data, str(error))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            findings.keep(place_of(error), data, traceback.format_exc())

    for number, seed in enumerate(seeds):
        (place / "corpus" / f"seed-{number:02}").write_bytes(seed)
    (place / "words").write_text("".join(f'"{escaped(word)}"\n' for word in target.words), "utf-8")
    ours = [str(place / "corpus"), f"-max_len={max(4096, 2 * max(map(len, seeds)))}"]
    ours += [f"-dict={place / 'words'}"] if target.words else []
    own_way = {} if target.mutate is None else {"custom_mutator": mutator(target.mutate)}
    atheris.Setup([sys.argv[0], *ours, *flags], once, **own_way)
    atheris.Fuzz()


def mutator(mutate: Mutate) -> Callable[[bytes, int, int], bytes]:
    """Return what changes every other input in the target's own way, the others in libFuzzer's."""

    def change(data: bytes, longest: int, seed: int) -> bytes:
        luck = random.Random(seed)
        found = mutate(data, luck) if luck.random() < OWN_WAY else data
        if found == data or len(found) > longest:
            return bytes(atheris.Mutate(data, longest))
        return found

    return change


def escaped(word: bytes) -> str:
    """Return bytes as libFuzzer's dictionaries have them."""
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])

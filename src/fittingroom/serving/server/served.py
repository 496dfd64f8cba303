"""The models that are served, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fittingroom.errors import FittingroomError, RunError
from fittingroom.serving.predictor import RUNS, Predictor, open_predictor
from fittingroom.serving.server.refusals import RefusedError

if TYPE_CHECKING:
    from fittingroom.runs.run import Run
    from fittingroom.serving.server.page import Page


@dataclass(eq=False)
class ServedModel:
    """A model, and the name that it is asked for by.

    Parameters
    ----------
    name
        The run's; numbered where several have the same.
    predictor
        What answers.
    data
        Where the run's data are now; None for where they were.
    """

    name: str
    predictor: Predictor
    data: str | Path | None = None
    _pages: dict[str, Page] = field(default_factory=dict)
    _drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def run(self) -> Run | None:
        """The run, if it is not a file that was exported from one."""
        return getattr(self.predictor, "run", None)

    def described(self) -> dict[str, Any]:
        """Return what `/api/models` says of it."""
        predictor = self.predictor
        return {
            "name": self.name,
            "classes": list(predictor.classes),
            "input_shape": list(predictor.preparation.input_shape),
            "data_name": predictor.data_name,
            "sketches": predictor.sketches,
            "fitted_on": predictor.fitted_on,
            "threshold": predictor.threshold,
            "test": predictor.tested.to_dict(),
            "matrix": None if self.run is None else f"/matrix/{quote(self.name, safe='')}",
        }

    async def matrix(self, language: str) -> Page:
        """Return the page of what the model confuses; it is drawn once for a language.

        Raises
        ------
        RefusedError
            If there is no run, or its test pictures are not to be had.
        """
        run = self.run
        if run is None:
            raise RefusedError(404, f"{self.name} is an exported file: it has no matrix")
        async with self._drawing:
            if language not in self._pages:
                self._pages[language] = await asyncio.to_thread(
                    draw_matrix, run, self.data, language
                )
        return self._pages[language]


def draw_matrix(run: Run, data: str | Path | None, language: str) -> Page:
    """Draw the page of what a run confuses."""
    from fittingroom.serving.server.page import matrix_page

    try:
        return matrix_page(run, data, language)
    except FittingroomError as error:
        raise RefusedError(404, str(error)) from error


class ServedModels:
    """The models, in the order in which they were named; at least one."""

    def __init__(self, models: Sequence[ServedModel]) -> None:
        self._by_name = {model.name: model for model in models}

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __getitem__(self, name: str) -> ServedModel:
        """Return the model of that name.

        Raises
        ------
        RefusedError
            If there is none.
        """
        if name not in self._by_name:
            known = ", ".join(self._by_name)
            raise RefusedError(404, f"no model is called {name[:200]!r}; these are served: {known}")
        return self._by_name[name]

    def chosen(self, names: Iterable[str] | None) -> list[ServedModel]:
        """Return the models of these names, each once; all of them for no names.

        Raises
        ------
        RefusedError
            If there is one that is not known.
        """
        return [self[name] for name in dict.fromkeys(names)] if names else list(self)


def open_models(
    names: Sequence[str | Path], data: str | Path | None = None, runs: str | Path = RUNS
) -> ServedModels:
    """Open runs and exported files.

    Parameters
    ----------
    names
        Runs by folder or name, or "latest"; files that `export` wrote. One that is named twice is
        opened once.
    data
        Where the runs' data are now; they are needed the first time only.
    runs
        The folder of the runs.

    Raises
    ------
    FittingroomError
        If one cannot be had.
    """
    opened: dict[str, ServedModel] = {}
    places = set()
    for name in names:
        predictor = open_predictor(name, data=data, runs=runs)
        place = place_of(predictor)
        if place not in places:
            places.add(place)
            called = unlike(predictor.name, opened)
            opened[called] = ServedModel(called, predictor, data)
    if not opened:
        raise RunError("nothing to serve: name a run")
    return ServedModels(list(opened.values()))


def place_of(predictor: Predictor) -> Path | int:
    """Return where a predictor lies, by which it is known to be the same as another."""
    run = getattr(predictor, "run", None)
    path: Path | None = run.folder if run is not None else getattr(predictor, "path", None)
    return id(predictor) if path is None else path.resolve()


def unlike(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number behind it where it is taken."""
    numbered = (f"{name} ({number})" for number in range(2, 10_000))
    return name if name not in taken else next(one for one in numbered if one not in taken)

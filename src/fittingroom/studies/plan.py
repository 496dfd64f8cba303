"""What a study is: settings x seeds, what was recorded elsewhere, and the claims to test."""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from fittingroom.errors import RecipeError, StudyError
from fittingroom.runs.folder import safe_name
from fittingroom.training.recipe import MAX_SEED, Recipe, shown

MOST_RUNS = 10_000
MOST_NAME_LETTERS = 300  # a grid over every field of a recipe has names as long

# A file's name has at most 255 bytes; a Korean letter has three, and the seed comes after it.
MOST_FOLDER_BYTES = 150

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Accuracy = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """What all parts of a plan have in common: they are frozen and know their fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Words(Part):
    """A text in English, in Korean, or in both; plain text stands for both."""

    en: str
    ko: str

    @model_validator(mode="before")
    @classmethod
    def _either_stands_for_both(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"en": value, "ko": value}
        if isinstance(value, Mapping) and len(value) == 1:
            (only,) = value.values()
            return {"en": only, "ko": only} | dict(value)
        return value

    def of(self, language: str) -> str:
        """Return the text in "en" or "ko"."""
        return self.ko if language == "ko" else self.en

    def __str__(self) -> str:
        return self.en


class Setting(Part):
    """A recipe under a name, to be followed with several seeds.

    Parameters
    ----------
    name
        What tables and claims call it, and what its run folders are named after.
    recipe
        With the seed 0; `recipe_for` gives the others.
    label
        How people call it; the name where there is none.
    """

    name: Annotated[str, Field(min_length=1, max_length=MOST_NAME_LETTERS)]
    recipe: Recipe
    label: Words

    def recipe_for(self, seed: int) -> Recipe:
        """Return the recipe of one run."""
        return self.recipe.but(seed=seed)

    def run_name(self, seed: int) -> str:
        """Return the name of the folder of one run."""
        return f"{folder_name(self.name)}-seed{seed}"


class Recorded(Part):
    """A result that somebody wrote down, to be held against the study's own.

    Parameters
    ----------
    id
        Short, e.g. a number.
    accuracy
        Test accuracy, a fraction 0 to 1.
    settings
        Names of the settings that can have produced it; more than one where its source
        contradicts itself.
    confusion
        Pictures by true class (rows) and predicted class (columns).
    seconds
        Its training time on the machine it was recorded on.
    approximate
        True where the source says "about".
    """

    id: str
    accuracy: Accuracy
    settings: Annotated[tuple[str, ...], Field(min_length=1)]
    label: Words
    confusion: tuple[tuple[Annotated[int, Field(ge=0)], ...], ...] | None = None
    seconds: float | None = None
    approximate: bool = False
    note: Words | None = None

    @field_validator("confusion")
    @classmethod
    def _square(cls, value: Any) -> Any:
        if value is not None and any(len(row) != len(value) for row in value):
            raise ValueError("must be a square matrix")
        return value


class Better(Part):
    """In each pair the first setting has the higher accuracy."""

    kind: Literal["better"]
    id: str
    text: Words
    pairs: Annotated[tuple[tuple[str, str], ...], Field(min_length=1)]


class Best(Part):
    """A setting has the highest accuracy among others (by default among all)."""

    kind: Literal["best"]
    id: str
    text: Words
    setting: str
    among: tuple[str, ...] = ()


class Diagnosed(Part):
    """A setting's learning curves show `diagnosis`, and it is worse than the settings in `than`."""

    kind: Literal["diagnosed"]
    id: str
    text: Words
    setting: str
    diagnosis: Literal["overshooting", "underfitting", "overfitting", "fine"]
    than: tuple[str, ...] = ()


class Bargain(Part):
    """No setting that costs as much or less is more accurate."""

    kind: Literal["bargain"]
    id: str
    text: Words
    setting: str
    among: tuple[str, ...] = ()


Claim = Better | Best | Diagnosed | Bargain
CLAIM_KINDS = ("better", "best", "diagnosed", "bargain")


def settings_of(claim: Claim) -> tuple[str, ...]:
    """Return the names of the settings that a claim speaks of."""
    if isinstance(claim, Better):
        return tuple(itertools.chain.from_iterable(claim.pairs))
    others = claim.than if isinstance(claim, Diagnosed) else claim.among
    return (claim.setting, *others)


class StudyPlan(Part):
    """Settings x seeds, recorded results and claims; see the module's text for its file.

    Raises
    ------
    StudyError
        From `read_plan` and `plan_of`, if it makes no sense.
    """

    name: Annotated[str, Field(min_length=1, max_length=MOST_NAME_LETTERS)]
    title: Words
    about: Words | None = None
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    settings: Annotated[tuple[Setting, ...], Field(min_length=1)]
    recorded: tuple[Recorded, ...] = ()
    claims: tuple[Annotated[Claim, Field(discriminator="kind")], ...] = ()

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        check_number_of_runs(len(self.settings), self.seeds)
        twice = repeated(folder_key(setting.name) for setting in self.settings)
        for setting in self.settings:
            if folder_key(setting.name) in twice:
                raise ValueError(f"two settings share the name or folder name {setting.name!r}")
        for kind, parts in (("claim", self.claims), ("recorded result", self.recorded)):
            for part_id in repeated(part.id for part in parts):
                raise ValueError(f"two {kind}s share the id {part_id!r}")
        known = {setting.name for setting in self.settings}
        for claim in self.claims:
            check_known(f"claim {claim.id!r}", settings_of(claim), known)
        for recorded in self.recorded:
            check_known(f"recorded result {recorded.id!r}", recorded.settings, known)
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is named twice")
        return self

    def setting(self, name: str) -> Setting:
        """Return the setting of this name.

        Raises
        ------
        StudyError
            If there is none.
        """
        for setting in self.settings:
            if setting.name == name:
                return setting
        known = ", ".join(setting.name for setting in self.settings)
        raise StudyError(f"{name!r}: no such setting in study {self.name}; known are {known}")

    @property
    def recipes(self) -> list[Recipe]:
        """The recipe of each setting."""
        return [setting.recipe for setting in self.settings]

    @property
    def wanted(self) -> list[tuple[Setting, int]]:
        """Every run, in the order of work: all settings with one seed, then with the next."""
        return [(setting, seed) for seed in self.seeds for setting in self.settings]

    def but(
        self,
        *,
        seeds: int | list[int] | tuple[int, ...] | None = None,
        protocol: str | None = None,
    ) -> StudyPlan:
        """Return the same plan with other seeds, or every setting under another protocol."""
        changed: dict[str, Any] = {}
        if seeds is not None:
            changed["seeds"] = seed_list(seeds)
        if protocol is not None:
            changed["settings"] = [
                {**setting.model_dump(), "recipe": setting.recipe.but(protocol=protocol)}
                for setting in self.settings
            ]
        return validate({**dict(self), **changed}, self.name) if changed else self


def folder_name(name: str) -> str:
    """Return a name as a folder may have it; where that is too long, its beginning and a digest."""
    safe = safe_name(name)
    encoded = safe.encode()
    if len(encoded) <= MOST_FOLDER_BYTES:
        return safe
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[: MOST_FOLDER_BYTES - 9].decode(errors='ignore')}-{digest}"


def folder_key(name: str) -> str:
    """Return what two names have in common that are one folder on some disk.

    Windows and macOS do not tell capitals from small letters, nor macOS one spelling of a Korean
    syllable from the other (Unicode's NFC and NFD).
    """
    return unicodedata.normalize("NFC", folder_name(name)).casefold()


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that are there more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def check_number_of_runs(settings: int, seeds: tuple[int, ...]) -> None:
    """See that a study is not one that nobody can mean."""
    if settings * len(seeds) > MOST_RUNS:
        raise ValueError(
            f"asks for {settings * len(seeds):,} runs, at most {MOST_RUNS:,} are allowed; "
            "name fewer values or seeds"
        )


def check_known(who: str, names: tuple[str, ...], known: set[str]) -> None:
    """See that settings that are spoken of are there."""
    for name in names:
        if name not in known:
            raise ValueError(f"{who}: no setting {name!r}; known are {', '.join(sorted(known))}")


def seed_list(seeds: Any, where: str = "seeds") -> tuple[int, ...]:
    """Return the seeds that a number of them, or a list, stands for."""
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if not 1 <= seeds <= MOST_RUNS:
            raise StudyError(f"{where}: seeds must be 1 to {MOST_RUNS:,}, found {seeds}")
        return tuple(range(seeds))
    if isinstance(seeds, list | tuple) and seeds:
        return tuple(seeds)
    raise StudyError(f"{where}: seeds must be a number or a list of numbers, found {shown(seeds)}")


def validate(fields: Mapping[str, Any], where: str) -> StudyPlan:
    """Make a plan of its fields, errors in one line.

    Raises
    ------
    StudyError
        If a field is unknown or makes no sense.
    """
    try:
        return StudyPlan.model_validate(fields)
    except ValidationError as error:
        raise StudyError(f"{where}: {explain(error)}") from error
    except RecipeError as error:
        raise StudyError(f"{where}: {error}") from error


def explain(error: ValidationError) -> str:
    """Say in one line what is wrong with the first field that is."""
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"unknown field {place!r}"
    if problem["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        found = problem["ctx"].get("tag", "none")
        return f"{place}: unknown kind of claim {found!r}; known are {', '.join(CLAIM_KINDS)}"
    if problem["type"] == "missing":
        return f"{place} is missing"
    return f"{place}: {reason}" if place else reason

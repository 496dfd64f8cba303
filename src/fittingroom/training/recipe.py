"""The recipe: everything that determines a run, in one frozen, validated object.

The command line's flags, the TOML files, the run folder and the report all show these fields.
Importing this module does not import torch.
"""

from __future__ import annotations

import reprlib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from fittingroom.errors import RecipeError

DEFAULT_RECIPE = "notebook-three-layer"

# Largest whole number that torch's and NumPy's seeding both take on every platform.
MAX_SEED = 2**63 - 1

# A higher number of anything else is a slip.
MAX_COUNT = 10**9

# What a recipe's table says to people, beside its fields.
NOTES = ("about", "made_for")

# How many pictures a trained model looks at for one answer.
VIEWED = {"one": 1, "mirror": 2, "shifts": 6}


class Recipe(BaseModel):
    """Everything that determines a run: same recipe, data and kind of device, same weights.

    The defaults are the notebook's best setting. Instances cannot be changed;
    `recipe.but(lr=0.001)` returns another one.

    Raises
    ------
    RecipeError
        For an unknown field or a value that makes no sense.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,  # the validator is built at first use, which `--help` never comes to
    )

    model: Annotated[
        str,
        Field(
            description="two-layer, three-layer, convnet, whitened, resnet, wide-resnet, or "
            "module:Class of your own"
        ),
    ] = "three-layer"
    model_options: Annotated[
        dict[str, JsonValue], Field(description="arguments of the network, e.g. hidden=[512,256]")
    ] = {}
    protocol: Annotated[
        Literal["holdout", "notebook"],
        Field(
            description="holdout: choose on validation pictures, open the test set once; "
            "notebook: train on every training picture, read the score on the test set"
        ),
    ] = "holdout"
    validation_size: Annotated[
        int | None,
        Field(
            gt=0,
            le=MAX_COUNT,
            description="pictures held back for validation; by default 5,000, or a tenth of the "
            "training pictures where that is less",
        ),
    ] = None
    validation_seed: Annotated[
        int, Field(ge=0, le=MAX_SEED, description="which pictures are held back")
    ] = 0
    epochs: Annotated[
        int, Field(gt=0, le=MAX_COUNT, description="passes over the training pictures")
    ] = 15
    batch_size: Annotated[int, Field(gt=0, le=MAX_COUNT, description="pictures in one step")] = 64
    hard_share: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="share of the training pictures in each epoch after the first, drawn by "
            "their last loss: mostly the hard ones",
        ),
    ] = 1.0
    optimizer: Annotated[
        Literal["adam", "adamw", "sgd", "muon"],
        Field(
            description="adam, adamw, sgd with Nesterov momentum 0.9, or muon: orthogonal steps "
            "for hidden weights, adamw for the rest"
        ),
    ] = "adam"
    lr: Annotated[
        float, Field(gt=0, description="learning rate; its highest value if there is a schedule")
    ] = 0.0008
    schedule: Annotated[
        Literal["constant", "cosine", "one-cycle"],
        Field(description="how the learning rate goes: constant, cosine to 0, or one-cycle"),
    ] = "constant"
    weight_decay: Annotated[
        float,
        Field(ge=0, description="L2 penalty; decoupled from the gradient with adamw and muon"),
    ] = 0.0
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="share of the target spread over all classes")
    ] = 0.0
    sharpness: Annotated[
        float,
        Field(
            ge=0,
            description="step against the gradient found this far uphill (SAM's rho), at twice "
            "the work; 0 for the plain gradient",
        ),
    ] = 0.0
    average: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of the old average of the weights kept at each step, and the "
            "averaged weights are the result; 0 for the last weights",
        ),
    ] = 0.0
    flip: Annotated[
        bool, Field(description="mirror each picture left to right with probability 1/2")
    ] = False
    alternate_flip: Annotated[
        bool,
        Field(description="mirror each picture in every other epoch, one half of them at a time"),
    ] = False
    shift: Annotated[
        int,
        Field(
            ge=0, le=MAX_COUNT, description="move each picture by up to this many pixels each way"
        ),
    ] = 0
    erase: Annotated[
        float, Field(ge=0, le=1, description="probability of erasing a random rectangle")
    ] = 0.0
    mixup: Annotated[
        float,
        Field(
            ge=0,
            description="blend each picture and its label with another's; the shares are drawn "
            "from Beta(mixup, mixup)",
        ),
    ] = 0.0
    cutmix: Annotated[
        float,
        Field(
            ge=0,
            description="paste a rectangle of another picture into each and share the label; "
            "the areas are drawn from Beta(cutmix, cutmix)",
        ),
    ] = 0.0
    normalization: Annotated[
        Literal["unit", "standard"],
        Field(
            description="unit: pixel / 255, as in the notebook; "
            "standard: then minus mean, over standard deviation of the training pictures"
        ),
    ] = "unit"
    precision: Annotated[
        Literal["fp32", "bf16", "auto"],
        Field(description="fp32, bf16, or auto: bf16 where the hardware computes it fast"),
    ] = "fp32"
    views: Annotated[
        Literal["one", "mirror", "shifts"],
        Field(
            description="what a trained model looks at: one picture; mirror: its mirror image "
            "too; shifts: both, moved by a pixel too; it answers with the mean of the scores"
        ),
    ] = "one"
    early_stopping: Annotated[
        int | None,
        Field(
            gt=0,
            le=MAX_COUNT,
            description="stop after so many epochs without a better validation accuracy "
            "and keep the best weights; off by default",
        ),
    ] = None
    seed: Annotated[
        int, Field(ge=0, le=MAX_SEED, description="initial weights, order, augmentation")
    ] = 0

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise RecipeError(explain(error, fields)) from error

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        if self.protocol == "notebook" and self.early_stopping is not None:
            raise ValueError(
                "early_stopping needs validation pictures, which protocol 'notebook' does not "
                "hold back; use protocol 'holdout'"
            )
        if self.protocol == "notebook" and self.validation_size is not None:
            raise ValueError(
                "validation_size has no meaning under protocol 'notebook', which trains on every "
                "picture; use protocol 'holdout'"
            )
        for one, other in (("flip", "alternate_flip"), ("mixup", "cutmix")):
            if getattr(self, one) and getattr(self, other):
                raise ValueError(f"{one} and {other} exclude each other; leave out one of them")
        return self

    def but(self, /, **fields: Any) -> Recipe:
        """Return a recipe that differs in `fields`.

        Raises
        ------
        RecipeError
            For an unknown field or a value that makes no sense.
        """
        return Recipe(**{**self.model_dump(), **fields})

    def changes(self) -> dict[str, Any]:
        """Return the fields that differ from the recipe that `model` comes with."""
        usual = recipe_for_model(self.model).model_dump()
        return {name: value for name, value in self.model_dump().items() if usual[name] != value}


def recipe(name: str | Path = DEFAULT_RECIPE, **fields: Any) -> Recipe:
    """Return a named recipe, or one from a TOML file, with `fields` changed.

    Parameters
    ----------
    name
        A name that `recipe_names` returns, or the path of a TOML file.

    Raises
    ------
    RecipeError
        If there is no such recipe or file, or a field is unknown or makes no sense.
    """
    shipped = shipped_recipes()
    if str(name) in shipped:
        found = without_notes(shipped[str(name)])
    elif Path(name).suffix == ".toml":
        found = read_recipe_file(Path(name))
    else:
        raise RecipeError(
            f"unknown recipe {str(name)!r}; known are {', '.join(shipped)}, "
            "or the path of a .toml file"
        )
    return Recipe(**{**found, **fields})


def recipe_for_model(model: str, **fields: Any) -> Recipe:
    """Return the shipped recipe that trains `model`, or the defaults for a network of your own."""
    for fields_of_recipe in shipped_recipes().values():
        if fields_of_recipe.get("model", Recipe.model_fields["model"].default) == model:
            return Recipe(**{**without_notes(fields_of_recipe), **fields})
    return Recipe(**{"model": model, **fields})


def chosen_recipe(name: str | Path | None = None, **fields: Any) -> Recipe:
    """Return the recipe that a person means: the named one, else the model's own, else the default.

    Raises
    ------
    RecipeError
        If there is no such recipe, or a field is unknown or makes no sense.
    """
    if name is not None:
        return recipe(name, **fields)
    return recipe_for_model(**fields) if "model" in fields else recipe(**fields)


def shipped_recipes() -> dict[str, dict[str, Any]]:
    """Return the recipes that come with the program: name -> fields and notes.

    `about` is a sentence; `made_for` is "cuda" where a recipe takes hours without such a GPU.
    """
    text = resources.files("fittingroom.training").joinpath("recipes.toml").read_text("utf-8")
    return tomllib.loads(text)


def without_notes(table: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a recipe's table, without what it says to people."""
    return {name: value for name, value in table.items() if name not in NOTES}


def is_made_for_cuda(ours: Recipe) -> bool:
    """Tell whether a shipped recipe that was made for a CUDA GPU trains the same network."""
    tables = (t for t in shipped_recipes().values() if t.get("made_for") == "cuda")
    theirs = (Recipe(**without_notes(table)) for table in tables)
    return any(
        (ours.model, ours.model_options) == (other.model, other.model_options) for other in theirs
    )


def training_passes(recipe: Recipe, epochs: int) -> float:
    """Return how much work so many epochs are for each training picture, in forward passes.

    A backward pass costs two forward ones (Kaplan et al. 2020, arXiv:2001.08361, section 2.1);
    sharpness-aware steps take everything twice; and of the views that a forward pass of a trained
    model looks at, training looks at one.
    """
    seen = 1 + recipe.hard_share * (epochs - 1)
    return 3 * seen * (2 if recipe.sharpness else 1) / VIEWED[recipe.views]


def read_recipe_file(path: Path) -> dict[str, Any]:
    """Return the fields in a TOML file: a table of Recipe's fields, perhaps with `base`.

    `base` names a shipped recipe whose fields hold where the file is silent.

    Raises
    ------
    RecipeError
        If the file cannot be read, is no TOML, or names an unknown base.
    """
    from fittingroom.data.records import read_record  # with it comes NumPy

    try:
        text = read_record(path).decode("utf-8-sig")
        fields = tomllib.loads(text)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path}: not a TOML file: {error}") from error
    fields = without_notes(fields)
    if ":" in str(fields.get("model", "")):
        raise RecipeError(
            f"{path}: a recipe file cannot name a network of your own, since that would run "
            "its code; name it with --model module:Class"
        )
    base = fields.pop("base", None)
    shipped = shipped_recipes()
    if base is None:
        return fields
    if not isinstance(base, str) or base not in shipped:
        raise RecipeError(f"{path}: unknown base {base!r}; known are {', '.join(shipped)}")
    return {**without_notes(shipped[base]), **fields}


def explain(error: ValidationError, fields: dict[str, Any]) -> str:
    """Say in one line what is wrong with the first field that is."""
    problem = error.errors()[0]
    if not problem["loc"]:
        return problem["msg"].removeprefix("Value error, ")
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"unknown recipe field {name!r}; known are {', '.join(Recipe.model_fields)}"
    reason = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{name} must be {reason}, found {shown(fields.get(name))}"


def shown(value: object) -> str:
    """Return the value as Python writes it, in one line and shortened where it is long."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python does not write whole numbers of more than 4,300 digits
        return "a number of thousands of digits"

"""What was done in a run, and what its numbers do not say, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from fittingroom.reports.conclusions import FEW_PICTURES
from fittingroom.reports.formats import count, duration_in_words, rate
from fittingroom.reports.texts import Sentence, say
from fittingroom.runs.run import Run
from fittingroom.training.recipe import Recipe


def what_was_done(run: Run) -> list[Sentence]:
    """Say what was learned from what, how, and how it was tested."""
    return [*_learned(run), *_recipe(run.recipe), *_tested(run)]


def _learned(run: Run) -> Iterator[Sentence]:
    data = run.record["data"]
    channels, height, width = data["image_shape"]
    yield say(
        "run.done.network",
        model=run.recipe.model,
        parameters=count(run.record["model"]["parameters"]),
        train=count(data["train"]),
        data=data["name"],
        epochs=count(len(run.history)),
        classes=count(len(data["classes"])),
        height=height,
        width=width,
        colour=say("run.done.grey" if channels == 1 else "run.done.coloured"),
    )


def _recipe(recipe: Recipe) -> Iterator[Sentence]:
    yield say(
        "run.done.recipe",
        optimizer=recipe.optimizer,
        lr=rate(recipe.lr),
        batch=count(recipe.batch_size),
        seed=recipe.seed,
    )
    if recipe.schedule != "constant":
        yield say("run.done.schedule", schedule=recipe.schedule)
    ways = [
        "flip" if recipe.flip else "",
        "alternate flip" if recipe.alternate_flip else "",
        f"shift {recipe.shift}" if recipe.shift else "",
        f"erase {recipe.erase:g}" if recipe.erase else "",
        f"mixup {recipe.mixup:g}" if recipe.mixup else "",
        f"cutmix {recipe.cutmix:g}" if recipe.cutmix else "",
    ]
    if any(ways):
        yield say("run.done.augmented", how=", ".join(filter(None, ways)))


def _tested(run: Run) -> Iterator[Sentence]:
    data, results, machine = (run.record[part] for part in ("data", "results", "environment"))
    kept, epochs = results.get("kept_epoch"), len(run.history)
    if kept not in {None, epochs}:
        yield say("run.done.kept", kept=kept, epochs=count(epochs))
    test = count(data["test"])
    if run.recipe.protocol == "notebook":
        yield say("run.done.notebook", test=test)
    else:
        yield say("run.done.holdout", validation=count(data["validation"]), test=test)
    yield say(
        "run.done.device",
        seconds=duration_in_words(results["training_seconds"]),
        device=machine["device_name"],
        precision=machine["precision"],
    )


def what_to_mind(run: Run) -> list[Sentence]:
    """Say what the numbers do not say."""
    data = run.record["data"]
    test = count(data["test"])
    told = [say("run.cautions.sketches")] if data["sketches"] else []
    if data["test"] < FEW_PICTURES * len(data["classes"]):
        told.append(say("run.cautions.few-pictures", count=test))
    told += [
        say("run.cautions.one-seed"),
        say(f"run.cautions.{run.recipe.protocol}"),
        say("run.cautions.interval", count=test),
        say("run.cautions.shift"),
    ]
    return told + [say("run.cautions.note", note=note) for note in data.get("notes", [])]

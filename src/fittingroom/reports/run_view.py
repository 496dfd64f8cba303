"""A run as its report shows it: numbers as text, tables as rows, charts, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fittingroom.data.dataset import ImageDataset
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.reports import charts, repeat
from fittingroom.reports.charts import Chart, CurveGroup
from fittingroom.reports.conclusions import judge_curve, judge_model
from fittingroom.reports.explorer import Explorer, Model, short
from fittingroom.reports.formats import (
    NOTHING,
    confidence,
    count,
    decimal,
    duration,
    percent,
    points,
)
from fittingroom.reports.pictures import build_album, single
from fittingroom.reports.run_story import what_to_mind, what_was_done
from fittingroom.reports.texts import Sentence, say
from fittingroom.runs.run import Run
from fittingroom.training.history import Epoch

MISTAKES_SHOWN = 24


# The sections of run.html.jinja, in the order of the page.
SECTIONS = (
    "done",
    "result",
    "curves",
    "confusion",
    "classes",
    "pairs",
    "mistakes",
    "calibration",
    "repeat",
    "cautions",
)


@dataclass(frozen=True, eq=False)
class RunView:
    """A finished run as a report needs it.

    Parameters
    ----------
    run
        The run.
    pictures
        Its test pictures; None if they cannot be had.
    absent
        Why not.
    """

    run: Run
    pictures: ImageDataset | None
    absent: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """What run.json holds."""
        return self.run.record

    @property
    def evaluation(self) -> Evaluation:
        """The judgement on the test pictures."""
        return self.run.evaluation

    @property
    def title(self) -> Sentence:
        """What the report is about."""
        return say("run.title", model=self.run.recipe.model, data=self.record["data"]["name"])

    @property
    def titles(self) -> dict[str, str]:
        """Section's id -> key of its title, in the order of the page."""
        return {name: f"run.sections.{name}" for name in SECTIONS}

    @property
    def warnings(self) -> list[Sentence]:
        """What must not be overlooked."""
        return [say("page.frame.sketches")] if self.evaluation.sketches else []

    @property
    def done(self) -> list[Sentence]:
        """What was done, and on what data."""
        return what_was_done(self.run)

    @property
    def cautions(self) -> list[Sentence]:
        """What the numbers do not say."""
        return what_to_mind(self.run)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Key of a name and value, for the run in short."""
        data, results, machine = (self.record[part] for part in ("data", "results", "environment"))
        sizes = " / ".join(count(data[part]) for part in ("train", "validation", "test"))
        validation = results.get("validation")
        found = [
            ("run", self.run.name),
            ("started", str(self.record.get("started", ""))[:16].replace("T", " ")),
            ("data", data["name"]),
            ("sizes", sizes),
            ("protocol", self.run.recipe.protocol),
            ("model", self.run.recipe.model),
            ("parameters", count(self.record["model"]["parameters"])),
            ("epochs", count(len(self.run.history))),
            ("seconds", duration(results["training_seconds"])),
            ("device-name", machine["device_name"]),
            ("validation", percent(validation["accuracy"]) if validation else ""),
            ("loss", decimal(self.evaluation.loss)),
            ("fingerprint", data["fingerprint"]),
        ]
        return [(f"run.done.{name}", value) for name, value in found if value]

    @cached_property
    def conclusions(self) -> list[Sentence]:
        """What the numbers say."""
        return [*judge_model(self.evaluation), *self.diagnosis]

    @cached_property
    def curves(self) -> Chart:
        """Loss and accuracy by epoch."""
        group = CurveGroup(self.run.recipe.model, [self.run.history], [self.evaluation.accuracy])
        return charts.learning_curves([group])

    @cached_property
    def diagnosis(self) -> list[Sentence]:
        """What the curve says."""
        return judge_curve(self.run.history, self.evaluation.accuracy)

    @property
    def validated(self) -> bool:
        """Whether there were validation pictures."""
        return self.run.history[-1].validation_loss is not None

    @property
    def epoch_heads(self) -> list[str]:
        """Keys of the heads of the table of epochs."""
        names = ["epoch", "train-loss", "train-accuracy"]
        names += ["validation-loss", "validation-accuracy"] if self.validated else []
        return [f"run.curves.{name}" for name in (*names, "lr", "seconds")]

    @property
    def epochs(self) -> list[list[str]]:
        """The rows of the table of epochs."""
        return [list(self._epoch(epoch)) for epoch in self.run.history]

    def _epoch(self, epoch: Epoch) -> Iterator[str]:
        yield count(epoch.epoch)
        yield decimal(epoch.train_loss)
        yield percent(epoch.train_accuracy)
        if self.validated:
            yield NOTHING if epoch.validation_loss is None else decimal(epoch.validation_loss)
            found = epoch.validation_accuracy
            yield NOTHING if found is None else percent(found)
        yield f"{epoch.learning_rate:.2g}"
        yield duration(epoch.seconds)

    @property
    def pairs(self) -> list[tuple[str, ...]]:
        """The most frequent confusions: true and predicted class, pictures, share."""
        return [
            (pair.true, pair.predicted, count(pair.count), percent(pair.share, 1))
            for pair in self.evaluation.most_confused
        ]

    @cached_property
    def reliability(self) -> Chart:
        """Accuracy by confidence."""
        return charts.reliability(self.evaluation.calibration)

    @property
    def calibration(self) -> list[tuple[str, ...]]:
        """The filled bins: range, pictures, mean confidence, share right, gap in points."""
        found = self.evaluation.calibration
        bins = len(found.count)
        return [
            (
                f"{100 * place / bins:.0f}\N{EN DASH}{100 * (place + 1) / bins:.0f}%",
                count(pictures),
                percent(sure, 1),
                percent(right, 1),
                points(right - sure, 1),
            )
            for place, (pictures, sure, right) in enumerate(
                zip(
                    found.count.tolist(),
                    found.confidence.tolist(),
                    found.accuracy.tolist(),
                    strict=True,
                )
            )
            if pictures
        ]

    @cached_property
    def explorer(self) -> Explorer:
        """The confusion matrix with its pictures."""
        explorer = Explorer("explorer", [Model(self.run.name, self.evaluation)], None)
        if self.pictures is None or explorer.too_large:
            return explorer
        return replace(explorer, album=build_album([self.evaluation], self.pictures))

    @property
    def mistakes(self) -> list[dict[str, str]]:
        """The most confident mistakes: picture (a data URI, or nothing), words, confidence."""
        evaluation = self.evaluation
        shown = evaluation.mistakes()[:MISTAKES_SHOWN].tolist()
        return [
            {
                "source": "" if self.pictures is None else single(self.pictures.images[index]),
                "true": short(evaluation.classes[evaluation.labels[index]]),
                "predicted": short(evaluation.classes[evaluation.predicted[index]]),
                "confidence": confidence(float(evaluation.confidence[index])),
                "number": count(index),
            }
            for index in shown
        ]

    @property
    def files(self) -> list[tuple[str, str]]:
        """The files that the run wrote, and the SHA-256 of each."""
        return list(self.record.get("files", {}).items())

    @property
    def command(self) -> str:
        """The command line that repeats the run."""
        return repeat.command(self.run)

    @property
    def python(self) -> str:
        """The program that repeats the run."""
        return repeat.python(self.run)

    @property
    def recipe(self) -> list[tuple[str, str, bool]]:
        """Every field of the recipe: name, value, whether it is changed."""
        return repeat.recipe_fields(self.run)

    @property
    def versions(self) -> list[tuple[str, str]]:
        """What the run was computed with."""
        return repeat.versions(self.run)

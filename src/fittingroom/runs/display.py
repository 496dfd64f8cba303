"""What Jupyter shows of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fittingroom.data.display import facts, headline, line, table, warning
from fittingroom.errors import FittingroomError
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.summary import percent_interval
from fittingroom.runs import folder as files

if TYPE_CHECKING:
    from fittingroom.runs.run import Run
    from fittingroom.training.history import Epoch

NOTHING = "\N{EN DASH}"
LAST_EPOCHS = 5
PARTS = {"train": "training", "validation": "validation", "test": "test"}
# Said of every run; other fields of the recipe where they differ from the model's own.
USUAL_FIELDS = ("epochs", "batch_size", "optimizer", "lr", "seed")


def show_run(run: Run) -> str:
    """Return what was trained on what, how far it came, its score and its last epochs."""
    said = [warning(SKETCHES_NOTE)] if run.record["data"]["sketches"] else []
    said.append(headline(f"Run {run.name}", run.status))
    try:
        said += [describe(run), score(run), epoch_table(run.history)]
    except FittingroomError as error:
        said.append(warning(str(error)))
    return "".join(said)


def describe(run: Run) -> str:
    """Say what was trained, on what, and how."""
    record, data = run.record, run.record["data"]
    recipe = run.recipe
    fields = {name: getattr(recipe, name) for name in USUAL_FIELDS} | recipe.changes()
    if recipe.protocol != "holdout":
        fields["protocol"] = recipe.protocol
    fields.pop("model", None)
    pictures = [f"{data[part]:,} {words}" for part, words in PARTS.items() if data[part]]
    device = str(record["environment"]["device_name"])
    if run.status == files.FINISHED:
        device += f", {record['results']['training_seconds']:.1f} s of training"
    return facts(
        {
            "model": f"{recipe.model}, {record['model']['parameters']:,} parameters",
            "data": f"{data['name']}: {', '.join(pictures)} pictures",
            "recipe": ", ".join(f"{name} {value}" for name, value in fields.items()),
            "device": device,
            "folder": str(run.folder),
        }
    )


def score(run: Run) -> str:
    """Return the accuracy on the test pictures, or how to get there."""
    if run.status != files.FINISHED:
        error = run.record.get("error")
        return (warning(str(error)) if error else "") + line(run.how_to_go_on)
    found = run.evaluation
    return headline(
        f"Accuracy {found.accuracy:.2%}",
        f"95% interval {percent_interval(found.interval)}, {found.caption}",
    )


def epoch_table(history: Sequence[Epoch]) -> str:
    """Return loss and accuracy of the last epochs, of validation where it was measured."""
    shown = history[-LAST_EPOCHS:]
    if not shown:
        return ""
    heads = ["epoch", "loss", "accuracy", "validation loss", "validation accuracy"]
    rows = [epoch_cells(epoch) for epoch in shown]
    if all(epoch.validation_loss is None for epoch in shown):
        heads, rows = heads[:3], [row[:3] for row in rows]
    caption = "Epochs" if len(shown) == len(history) else f"The last {LAST_EPOCHS} epochs"
    return table(caption, heads, rows)


def epoch_cells(epoch: Epoch) -> list[str]:
    """Return one epoch's numbers; a dash for what was not measured."""
    loss, accuracy = epoch.validation_loss, epoch.validation_accuracy
    return [
        str(epoch.epoch),
        f"{epoch.train_loss:.4f}",
        f"{epoch.train_accuracy:.2%}",
        NOTHING if loss is None else f"{loss:.4f}",
        NOTHING if accuracy is None else f"{accuracy:.2%}",
    ]

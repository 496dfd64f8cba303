"""What was done in a tuning, and what its numbers do not say, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fittingroom.reports.charts.frame import Scale
from fittingroom.reports.charts.labels import Label
from fittingroom.reports.formats import count, percent
from fittingroom.reports.names import InARow
from fittingroom.reports.study_story import FEW_SEEDS
from fittingroom.reports.texts import Sentence, say
from fittingroom.reports.tuning_final import Final, lack_of_final
from fittingroom.reports.tuning_tables import names_of

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Tuning

# Fewer complete trials than this for each parameter leave most of the ranges unseen.
FEW_TRIALS_EACH = 10
# A winner within this share of a range from its end lies at the end.
EDGE = 0.03


def what_was_done(tuning: Tuning, final: Final | None) -> list[Sentence]:
    """Say what was searched, on what data, how it was judged, and what was tested."""
    return [*_searched(tuning), _tested(tuning, final), *_used(tuning)]


def _searched(tuning: Tuning) -> Iterator[Sentence]:
    plan, data = tuning.plan, tuning.record["data"]
    states = Counter(trial.state for trial in tuning.trials)
    yield say(
        "tuning.done.search",
        model=plan.start.model,
        parameters=count(len(plan.space.parameters)),
        trials=count(len(tuning.trials)),
        **{state: count(states[state]) for state in ("complete", "pruned", "failed")},
    )
    if states["running"]:
        yield say("tuning.done.running", count=count(states["running"]))
    yield say(
        f"tuning.done.{'judged' if plan.objective == 'accuracy' else 'judged-both'}",
        seeds=count(len(plan.seeds)),
        train=count(data["train"]),
        validation=count(data["validation"]),
    )
    if tuning.finalists:
        numbers = {"count": len(tuning.finalists), "seeds": len(plan.further_seeds)}
        yield say("tuning.done.again", **{name: count(n) for name, n in numbers.items()})
    trained, saved = tuning.epochs_trained, tuning.epochs_saved
    if saved:
        share = percent(saved / (trained + saved), 0)
        yield say("tuning.done.saved", trained=count(trained), saved=count(saved), share=share)
    else:
        yield say("tuning.done.unsaved", trained=count(trained))


def _tested(tuning: Tuning, final: Final | None) -> Sentence:
    if final is not None:
        key = "final-same" if final.alone else "final"
        return say(f"tuning.done.{key}", seeds=count(len(tuning.plan.final_seeds)))
    if not tuning.plan.final_seeds:
        return say("tuning.done.never-final")
    return say(f"tuning.done.final-{lack_of_final(tuning)}")


def _used(tuning: Tuning) -> Iterator[Sentence]:
    data = tuning.record["data"]
    channels, height, width = data["image_shape"]
    yield say(
        "tuning.done.data",
        data=data["name"],
        test=count(data["test"]),
        height=height,
        width=width,
        colour=say("tuning.done.grey" if channels == 1 else "tuning.done.coloured"),
        classes=count(len(data["classes"])),
    )
    yield say("tuning.done.device", device=tuning.record["environment"]["device_name"])


def what_to_mind(tuning: Tuning, final: Final | None) -> list[Sentence]:
    """Say what the numbers do not say."""
    return [
        *_of_the_choice(tuning, final),
        *_of_the_search(tuning),
        say("tuning.cautions.budget"),
        say("tuning.cautions.one-set"),
    ]


def _of_the_choice(tuning: Tuning, final: Final | None) -> Iterator[Sentence]:
    if tuning.record["data"]["sketches"]:
        yield say("tuning.cautions.sketches")
    best = tuning.best
    if best is not None and best.accuracy is not None:
        numbers = {"accuracy": percent(best.mean), "count": count(len(tuning.complete))}
        yield say(f"tuning.cautions.optimistic{'-again' if best.further else ''}", **numbers)
    yield _of_the_test_set(tuning)
    if final is not None and final.best.n < FEW_SEEDS:
        yield say("tuning.cautions.few-seeds", n=count(final.best.n))


def _of_the_test_set(tuning: Tuning) -> Sentence:
    openings = tuning.record.get("openings", [])
    if len(openings) > 1:
        folders = ", ".join(f"{opening['folder']}/" for opening in openings[:-1])
        return say("tuning.cautions.opened-again", count=count(len(openings)), folders=folders)
    return say(f"tuning.cautions.{'unopened' if tuning.final is None else 'opened'}")


def _of_the_search(tuning: Tuning) -> Iterator[Sentence]:
    complete, parameters = len(tuning.complete), len(tuning.plan.space.parameters)
    if len(tuning.plan.seeds) == 1:
        yield say(f"tuning.cautions.one-seed{'-first' if tuning.finalists else ''}")
    if complete < FEW_TRIALS_EACH * parameters:
        numbers = {"count": count(complete), "parameters": count(parameters)}
        yield say("tuning.cautions.few-trials", **numbers)
    if names := at_the_edge(tuning):
        yield say("tuning.cautions.edge", names=InARow(names))


def at_the_edge(tuning: Tuning) -> list[Label]:
    """Return the parameters of whose range the winner lies at an end."""
    best, names = tuning.best, names_of(tuning)
    if best is None:
        return []
    found = []
    for parameter in tuning.plan.space.parameters:
        if parameter.kind != "choice":
            low, high = float(parameter.low or 0), float(parameter.high or 0)
            share = Scale(low, high, 0, 1, parameter.log)(best.values[parameter.name])
            if not EDGE < share < 1 - EDGE:
                found.append(names[parameter.name])
    return found

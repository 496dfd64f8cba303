"""What was done in a study, what is missing, and what its numbers do not say, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from fittingroom.reports.formats import count, duration_in_words
from fittingroom.reports.texts import Sentence, say
from fittingroom.runs.run import Run
from fittingroom.studies.study import Study

# Below this, the quantile of Student's t makes an interval half as wide again as many seeds would.
FEW_SEEDS = 5

# So many runs without a result are named.
MOST_NAMED = 12


def runs_of(study: Study) -> list[Run]:
    """Return the runs that the numbers rest on, in the order of the plan."""
    return [run for setting in study.results.settings for run in setting.runs]


def protocol_of(study: Study) -> str:
    """Return what the settings follow: "notebook", "holdout" or "mixed"."""
    found = {setting.setting.recipe.protocol for setting in study.results.settings}
    return found.pop() if len(found) == 1 else "mixed"


def devices_of(study: Study) -> list[str]:
    """Return the devices of the runs, each once."""
    return sorted({run.record["environment"]["device_name"] for run in runs_of(study)})


def what_was_done(study: Study) -> list[Sentence]:
    """Say what was trained, on what, how it was tested, and how long it took."""
    return [*_trained(study), *_tested(study)]


def _trained(study: Study) -> Iterator[Sentence]:
    plan, data, done = study.plan, study.record["data"], len(runs_of(study))
    numbers = {"settings": count(len(plan.settings)), "seeds": count(len(plan.seeds))}
    if study.results.missing:
        wanted = count(len(plan.wanted))
        yield say("study.done.trained-some", done=count(done), wanted=wanted, **numbers)
    else:
        yield say("study.done.trained", runs=count(done), **numbers)
    channels, height, width = data["image_shape"]
    learned_from = sorted({run.record["data"]["train"] for run in runs_of(study)})
    yield say(
        "study.done.data",
        data=data["name"],
        train=" / ".join(map(count, learned_from)),  # protocols divide the pictures differently
        test=count(data["test"]),
        height=height,
        width=width,
        colour=say("study.done.grey" if channels == 1 else "study.done.coloured"),
        classes=count(len(data["classes"])),
    )


def _tested(study: Study) -> Iterator[Sentence]:
    runs = runs_of(study)
    validation = count(runs[0].record["data"]["validation"])
    yield say(f"study.done.{protocol_of(study)}", validation=validation)
    seconds = [run.record["results"]["training_seconds"] for run in runs]
    yield say(
        "study.done.device",
        device=", ".join(devices_of(study)),
        seconds=duration_in_words(sum(seconds)),
        median=duration_in_words(median(seconds)),
    )


def what_is_missing(study: Study) -> list[Sentence]:
    """Say which runs have no result, and why: not done, diverged, or damaged."""
    told = []
    if missing := study.results.missing:
        names = [f"{name} ({seed})" for name, seed in missing[:MOST_NAMED]]
        more = ["\N{HORIZONTAL ELLIPSIS}"] if len(missing) > MOST_NAMED else []
        told.append(say("study.done.missing", runs=", ".join(names + more)))
    for (name, seed), message in study.failures.items():
        label = study.plan.setting(name).label
        told.append(say("study.done.failed", setting=label, seed=seed, message=message))
    return told + [say("study.done.problem", message=text) for text in study.results.problems]


def what_to_mind(study: Study) -> list[Sentence]:
    """Say what the numbers do not say."""
    return [*_of_what_was_done(study), *_of_the_tests(study), say("study.cautions.one-set")]


def _of_what_was_done(study: Study) -> Iterator[Sentence]:
    data, results = study.record["data"], study.results
    if data["sketches"]:
        yield say("study.cautions.sketches")
    if results.missing:
        yield say("study.cautions.missing", count=count(len(results.missing)))
    if len(results.settings) > 1:
        key = "holdout" if protocol_of(study) == "holdout" else "notebook"
        numbers = {"runs": count(len(runs_of(study))), "test": count(data["test"])}
        yield say(f"study.cautions.{key}", **numbers)


def _of_the_tests(study: Study) -> Iterator[Sentence]:
    results = study.results
    seeds = min(setting.n for setting in results.settings)
    if seeds == 1:
        yield say("study.cautions.one-seed")
    elif seeds < FEW_SEEDS:
        yield say("study.cautions.few-seeds", n=count(seeds))
    if seeds > 1:
        yield say("study.cautions.seeds")
    if any(pair.images for pair in results.comparisons):
        yield say("study.cautions.pictures")
    if results.recorded:
        yield say("study.cautions.recorded")

"""Looking for a learning rate, its schedule and a batch size: by `tune`, at random, by hand.

Each way may train as many epochs in all, but for the notebook's six rates, which are what they are:
of ours that is the search and the second look at its best. None is told where to begin. What each
of them chooses, on the validation pictures, is then trained with fresh seeds and judged on the test
pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from measuring import data_folder, get_ready
from ours import interrupted_after
from row import ACCURACY, OURS, Found, Quantity, Row, Size, Turn, Unfinished
from rows.gpu_study import SEVEN

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits
    from fittingroom.training.recipe import Recipe
    from fittingroom.tuning.plan import TuningPlan
    from fittingroom.tuning.trial import Marks
    from fittingroom.tuning.tuning import Trial

RANDOM = "random search"
HAND = "the notebook's rates"

VARY = {
    "lr": "1e-4..1e-1:log",
    "batch_size": [64, 128, 256, 512],
    "schedule": ["constant", "cosine", "one-cycle"],
}
NOTEBOOK = {"batch_size": 64, "schedule": "constant"}
# Outside of the space, so that no way begins where the notebook ended.
START_LR = 1.0
EPOCHS, TRIALS, FRESH_SEEDS = 5, 18, 5
FINALISTS, FURTHER_SEEDS = 3, 2


def plan_of(turn: Turn) -> TuningPlan:
    """Return what to look for; the repetition seeds the search, and the trials too."""
    from fittingroom.tuning.plan import plan_of as plan

    epochs = turn.options.get("epochs", EPOCHS)
    found = plan("three-layer", VARY, epochs=epochs, sampler_seed=turn.seed, lr=START_LR)
    seeds = range(10 * (turn.seed + 1), 10 * (turn.seed + 1) + FURTHER_SEEDS)
    return replace(
        found,
        trials=1,
        seeds=(turn.seed,),
        further_seeds=tuple(seeds),
        finalists=0,
        final_seeds=(),
    )


def budget_of(turn: Turn) -> int:
    """Return how many epochs a way may train."""
    return turn.options.get("trials", TRIALS) * turn.options.get("epochs", EPOCHS)


def tuned(turn: Turn) -> Found:
    """Tune as a person would, one trial more at a time until the epochs are used up.

    Raises
    ------
    Unfinished
        If the time was too short; the folder of the turn has what was tried.
    """
    import fittingroom as fr
    from fittingroom.tuning.conduct import carry_out
    from fittingroom.tuning.crew import Crew

    data, plan, finalists = fr.load(data_folder()), plan_of(turn), finalists_of(turn)
    get_ready()
    budget = budget_of(turn) - finalists * FURTHER_SEEDS * plan.start.epochs
    trials, crew = 0, Crew(jobs=1)
    trained = 0
    try:
        with interrupted_after(turn.seconds_left):
            # Never more than are left, so that the budget is not overdrawn.
            while (more := (budget - trained) // plan.start.epochs) > 0:
                trials += more
                tuning = carry_out(replace(plan, trials=trials), data, crew, out=turn.folder)
                trained = tuning.epochs_trained
            choice = replace(plan, trials=trials, finalists=finalists)
            tuning = carry_out(choice, data, crew, out=turn.folder)
    except KeyboardInterrupt:
        raise Unfinished from None
    epochs = {"epochs": tuning.epochs_trained, "saved": tuning.epochs_saved}
    return judged(turn, data, tuning.trials) | epochs


def finalists_of(turn: Turn) -> int:
    """Return how many trials have a second look; it is to take at most a third of the budget."""
    most = budget_of(turn) // (3 * FURTHER_SEEDS * turn.options.get("epochs", EPOCHS))
    return min(FINALISTS, most)


def at_random(turn: Turn) -> Found:
    """Let Optuna draw values, and train all of them to the end."""
    import optuna

    from fittingroom.tuning import search

    plan = plan_of(turn)

    def values() -> Iterator[dict[str, Any]]:
        with search.quietly():
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(turn.seed))
            for _ in range(turn.options.get("trials", TRIALS)):
                yield search.ask(study.ask(), plan.space)

    return tried(turn, list(values()))


def by_hand(turn: Turn) -> Found:
    """Train with the notebook's rates, at its batch size and without a schedule."""
    rates = [lr for model, lr in SEVEN if model == "three-layer"]
    return tried(turn, [{"lr": lr} | NOTEBOOK for lr in rates[: turn.options.get("trials")]])


def tried(turn: Turn, every: Sequence[Mapping[str, Any]]) -> Found:
    """Train with all of these values, and judge the best of them."""
    import fittingroom as fr
    from fittingroom.errors import DivergenceError
    from fittingroom.runs.prepare import settle_device
    from fittingroom.tuning.trial import Marks, Trainer, learning_only
    from fittingroom.tuning.tuning import Trial

    data, plan = fr.load(data_folder()), plan_of(turn)
    get_ready()
    learning, device = learning_only(data, plan.start), settle_device(plan.start, "auto")
    trainer = Trainer(learning, device, plan.seeds, lambda: None, lambda: False)
    trials = []
    for number, values in enumerate(every):
        recipe, marks = plan.space.recipe(plan.start, values), Marks()
        try:
            trainer.train(recipe, marks, lambda _accuracy: False)
        except DivergenceError:
            continue
        trials.append(Trial(number, values=values, recipe=recipe, **result_of(marks)))
    return judged(turn, data, trials) | {"saved": 0}


def result_of(marks: Marks) -> dict[str, Any]:
    """Return the fields of a complete trial."""
    found = marks.result("complete")
    return found | {name: tuple(found[name]) for name in ("accuracies", "curve", "train_curve")}


def judged(turn: Turn, data: DataSplits, trials: Sequence[Trial]) -> Found:
    """Return what the best trial comes to on the test pictures, over fresh seeds."""
    from fittingroom.tuning.tuning import best_of

    best = best_of(trials)
    if best is None:
        raise RuntimeError("no trial has a result")
    fresh = range(100 * (turn.seed + 1), 100 * (turn.seed + 1) + FRESH_SEEDS)
    accuracies = accuracies_of(best.recipe, data, list(fresh))
    return {
        "validation": best.mean,
        "accuracy": fmean(accuracies),
        "accuracies": accuracies,
        "epochs": sum(trial.epochs for trial in trials),
        "trials": len(trials),
        **best.values,
    }


def accuracies_of(recipe: Recipe, data: DataSplits, seeds: list[int]) -> list[float]:
    """Train with each seed; return the accuracies on the test pictures."""
    import fittingroom as fr

    with tempfile.TemporaryDirectory() as folder:
        plan = {"name": "chosen", "settings": {"chosen": recipe}}
        study = fr.study(plan, data, seeds=seeds, jobs=1, out=folder)
        return list(study.results.settings[0].accuracies)


ROW = Row(
    name="tuning",
    title=f"a learning rate, a schedule and a batch size, found with {TRIALS * EPOCHS} epochs",
    ways={RANDOM: at_random, HAND: by_hand, OURS: tuned},
    reference=RANDOM,
    full=Size(5),
    quick=None,
    tiny=Size(1, options={"epochs": 2, "trials": 3}),
    quantities=(
        Quantity("validation", form=".2%", less_is_better=False),
        ACCURACY,
        Quantity("epochs", less_is_better=False),
        Quantity("trials", less_is_better=False),
        Quantity("saved", "epochs", less_is_better=False),
    ),
)

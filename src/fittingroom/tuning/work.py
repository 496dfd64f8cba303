"""The work of a tuning: trial after trial, however many processes share the storage.

A budget of trials is kept without a lock: a process begins a trial, then looks at its place among
those that count, and drops it again where the budget was used up already. Who finds nothing left
to begin waits for the others, whose trials may have to be tried again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RecipeError
from fittingroom.training.ending import AskedToEnd, stopping_between_steps
from fittingroom.tuning import heartbeat, ledger
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.search import ask, pruner, quietly, restored
from fittingroom.tuning.trial import Marks, Trainer, try_out

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as Asked
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial, TrialState

    from fittingroom.training.device import Device
    from fittingroom.training.recipe import Recipe

# How long to wait before looking again whether others have finished their trials.
WAITING_SECONDS = 0.5

# So many trials without a result, and none with one, and a tuning gives up.
MOST_FAILURES = 20


@dataclass
class Work:
    """What a process needs to do trials.

    Parameters
    ----------
    storage
        Where the trials are kept.
    study
        Optuna's, in the storage.
    plan
        Of the tuning.
    splits
        Its data without the test pictures.
    device
        Where to train.
    deadline
        When to stop, as `time.time()` counts; infinite for never.
    pulse
        Called several times a second; what it raises ends the work.
    """

    storage: RDBStorage
    study: Study
    plan: TuningPlan
    splits: DataSplits
    device: Device
    deadline: float = math.inf
    pulse: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._blank_since: dict[int, float] = {}

    def do(self) -> None:
        """Do trials until the budget is used up, by whomever, or time is, or none has a result."""
        while time.time() < self.deadline:
            self.pulse()
            trials = ledger.counted(self.study)
            if is_hopeless(trials):
                return
            if len(trials) < self.plan.budget and self._has_room():
                self._begin_one()
            elif self._hear():
                continue
            elif any(map(ledger.is_running, trials)):
                self._wait(trials)
            else:
                return

    def _has_room(self) -> bool:
        """Tell whether one more trial can be begun now."""
        return True

    def _hear(self) -> bool:
        """Hear of the trials that others train for us, for a while; False where there are none."""
        return False

    def _wait(self, trials: Sequence[FrozenTrial]) -> None:
        """Give others time to finish; what those who have died were at is to be tried again."""
        time.sleep(WAITING_SECONDS)
        self._fail_the_dead()
        now = time.monotonic()
        blank = {t.number: t for t in trials if ledger.is_running(t) and not t.params}
        self._blank_since = {number: self._blank_since.get(number, now) for number in blank}
        for number, since in self._blank_since.items():
            if now - since > heartbeat.GRACE_SECONDS:  # it died before its first sign of life
                self.study.tell(number, state=states().FAIL, skip_if_finished=True)
                ledger.try_again(self.study, blank[number])

    def _fail_the_dead(self) -> None:
        """Fail the trials of processes that give no signs of life any more."""
        import optuna

        with quietly():
            optuna.storages.fail_stale_trials(self.study)

    def _ask(self) -> Asked:
        """Begin a trial."""
        with quietly():
            return self.study.ask()

    def _begin_one(self) -> None:
        """Let Optuna find values, try them, and tell it what came of them."""
        from optuna.exceptions import UpdateFinishedTrialError

        self._fail_the_dead()
        with stopping_between_steps() as ending:
            trial = self._ask()
            # After a long silence, of a machine that slept say, we were taken for dead, and others
            # try the values again: nothing to tell.
            with suppress(UpdateFinishedTrialError):
                with heartbeat.beating(self.storage, self.plan.name, trial.number):
                    result = self._try_values(trial, ending.should_stop)
                self._tell(trial, result)
            if ending.should_stop():
                raise AskedToEnd(ending.signal)

    def _tell(self, trial: Asked, result: Mapping[str, Any] | None) -> None:
        """Tell Optuna what a trial came to; None where that is nothing."""
        state = result["state"] if result else "failed"
        if result and state == "complete":
            two = self.plan.objective == "accuracy-seconds"
            values = [result["accuracy"], result["seconds"]] if two else [result["accuracy"]]
            self.study.tell(trial, values, skip_if_finished=True)
        else:
            ended = states().PRUNED if state == "pruned" else states().FAIL
            self.study.tell(trial, state=ended, skip_if_finished=True)

    def _try_values(
        self, trial: Asked, asked_to_stop: Callable[[], bool]
    ) -> Mapping[str, Any] | None:
        """Do one trial, write down what it came to, and return that.

        None where it does not count: the budget was used up, or it was stopped from outside.
        """
        if self._is_beyond(trial):
            return None
        known = self._without_training(trial)
        if known is not None:
            return known
        try:
            result = self._train(trial, asked_to_stop)
        except KeyboardInterrupt:
            self._keep(trial, None)
            self._tell(trial, None)  # or others would take us for dead, and try the values twice
            raise
        self._keep(trial, result)
        return result

    def _is_beyond(self, trial: Asked) -> bool:
        """Tell whether the budget was used up already when a trial was begun."""
        return ledger.rank(self.study, trial.number) >= self.plan.budget

    def _without_training(self, trial: Asked) -> Mapping[str, Any] | None:
        """Let Optuna find a trial's values; return what comes of them if that is known already."""
        ask(trial, self.plan.space)
        known = ledger.same_values(self.study, trial)
        if known is not None:  # the same recipe would come to the same end
            known = known | {"epochs": 0}
        else:
            try:
                self._recipe(trial)
            except RecipeError as error:
                known = Marks().result("failed", str(error))
        if known is not None:
            ledger.note(trial, known)
        return known

    def _keep(self, trial: Asked, result: Mapping[str, Any] | None) -> None:
        """Write down what a trial came to; None for one interrupted, whose values wait again."""
        if result is None:
            self.study.enqueue_trial(trial.params)
        else:
            ledger.note(trial, result)

    def _train(self, trial: Asked, asked_to_stop: Callable[[], bool]) -> dict[str, Any] | None:
        """Train with the values of a trial; stop where that is hopeless, or where time is up."""

        def should_stop() -> bool:
            return asked_to_stop() or time.time() >= self.deadline

        def is_hopeless(accuracy: float, epoch: int) -> bool:
            return self._is_hopeless(trial, recipe.epochs, accuracy, epoch)

        recipe = self._recipe(trial)
        trainer = Trainer(self.splits, self.device, self.plan.seeds, self.pulse, should_stop)
        return try_out(trainer, recipe, is_hopeless)

    def _recipe(self, trial: Asked) -> Recipe:
        """Return the recipe that a trial follows."""
        return self.plan.space.recipe(self.plan.start, restored(self.plan.space, trial.params))

    def _is_hopeless(self, trial: Asked, epochs: int, accuracy: float, epoch: int) -> bool:
        """Report the accuracy after an epoch, counted from 1; tell whether to stop the trial."""
        if self.plan.objective != "accuracy":  # Optuna has no reports of two objectives
            return False
        trial.report(accuracy, step=epoch)
        self.study.pruner = pruner(self.plan, epochs)
        return trial.should_prune()


def states() -> type[TrialState]:
    """Return Optuna's states of a trial."""
    from optuna.trial import TrialState

    return TrialState


def is_hopeless(trials: Sequence[FrozenTrial]) -> bool:
    """Tell whether there were many trials, and all of them failed."""
    results = [trial.user_attrs[ledger.RESULT]["state"] for trial in ledger.with_result(trials)]
    return len(results) >= MOST_FAILURES and set(results) == {"failed"}

"""A tuning on a cluster: hand its trials out, hear how they go, tell Optuna.

Who hands them out has the storage to itself: nodes know nothing of it. A node trains, says the
accuracy after each epoch, and stops where it is asked to. A tuning may be shared all the same, by
other commands on its storage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fittingroom.studies.cluster import parcel
from fittingroom.studies.cluster.connection import Again, Cluster, Ended, Event
from fittingroom.studies.cluster.needs import Needs, settle_needs
from fittingroom.studies.cluster.node import Post, Printed
from fittingroom.studies.cluster.parcel import Parcel
from fittingroom.studies.work import cpu_cores
from fittingroom.training.recipe import Recipe
from fittingroom.tuning import heartbeat
from fittingroom.tuning.trial import Trainer, learning_only, try_out
from fittingroom.tuning.work import Work

if TYPE_CHECKING:
    from optuna import Trial as Asked

    from fittingroom.tuning.crew import Crew


def work_remotely(work: Work, crew: Crew) -> None:
    """Have a cluster do trials until the budget is used up, or time is, or none has a result.

    Raises
    ------
    FittingroomError
        If the cluster cannot do them, or loses one too often.
    """
    model = work.plan.start.model
    with Cluster(
        crew.on,
        cpus=max(cpu_cores(), crew.threads),
        store_bytes=parcel.size(work.splits),
        modules=[model.partition(":")[0]] if ":" in model else [],
    ) as cluster:
        needs = settle_needs(cluster, crew.device, crew.threads, crew.gpus_per_run)
        RemoteWork(
            work.storage,
            work.study,
            work.plan,
            work.splits,
            work.device,
            work.deadline,
            work.pulse,
            cluster=cluster,
            needs=needs,
            most=crew.jobs,
            on_line=crew.on_line,
        ).do()


@dataclass
class Errand:
    """A trial that a node is at.

    Parameters
    ----------
    trial
        Optuna's.
    recipe
        Which it follows.
    signs_of_life
        What gives them while it lasts.
    epochs
        Whose accuracy was reported.
    hopeless
        Whether it was asked to stop.
    """

    trial: Asked
    recipe: Recipe
    signs_of_life: ExitStack
    epochs: int = 0
    hopeless: bool = False


@dataclass
class RemoteWork(Work):
    """What a process needs to have a cluster do trials.

    Parameters
    ----------
    cluster
        It is connected.
    needs
        What a trial asks of a node.
    most
        Trials that are handed out at a time; None for what the cluster has room for.
    on_line
        Called with each line that a trial prints, and with what was lost.
    """

    cluster: Cluster = field(kw_only=True)
    needs: Needs = field(kw_only=True)
    most: int | None = field(default=None, kw_only=True)
    on_line: Callable[[str], None] = field(default=lambda _line: None, kw_only=True)

    def do(self) -> None:
        """Have trials done until the budget is used up, or time is, or none has a result."""
        self.data = self.cluster.share(parcel.pack(self.splits))
        self.under_way: dict[int, Errand] = {}
        try:
            super().do()
        finally:
            for errand in self.under_way.values():
                with errand.signs_of_life:
                    self._end(errand.trial, None)

    def _has_room(self) -> bool:
        return len(self.under_way) < (self.most or max(self.needs.places(self.cluster), 1))

    def _hear(self) -> bool:
        if not self.under_way:
            return False
        for event in self.cluster.poll():
            self._receive(event)
        return True

    def _begin_one(self) -> None:
        """Let Optuna find values, and hand them out if they have to be trained."""
        self._fail_the_dead()
        trial = self._ask()
        with ExitStack() as signs_of_life:
            signs_of_life.enter_context(
                heartbeat.beating(self.storage, self.plan.name, trial.number)
            )
            beyond = self._is_beyond(trial)
            known = None if beyond else self._without_training(trial)
            if beyond or known is not None:
                self._tell(trial, known)
            else:
                self._send(Errand(trial, self._recipe(trial), signs_of_life.pop_all()))

    def _send(self, errand: Errand) -> None:
        ticket = self.cluster.start(
            try_there,
            self.data,
            errand.recipe,
            list(self.plan.seeds),
            self.needs,
            name=f"trial {errand.trial.number}",
            cpus=self.needs.cpus,
            gpus=self.needs.gpus,
        )
        self.under_way[ticket] = errand

    def _receive(self, event: Event) -> None:
        """Do what an event asks for."""
        errand = self.under_way[event.ticket]
        if isinstance(event, Printed | Again):
            self.on_line(event.line)
        elif isinstance(event, Ended):
            del self.under_way[event.ticket]
            self._finish(errand, event)
        elif not errand.hopeless:
            self._note_epoch(event.ticket, errand, *event.message)

    def _note_epoch(self, ticket: int, errand: Errand, accuracy: float, epoch: int) -> None:
        """Report an epoch, unless that was done when the trial was handed out before."""
        if epoch <= errand.epochs:
            return
        errand.epochs = epoch
        if self._is_hopeless(errand.trial, errand.recipe.epochs, accuracy, epoch):
            errand.hopeless = True
            self.cluster.ask_to_stop(ticket)

    def _finish(self, errand: Errand, event: Ended) -> None:
        """Write down what a trial came to.

        Raises
        ------
        FittingroomError
            If no node can do it, or it was lost more often than can be accident.
        """
        with errand.signs_of_life:
            self._end(errand.trial, event.value)
        if event.error is not None:
            raise event.error

    def _end(self, trial: Asked, result: dict[str, Any] | None) -> None:
        """Keep a trial's result and tell Optuna."""
        from optuna.exceptions import UpdateFinishedTrialError

        with suppress(UpdateFinishedTrialError):
            self._keep(trial, result)
            self._tell(trial, result)


def try_there(
    post: Post,
    data: Parcel,
    recipe: Recipe,
    seeds: Sequence[int],
    needs: Needs,
) -> dict[str, Any] | None:
    """Do a trial on a node; return what it came to."""
    import torch

    from fittingroom.runs.prepare import settle_device

    torch.set_num_threads(needs.threads)

    def is_hopeless(accuracy: float, epoch: int) -> bool:
        post.send((accuracy, epoch))
        return post.asked_to_stop()

    device = settle_device(recipe, needs.device)
    splits = learning_only(parcel.unpack(data), recipe)
    return try_out(Trainer(splits, device, seeds), recipe, is_hopeless)

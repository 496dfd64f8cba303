"""From classifiers to finished run folders: train, evaluate, draw, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DivergenceError, FittingroomError, RunError
from fittingroom.models import MODELS, Classifier
from fittingroom.models.stacked import Stacked
from fittingroom.runs import checkpoints
from fittingroom.runs import folder as files
from fittingroom.runs.diary import Diary, now, summarise
from fittingroom.runs.figures import draw_figures
from fittingroom.runs.outcome import digests
from fittingroom.runs.run import Run, judge
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.compatibility import together
from fittingroom.training.device import Device, memory_errors
from fittingroom.training.ending import AskedToEnd, signal_of, stopping_between_steps
from fittingroom.training.history import Progress
from fittingroom.training.loop import Fit, fit
from fittingroom.training.parallel import ALONE, Processes
from fittingroom.training.recipe import Recipe

# Folders of a stack that are written side by side.
WRITERS = 8


class Interrupted(KeyboardInterrupt):
    """Work was stopped by Ctrl-C or another `signal`, after what there is was saved in `folder`."""

    def __init__(self, folder: Path, hint: str, by: KeyboardInterrupt | None = None) -> None:
        super().__init__(f"interrupted; {hint}")
        self.folder = folder
        self.signal = signal_of(by)


def conduct(
    diaries: Sequence[Diary],
    classifiers: Sequence[Classifier],
    splits: DataSplits,
    recipes: Sequence[Recipe],
    device: Device,
    *,
    figures: bool = False,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    checkpoint: Checkpoint | None = None,
    processes: Processes = ALONE,
) -> list[Run]:
    """Train, evaluate, draw and write; the folders say at each moment how far they came.

    One run, or several at once that differ in their seeds. One run may be shared by `processes`,
    of which this is the one that writes.
    """
    for diary in diaries:
        diary.status(files.RUNNING)
        on_start(Run(diary.folder))
    recipe, alone = recipes[0], len(recipes) == 1
    trained = together(recipe, classifiers)
    try:
        with memory_errors(recipe.batch_size, len(recipes)), stopping_between_steps() as ending:
            result = fit(
                trained,
                splits,
                recipe,
                device,
                seeds=[recipe.seed for recipe in recipes],
                on_progress=on_progress,
                on_checkpoint=diaries[0].checkpoint_if_due,
                should_stop=ending.should_stop,
                resume=checkpoint,
                processes=processes,
            )
        if result.checkpoint is not None:
            diaries[0].checkpoint(result.checkpoint)
        if not result.completed or ending.should_stop():  # asked after the last step, or before
            raise AskedToEnd(ending.signal)
        if isinstance(trained, Stacked):
            trained.unstack()
        writes = []
        for run, (diary, classifier) in enumerate(zip(diaries, classifiers, strict=True)):
            try:
                writes.append(
                    finish(diary, classifier, splits, recipe, device, result, run, figures)
                )
            except DivergenceError as error:
                diary.failed(error)
                if alone:
                    raise
        do_all(writes)
    except KeyboardInterrupt as interruption:
        for diary in diaries:
            diary.end(files.INTERRUPTED)
        folder = diaries[0].folder
        hint = Run(folder).how_to_go_on if alone else "runs that were trained at once begin anew"
        raise Interrupted(folder, hint, interruption) from None
    except FittingroomError as error:
        for diary in diaries:
            with suppress(RunError):  # of the two, the first error is the one to hear of
                diary.failed(error)
        raise
    return [
        Run(diary.folder, None if recipe.model in MODELS else classifier.network)
        for diary, classifier in zip(diaries, classifiers, strict=True)
    ]


def finish(
    diary: Diary,
    classifier: Classifier,
    splits: DataSplits,
    recipe: Recipe,
    device: Device,
    result: Fit,
    run: int,
    figures: bool,
) -> Callable[[], None]:
    """Judge one of the trained classifiers, the `run`th counted from 0.

    Returns
    -------
    What writes its results.

    Raises
    ------
    DivergenceError
        If its loss, or one of its scores, is not a number.
    """
    if result.checkpoint is None:
        diary.history(result.histories[run])
    if run in result.errors:
        raise result.errors[run]
    with memory_errors(recipe.batch_size):
        classifier.to(device.torch_device)
        evaluation = judge(classifier, splits, recipe, device.autocast_dtype)

    def write() -> None:
        diary.results(classifier, evaluation)
        history = result.histories[run]
        if figures:
            draw_figures(diary.folder / files.FIGURES, evaluation, splits, history)
        results = summarise(history, result, evaluation, splits, recipe)
        diary.end(
            files.FINISHED,
            finished=now(),
            results=results | {"digests": digests(classifier.state_dict(), history, evaluation)},
            files=diary.digests(),
        )
        checkpoints.remove(diary.folder)
        with suppress(OSError):  # Windows keeps a file that is open
            (diary.folder / files.LOCK).unlink(missing_ok=True)

    return write


def do_all(writes: Sequence[Callable[[], None]]) -> None:
    """Do them all, several side by side: most of it is compressing and flushing to disk."""
    if len(writes) == 1:
        writes[0]()
        return
    with ThreadPoolExecutor(WRITERS) as pool:
        pending = [pool.submit(write) for write in writes]
        try:
            for one in pending:
                one.result()
        finally:  # at an error, or Ctrl-C
            pool.shutdown(wait=False, cancel_futures=True)

"""The loop that a tutorial would have you write, until a test accuracy is reached.

DataLoader, float32, no tricks. After every epoch the test pictures are looked at, outside the
clock, and training ends as soon as the accuracy is there: a look ahead that favours this loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from measuring import get_ready
from row import Found, Turn, Unfinished

Loader = DataLoader[Any]
CHECKPOINT = "plain_loop.pt"


@dataclass
class Learner:
    """What is trained, and with what."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: LRScheduler | None = None


def train_until(
    make: Callable[[], Learner],
    train: Loader,
    test: Loader,
    turn: Turn,
    *,
    accuracy: float,
    most_epochs: int,
    device: torch.device,
) -> Found:
    """Train until the test accuracy is reached, or for so many epochs.

    Parameters
    ----------
    make
        Builds the model, which is in the clock.
    train, test
        Batches of pictures, float (B, C, H, W), and labels, int64 (B,).
    turn
        Says when time is over, and where to leave what is needed to go on.
    accuracy
        0 to 1.

    Returns
    -------
    Training seconds, the last and the highest accuracy, epochs, and whether it was `reached`; where
    the folder holds a run that went further, those of its first epochs.

    Raises
    ------
    Unfinished
        If the time was too short.
    """
    get_ready()
    started = begun = time.perf_counter()
    torch.manual_seed(turn.seed)
    learner = make()
    learner.model.to(device)
    seconds = time.perf_counter() - started
    path = turn.folder / CHECKPOINT
    times: list[float] = []
    scores: list[float] = []
    if path.exists():
        times, scores = restore(learner, torch.load(path, map_location=device))
        seconds = times[-1]

    def is_done() -> bool:
        return len(scores) >= most_epochs or max(scores, default=0.0) >= accuracy

    while not is_done():
        started = time.perf_counter()
        train_epoch(learner, train, device)
        seconds += time.perf_counter() - started
        times.append(seconds)
        scores.append(score(learner.model, test, device))
        torch.save(state_of(learner, times, scores), path)
        now = time.perf_counter()
        too_late = turn.seconds_left is not None and 2 * now - started - begun > turn.seconds_left
        if too_late and not is_done():  # another epoch like this one would not end in time
            raise Unfinished
    there = [epoch for epoch, found in enumerate(scores, 1) if found >= accuracy]
    epochs = min([*there[:1], most_epochs])
    scores = scores[:epochs]
    return {
        "seconds": times[epochs - 1],
        "seconds_per_epoch": times[epochs - 1] / epochs,
        "accuracy": scores[-1],
        "highest_accuracy": max(scores),
        "epochs": epochs,
        "reached": bool(there),
        "accuracies": scores,
    }


def train_epoch(learner: Learner, train: Loader, device: torch.device) -> None:
    """Go through the training pictures once."""
    learner.model.train()
    for images, labels in train:
        learner.optimizer.zero_grad()
        loss = F.cross_entropy(learner.model(images.to(device)), labels.to(device))
        loss.backward()
        learner.optimizer.step()
    if learner.scheduler is not None:
        learner.scheduler.step()
    if device.type == "cuda":
        torch.cuda.synchronize()


def score(model: nn.Module, test: Loader, device: torch.device) -> float:
    """Return the accuracy, 0 to 1."""
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for images, labels in test:
            correct += int((model(images.to(device)).argmax(1).cpu() == labels).sum())
            count += len(labels)
    return correct / count


def state_of(learner: Learner, times: list[float], scores: list[float]) -> dict[str, object]:
    """Return what is needed to go on after an epoch; the order of the pictures is drawn anew."""
    return {
        "model": learner.model.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        "scheduler": learner.scheduler.state_dict() if learner.scheduler else {},
        "times": times,
        "scores": scores,
    }


def restore(learner: Learner, state: dict[str, object]) -> tuple[list[float], list[float]]:
    """Put back what `state_of` returned; return seconds and score after each epoch so far."""
    learner.model.load_state_dict(state["model"])  # type: ignore[arg-type]
    learner.optimizer.load_state_dict(state["optimizer"])  # type: ignore[arg-type]
    if learner.scheduler is not None:
        learner.scheduler.load_state_dict(state["scheduler"])  # type: ignore[arg-type]
    return state["times"], state["scores"]  # type: ignore[return-value]

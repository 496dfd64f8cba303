"""Signs of life: a process that trains says so in the storage, every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

# A process that trains says so this often, and is taken for dead after so long a silence.
HEARTBEAT_SECONDS = 3
GRACE_SECONDS = 15


@contextmanager
def beating(storage: RDBStorage, study: str, number: int) -> Iterator[None]:
    """Give signs of life for a trial, the first at once, until the block is left.

    Parameters
    ----------
    study
        The name of Optuna's study.
    number
        Of the trial.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    study_id = storage.get_study_id_from_name(study)
    trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, number)
    storage.record_heartbeat(trial_id)
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(HEARTBEAT_SECONDS):
                storage.record_heartbeat(trial_id)
        except (SQLAlchemyError, StorageInternalError):
            pass  # a storage that is gone: who trains will hear of it too
        finally:
            storage.remove_session()

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()

"""Coverage-guided fuzzing of every reader of strangers' files: `make fuzz`.

::

    target.py    what a target is: a reader, its seeds, the errors it may raise
    of_data.py   data sets: IDX, CSV, NumPy, zip, folders, pictures, shards
    of_runs.py   what runs, studies and tunings leave in folders; recipes and plans
    of_models.py models, checkpoints, exported files, photos, what is sent to the server
    workshop.py  small real files of every kind, made by our own writers: the seeds
    guard.py     sees that a reader starts nothing and writes nowhere else
    child.py     fuzzes one target, in a process of its own
    reached.py   counts the lines of a reader that the kept inputs reach
    page.py      the table in docs/reliability.md
"""

from __future__ import annotations

from fuzzing import of_data, of_models, of_runs
from fuzzing.target import Target

TARGETS: dict[str, Target] = {**of_data.TARGETS, **of_runs.TARGETS, **of_models.TARGETS}

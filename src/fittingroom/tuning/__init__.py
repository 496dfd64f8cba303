"""The best setting, found: what may vary, trials, the winner, and what it is worth.

The map of the room::

    space.py        what may vary; spaces.toml holds what varies by default
    reading.py      the same, as a person writes it
    plan.py         what a tuning is asked to do
    tuning.py       a tuning, read back from its folder
    record.py       tuning.json: begun, gone on with, ended
    storage.py      Optuna's storage: SQLite in the folder, or a PostgreSQL server
    search.py       which values to try next, and which trials to stop: Optuna's part
    sampler.py      how that is seeded
    ledger.py       which trials count, and what they came to
    heartbeat.py    signs of life of a process that trains
    trial.py        one trial: train with the values, look at the validation pictures only
    work.py         trial after trial, however many processes share the storage
    worker.py       a process that does so
    remote.py       the same by a cluster
    crew.py         which of them does
    searching.py    trials until the budget is used up, then the finalists
    finalists.py    the best once more, with further seeds, before one of them wins
    conduct.py      tune(): begin or go on, share the work, then the final
    final.py        the winner against the start, where the test set is opened
    watch.py        where a tuning stands
    display.py      what Jupyter shows of a tuning
    importance.py   how much each parameter matters
    written.py      best.toml and front.toml
"""

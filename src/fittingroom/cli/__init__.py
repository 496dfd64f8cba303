"""The command line: parse, call one library function, print what it returned.

Heavy libraries are imported inside the commands, so that `fittingroom --help` answers at once.

The map of the room::

    app.py            the command, put together
    training.py       train, evaluate
    reproduce.py      reproduce
    studies.py        study
    tuning.py         tune
    reports.py        report
    runs.py           runs, runs show
    data.py           data show, data check, data make
    recipes.py        recipes
    options.py        the flags that commands share
    recipe_flags.py   one flag for each field of the recipe
    terminal.py       what a person sees: progress, tables, messages, errors
    streams.py        where it goes, and what becomes of it when nobody is there
"""

from fittingroom.cli.app import main

__all__ = ["main"]

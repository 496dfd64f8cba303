"""The command line: parse, call one library function, print what it returned.

The map of the room::

    app.py        the commands
    options.py    the recipe's fields as flags
    terminal.py   what a person sees: progress, tables, messages, errors
"""

from fittingroom.cli.app import main

__all__ = ["main"]

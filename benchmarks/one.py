"""One turn of one way in this process: prints what it found as one line of JSON.

python benchmarks/one.py ROW WAY TURN, where TURN is JSON; `turns.py` calls it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from measuring import peak_memory
from row import Found, Turn, Unfinished
from rows import ROWS


def take(row: str, way: str, turn: Turn) -> Found:
    """Take the turn; its peak memory is that of this process, unless the way found it itself."""
    from fittingroom.errors import FittingroomError

    try:
        found = ROWS[row].ways[way](turn)
    except Unfinished:
        return {"unfinished": True}
    except FittingroomError as error:
        sys.exit(str(error))
    return {"peak_MB": peak_memory(), **found}


if __name__ == "__main__":
    told = json.loads(sys.argv[3])
    told["folder"] = Path(told["folder"])
    # Libraries may print too: what counts is the last line.
    print("\n" + json.dumps(take(sys.argv[1], sys.argv[2], Turn(**told))))

"""Makes what stands in reliability/ importable as it is when `make mutants` and others run it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "reliability"))

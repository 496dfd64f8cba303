"""A record that notices its own damage: a JSON object with the SHA-256 of what else it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "sha256"


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of JSON values with its seal, at its end."""
    return {**record, SEAL: digest_of(record)}


def seal_holds(record: Mapping[str, Any], *, needed: bool) -> bool:
    """Tell whether a record is what was sealed; one without a seal, whether none is `needed`."""
    return not needed if SEAL not in record else record[SEAL] == digest_of(record)


def without_seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was sealed."""
    return {key: value for key, value in record.items() if key != SEAL}


def digest_of(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a record without its seal, however it is spaced and ordered."""
    content = json.dumps(without_seal(record), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()

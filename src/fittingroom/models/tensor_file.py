"""Named tensors and a description in one safetensors file that notices its own damage.

The description holds the SHA-256 of itself and of all tensors under the name "content". Nothing
is pickled, so reading such a file runs no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from fittingroom.errors import ModelError

CONTENT = "content"
# A file of 2 billion weights; one that fills a laptop's memory is a mistake or an attack.
MOST_BYTES = 8 * 2**30


def pack(tensors: Mapping[str, Tensor], description: Mapping[str, str]) -> bytes:
    """Return the content of a file; the tensors may lie anywhere, and share memory."""
    from safetensors.torch import save

    # Clones: safetensors refuses tensors that share memory, as tied weights do.
    own = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    rest = {name: text for name, text in description.items() if name != CONTENT}
    return in_order(save(own, rest | {CONTENT: digest_of(rest, own)}))


def in_order(content: bytes) -> bytes:
    """Return a safetensors file with its header sorted, so that equal tensors are equal files.

    The library writes the description in a random order. The format is the header's length,
    uint64 little-endian, the header, JSON padded by spaces to 8 bytes, and the tensors:
    https://huggingface.co/docs/safetensors
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]


def unpack(
    path: Path, kind: str, formats: tuple[str, ...] = ()
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the description and the tensors of a file that `pack` made.

    Parameters
    ----------
    kind
        What an error message calls the file: "model".
    formats
        What the description may say its "format" is; files of all but the first may come from
        before there was a SHA-256 in them. None is for a file that must only be whole.

    Raises
    ------
    ModelError
        If the file is missing, damaged or of another format.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ModelError(f"{path}: no such {kind} file")
    if path.stat().st_size > MOST_BYTES:
        raise ModelError(f"{path}: refused: a {kind} file has at most {MOST_BYTES:,} bytes")
    try:
        with safe_open(str(path), framework="pt") as file:
            description = dict(file.metadata() or {})
            # Copies: they are a map of the file, and if that became shorter the process would end.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())  # it quotes the file
        raise ModelError(f"{path}: not a readable safetensors file: {reason}") from error
    found = description.get("format")
    if formats and found not in formats:
        shown = repr(found or "no format")[1:-1]  # in one line, whatever it is
        raise ModelError(f"{path}: expected a {kind} of format {formats[0]}, found {shown[:80]}")
    expected = description.pop(CONTENT, None)
    old = expected is None and found in formats[1:]
    if not old and expected != digest_of(description, tensors):
        raise ModelError(f"{path}: damaged: its SHA-256 is not the one that it holds")
    return description, tensors


def digest_of(description: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 (hex) of a description and of tensors: names, types, shapes, bytes."""
    found = hashlib.sha256(json.dumps(dict(description), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        found.update(flat.view(torch.uint8).numpy().data)
    return found.hexdigest()

"""How many bytes the tensors on a graph's edges take, from what the index says of their types."""

from __future__ import annotations

from functools import cache
from math import nan
from typing import TYPE_CHECKING

from core.model.tensors import DTYPES

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

_BITS = {name: bits for name, bits in DTYPES.values() if bits}


def tensor_bytes(index: GraphIndex, dim: int) -> np.ndarray:
    """float64 by tensor of the index: bytes when every dim that is symbolic or unknown is `dim`; nan without dtype or rank."""
    import numpy as np

    return np.fromiter((_bytes(text, dim) for text in index.tensor_types), np.float64, len(index.tensors))


def made(index: GraphIndex, tensors: np.ndarray) -> np.ndarray:
    """float64 by row: the sum of `tensors` (float64 by tensor) over those that a row makes and something reads; nan without a known one."""
    return _by_row(index, index.src, tensors)


def read(index: GraphIndex, tensors: np.ndarray) -> np.ndarray:
    """float64 by row: the same over those that a row reads, each once."""
    return _by_row(index, index.dst, tensors)


def _by_row(index: GraphIndex, side: np.ndarray, tensors: np.ndarray) -> np.ndarray:
    import numpy as np

    pairs = np.unique(side.astype(np.int64) * max(1, len(index.tensors)) + index.tensor)
    row, tensor = np.divmod(pairs, max(1, len(index.tensors)))
    size = tensors[tensor]
    there = np.isfinite(size)
    out = np.bincount(row[there], size[there], minlength=len(index))
    out[np.bincount(row[there], minlength=len(index)) == 0] = np.nan
    return np.asarray(out, np.float64)


@cache
def _bytes(text: str, dim: int) -> float:
    """`float32[N, 3, 224]` in bytes."""
    dtype, bracket, inside = text.partition("[")
    bits = _BITS.get(dtype, 0)
    if not bits or not bracket or inside == "…]":
        return nan
    count = 1
    for word in _split(inside.removesuffix("]")):
        count *= int(word) if word.isdecimal() else dim
    return float((count * bits + 7) // 8)


def _split(text: str) -> list[str]:
    """The dims; a comma inside of parentheses belongs to a symbolic expression."""
    words, depth, begin = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth <= 0:
            words.append(text[begin:at].strip())
            begin = at + 1
    return [*words, text[begin:].strip()] if text else []

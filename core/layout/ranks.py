"""The row of every node: as early as its producers allow, then pulled down where that makes links shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


#: A branch that hangs on nothing else and has at most this many nodes is a minor one.
MINOR = 4


def rank(n: int, src: np.ndarray, dst: np.ndarray, tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows from 0, int64 (n), and which nodes belong to minor branches, bool (n): weights being dequantized, and the like.

    `src < dst` in every edge (rows of the index are in topological order).

    Longest path from the top; then, from the bottom up, a node moves to just above its first consumer when fewer of
    its incoming tensors would grow than outgoing ones shrink. Graph inputs always do, shape arithmetic often does
    (the tensor that it measures runs on beside it anyway), and what hangs on nothing else comes along as a whole.
    """
    import numpy as np

    if not n:
        return np.zeros(0, np.int64), np.zeros(0, bool)
    if len(src) and not bool((src < dst).all()):
        raise ValueError("rows must be in topological order")
    level = [0] * n
    # Floating: fed by nothing that stays, each producer read once; such a branch follows when its consumer moves.
    floating, size = [True] * n, [1] * n
    order = np.argsort(dst, kind="stable")
    shared = (np.bincount(src, minlength=n) > 1).tolist()
    for a, b in zip(src[order].tolist(), dst[order].tolist(), strict=True):
        if level[a] >= level[b]:
            level[b] = level[a] + 1
        if shared[a] or not floating[a]:
            floating[b] = False
        else:
            size[b] += size[a]
    _pull_down(level, floating, src, dst, tensor)
    result = np.asarray(level, np.int64)
    minor = np.asarray(floating) & (np.asarray(size) <= MINOR) & ~np.asarray(shared)
    return result - result.min(), minor


def _pull_down(level: list[int], floating: list[bool], src: np.ndarray, dst: np.ndarray, tensor: np.ndarray) -> None:
    import numpy as np

    n = len(level)
    by_src, by_dst = np.argsort(src, kind="stable"), np.argsort(dst, kind="stable")
    out_at = np.searchsorted(src[by_src], np.arange(n + 1)).tolist()
    in_at = np.searchsorted(dst[by_dst], np.arange(n + 1)).tolist()
    consumers, made = dst[by_src].tolist(), tensor[by_src].tolist()
    read = tensor[by_dst].tolist()
    reach = [0] * (int(tensor.max()) + 1 if len(tensor) else 0)
    for t, b in zip(tensor.tolist(), dst.tolist(), strict=True):
        if level[b] > reach[t]:
            reach[t] = level[b]
    for v in range(n - 1, -1, -1):
        start, end = out_at[v], out_at[v + 1]
        if start == end:
            continue
        new = min([level[w] for w in consumers[start:end]]) - 1
        if new <= level[v]:
            continue
        incoming = set(read[in_at[v] : in_at[v + 1]])
        growing = 0 if floating[v] else sum(reach[t] < new for t in incoming)
        if growing < len(set(made[start:end])):
            level[v] = new
            for t in incoming:
                if reach[t] < new:
                    reach[t] = new

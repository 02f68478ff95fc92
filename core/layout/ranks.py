"""The row of every node: as early as its producers allow, then pulled down where that makes links shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


#: A branch that hangs on nothing else and has at most this many nodes is a minor one.
MINOR = 4
#: How often parts are looked for that can sink.
ROUNDS = 6


def rank(n: int, src: np.ndarray, dst: np.ndarray, tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows from 0, int64 (n), and which nodes belong to minor branches, bool (n): weights being dequantized, and the like.

    `src < dst` in every edge (rows of the index are in topological order).

    Longest path from the top; then, from the bottom up, a node moves to just above its first consumer when fewer of
    its incoming tensors would grow than outgoing ones shrink. Graph inputs always do, shape arithmetic often does
    (the tensor that it measures runs on beside it anyway), and what hangs on nothing else comes along as a whole. Last, parts
    that are held together by links of one row sink as wholes, where that makes links shorter.
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
    result = _sink(np.asarray(level, np.int64), src.astype(np.int64), dst.astype(np.int64), tensor.astype(np.int64))
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


def _sink(level: np.ndarray, src: np.ndarray, dst: np.ndarray, tensor: np.ndarray) -> np.ndarray:
    """The levels after parts moved down as far as their consumers allow, where more tensors get shorter than longer."""
    import numpy as np

    if not len(src):
        return level
    tensors, parts = int(tensor.max()) + 1, 0
    producer = np.zeros(tensors, np.int64)
    producer[tensor] = src
    for _ in range(ROUNDS):
        part = held_together(len(level), src, dst, level[dst] - level[src] == 1)
        if (found := int(part.max()) + 1) in (1, parts):
            break
        parts = found
        leaving = part[src] != part[dst]
        slack = np.full(parts, np.iinfo(np.int64).max)
        np.minimum.at(slack, part[src[leaving]], (level[dst] - level[src] - 1)[leaving])
        reach = np.zeros(tensors, np.int64)
        np.maximum.at(reach, tensor, level[dst])
        # Shorter: what is made inside and read farthest outside. Longer: what is made outside and would be read farthest inside.
        inside = np.zeros(tensors, np.int64)
        np.maximum.at(inside, tensor[~leaving], level[dst[~leaving]])
        outer = np.unique(tensor[leaving])
        shorter = np.bincount(part[producer[outer[reach[outer] > inside[outer]]]], minlength=parts)
        down = np.where(slack < level.max() + 1, slack, 0)
        grows = leaving & (level[dst] + down[part[dst]] > reach[tensor])
        pairs = np.unique(tensor[grows] * parts + part[dst[grows]])
        longer = np.bincount(pairs % parts, minlength=parts)
        down[shorter <= longer] = 0
        sunk = level + down[part]
        after = np.zeros(tensors, np.int64)
        np.maximum.at(after, tensor, sunk[dst])
        used = np.unique(tensor)
        if int((after - sunk[producer])[used].sum()) >= int((reach - level[producer])[used].sum()):
            break
        level = sunk
    return level


def held_together(n: int, src: np.ndarray, dst: np.ndarray, tight: np.ndarray) -> np.ndarray:
    """What the `tight` edges hold together, numbered from 0: int64 (n)."""
    import numpy as np

    low, a, b = np.arange(n), src[tight], dst[tight]
    while len(a):
        one, two = low[a], low[b]
        np.minimum.at(low, np.maximum(one, two), np.minimum(one, two))
        while True:
            above = low[low]
            if bool((above == low).all()):
                break
            low = above
        apart = low[a] != low[b]
        a, b = a[apart], b[apart]
    return np.asarray((np.cumsum(low == np.arange(n)) - 1)[low])

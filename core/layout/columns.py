"""x of every vertex: near the mean of its neighbours, straight where links can be straight, never overlapping.

First every vertex is drawn towards its neighbours (damped means) and all rows are brought back to their order and
distances at once: with offsets taken out, the nearest non-decreasing values are about half the sum of the running
maximum from the left and the running minimum from the right. Then links that can be straight are tied into vertical
runs (in the spirit of Brandes and Köpf, 2001), and the runs move as wholes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.layout.order import Rows

#: Puts rows apart, so that one pass over all vertices serves every row.
APART = 1e7
#: Links that are further from straight than this are not tied; nor is a run kept whole that is bent by more than `BEND`.
#: In wide graphs both grow with this share of the width.
REACH, BEND, WIDE_SHARE = 160.0, 220.0, 0.05
#: A run that straightening has carried this far (and this share of the width) is cut: others would follow it like stairs.
CARRIED, CARRIED_SHARE = 400.0, 0.25
#: Straightening is tried anew after each cut, at most this often.
ATTEMPTS = 12
#: Turns of straightening, and from how many vertices on fewer.
TURNS, FEWER_TURNS, LARGE = 4, 2, 60_000
#: Pixels that a run may still be off when it counts as at rest; the share of vertices below which only their rows are pushed.
REST, SPARSE = 0.02, 0.08
#: How often all rows are pushed, and then those that still move, before runs that do not rest are let go.
FULL_ROUNDS, SPARSE_ROUNDS = 80, 60
#: How much of its pull a stand-in has on a box.
PASSING = 0.1
#: How much further away the first of several consumers may be and still be the one to stand straight below.
LEAD = 120.0


@dataclass(frozen=True)
class Spaced:
    """Vertices numbered by their final place, and the room between them: `offset` from the row's left end, float64 (v)."""

    rows: Rows
    offset: np.ndarray
    apart: np.ndarray

    def right(self, x: np.ndarray, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The least x that keep all distances and are nowhere below `x`; for the whole rows that `at` names."""
        import numpy as np

        apart = self.apart[at]
        return np.asarray(np.maximum.accumulate(x + apart) - apart)

    def left(self, x: np.ndarray, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The greatest x that keep all distances and are nowhere above `x`; for the whole rows that `at` names."""
        import numpy as np

        apart = self.apart[at]
        return np.asarray(np.minimum.accumulate((x + apart)[::-1])[::-1] - apart)

    def fit(self, x: np.ndarray) -> np.ndarray:
        """Values near `x` that keep all distances (`x` itself when it does)."""
        import numpy as np

        return np.asarray(0.5 * (self.right(x) + self.left(x)))


def columns(
    rows: Rows,
    place: np.ndarray,
    room: np.ndarray,
    chain: np.ndarray,
    minor: np.ndarray,
    reach: np.ndarray,
    *,
    rounds: int = 16,
    check: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """x (float64 (v)) for all vertices.

    `place` is the order; vertex v needs `room[v]` pixels, its margins included; `chain[v]` is the net of a stand-in, -1
    for boxes and tags; `minor[v]` (bool) that it is beside the point (a weight, a tag): it goes where its consumer is;
    `reach[v]` how far from its middle links may touch it.
    """
    import numpy as np

    from core.layout.order import Rows
    from core.layout.slide import slide

    # From here on a vertex is its place: neighbours in a row are neighbours in memory.
    vertex = np.empty(len(rows), np.int64)
    vertex[place] = np.arange(len(rows))
    placed = Rows(rank=rows.rank, start=rows.start, hop_src=place[rows.hop_src], hop_dst=place[rows.hop_dst])
    wide = room[vertex]
    edge = np.cumsum(wide)
    offset = edge - wide / 2 - np.concatenate(([0.0], edge))[rows.start[rows.rank]]
    spaced = Spaced(rows=placed, offset=offset, apart=rows.rank * APART - offset)
    x = _columns(spaced, chain[vertex], minor[vertex], vertex, rounds, check)
    x = slide(spaced, x, chain[vertex], minor[vertex], reach[vertex])
    return np.asarray(x[place])


def _columns(
    spaced: Spaced, chain: np.ndarray, minor: np.ndarray, program: np.ndarray, rounds: int, check: Callable[[], None]
) -> np.ndarray:
    import numpy as np

    rows = spaced.rows
    count = len(rows)
    x = spaced.fit(np.zeros(count))
    if not len(rows.hop_src):
        return x
    a, b = rows.hop_src, rows.hop_dst
    soft = (chain >= 0).astype(np.int64)
    weight = np.array([1.0, 2.0, 8.0])[soft[a] + soft[b]]
    weight = np.where(minor[a], 0.1, weight)
    # One of many inputs is pulled less by its consumer than an only one: a wide row stays wide down to where it is joined.
    # A box minds other boxes more than lines that pass: skips go around the main path, not the path around them.
    on_a = weight * np.where((chain[a] < 0) & (chain[b] >= 0), PASSING, 1.0) / np.bincount(b, minlength=count)[b]
    on_b = weight * np.where((chain[b] < 0) & (chain[a] >= 0), PASSING, 1.0) / np.bincount(a, minlength=count)[a]
    total = np.bincount(a, weights=on_a, minlength=count) + np.bincount(b, weights=on_b, minlength=count)
    alone = total == 0
    total[alone] = 1.0
    stand_in = np.flatnonzero(chain >= 0)
    net = chain[stand_in]
    size = np.maximum(1, np.bincount(net, minlength=1))
    for turn in range(rounds):
        check()
        mean = (np.bincount(a, weights=on_a * x[b], minlength=count) + np.bincount(b, weights=on_b * x[a], minlength=count)) / total
        mean[alone] = x[alone]
        target = 0.3 * x + 0.7 * mean
        if len(stand_in):
            # A chain moves as one: towards the mean of where its stand-ins are and where their neighbours want them.
            wanted = x[stand_in] if turn >= rounds - 4 else 0.5 * (x[stand_in] + mean[stand_in])
            target[stand_in] = (np.bincount(net, weights=wanted) / size)[net]
        x = spaced.fit(target)
    return _straighten(spaced, chain, minor, program, x, weight, check)


def _straighten(
    spaced: Spaced,
    chain: np.ndarray,
    minor: np.ndarray,
    program: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    check: Callable[[], None],
) -> np.ndarray:
    import numpy as np

    turns = TURNS if len(x) < LARGE else FEWER_TURNS

    rows, free = spaced.rows, x
    a, b = rows.hop_src, rows.hop_dst
    tied = _ties(rows, chain, minor, program, x)
    far = np.abs(x[a] - x[b])
    runs = _Runs.of(rows, tied)
    for _ in range(6):
        low, high = np.minimum.reduceat(x[runs.by], runs.begin), np.maximum.reduceat(x[runs.by], runs.begin)
        tied, cut = _cut(tied, far, runs, high - low > max(BEND, WIDE_SHARE * float(x.max() - x.min())), a)
        if not cut:
            break
        runs = _Runs.of(rows, tied)
    carry = max(CARRIED, CARRIED_SHARE * float(x.max() - x.min()))
    settled, turn = x, 0
    for _ in range(ATTEMPTS):
        check()
        wanted = runs.mean(x)
        if turn:
            wanted = 0.5 * wanted + 0.5 * runs.pulled(x, a, b, weight, wanted)
        right, restless = _settle(spaced, runs, wanted, right=True)
        left, also = _settle(spaced, runs, wanted, right=False)
        x = 0.5 * (right + left)
        carried = np.maximum.reduceat(np.abs(x - free)[runs.by], runs.begin) > carry
        tied, cut = _cut(tied, far, runs, carried, a)
        tied, freed = _cut(tied, far, runs, restless | also, a, share=0.0)
        if cut + freed:
            runs = _Runs.of(rows, tied)
            x, turn, settled = free, turns - 1 if turn else 0, spaced.fit(x)
            continue
        settled, turn = x, turn + 1
        if turn == turns:
            break
    x = settled
    return spaced.fit(x)


@dataclass(frozen=True)
class _Runs:
    """Vertical runs: the run of each vertex, and the vertices run by run (`by`, each run from `begin`, `length` long)."""

    number: np.ndarray
    by: np.ndarray
    begin: np.ndarray
    length: np.ndarray

    @staticmethod
    def of(rows: Rows, tied: np.ndarray) -> _Runs:
        import numpy as np

        top = np.arange(len(rows))
        top[rows.hop_dst[tied]] = rows.hop_src[tied]
        while True:
            above = top[top]
            if bool((above == top).all()):
                break
            top = above
        by = np.argsort(top, kind="stable")
        new = np.concatenate(([True], top[by][1:] != top[by][:-1]))
        begin = np.flatnonzero(new)
        number = np.empty(len(rows), np.int64)
        number[by] = np.cumsum(new) - 1
        return _Runs(number=number, by=by, begin=begin, length=np.diff(np.append(begin, len(rows))))

    def mean(self, x: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.asarray(np.add.reduceat(x[self.by], self.begin) / self.length)

    def pulled(self, x: np.ndarray, a: np.ndarray, b: np.ndarray, weight: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
        """The mean place of what each run is linked to; `otherwise` for runs that are linked to nothing."""
        import numpy as np

        out = self.number[a] != self.number[b]
        a, b, weight, count = a[out], b[out], weight[out], len(self.begin)
        up, down = self.number[b], self.number[a]
        total = np.bincount(down, weights=weight, minlength=count) + np.bincount(up, weights=weight, minlength=count)
        near = np.bincount(down, weights=weight * x[b], minlength=count) + np.bincount(up, weights=weight * x[a], minlength=count)
        return np.where(total > 0, near / np.maximum(total, 1e-9), otherwise)


def _cut(tied: np.ndarray, far: np.ndarray, runs: _Runs, which: np.ndarray, a: np.ndarray, share: float = 0.8) -> tuple[np.ndarray, int]:
    """Untie the hops of runs in `which` (bool by run) that slant at least `share` of their worst: what stays tied, how many were."""
    import numpy as np

    of = runs.number[a[tied]]
    most = np.full(len(runs.begin), -1.0)
    np.maximum.at(most, of, far[tied])
    cut = which[of] & (far[tied] >= share * most[of]) & (far[tied] > 1.0)
    return tied[~cut], int(np.count_nonzero(cut))


def _settle(spaced: Spaced, runs: _Runs, wanted: np.ndarray, *, right: bool) -> tuple[np.ndarray, np.ndarray]:
    """Push rows and runs to one side in turn until both hold; and which runs (bool) had not come to rest after many rounds."""
    import numpy as np

    rows = spaced.rows
    push = spaced.right if right else spaced.left
    most: np.ufunc = np.maximum if right else np.minimum
    x = wanted[runs.number]
    restless = np.zeros(len(runs.begin), bool)
    moving = np.arange(len(x))
    left, limit = FULL_ROUNDS, SPARSE_ROUNDS
    while len(moving) > SPARSE * len(x) and left:
        left -= 1
        moved = most.reduceat(push(x)[runs.by], runs.begin)[runs.number]
        moving = np.flatnonzero(np.abs(moved - x) > REST)
        x = moved
    # What still moves is little: from here on only its rows are looked at.
    while len(moving) and limit and left:
        limit -= 1
        touched = np.unique(rows.rank[moving])
        at = _ranges(rows.start[touched], rows.start[touched + 1] - rows.start[touched])
        pushed = push(x[at], at)
        changed = np.abs(pushed - x[at]) > REST
        of = runs.number[at[changed]]
        value = x[runs.by[runs.begin]]
        most.at(value, of, pushed[changed])
        which = np.unique(of)
        moving = runs.by[_ranges(runs.begin[which], runs.length[which])]
        x[moving] = np.repeat(value[which], runs.length[which])
    restless[runs.number[moving]] = True
    return x, restless


def _ranges(begin: np.ndarray, length: np.ndarray) -> np.ndarray:
    """begin[0] .. begin[0] + length[0], then begin[1] .. and so on."""
    import numpy as np

    return np.repeat(begin - np.cumsum(length) + length, length) + np.arange(int(length.sum()))


def _ties(rows: Rows, chain: np.ndarray, minor: np.ndarray, program: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Hops to make straight: at most one up and one down at every vertex, and no two that cross."""
    import numpy as np

    a, b = rows.hop_src, rows.hop_dst
    far = np.abs(x[a] - x[b])
    soft = (chain[a] >= 0).astype(np.int64) + (chain[b] >= 0)
    # First along chains, then between boxes, then from box to chain; the nearest first, but of several consumers the
    # first in the program has an advantage: exporters write the main path before its shortcut.
    leader = np.full(len(rows), len(rows))
    real = soft == 0
    np.minimum.at(leader, a[real], program[b[real]])
    follows = real & (program[b] > leader[a])
    importance = np.array([1, 2, 0])[soft] * 1e6 + np.minimum(far + LEAD * follows, 1e5) + 5e5 * minor[a]
    rank_of = np.empty(len(a), np.int64)
    rank_of[np.argsort(importance, kind="stable")] = np.arange(len(a))
    open_ = (far <= max(REACH, WIDE_SHARE * float(x.max() - x.min()))) | (soft == 2)
    taken_a, taken_b = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    tied = np.zeros(len(a), bool)
    for _ in range(3):
        left = np.flatnonzero(open_ & ~tied & ~taken_a[a] & ~taken_b[b])
        if not len(left):
            break
        best_a, best_b = np.full(len(rows), len(a)), np.full(len(rows), len(a))
        np.minimum.at(best_a, a[left], rank_of[left])
        np.minimum.at(best_b, b[left], rank_of[left])
        chosen = left[(best_a[a[left]] == rank_of[left]) & (best_b[b[left]] == rank_of[left])]
        tied[chosen] = True
        taken_a[a[chosen]] = True
        taken_b[b[chosen]] = True
    hops = np.flatnonzero(tied)
    while len(hops):
        hops = hops[np.argsort(a[hops])]
        same = rows.rank[a[hops[:-1]]] == rows.rank[a[hops[1:]]]
        bad = np.flatnonzero(same & (b[hops[:-1]] > b[hops[1:]]))
        if not len(bad):
            break
        worse = np.where(rank_of[hops[bad]] > rank_of[hops[bad + 1]], bad, bad + 1)
        hops = np.delete(hops, worse)
    return np.asarray(hops)

"""Last touches to x: everything moves to where its links are shortest, as far as its row lets it.

What moves are vertical runs: first whole ones (boxes that stand straight above each other, with the lines between them),
then single boxes and single straight lines. A link between two boxes costs nothing while it can run straight
down from one to the other, so the best place of a run is a median of places where its links begin to slant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.layout.columns import Spaced

#: Hops nearer to vertical than this hold a run together.
LEVEL = 0.25
#: Turns of whole runs and of single boxes and lines; fewer from so many vertices on.
TURNS, FEWER_TURNS, LARGE = 6, 3, 60_000
#: Steps of each turn: in each, two neighbours may both move half of the room between them.
STEPS = 3


def slide(spaced: Spaced, x: np.ndarray, chain: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """The x (float64 (v), a copy) with less way to the side.

    `chain` as in `columns`; `reach[v]`: how far from the middle of v a link may touch it (0 for stand-ins).
    """
    import numpy as np

    rows = spaced.rows
    a, b = rows.hop_src, rows.hop_dst
    if not len(a):
        return x
    x = x.copy()
    play = np.where((reach[a] > 0) & (reach[b] > 0), np.minimum(reach[a], reach[b]), reach[a] + reach[b])
    line = (chain[a] >= 0) & (chain[a] == chain[b])
    turns = TURNS if len(x) < LARGE else FEWER_TURNS
    for _ in range(turns):
        level = np.abs(x[a] - x[b]) <= LEVEL
        for tied in (level, level & line):
            runs = _runs(rows.hop_src[tied], rows.hop_dst[tied], len(x))
            for _step in range(STEPS):
                if not _move(spaced, x, runs, a, b, play):
                    break
    return x


def _runs(a: np.ndarray, b: np.ndarray, count: int) -> np.ndarray:
    """The run of each vertex, numbered from 0: what the hops a-b join."""
    import numpy as np

    top = np.arange(count)
    # Not a tree where a level line splits: the lowest of the ends above stands for all.
    np.minimum.at(top, b, a)
    while True:
        above = top[top]
        if bool((above == top).all()):
            break
        top = above
    low = top.copy()
    # Two that share a consumer are one run too.
    for _ in range(4):
        np.minimum.at(low, low[a], low[b])
        np.minimum.at(low, low[b], low[a])
        joined = low[low]
        if bool((joined == low).all()) and bool((joined[a] == joined[b]).all()):
            break
        low = joined
    return np.asarray(np.unique(low, return_inverse=True)[1])


def _move(spaced: Spaced, x: np.ndarray, run: np.ndarray, a: np.ndarray, b: np.ndarray, play: np.ndarray) -> bool:
    """Move all runs (in `x`) towards their best places; whether any moved."""
    import numpy as np

    count = int(run[-1:].max(initial=0) if not len(run) else run.max()) + 1
    out = np.flatnonzero(run[a] != run[b])
    if not len(out):
        return False
    # Every link gives its runs two places, counted from where the run is now: between them it costs nothing.
    off, free = x[b[out]] - x[a[out]], play[out]
    of = np.concatenate((run[a[out]], run[a[out]], run[b[out]], run[b[out]]))
    at = np.concatenate((off - free, off + free, -off - free, -off + free))
    by = np.lexsort((at, of))
    at = at[by]
    links = np.bincount(of, minlength=count)
    begin = np.cumsum(links) - links
    some = np.flatnonzero(links)
    low, high = np.zeros(count), np.zeros(count)
    middle = begin[some] + links[some] // 2
    low[some], high[some] = at[middle - 1], at[middle]
    wish = np.clip(0.0, low, high)
    # As far as each of its vertices may move: half of the room to its neighbours.
    shifted = x + spaced.apart
    room = 0.5 * np.maximum(0.0, np.diff(shifted))
    right, left = np.full(count, np.inf), np.full(count, np.inf)
    np.minimum.at(right, run[:-1], room)
    np.minimum.at(left, run[1:], room)
    step = np.clip(wish, -left, right)
    step[np.abs(step) < 0.5] = 0.0
    if not step.any():
        return False
    x += step[run]
    return True

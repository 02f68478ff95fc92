"""Last touches to x: everything moves to where its links are shortest, as far as its row lets it.

What moves are vertical runs: first whole ones (boxes that stand straight above each other, with the lines between them),
then single boxes and single straight lines. A link between two boxes costs nothing while it can run straight
down from one to the other, so the best place of a run is a median of places where its links begin to slant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.layout.columns import Spaced

#: How far a box may move in the end beyond where its lines run straight from corner to middle, so that another need not bend.
FURTHER = 12.0
#: Hops nearer to vertical than this hold a run together.
LEVEL = 0.25
#: Turns of whole runs and of single boxes and lines; fewer from so many vertices on.
TURNS, FEWER_TURNS, LARGE = 6, 3, 60_000
#: Steps of each turn: in each, two neighbours may both move half of the room between them.
STEPS = 3
#: Moves of less than this many pixels are not made.
REST = 0.5
#: Puts runs apart, so that one sort serves all.
APART = 1e8


def slide(spaced: Spaced, x: np.ndarray, chain: np.ndarray, minor: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """The x (float64 (v), a copy) with less way to the side.

    `chain`, `minor` and `reach` as in `columns`: a minor vertex moves to its consumer, and moves it not.
    """
    import numpy as np

    rows = spaced.rows
    a, b = rows.hop_src, rows.hop_dst
    if not len(a):
        return x
    x = x.copy()
    # A box in the middle of a path stays in line; where paths part or meet, boxes may stand to the side of the line.
    junction = (np.bincount(a, minlength=len(x)) > 1) | (np.bincount(b, minlength=len(x)) > 1)
    both, most = (reach[a] > 0) & (reach[b] > 0), reach[a] + reach[b]
    play = np.where(both, np.where(junction[a] | junction[b], np.minimum(reach[a], reach[b]), 0.0), most)
    line = (chain[a] >= 0) & (chain[a] == chain[b])
    turns = TURNS if len(x) < LARGE else FEWER_TURNS
    for turn in range(turns):
        far = np.abs(x[a] - x[b])
        level = far <= LEVEL
        if turn == turns - 1:
            # A box one of whose links still bends by a little may move as much further.
            little = (far - play > LEVEL) & (far - play <= FURTHER) & ~both
            bent = np.zeros(len(x), bool)
            bent[a[little]] = bent[b[little]] = True
            play = np.where(both & (bent[a] | bent[b]), np.minimum(play + FURTHER, most), play)
        for tied in (level, level & line):
            runs = _Runs.of(a[tied], b[tied], len(x))
            loose = np.flatnonzero(runs.number[a] != runs.number[b])
            runs.move(spaced, x, a[loose], b[loose], play[loose], minor[a[loose]])
    return x


@dataclass(frozen=True)
class _Runs:
    """What moves as one: `number` of the run of each vertex, `count` runs."""

    number: np.ndarray
    count: int

    @staticmethod
    def of(a: np.ndarray, b: np.ndarray, vertices: int) -> _Runs:
        """Runs of what the hops a-b join."""
        import numpy as np

        # Neighbours in a row are apart, so at most one level hop comes from above: a run is a path.
        low = np.arange(vertices)
        low[b] = a
        while True:
            above = low[low]
            if bool((above == low).all()):
                break
            low = above
        number = np.cumsum(low == np.arange(vertices)) - 1
        return _Runs(number=number[low], count=int(number[-1]) + 1)

    def move(self, spaced: Spaced, x: np.ndarray, a: np.ndarray, b: np.ndarray, play: np.ndarray, idle: np.ndarray) -> None:
        """Move all runs (in `x`) towards their best places; a-b are the hops between runs, `idle` those that pull only at a."""
        import numpy as np

        if not len(a):
            return
        pull = ~idle
        left, right = self.number[a], self.number[b[pull]]
        links = 2 * (np.bincount(left, minlength=self.count) + np.bincount(right, minlength=self.count))
        linked = np.flatnonzero(links)
        middle = (np.cumsum(links) - links + links // 2)[linked]
        # Each link gives both of its runs two places, counted from where the run is: between them it costs nothing.
        group = np.concatenate((left, left, right, right)) * APART
        for _ in range(STEPS):
            off = x[b] - x[a]
            back, spare = -off[pull], play[pull]
            at = np.sort(np.concatenate((off - play, off + play, back - spare, back + spare)) + group)
            home = linked * APART
            step = np.zeros(self.count)
            step[linked] = np.clip(0.0, at[middle - 1] - home, at[middle] - home)
            # As far as each of its vertices may move: half of the room to its neighbours.
            room = 0.5 * np.maximum(0.0, np.diff(x + spaced.apart))
            most, least = np.full(self.count, np.inf), np.full(self.count, np.inf)
            np.minimum.at(most, self.number[:-1], room)
            np.minimum.at(least, self.number[1:], room)
            step = np.clip(step, -least, most)
            step[np.abs(step) < REST] = 0.0
            if not step.any():
                break
            x += step[self.number]

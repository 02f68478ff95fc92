"""Left to right within each row: start from program order, then reduce crossings.

Sweeps move every vertex to the mean place of its neighbours in the row before (Gauss-Seidel: the next row already sees
it), down and up; the best order by an exact count of crossings is kept, and last, neighbours are exchanged while that
removes crossings (rows and places of one parity at once). Vertices are numbered row by row, in program order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Gaps between rows with more links than this are counted by halving instead of pair by pair.
PAIRWISE = 600
#: A pair of neighbours with more pairs of links than this is not tried in the exchange.
COSTLY = 4096
#: Rows in one block of a sweep.
BLOCK, LONG_BLOCK = 48, 4096
#: Below so many vertices everything is tried for longer: several ways, more sweeps, more of them in vain.
SMALL, ROUNDS, FEWER_ROUNDS, VAIN = 6000, 24, 6, 4
#: How often the best is swept again.
AGAIN = 3
#: Below so many, also from the bottom up.
FINE = 3000
#: With fewer rows than this, also sweeps over all of them.
SHALLOW = 400
#: Sweeps visit the rows that are this near to a gap with crossings.
AROUND = 8


@dataclass(frozen=True)
class Rows:
    """Vertices by row: row r holds `start[r]:start[r + 1]`; `rank` int64 (v); hops join neighbouring rows."""

    rank: np.ndarray
    start: np.ndarray
    hop_src: np.ndarray
    hop_dst: np.ndarray

    def __len__(self) -> int:
        return len(self.rank)


def order(rows: Rows, *, check: Callable[[], None] = lambda: None) -> tuple[np.ndarray, int]:
    """Places (int64 (v), a permutation that keeps rows together) and how many crossings remain.

    `check` is called between sweeps and may raise.
    """
    import numpy as np

    best = np.arange(len(rows))
    fewest = crossings(rows, best)
    if not fewest:
        return balance(rows, best), 0
    if len(rows) >= SMALL:
        ways = [_Way(block=BLOCK, rounds=FEWER_ROUNDS, vain=1)]
    else:
        ways = [_Way(block=BLOCK), _Way()]
        if len(rows) < FINE:
            ways.append(_Way(upward=True))
        if len(rows.start) < SHALLOW:
            ways += [_Way(everywhere=True), _Way(everywhere=True, upward=True)]
    program = best, fewest
    for way in ways:
        found = _polish(rows, _sweep(rows, *program, way, check), way, check)
        if found[1] < fewest:
            best, fewest = found
        if not fewest:
            break
    for _ in range(AGAIN if len(rows) < SMALL else 0):
        before = fewest
        best, fewest = _polish(rows, _sweep(rows, best, fewest, ways[-1], check), ways[-1], check)
        if not fewest or fewest == before:
            break
    return balance(rows, best), fewest


@dataclass(frozen=True)
class _Way:
    """How to sweep: rows in one block, how often at most, how many in vain, upwards first, all rows or those near crossings."""

    block: int = LONG_BLOCK
    rounds: int = ROUNDS
    vain: int = VAIN
    upward: bool = False
    everywhere: bool = False


def _polish(rows: Rows, best: tuple[np.ndarray, int], way: _Way, check: Callable[[], None]) -> tuple[np.ndarray, int]:
    check()
    return _better(rows, _exchange(rows, best[0], way.rounds // 2), *best) if best[1] else best


def _better(rows: Rows, found: np.ndarray, best: np.ndarray, fewest: int) -> tuple[np.ndarray, int]:
    count = crossings(rows, found)
    return (found, count) if count < fewest else (best, fewest)


def _sweep(rows: Rows, best: np.ndarray, fewest: int, way: _Way, check: Callable[[], None]) -> tuple[np.ndarray, int]:
    """Sweep until that gains nothing more: the best places, and their crossings."""
    import numpy as np

    near = np.ones(len(rows.start), bool) if way.everywhere else _near(tangled(rows, best))
    sweepers: dict[int, _Sweeper] = {}
    place = (best - rows.start[rows.rank]).astype(np.float64)
    in_vain = 0
    for turn in range(way.rounds):
        check()
        shift = turn % 2 * (way.block // 2) if way.block < len(near) else 0
        if shift not in sweepers:
            sweepers[shift] = _Sweeper(rows, near, shift, way.block)
        for up in (way.upward, not way.upward):
            sweepers[shift].sweep(place, up)
        before = fewest
        best, fewest = _better(rows, rows.start[rows.rank] + place.astype(np.int64), best, fewest)
        in_vain = in_vain + 1 if fewest > 0.98 * before else 0
        if not fewest or (in_vain >= way.vain and turn):
            break
    return best, fewest


def _near(crossed: np.ndarray) -> np.ndarray:
    """The rows within `AROUND` of a gap with crossings: bool (rows). The others are in order, and stay so."""
    import numpy as np

    edges = np.concatenate(([0], np.cumsum(crossed)))
    row = np.arange(len(crossed))
    return np.asarray(edges[np.minimum(row + AROUND, len(crossed))] > edges[np.maximum(row - AROUND, 0)])


class _Sweeper:
    """One sweep down and one up over the rows that are `wanted`, in blocks that are swept side by side.

    Within a block each row sees the new order of the row before it; blocks end where rows need not be visited, and every
    `block` rows (counted from `shift`), so that a sweep takes as many steps as the longest block has rows, not all.
    """

    def __init__(self, rows: Rows, wanted: np.ndarray, shift: int, block: int) -> None:
        import numpy as np

        size = np.diff(rows.start)
        row = np.arange(len(size))
        wanted = wanted[: len(size)]
        first = wanted & ~np.concatenate(([False], wanted[:-1])) | ((row + shift) % block == 0)
        final = wanted & ~np.concatenate((wanted[1:], [False])) | ((row + shift + 1) % block == 0)
        begin = np.maximum.accumulate(np.where(first, row, 0))
        end = np.minimum.accumulate(np.where(final, row, len(row))[::-1])[::-1]
        visited = wanted & (size > 1)
        self._downward = self._steps(rows, np.where(visited, row - begin, -1), rows.hop_dst, rows.hop_src)
        self._upward = self._steps(rows, np.where(visited, end - row, -1), rows.hop_src, rows.hop_dst)

    def _steps(self, rows: Rows, step: np.ndarray, here: np.ndarray, there: np.ndarray) -> list[_Step]:
        import numpy as np

        count = len(rows)
        alone = np.flatnonzero(np.bincount(here, minlength=count) == 0)
        # A vertex without neighbours on that side is its own neighbour: it stays where it is.
        near, far = np.concatenate((here, alone)), np.concatenate((there, alone))
        own = step[rows.rank]
        vertices = np.flatnonzero(own >= 0)
        vertices = vertices[np.argsort(own[vertices], kind="stable")]
        turn = np.full(count, -1)
        turn[vertices] = np.arange(len(vertices))
        link = np.flatnonzero(turn[near] >= 0)
        link = link[np.argsort(turn[near[link]], kind="stable")]
        neighbour, degree = far[link], np.bincount(turn[near[link]], minlength=len(vertices))
        at = np.concatenate(([0], np.cumsum(degree)))
        rank = rows.rank[vertices]
        inside = (vertices - rows.start[rank]).astype(np.float64)
        cuts = np.searchsorted(own[vertices], np.arange(int(own.max(initial=-1)) + 2))
        steps = []
        for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            if high > low:
                begin, end = int(at[low]), int(at[high])
                steps.append(
                    _Step(
                        vertex=vertices[low:high],
                        neighbour=neighbour[begin:end],
                        at=at[low:high] - begin,
                        inverse=1.0 / degree[low:high],
                        apart=rank[low:high] * float(count),
                        inside=inside[low:high],
                    )
                )
        return steps

    def sweep(self, place: np.ndarray, upward: bool) -> None:
        """Order every row by the row above, or `upward` by the row below."""
        for step in self._upward if upward else self._downward:
            step.run(place)


@dataclass(frozen=True)
class _Step:
    """The rows that are ordered at once, one of each block: their vertices row by row, and the neighbours of each."""

    vertex: np.ndarray
    neighbour: np.ndarray
    at: np.ndarray
    inverse: np.ndarray
    apart: np.ndarray
    inside: np.ndarray

    def run(self, place: np.ndarray) -> None:
        import numpy as np

        mean = np.add.reduceat(place[self.neighbour], self.at)
        mean *= self.inverse
        mean += place[self.vertex] * 1e-7  # ties keep the order that they have
        mean += self.apart
        place[self.vertex[mean.argsort(kind="stable")]] = self.inside


def tangled(rows: Rows, place: np.ndarray) -> np.ndarray:
    """Which gaps (by their upper row) have crossings: bool (rows)."""
    return _sorted(rows, place)[2]


def _sorted(rows: Rows, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower ends of all hops in the order of their upper ends, the row of each, and which gaps have crossings."""
    import numpy as np

    upper, lower = place[rows.hop_src], place[rows.hop_dst]
    by = np.argsort(upper * len(rows) + lower)
    a, r = lower[by], rows.rank[rows.hop_src][by]
    crossed = np.zeros(len(rows.start), bool)
    crossed[r[np.flatnonzero(a[:-1] > a[1:])]] = True  # an inversion between rows cannot be: places grow with rows
    return a, r, crossed


def crossings(rows: Rows, place: np.ndarray) -> int:
    """Exactly how many pairs of hops cross when vertex v stands at `place[v]`."""
    import numpy as np

    if not len(rows.hop_src):
        return 0
    a, r, crossed = _sorted(rows, place)
    keep = crossed[r]
    a, r = a[keep], r[keep]
    links = np.bincount(r, minlength=1)
    large = links > PAIRWISE
    total = 0
    if large.any():
        chosen = large[r]
        total += _inversions(a[chosen])
        a, r = a[~chosen], r[~chosen]
        links = np.where(large, 0, links)
    end = np.repeat(np.cumsum(links), links)
    i, lag = np.arange(len(a)), 1
    while len(i):
        i = i[i + lag < end[i]]
        total += int(np.count_nonzero(a[i] > a[i + lag]))
        lag += 1
    return total


def _inversions(values: np.ndarray) -> int:
    """Pairs i < j with values[i] > values[j], by the highest bit in which their ranks differ."""
    import numpy as np

    # Equal values are ranked by their place, so they never count.
    by = np.argsort(values, kind="stable")
    ranked = np.empty(len(values), np.int64)
    ranked[by] = np.arange(len(values))
    total = 0
    for bit in range(len(values).bit_length() - 1, -1, -1):
        group = ranked >> (bit + 1)
        sort = np.argsort(group, kind="stable")
        grouped, ones = group[sort], ((ranked >> bit) & 1)[sort]
        seen = np.cumsum(ones)
        start = np.searchsorted(grouped, grouped, side="left")
        before = np.where(start > 0, seen[start - 1], 0)
        total += int(np.sum((seen - before)[ones == 0]))
    return total


def balance(rows: Rows, place: np.ndarray) -> np.ndarray:
    """Places where what feeds only one box, and is fed by nothing, stands on both sides of that box's only other producer.

    Weights being dequantized, inputs: the main path would wander to the side at every one that has them on one side only.
    """
    import numpy as np

    count = len(rows)
    a, b = rows.hop_src, rows.hop_dst
    down, up = np.bincount(a, minlength=count), np.bincount(b, minlength=count)
    leaf = (up[a] == 0) & (down[a] == 1)
    leaves = np.bincount(b, weights=leaf, minlength=count)
    least, most = np.full(count, count), np.full(count, -1)
    np.minimum.at(least, b, place[a])
    np.maximum.at(most, b, place[a])
    wanted = (leaves >= 2) & (up - leaves == 1) & (most - least + 1 == up)
    main = np.full(count, -1)
    main[b[~leaf]] = a[~leaf]
    wanted &= down[np.maximum(main, 0)] == 1
    hops = np.flatnonzero(wanted[b])
    if not len(hops):
        return place
    hops = hops[np.lexsort((place[a[hops]], leaf[hops], b[hops]))]  # the main one first, then its leaves
    of = b[hops]
    begin = np.flatnonzero(np.concatenate(([True], of[1:] != of[:-1])))
    number = np.arange(len(hops)) - np.repeat(begin, up[of[begin]])
    half = leaves[of].astype(np.int64) // 2
    inside = np.where(number == 0, half, np.where(number <= half, number - 1, number))
    result = place.copy()
    result[a[hops]] = least[of] + inside
    return result


def _exchange(rows: Rows, place: np.ndarray, rounds: int) -> np.ndarray:
    """Exchange neighbours while that removes crossings, all pairs of one parity of row and place at once."""
    import numpy as np

    count = len(rows)
    near = np.concatenate((rows.hop_src * 2, rows.hop_dst * 2 + 1))
    far = np.concatenate((rows.hop_dst, rows.hop_src))
    neighbour = far[np.argsort(near, kind="stable")]
    at = np.concatenate(([0], np.cumsum(np.bincount(near, minlength=2 * count))))
    place = place.copy()
    vertex = np.empty(count, np.int64)
    vertex[place] = np.arange(count)
    inside = np.arange(count) - rows.start[rows.rank]
    same = rows.rank[:-1] == rows.rank[1:]
    slots = [np.flatnonzero(same & (rows.rank[:-1] % 2 == row) & (inside[:-1] % 2 == column)) for row in (0, 1) for column in (0, 1)]
    for _ in range(rounds):
        moved = 0
        for slot in slots:
            if not len(slot):
                continue
            left, right = vertex[slot], vertex[slot + 1]
            gain = np.zeros(len(slot))
            for side in (0, 1):
                gain += _gain(left * 2 + side, right * 2 + side, at, neighbour, place)
            swap = slot[gain > 0]
            moved += len(swap)
            vertex[swap], vertex[swap + 1] = vertex[swap + 1], vertex[swap].copy()
            place[vertex[swap]], place[vertex[swap + 1]] = swap, swap + 1
        if not moved:
            break
    return place


def _gain(left: np.ndarray, right: np.ndarray, at: np.ndarray, neighbour: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Crossings between the links of each left and right vertex, minus those after exchanging them."""
    import numpy as np

    degree_left, degree_right = at[left + 1] - at[left], at[right + 1] - at[right]
    pairs = degree_left * degree_right
    chosen = np.flatnonzero((pairs > 0) & (pairs < COSTLY))
    size = pairs[chosen]
    which = np.repeat(chosen, size)
    number = np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
    ends_left = place[neighbour[at[left[which]] + number // degree_right[which]]]
    ends_right = place[neighbour[at[right[which]] + number % degree_right[which]]]
    return np.bincount(which, weights=np.sign(ends_left - ends_right), minlength=len(left))

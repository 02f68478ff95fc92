"""Repeated blocks, found by structure: equal neighbours become a stack, repeated sequences become blocks in a stack.

Items of a group stand in the order of the graph. Each has a label: what it is (op and weights of a row, contents of a group), and
how far back the items stand that it reads. A layer that is repeated is then a *tandem repeat*, a stretch in which every label is
the same as the one a period before; the period is one of the distances between equal labels. Where a block begins, which a cycle does not
say, is where the fewest tensors pass. Stretches that are left are cut where only one tensor passes, and equal ones are named alike.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout.lift import Items, Levels
from core.layout.tree import BLOCK, BODY, ROOT, SCOPE, STACK

if TYPE_CHECKING:
    import numpy as np

    from core.layout.tree import Builder
    from core.model.index import GraphIndex

#: Groups with fewer items than this are left as they are.
FEW = 4
#: A block has at least this many rows, one that there is only twice this many; single rows are stacked from so many on.
LEAST, TWICE, ALIKE = 5, 24, 8
#: Periods that are tried, the most frequent distances first.
PERIODS = 48
#: A tensor with this many readers in a group is shared by what stands side by side: how far away it was made says nothing.
SHARED = 4
#: Sources further back than so many periods (what layers share, weights that are computed first) say nothing either.
BACK = 1
#: Blocks are looked into again for blocks inside of them, this often.
TURNS = 3
#: So many places are tried as the beginning of a block.
SEAMS = 16
#: Stretches without repeats are cut into pieces in groups of more items than this.
LONG = 40
#: A piece that is no longer than this goes with the one before.
SHORT = 2


@dataclass(frozen=True)
class Run:
    """`times` blocks of `period` items each, from item `start` on."""

    start: int
    period: int
    times: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.times


def stack(builder: Builder, index: GraphIndex) -> None:
    """Put stacks and blocks into a tree of scopes."""
    names = _Names()
    todo = [group for group, kind in enumerate(builder.kind) if kind in (ROOT, SCOPE, BODY)]
    for _ in range(TURNS):
        if todo:
            todo = _turn(builder, index, todo, names)


class _Names:
    """`Block A`, `Block B`, ...: one for each kind of block."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def of(self, contents: bytes) -> str:
        found = self._known.get(contents)
        if found is None:
            number, letters = len(self._known), ""
            while number >= 0:
                letters = chr(65 + number % 26) + letters
                number = number // 26 - 1
            found = self._known[contents] = f"Block {letters}"
        return found


def _turn(builder: Builder, index: GraphIndex, todo: list[int], names: _Names) -> list[int]:
    """Look into groups; the new blocks that are worth another look."""
    import numpy as np

    n = len(index)
    parent, home, depth = np.array(builder.parent, np.int64), np.array(builder.home, np.int64), builder.depths()
    first = np.full(len(parent), n, np.int64)
    np.minimum.at(first, home, np.arange(n))
    for deep in range(int(depth.max()), 0, -1):
        at = np.flatnonzero(depth == deep)
        np.minimum.at(first, parent[at], first[at])
    items, levels = Items.of(parent, first, home), Levels.of(parent, depth, home)
    src, dst = index.src.astype(np.int64), index.dst.astype(np.int64)
    meet = levels.meet(src, dst)
    group = levels.above[home[src], meet]
    a, b = items.place[levels.item(src, meet)], items.place[levels.item(dst, meet)]
    by = np.lexsort((a, b, group))
    group, a, b, tensor = group[by], a[by], b[by], index.tensor[by].astype(np.int64)
    at = np.searchsorted(group, np.arange(len(parent) + 1))

    strict, loose = _labels(index, items, depth, at, a, b)
    weight = np.zeros(n + len(parent), np.int64)  # rows inside of an item
    weight[:n] = 1
    for deep in range(int(depth.max()), 0, -1):
        here = np.flatnonzero(depth == deep)
        inside = np.bincount(home, minlength=len(parent))[here]
        weight[n + here] += inside
    for deep in range(int(depth.max()), 1, -1):
        here = np.flatnonzero(depth == deep)
        np.add.at(weight, n + parent[here], weight[n + here])

    known: dict[tuple[int, int], tuple[list[Run], list[Run]]] = {}
    fresh: list[int] = []
    for number in todo:
        own = items.of_group(number)
        if len(own) < FEW:
            continue
        key = (int(strict[n + number]), len(own))
        found = known.get(key)
        if found is None:
            edges = slice(at[number], at[number + 1])
            found = known[key] = _look(own, strict, loose, weight, a[edges], b[edges], tensor[edges], n)
        fresh += _make(builder, number, own, *found, loose, names, index)
    return [number for number in fresh if builder.kind[number] == BLOCK]


def _labels(
    index: GraphIndex, items: Items, depth: np.ndarray, at: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What every item is, int64 (n + g) each: with the sizes of weights, and by its ops alone."""
    import numpy as np

    n, groups = len(index), len(depth)
    kind = index.op.astype(np.int64) * 4 + index.kind
    found = []
    for rows in (np.unique(np.stack((kind, index.parameters), 1), axis=0, return_inverse=True)[1].reshape(-1), kind):
        label = np.zeros(n + groups, np.int64)
        label[:n] = rows
        known: dict[bytes, int] = {}
        after = int(label.max(initial=0)) + 1
        pairs = np.stack((a, b), 1)
        for number in np.argsort(-depth, kind="stable").tolist():
            own = items.items[items.start[number] : items.start[number + 1]]
            key = label[own].tobytes() + b"|" + pairs[at[number] : at[number + 1]].tobytes()
            label[n + number] = after + known.setdefault(key, len(known))
        found.append(label)
    return found[0], found[1]


def _look(
    own: np.ndarray,
    strict: np.ndarray,
    loose: np.ndarray,
    weight: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    tensor: np.ndarray,
    n: int,
) -> tuple[list[Run], list[Run]]:
    """The runs of a group with more than one member, and the single blocks that are left."""
    import numpy as np

    count = len(own)
    passing = _passing(count, a, b, tensor)
    free = np.ones(count, bool)
    rows = np.concatenate(([0], np.cumsum(weight[own])))
    wiring = _Wiring(count, a, b, tensor)
    runs: list[Run] = []
    for label in (strict, loose):
        runs += _runs(label[own], wiring, free, rows, passing, own < n)
    runs.sort(key=lambda run: run.start)
    singles = _pieces(label[own], free, passing, rows) if count > LONG else []
    return runs, singles


class _Wiring:
    """How each item is wired to those before it."""

    def __init__(self, count: int, a: np.ndarray, b: np.ndarray, tensor: np.ndarray) -> None:
        import numpy as np

        pair = np.unique(tensor * count + b)
        readers = np.bincount(pair // max(1, count), minlength=int(tensor.max(initial=0)) + 1)
        kept = (b > a) & (readers[tensor] < SHARED)
        by = np.argsort(b[kept], kind="stable")
        self._back, self._dst = (b - a)[kept][by], b[kept][by]
        # a multiplicative hash of each distance, to be added up: the order of reading does not matter
        self._mixed = (self._back * np.int64(0x9E3779B97F4A7C15 - (1 << 64))) >> np.int64(20)
        self._at = np.searchsorted(self._dst, np.arange(count + 1))

    def within(self, most: int) -> np.ndarray:
        """int64 (count): equal where items read from equal distances, as far as those are at most `most` items."""
        import numpy as np

        total = np.concatenate(([0], np.cumsum(np.where(self._back <= most, self._mixed, 0))))
        return np.asarray(total[self._at[1:]] - total[self._at[:-1]])

    def inside(self, start: int, long: int) -> set[tuple[int, int]]:
        """(reader, how far back) of every edge between the items from `start` on, readers counted from there."""
        edges = slice(self._at[start], self._at[start + long])
        place, back = self._dst[edges] - start, self._back[edges]
        own = back <= place
        return set(zip(place[own].tolist(), back[own].tolist(), strict=True))


def _passing(count: int, a: np.ndarray, b: np.ndarray, tensor: np.ndarray) -> np.ndarray:
    """How many tensors pass from the items before each place to those from it on: int64 (count + 1); what passes nearly
    everywhere (masks) is left out."""
    import numpy as np

    low, high = np.minimum(a, b), np.maximum(a, b)
    made = np.full(int(tensor.max(initial=-1)) + 1, count, np.int64)
    last = np.full(len(made), -1, np.int64)
    np.minimum.at(made, tensor, low)
    np.maximum.at(last, tensor, high)
    used = np.flatnonzero((last > made) & (last - made < max(64, count // 5)))
    change = np.bincount(made[used] + 1, minlength=count + 2) - np.bincount(last[used] + 1, minlength=count + 2)
    return np.cumsum(change)[: count + 1]


def _runs(label: np.ndarray, wiring: _Wiring, free: np.ndarray, rows: np.ndarray, passing: np.ndarray, single: np.ndarray) -> list[Run]:
    """Tandem repeats among the items that are `free` (which they then are no more), those that cover most first."""
    import numpy as np

    by = np.argsort(label, kind="stable")
    same = (label[by][1:] == label[by][:-1]) & free[by][1:] & free[by][:-1]
    distance = np.diff(by)[same]
    if not len(distance):
        return []
    periods, often = np.unique(distance, return_counts=True)
    tried = periods[np.argsort(-often * 1.0 + periods * 1e-6, kind="stable")][:PERIODS]
    found: list[tuple[int, int, Run, int]] = []
    for period in tried.tolist():
        wired = wiring.within(BACK * period)
        equal = (label[period:] == label[:-period]) & (wired[period:] == wired[:-period]) & free[period:] & free[:-period]
        edge = np.diff(np.concatenate(([0], equal.astype(np.int8), [0])))
        for start, end in zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True):
            long = end - start
            times = long // period + 1
            if times < 2:
                continue
            size = int(rows[start + period] - rows[start])
            if size >= LEAST or (period == 1 and (not single[start] or times >= ALIKE)):
                found.append((-int(rows[start + times * period] - rows[start]), period, Run(start, period, times), long % period))
    runs = []
    for _, _, run, slack in sorted(found, key=lambda item: item[:2]):
        if not free[run.start : run.end].all():
            continue
        begin, times = _seam(label, wiring, free, passing, run, slack)
        size = int(rows[begin + run.period] - rows[begin])
        if times > 2 or (times == 2 and size >= TWICE):
            free[begin : begin + times * run.period] = False
            runs.append(Run(begin, run.period, times))
    return runs


def _seam(label: np.ndarray, wiring: _Wiring, free: np.ndarray, passing: np.ndarray, run: Run, slack: int) -> tuple[int, int]:
    """Where the first block begins, and how many there are: of the thinnest seams the one that gives most blocks."""
    period, end = run.period, run.end + slack
    places = range(run.start, run.start + period)
    # a run that is longer than its blocks may begin at several places; a block less is worth it where its seams are thin
    thin = [int(passing[place]) + (2 if place > run.start + slack else 0) for place in places]
    best = (run.start, 0)
    for place in [place for place, much in zip(places, thin, strict=True) if much == min(thin)][:SEAMS]:
        begin, times = place, (end - place) // period
        before = begin - period
        if before >= 0 and free[before:begin].all() and _alike(label, wiring, before, begin, period):
            begin, times = before, times + 1  # the first of them reads from elsewhere
        if times > best[1]:
            best = begin, times
    return best


def _alike(label: np.ndarray, wiring: _Wiring, one: int, other: int, period: int) -> bool:
    """Whether two blocks are the same inside, whatever they read from outside."""
    same = bool((label[one : one + period] == label[other : other + period]).all())
    return same and wiring.inside(one, period) == wiring.inside(other, period)


def _pieces(label: np.ndarray, free: np.ndarray, passing: np.ndarray, rows: np.ndarray) -> list[Run]:
    """Stretches of free items, cut where one tensor passes; those that there are twice."""
    import numpy as np

    edge = np.diff(np.concatenate(([0], free.astype(np.int8), [0])))
    pieces: list[Run] = []
    for start, end in zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True):
        cuts = [start, *(place for place in range(start + 1, end) if passing[place] <= 1), end]
        whole = False  # whether the last piece has its short one already
        for low, high in itertools.pairwise(cuts):
            if high - low <= SHORT and pieces and pieces[-1].end == low and pieces[-1].period > SHORT and not whole:
                pieces[-1] = Run(pieces[-1].start, high - pieces[-1].start, 1)
                whole = True
            else:
                pieces.append(Run(low, high - low, 1))
                whole = False
    alike: dict[bytes, list[Run]] = {}
    for piece in pieces:
        if int(rows[piece.end] - rows[piece.start]) > LEAST:
            alike.setdefault(label[piece.start : piece.end].tobytes(), []).append(piece)
    return sorted((piece for same in alike.values() if len(same) > 1 for piece in same), key=lambda piece: piece.start)


def _make(
    builder: Builder, inside: int, own: np.ndarray, runs: list[Run], singles: list[Run], label: np.ndarray, names: _Names, index: GraphIndex
) -> list[int]:
    """Put the runs of a group into the tree; the new groups."""
    made: list[int] = []
    n = len(index)
    members = own.tolist()
    counted: dict[str, int] = {}
    path = builder.paths[inside]

    def place(items: list[int], group: int) -> None:
        for item in items:
            if item < n:
                builder.home[item] = group
            else:
                builder.parent[item - n] = group

    for run in sorted([*runs, *singles], key=lambda run: run.start):
        block = members[run.start : run.start + run.period]
        if run.period == 1 and run.times > 1 and block[0] >= n:
            groups = [item - n for item in members[run.start : run.end]]
            title = _span([builder.names[group] for group in groups])
            whole = builder.add(inside, STACK, title, _free(builder, f"{path}{title}/"), times=run.times)
            place(members[run.start : run.end], whole)
            made.append(whole)
            continue
        if run.period == 1 and run.times > 1:
            title = index.op_names[int(index.op[block[0]])] + ("s" if index.kind[block[0]] else "")
            whole = builder.add(inside, STACK, title, _free(builder, f"{path}{title}/"), times=run.times)
            place(members[run.start : run.end], whole)
            made.append(whole)
            continue
        title = names.of(label[block].tobytes())
        begin = counted.get(title, 0)
        counted[title] = begin + run.times
        within = inside
        if run.times > 1:
            numbers = f"{begin + 1}…{begin + run.times}"
            within = builder.add(inside, STACK, f"{title} {numbers}", f"{path}{title}/{numbers}/", times=run.times)
            made.append(within)
        for turn in range(run.times):
            name = f"{title} {begin + turn + 1}"
            group = builder.add(within, BLOCK, name, f"{path}{title}/{begin + turn + 1}/")
            low = run.start + turn * run.period
            place(members[low : low + run.period], group)
            made.append(group)
    return made


_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")


def _span(names: list[str]) -> str:
    """`layers.0`, `layers.1`, ... as `layers.0…31`; names that differ otherwise as `first … last`."""
    first, last = _NUMBER.match(names[0]), _NUMBER.match(names[-1])
    if first and last and (first[1], first[3]) == (last[1], last[3]):
        return f"{first[1]}{first[2]}…{last[2]}{first[3]}"
    return f"{names[0]} … {names[-1]}"


def _free(builder: Builder, path: str) -> str:
    """`path`, numbered where a group has it already."""
    taken, found, number = set(builder.paths), path, 1
    while found in taken:
        number += 1
        found = f"{path[:-1]} ({number})/"
    return found

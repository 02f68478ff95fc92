"""Many small parts side by side are put on shelves: a thousand embeddings that end in one node, or boxes without links.

A small part hangs on nothing else: a branch that ends in a node which many such branches feed, or a piece of the graph
without links to the rest. In one row they would be as wide as they are many. So some of them are stacked and become one
large box, a stack, while the graph is laid out; in a stack each line runs down to the left of all that stands lower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.layout import Placed

if TYPE_CHECKING:
    import numpy as np

#: From so many parts on; and how many boxes a part may have.
MANY, SMALL = 24, 16
#: The shape that all stacks of one node are to have together, width by height.
ASPECT = 1.6
#: Room between parts, between a line and the part beside it, and between the lines of a stack: all together `LINES`, as far as
#: that leaves each `LEAST`.
GAP, BESIDE, LANE, LINES, LEAST = 20.0, 6.0, 10.0, 160.0, 4.0


@dataclass(frozen=True)
class Parts:
    """`part` of each node, int64 (n), -1 for most; by part: the node that it ends in (`into`, -1: none) and its last node."""

    part: np.ndarray
    into: np.ndarray
    last: np.ndarray


def parts(n: int, src: np.ndarray, dst: np.ndarray) -> Parts | None:
    """What can be put on shelves; None when there is not enough of it."""
    import numpy as np

    if n < MANY:
        return None
    src, dst = src.astype(np.int64), dst.astype(np.int64)
    top = _branches(n, src, dst)
    label = np.where(top >= 0, top, -1)
    if int((np.bincount(dst, minlength=n) == 0).sum()) >= MANY:
        from core.layout.ranks import held_together

        piece = held_together(n, src, dst, np.ones(len(src), bool))
        size = np.bincount(piece)
        small = size <= SMALL
        if int(small.sum()) >= MANY:
            label = np.where(small[piece], n + piece, label)
    kept = label >= 0
    if not kept.any():
        return None
    labels, of = np.unique(label[kept], return_inverse=True)
    part = np.full(n, -1, np.int64)
    part[kept] = of
    feeds = np.full(n, -1, np.int64)
    feeds[src] = dst
    last = np.where(labels < n, labels, -1)
    return Parts(part=part, into=np.where(last >= 0, feeds[np.maximum(last, 0)], -1), last=last)


def _branches(n: int, src: np.ndarray, dst: np.ndarray) -> np.ndarray:
    """The last node of the small branch that each node belongs to, -1 for most."""
    import numpy as np

    none = np.full(n, -1, np.int64)
    single = np.bincount(src, minlength=n) == 1
    wide = np.bincount(dst[single[src]], minlength=n) >= MANY
    if not wide.any():
        return none
    held = np.zeros(n, bool)  # by something that is read elsewhere too
    held[dst[~single[src]]] = True
    for _ in range(SMALL):
        held[dst[held[src]]] = True
    feeds = np.full(n + 1, n, np.int64)
    feeds[src] = dst
    free = single & ~held
    ends = free & wide[np.minimum(feeds[:n], n - 1)]
    above = np.append(np.where(ends, np.arange(n), np.where(free, feeds[:n], n)), n)
    for _ in range(SMALL.bit_length()):
        above = above[above]
    top = above[:n]
    own = (top < n) & ends[np.minimum(top, n - 1)]
    size = np.bincount(top[own], minlength=n)
    # Those of the usual size: a shelf is as high as what stands on it.
    into = feeds[:n][ends]
    usual = np.zeros(n)
    for node in np.unique(into).tolist():
        usual[node] = np.median(size[ends & (feeds[:n] == node)])
    good = ends & (size <= SMALL) & (size <= 2 * usual[np.minimum(feeds[:n], n - 1)])
    good &= (np.bincount(feeds[:n][good], minlength=n) >= MANY)[np.minimum(feeds[:n], n - 1)]
    top = np.where(own & good[np.minimum(top, n - 1)], top, none)
    # Nothing comes into a part from outside of it: what hangs on something else farther up than was looked is none.
    tied = np.zeros(n, bool)
    tied[top[dst[(top[dst] >= 0) & (top[src] != top[dst])]]] = True
    return np.where((top >= 0) & tied[top], none, top)


@dataclass(frozen=True)
class _Stacks:
    """`stack` of each part and on which `shelf` of it; by stack: the node that it ends in, and its size. By part: how far its
    inside moves to get from where it was laid out to the stack's corner (`x`, `y`), and where its line runs in the stack
    (`line`: x from the corner; `out`: x of its end at the last node, from the corner).
    """

    stack: np.ndarray
    shelf: np.ndarray
    into: np.ndarray
    w: np.ndarray
    h: np.ndarray
    x: np.ndarray
    y: np.ndarray
    line: np.ndarray
    out: np.ndarray

    @staticmethod
    def of(found: Parts, box: np.ndarray, last_x: np.ndarray, reach: np.ndarray) -> _Stacks:
        """`box` of each part float64 (p, 4), x of its last node and how far from there a link may touch it."""
        import numpy as np

        count = len(found.into)
        wide, tall = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
        stack, shelf, level_y, left = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
        into: list[int] = []
        heights: list[float] = []
        for node in np.unique(found.into).tolist():
            own = np.flatnonzero(found.into == node)
            high = np.arange(1, len(own) + 1)
            lane = np.clip(LINES / high, LEAST, LANE) if node >= 0 else np.zeros(len(own))
            shape = -(-len(own) // high) * (float(wide[own].mean()) + GAP + lane * high) / (high * (float(tall[own].mean()) + GAP))
            best = int(high[np.argmin(np.abs(np.log(shape / ASPECT)))])
            stacks = -(-len(own) // best)
            best = -(-len(own) // stacks)
            number = np.arange(len(own))
            left[own] = number % best * lane[best - 1]
            stack[own], shelf[own] = len(into) + number // best, number % best
            most = np.zeros(best)
            np.maximum.at(most, shelf[own], tall[own])
            begin = np.cumsum(most + GAP) - most - GAP
            level_y[own] = begin[shelf[own]]
            made = int(stack[own].max()) + 1 - len(into)
            into += [node] * made
            heights += [float(begin[-1] + most[-1])] * made
        total = np.zeros(len(into))
        np.maximum.at(total, stack, left + BESIDE + wide)
        lowest = np.zeros(len(into), np.int64)
        np.maximum.at(lowest, stack, shelf)
        x, y = left + BESIDE - box[:, 0], level_y - box[:, 1]
        middle = last_x + x
        line = np.where(shelf == lowest[stack], middle, left + 1.0)
        return _Stacks(
            stack=stack,
            shelf=shelf,
            into=np.array(into, np.int64),
            w=total,
            h=np.array(heights),
            x=x,
            y=y,
            line=line,
            out=np.clip(line, middle - reach, middle + reach),
        )


Flat = Callable[..., Placed]


def shelve(
    w: np.ndarray, h: np.ndarray, src: np.ndarray, dst: np.ndarray, tensor: np.ndarray, tagged: np.ndarray, found: Parts, flat: Flat
) -> Placed:
    """The whole layout, with `flat(w, h, src, dst, tensor, tagged, exits, share)` for what is in the stacks and for what is around them."""
    import numpy as np

    from core.layout.ends import CORNER

    n, part = len(w), found.part
    inside = part[src] >= 0
    within = inside & (part[dst] >= 0)
    own = np.flatnonzero(part >= 0)
    local = np.full(n, -1, np.int64)
    local[own] = np.arange(len(own))
    none = np.zeros(int(within.sum()), bool)
    inner = flat(w[own], h[own], local[src[within]], local[dst[within]], tensor[within], none, share=(0.0, 0.3))

    # The box around each part, and the stacks.
    tensors = int(tensor.max()) + 1 if len(tensor) else 0
    maker = np.zeros(tensors, np.int64)
    maker[tensor] = src
    of, line_of = part[own], part[maker[inner.link_tensor]]
    box = np.tile((np.inf, np.inf, -np.inf, -np.inf), (len(found.into), 1))
    for side, sign, boxes, lines in ((0, -1, inner.x, inner.links[:, 0]), (1, -1, inner.y, inner.links[:, 1])):
        half = (inner.w if side == 0 else inner.h) / 2
        other = inner.links[:, side + 2]
        np.minimum.at(box[:, side], of, boxes + sign * half)
        np.minimum.at(box[:, side], line_of, np.minimum(lines, other))
        np.maximum.at(box[:, side + 2], of, boxes + half)
        np.maximum.at(box[:, side + 2], line_of, np.maximum(lines, other))
    last = np.where(found.last >= 0, local[np.maximum(found.last, 0)], 0)
    stacks = _Stacks.of(found, box, inner.x[last], np.maximum(0.0, inner.w[last] / 2 - CORNER))

    # Around them: stacks stand in the program just before what they end in.
    rest = np.flatnonzero(part < 0)
    count = len(stacks.into)
    key = np.concatenate((rest.astype(np.float64), stacks.into - (count - np.arange(count)) / (count + 1.0)))
    order = np.argsort(key, kind="stable")
    place = np.empty(len(key), np.int64)
    place[order] = np.arange(len(key))
    outer_of = np.empty(n, np.int64)
    outer_of[rest] = place[: len(rest)]
    stack_at = place[len(rest) :]
    outer_of[own] = stack_at[stacks.stack[of]]
    outside = ~within
    exits = np.full(tensors, np.nan)
    leaving = np.flatnonzero(inside & outside)
    of_leaving = part[src[leaving]]
    exits[tensor[leaving]] = (stacks.line - stacks.w[stacks.stack] / 2)[of_leaving]
    full_w, full_h = np.concatenate((w[rest], stacks.w))[order], np.concatenate((h[rest], stacks.h))[order]
    outer = flat(full_w, full_h, outer_of[src[outside]], outer_of[dst[outside]], tensor[outside], tagged[outside], exits, (0.3, 1.0))

    # Back together.
    corner_x, corner_y = (outer.x - full_w / 2)[stack_at], (outer.y - full_h / 2)[stack_at]
    move_x, move_y = stacks.x + corner_x[stacks.stack], stacks.y + corner_y[stacks.stack]
    x, y = outer.x[outer_of], outer.y[outer_of]
    x[own], y[own] = inner.x + move_x[of], inner.y + move_y[of]
    base = corner_x[stacks.stack[of_leaving]]
    out_x, line_x = stacks.out[of_leaving] + base, stacks.line[of_leaving] + base
    out_y = y[src[leaving]] + h[src[leaving]] / 2
    end_y = (corner_y + stacks.h)[stacks.stack[of_leaving]]
    # Tags do not hang on what is inside of a stack: its tensors have one reader each, just below.
    points, offsets = _routes(outer, inner, within, leaving, part[src[within]], move_x, move_y, (out_x, out_y, line_x))
    bent = np.abs(out_x - line_x) > 0.25
    stubs = np.concatenate(
        (
            np.stack((out_x, out_y, line_x, out_y + GAP), 1)[bent],
            np.stack((line_x, np.where(bent, out_y + GAP, out_y), line_x, end_y), 1),
        )
    )
    moved = inner.links + np.stack((move_x, move_y, move_x, move_y), 1)[line_of]
    long = stubs[:, 3] - stubs[:, 1] > 0.25
    stub_tensor = np.concatenate((tensor[leaving][bent], tensor[leaving]))
    ported = np.zeros(len(src), bool)
    ported[outside] = outer.ported
    back = np.empty(len(key), np.int64)
    back[place] = np.concatenate((rest, np.full(count, -1)))
    return replace(
        outer,
        x=x,
        y=y,
        w=np.asarray(w, np.float64),
        h=np.asarray(h, np.float64),
        rank=_ranks(outer, inner, outer_of, own, of, stacks),
        points=points,
        offsets=offsets,
        ported=ported,
        links=np.concatenate((outer.links, moved, stubs[long])),
        link_tensor=np.concatenate((outer.link_tensor, inner.link_tensor, stub_tensor[long])).astype(np.int32),
        ports=replace(outer.ports, node=back[outer.ports.node].astype(np.int32)),
        crossings=outer.crossings + inner.crossings,
    )


def _ranks(outer: Placed, inner: Placed, outer_of: np.ndarray, own: np.ndarray, of: np.ndarray, stacks: _Stacks) -> np.ndarray:
    """Rows of all nodes, int32: each row of the whole has room for the rows of a stack."""
    import numpy as np

    first = np.full(len(stacks.shelf), np.iinfo(np.int32).max, np.int64)
    np.minimum.at(first, of, inner.rank)
    deep = int(inner.rank.max()) + 1
    room = (int(stacks.shelf.max()) + 1) * deep
    rank = outer.rank[outer_of].astype(np.int64) * room
    rank[own] += stacks.shelf[of] * deep + inner.rank - first[of] - room + 1
    return np.asarray(rank - rank.min(), np.int32)


def _routes(
    outer: Placed,
    inner: Placed,
    within: np.ndarray,
    leaving: np.ndarray,
    of_within: np.ndarray,
    move_x: np.ndarray,
    move_y: np.ndarray,
    stub: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Points and offsets of all edges: those around the stacks, those in them, and the stub before the ones that leave one."""
    import numpy as np

    out_x, out_y, line_x = stub
    inner_length, outer_length = np.diff(inner.offsets), np.diff(outer.offsets)
    moved = inner.points + np.repeat(np.stack((move_x, move_y), 1)[of_within], inner_length, axis=0)
    bent = np.abs(out_x - line_x) > 0.25
    stubs = np.stack((np.stack((out_x, out_y), 1), np.stack((line_x, out_y + GAP), 1)), 1).reshape(-1, 2)
    every = np.concatenate((outer.points, moved, stubs))
    begin, length = np.zeros((2, len(within), 2), np.int64)
    begin[~within, 1], length[~within, 1] = outer.offsets[:-1], outer_length
    begin[within, 1], length[within, 1] = len(outer.points) + inner.offsets[:-1], inner_length
    begin[leaving, 0] = len(outer.points) + len(moved) + 2 * np.arange(len(leaving))
    length[leaving, 0] = 1 + bent
    flat_begin, flat_length = begin.reshape(-1), length.reshape(-1)
    at = np.repeat(flat_begin - np.cumsum(flat_length) + flat_length, flat_length) + np.arange(int(flat_length.sum()))
    return every[at], np.concatenate(([0], np.cumsum(length.sum(1))))

"""A tall thin picture wrapped into columns side by side, like the lines of a text.

It is cut where few links pass, just below a row. A link that passes runs on to the foot of its column, up through the gutter and
into the head of the next one. Each has a lane of its own: the leftmost lowest at the foot, rightmost in the gutter and
lowest at the head, so that no two cross and none meets a box.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.layout import Placed

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

#: Room around everything, between a column and the lanes beside it, and between lanes; all lanes of a cut take at most `MOST`.
MARGIN, ROOM, LANE, MOST = 48.0, 28.0, 10.0, 320.0
#: A column may be this much shorter than the others, when that makes its cut cheaper.
SHORTER = 0.25
#: Links through the cut that a whole column of height is worth, when cuts are compared.
FULL = 12.0
#: How many numbers of columns are tried.
TRIES = 5
#: With more tensors than this passing whole columns, these get tags.
FEW = 4
#: How far off the aspect an empty last column is worth, in natural logarithms.
SPARE = 0.3
EPS = 1e-3


def wrap(placed: Placed, index: GraphIndex, aspect: float) -> Placed:
    """The same boxes in columns, so that the whole is about `aspect` times as wide as high; `placed` itself where one will do.

    Routes and links run upwards in gutters (`links` keeps y0 <= y1); everything else of `Placed` holds. Pure; numpy only.
    """
    columns = _columns(placed, aspect)
    return columns.drawn(placed, index.tensor) if columns is not None else placed


def wrapped(
    placed: Placed, index: GraphIndex, aspect: float, *, step: Callable[[float, str], None] = lambda fraction, text: None
) -> Placed:
    """The same, but where many links would pass whole columns, the graph is laid out anew with tags for these.

    That takes as long as `lay` does. `step` may raise to stop.
    """
    import numpy as np

    from core.layout.layered import lay

    columns = _columns(placed, aspect)
    if columns is None:
        return placed
    past = columns.boxes[index.dst] - columns.boxes[index.src] > 1
    lines = np.unique(index.tensor[past & ~placed.ported])
    if len(lines) > FEW:
        placed = lay(placed.w, placed.h, index.src, index.dst, index.tensor, index.tensors, tagged=past, step=step)
        columns = _columns(placed, aspect)
    return columns.drawn(placed, index.tensor) if columns is not None else placed


def _columns(placed: Placed, aspect: float) -> _Columns | None:
    """The columns that come nearest to the aspect; None where one column does."""
    if len(placed) < 2 or placed.height <= 0 or aspect <= 0:
        return None
    rows = _Rows.of(placed)
    count = max(1, round(math.sqrt(aspect * placed.height / max(1.0, placed.width))))
    best, nearest, seen = None, abs(math.log(placed.width / placed.height / aspect)), {1}
    while count not in seen and len(seen) <= TRIES:
        seen.add(count)
        cuts = rows.divide(count)
        if not len(cuts):
            break
        columns = _Columns.of(placed, cuts)
        shape = columns.width / columns.height
        off = abs(math.log(shape / aspect)) + SPARE * max(0.0, 1.0 - columns.last * count / placed.height)
        if off < nearest:
            best, nearest = columns, off
        wanted = max(2, round(count * math.sqrt(aspect / shape)))
        if wanted in seen:  # that near, the next in that direction may fill its last column better
            wanted = count + (1 if shape < aspect else -1)
        count = wanted
    return best


@dataclass(frozen=True)
class _Rows:
    """Rows of boxes and tags: y of their lower sides, how many pieces of links pass there, y of the upper side of the first."""

    bottom: np.ndarray
    passing: np.ndarray
    top: float

    @staticmethod
    def of(placed: Placed) -> _Rows:
        import numpy as np

        y, half = np.concatenate((placed.y, placed.ports.y)), np.concatenate((placed.h, placed.ports.h)) / 2
        by = np.argsort(y - half, kind="stable")
        top, lower = (y - half)[by], np.maximum.accumulate((y + half)[by])
        # A cut goes through no box, and through no slanted piece: these lie between rows, or beside what is on shelves.
        bottom = lower[np.append(top[1:] > lower[:-1] + EPS, True)]
        y0, y1 = placed.links[:, 1], placed.links[:, 3]
        slanted = np.abs(placed.links[:, 0] - placed.links[:, 2]) > EPS
        clean = _passing(bottom, y0[slanted] + EPS, y1[slanted] - EPS) == 0
        clean[-1] = True
        bottom = bottom[clean]
        return _Rows(bottom=bottom, passing=_passing(bottom, y0 - EPS, y1 - EPS), top=float(top[0]))

    def divide(self, count: int) -> np.ndarray:
        """Where to cut for about `count` columns: y, float64, ascending; just below rows, where few links pass."""
        import numpy as np

        bottom, chosen, start = self.bottom, [], self.top
        height = (float(bottom[-1]) - start) / count
        while float(bottom[-1]) - start > height * (1.0 + SHORTER):
            low = int(np.searchsorted(bottom, start + height * (1.0 - SHORTER)))
            high = max(low + 1, int(np.searchsorted(bottom, start + height * (1.0 + SHORTER), side="right")))
            off = np.abs(bottom[low:high] - start - height) / height
            row = low + int(np.argmin(self.passing[low:high] + FULL * off))
            if row >= len(bottom) - 1:
                break
            chosen.append(row)
            start = float(bottom[row])
        return np.asarray(bottom[np.array(chosen, np.int64)])


def _passing(at: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How many of the intervals from `low` to below `high` hold each of `at` (ascending): int64."""
    import numpy as np

    steps = np.bincount(np.searchsorted(at, low), minlength=len(at) + 1) - np.bincount(np.searchsorted(at, high), minlength=len(at) + 1)
    return np.asarray(np.cumsum(steps)[: len(at)])


@dataclass(frozen=True)
class _Columns:
    """A picture cut at `cuts`: the column of every box, tag and piece of a link (`piece` of the original, from y0 to y1), the
    lanes, the size of the whole, and how high the last column is.
    """

    cuts: np.ndarray
    boxes: np.ndarray
    tags: np.ndarray
    piece: np.ndarray
    column: np.ndarray
    y0: np.ndarray
    y1: np.ndarray
    lanes: _Lanes
    width: float
    height: float
    last: float

    @staticmethod
    def of(placed: Placed, cuts: np.ndarray) -> _Columns:
        import numpy as np

        links, ports = placed.links, placed.ports
        lines = _Pieces.of(links[:, 1], links[:, 3], cuts)
        piece, number = _each(lines.columns)
        column = lines.first[piece] + number
        y0 = np.where(number == 0, links[piece, 1], cuts[np.maximum(column - 1, 0)])
        y1 = np.where(number == lines.columns[piece] - 1, links[piece, 3], cuts[np.minimum(column, len(cuts) - 1)])
        wire, passing = _each(lines.wires)
        keys = np.unique(_keys(lines.wire[wire] + passing, placed.link_tensor[wire], links[wire, 0]))
        boxes, tags = np.searchsorted(cuts, placed.y), np.searchsorted(cuts, ports.y)
        left, right = np.full(len(cuts) + 1, np.inf), np.full(len(cuts) + 1, -np.inf)
        for of, low, high in (
            (boxes, placed.x - placed.w / 2, placed.x + placed.w / 2),
            (tags, ports.x - ports.w / 2, ports.x + ports.w / 2),
            (column, np.minimum(links[piece, 0], links[piece, 2]), np.maximum(links[piece, 0], links[piece, 2])),
        ):
            np.minimum.at(left, of, low)
            np.maximum.at(right, of, high)
        top = float((placed.y - placed.h / 2).min())
        lanes = _Lanes.of(keys, cuts, left, right, min(top, float((ports.y - ports.h / 2).min(initial=top))))
        lower = np.concatenate((placed.y + placed.h / 2 + lanes.move_y[boxes], ports.y + ports.h / 2 + lanes.move_y[tags], lanes.foot_y))
        return _Columns(
            cuts=cuts,
            boxes=boxes,
            tags=tags,
            piece=piece,
            column=column,
            y0=y0,
            y1=y1,
            lanes=lanes,
            width=float(right[-1] + lanes.move_x[-1]) + MARGIN,
            height=float(lower.max()) + MARGIN,
            last=float((placed.y + placed.h / 2).max() - cuts[-1]),
        )

    def drawn(self, placed: Placed, tensor: np.ndarray) -> Placed:
        """The picture; `tensor` of each edge."""
        import numpy as np

        lanes, ports = self.lanes, placed.ports
        x, y = lanes.move_x[self.column], lanes.move_y[self.column]
        pieces = np.stack((placed.links[self.piece, 0] + x, self.y0 + y, placed.links[self.piece, 2] + x, self.y1 + y), 1)
        points, offsets = _routes(placed, tensor, self.cuts, lanes)
        return replace(
            placed,
            x=placed.x + lanes.move_x[self.boxes],
            y=placed.y + lanes.move_y[self.boxes],
            points=points,
            offsets=offsets,
            links=np.concatenate((pieces, lanes.pieces())),
            link_tensor=np.concatenate((placed.link_tensor[self.piece], np.repeat(lanes.tensor, 5))).astype(np.int32),
            ports=replace(ports, x=ports.x + lanes.move_x[self.tags], y=ports.y + lanes.move_y[self.tags]),
            width=self.width,
            height=self.height,
        )


@dataclass(frozen=True)
class _Pieces:
    """Pieces from y0 down to y1 among cuts: the `first` column and how many `columns`; the first cut that it passes as a
    `wire` (also one that it starts at) and how many `wires`; int64 each.
    """

    first: np.ndarray
    columns: np.ndarray
    wire: np.ndarray
    wires: np.ndarray

    @staticmethod
    def of(y0: np.ndarray, y1: np.ndarray, cuts: np.ndarray) -> _Pieces:
        import numpy as np

        first = np.searchsorted(cuts, y0 + EPS, side="right")
        wire, last = np.searchsorted(cuts, y0 - EPS), np.searchsorted(cuts, y1 - EPS)
        return _Pieces(first=first, columns=np.maximum(last - first, 0) + 1, wire=wire, wires=np.maximum(last - wire, 0))


@dataclass(frozen=True)
class _Lanes:
    """How far each column moves, and the ways around: one for each (cut, tensor, x), sorted by `keys`.

    `from_x`, `from_y`: where it leaves its column, `foot_y`, `gutter_x`, `head_y` its lanes, `to_x`, `to_y` where the next begins.
    """

    move_x: np.ndarray
    move_y: np.ndarray
    keys: np.ndarray
    tensor: np.ndarray
    from_x: np.ndarray
    from_y: np.ndarray
    foot_y: np.ndarray
    gutter_x: np.ndarray
    head_y: np.ndarray
    to_x: np.ndarray
    to_y: np.ndarray

    @staticmethod
    def of(keys: np.ndarray, cuts: np.ndarray, left: np.ndarray, right: np.ndarray, top: float) -> _Lanes:
        """Lanes for all `keys`; `left` and `right` bound each column where it was, `top` the first."""
        import numpy as np

        cut, tensor, x = _unkeyed(keys)
        many = np.bincount(cut, minlength=len(cuts))
        lane = np.minimum(LANE, MOST / np.maximum(many, 1))
        by = np.lexsort((x, cut))
        number = np.empty(len(keys), np.int64)
        number[by] = np.arange(len(keys)) - np.repeat(np.cumsum(many) - many, many)
        spread = lane * many
        head = MARGIN + float(spread.max(initial=0.0))
        move_y = np.concatenate(([head - top], head - cuts))
        beside = np.where(many > 0, spread + 2 * ROOM, 2 * ROOM)
        wide = right - left
        move_x = MARGIN + np.concatenate(([0.0], np.cumsum(wide[:-1] + beside))) - left
        from_y = cuts[cut] + move_y[cut]
        return _Lanes(
            move_x=move_x,
            move_y=move_y,
            keys=keys,
            tensor=tensor,
            from_x=x + move_x[cut],
            from_y=from_y,
            foot_y=from_y + (many[cut] - number) * lane[cut] + LANE,
            gutter_x=(right + move_x)[cut] + ROOM + (many[cut] - number - 0.5) * lane[cut],
            head_y=head - (number + 1) * lane[cut],
            to_x=x + move_x[cut + 1],
            to_y=np.full(len(keys), head),
        )

    def pieces(self) -> np.ndarray:
        """The ways around as lines with y0 <= y1, five for each: float64 (5 k, 4)."""
        import numpy as np

        a, f, g, h, b = self.from_x, self.foot_y, self.gutter_x, self.head_y, self.to_x
        every = ((a, self.from_y, a, f), (a, f, g, f), (g, h, g, f), (g, h, b, h), (b, h, b, self.to_y))
        return np.stack([np.stack(line, 1) for line in every], 1).reshape(-1, 4)


def _routes(placed: Placed, tensor: np.ndarray, cuts: np.ndarray, lanes: _Lanes) -> tuple[np.ndarray, np.ndarray]:
    """Points and offsets with the ways around put in."""
    import numpy as np

    points, offsets = placed.points, placed.offsets
    if not len(points):
        return points, offsets
    column = np.searchsorted(cuts, points[:, 1] - EPS)
    moved = points + np.stack((lanes.move_x[column], lanes.move_y[column]), 1)
    passed = _Pieces.of(points[:-1, 1], points[1:, 1], cuts)
    wires = passed.wires.copy()
    wires[offsets[1:-1] - 1] = 0  # from the end of one route to the start of the next there is no line
    segment, number = _each(wires)
    edge = np.searchsorted(offsets, segment, side="right") - 1
    at = np.searchsorted(lanes.keys, _keys(passed.wire[segment] + number, tensor[edge], points[segment, 0]))
    corners = (
        (lanes.from_x, lanes.foot_y),
        (lanes.gutter_x, lanes.foot_y),
        (lanes.gutter_x, lanes.head_y),
        (lanes.to_x, lanes.head_y),
        (lanes.to_x, lanes.to_y),
    )
    added = np.concatenate(([0], np.cumsum(5 * wires)))
    result = np.empty((len(points) + int(added[-1]), 2))
    place = np.arange(len(points)) + added
    result[place] = moved
    first = place[segment] + 1 + 5 * number
    for step, (x, y) in enumerate(corners):
        result[first + step, 0], result[first + step, 1] = x[at], y[at]
    return result, np.append(place, len(result))[offsets]


def _each(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """0 0 0 1 1 ... as often as `counts` says, and 0 1 2 0 1 ... beside it."""
    import numpy as np

    of = np.repeat(np.arange(len(counts)), counts)
    return of, np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)


#: x in a key: sixteenths of a pixel.
_FINE, _WIDE, _MANY = 16.0, 1 << 29, 1 << 22


def _keys(cut: np.ndarray, tensor: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One int64 for each (cut, tensor, x)."""
    import numpy as np

    return np.asarray((cut.astype(np.int64) * _MANY + tensor) * _WIDE + np.round(x * _FINE).astype(np.int64))


def _unkeyed(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rest, x = keys // _WIDE, keys % _WIDE
    return rest // _MANY, rest % _MANY, x / _FINE

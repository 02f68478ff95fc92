"""Where links touch their boxes: along the lower side of the producer and the upper side of the consumer.

A link that can run straight down between two boxes does, even where their centres are not above each other; one that
goes to the side leaves by the near corner. Links of one side keep the order of their other ends, so none cross there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.layout.nets import Nets

#: Distance between the ends of several links on one side, where the box has room for it.
STEP = 16.0
#: No link touches a box nearer to its corner than this.
CORNER = 10.0
#: How often both ends of the links between neighbouring rows are fitted to each other in turn.
ROUNDS = 3
#: Ends this near to above each other (or a third of the distance to the next link) are put above each other.
SNAP = 4.0


@dataclass(frozen=True)
class Ends:
    """x of all ends, float64: `trunk` by net, where its chain leaves the producer; by branch, where it comes from
    (`start`: the producer where it spans one row, else the chain) and where it reaches the consumer (`end`).
    """

    trunk: np.ndarray
    start: np.ndarray
    end: np.ndarray


def reaches(nets: Nets, w: np.ndarray) -> np.ndarray:
    """How far from the middle of each vertex a link may touch it, float64 (v): tags and stand-ins only there; `w` of boxes."""
    import numpy as np

    return np.concatenate((np.maximum(0.0, w / 2 - CORNER), np.zeros(len(nets.rank) - nets.n)))


def ends(nets: Nets, x: np.ndarray, room: np.ndarray, exits: np.ndarray | None = None, enter: np.ndarray | None = None) -> Ends:
    """`x` of all vertices and how far from there links may touch them (`reaches`), float64 (v) both.

    `exits` by tensor: how far from its middle a tensor leaves its producer; `enter` by edge: how far from the middle of its
    consumer it arrives; nan where that is free.
    """
    import numpy as np

    net, dst = nets.branch_net, nets.branch_dst
    source = nets.net_src
    direct = nets.branch_span == 1
    last = np.where(direct, source[net], nets.first[net] + nets.branch_span - 2)

    # Leaving: the direct branches, then the chains.
    straight = np.flatnonzero(direct)
    chained = np.flatnonzero(nets.count > 0)
    leave_net = np.concatenate((net[straight], chained))
    leave_to = np.concatenate((dst[straight], nets.first[chained]))
    lower = _Side.of(source[leave_net], x[leave_to], leave_net, x, room)
    upper = _Side.of(dst, x[last], net, x, room)

    # Between two boxes: below or above the centre of that which has no other link there, else half way, as far as both
    # reach; along a chain: where that is.
    a, b = source[net[straight]], dst[straight]
    low, high = np.maximum(x[a] - room[a], x[b] - room[b]), np.minimum(x[a] + room[a], x[b] + room[b])
    only = (np.bincount(dst, minlength=len(x))[b] == 1) * 1.0 - (np.bincount(source[leave_net], minlength=len(x))[a] == 1)
    half = 0.5 * (x[a] + x[b] + only * (x[b] - x[a]))
    over = low <= high
    shared = np.clip(half, low, np.maximum(low, high))
    start = np.concatenate((np.where(over, shared, x[b]), x[nets.first[chained]]))
    end = x[last].copy()
    end[straight] = np.where(over, shared, x[a])
    given = np.full(len(leave_net), np.nan) if exits is None else exits[nets.net_tensor[leave_net]] + x[source[leave_net]]
    given[source[leave_net] >= nets.n] = np.nan  # what begins at a tag begins in its middle
    bound = ~np.isnan(given)
    met = np.full(len(net), np.nan)
    if enter is not None and len(enter):
        met[nets.edge_branch] = enter + x[dst[nets.edge_branch]]
    tied = ~np.isnan(met)
    for _ in range(ROUNDS):
        start = np.where(bound, given, lower.fit(start))
        wanted = end
        wanted[straight] = start[: len(straight)]
        end = np.where(tied, met, upper.fit(wanted))
        start[: len(straight)] = end[straight]
        wanted = end.copy()
        wanted[~direct] = x[last[~direct]]
        end = wanted
    start = np.where(bound, given, lower.fit(start))
    end[straight] = start[: len(straight)]
    end = np.where(tied, met, upper.fit(end))

    begin = x[last].copy()
    begin[straight] = start[: len(straight)]
    off = np.abs(begin - end)
    near = (off <= np.minimum(SNAP, upper.step / 3)) & ~tied
    end = np.where(near, begin, end)
    trunk = x[source].copy()
    trunk[chained] = start[len(straight) :]
    off = np.abs(trunk[chained] - x[nets.first[chained]])
    near = (off <= np.minimum(SNAP, lower.step[len(straight) :] / 3)) & ~bound[len(straight) :]
    trunk[chained] = np.where(near, x[nets.first[chained]], trunk[chained])
    return Ends(trunk=trunk, start=begin, end=end)


@dataclass(frozen=True)
class _Side:
    """All links of all sides, in order `by` (side after side, left to right): `low`, `high` bound the links' own share."""

    by: np.ndarray
    apart: np.ndarray
    shift: np.ndarray
    low: np.ndarray
    high: np.ndarray
    step: np.ndarray

    @staticmethod
    def of(box: np.ndarray, other: np.ndarray, net: np.ndarray, x: np.ndarray, room: np.ndarray) -> _Side:
        """`box` of each link, `other` x of its other end, its net."""
        import numpy as np

        by = np.lexsort((net, other, box))
        own = box[by]
        begin = np.flatnonzero(np.concatenate(([True], own[1:] != own[:-1]))) if len(own) else np.zeros(0, np.int64)
        count = np.diff(np.append(begin, len(own)))
        number = np.arange(len(own)) - np.repeat(begin, count)
        many = np.repeat(count, count) - 1
        step = np.where(many > 0, np.minimum(STEP, 2 * room[own] / np.maximum(many, 1)), STEP)
        shift = number * step
        each = np.empty(len(own))
        each[by] = step
        low, high = x[own] - room[own], x[own] + room[own] - many * step
        # A side that is full has no play: rounding must not turn its bounds around.
        return _Side(by=by, apart=np.cumsum(number == 0) * 1e7, shift=shift, low=low, high=np.maximum(low, high), step=each)

    def fit(self, wanted: np.ndarray) -> np.ndarray:
        """The x nearest to what is wanted that keep order and distances and stay on their sides."""
        import numpy as np

        free = np.clip(wanted[self.by] - self.shift, self.low, self.high) + self.apart
        fitted = 0.5 * (np.maximum.accumulate(free) + np.minimum.accumulate(free[::-1])[::-1]) - self.apart
        result = np.empty(len(wanted))
        result[self.by] = np.clip(fitted, self.low, self.high) + self.shift
        return result

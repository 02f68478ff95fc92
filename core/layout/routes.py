"""Rows to pixels, and links to polylines: vertical beside boxes, slanted only between rows, so none crosses a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.layout.nets import Nets

#: Room between rows in pixels; more where links travel far to the side, so that curves stay soft.
GAP, GAP_PER_SIDEWAYS, MAX_GAP = 26.0, 0.11, 88.0
#: Distance between the ends of several links on one box.
STEP = 16.0
#: A link that is off by no more than this is drawn straight, beside the centre of its box.
NUDGE = 28.0
STRAIGHT = 0.25


@dataclass(frozen=True)
class Vertical:
    """y of the rows: centre, upper and lower side of each band, float64 (rows); `height` of everything."""

    centre: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    height: float


@dataclass(frozen=True)
class Routes:
    """What `core.layout.Placed` says of points, offsets, links and their tensors."""

    points: np.ndarray
    offsets: np.ndarray
    links: np.ndarray
    link_tensor: np.ndarray


def stack(nets: Nets, x: np.ndarray, h: np.ndarray) -> Vertical:
    """Put the rows under each other; `x` of all vertices, `h` of boxes and tags."""
    import numpy as np

    rows = int(nets.rank.max()) + 1 if len(nets.rank) else 0
    tall = np.zeros(rows)
    np.maximum.at(tall, nets.rank[: nets.real], h)
    sideways = np.zeros(max(rows, 1))
    np.maximum.at(sideways, nets.rank[nets.hop_src], np.abs(x[nets.hop_src] - x[nets.hop_dst]))
    gap = np.minimum(GAP + GAP_PER_SIDEWAYS * sideways[:rows], MAX_GAP)
    bottom = np.cumsum(tall + gap) - gap
    return Vertical(centre=bottom - tall / 2, top=bottom - tall, bottom=bottom, height=float(bottom[-1]) if rows else 0.0)


def route(
    nets: Nets,
    x: np.ndarray,
    w: np.ndarray,
    h: np.ndarray,
    rows: Vertical,
    *,
    leave: np.ndarray | None = None,
    enter: np.ndarray | None = None,
) -> Routes:
    """Draw every edge, and every link once; `x` float64 of all vertices, `w`, `h` of boxes and tags; `leave`, `enter`: float64 (m)
    from the middles of boxes to where an edge must begin and end, nan where it may choose."""
    import numpy as np

    rank, real = nets.rank, nets.real
    source = nets.net_src
    level = rank[source]
    begin_x = x[source] + _leaving(nets, leave)
    leave_y = rows.centre[level] + h[source] / 2

    # Chains: the stand-in before each one, and where a chain moves sideways.
    owner, own = nets.owner, np.arange(real, len(rank))
    before = np.where(own == nets.first[owner], source[owner], own - 1)
    before_x = np.where(own == nets.first[owner], begin_x[owner], x[before])
    bent = np.abs(x[own] - before_x) > STRAIGHT
    bends = np.concatenate(([0], np.cumsum(bent)))
    bend = np.flatnonzero(bent)
    bend_from = np.stack((before_x[bend], rows.bottom[rank[before[bend]]]), 1)
    bend_to = np.stack((x[own[bend]], rows.top[rank[own[bend]]]), 1)

    # Branches: the last hop of each.
    net, dst, span = nets.branch_net, nets.branch_dst, nets.branch_span
    last = np.where(span == 1, source[net], nets.first[net] + span - 2)
    last_x = np.where(span == 1, begin_x[net], x[last])
    end_x = x[dst] + _ends(dst, last_x, x, w)
    fixed = _entering(nets, enter)
    end_x = np.where(np.isnan(fixed), end_x, x[dst] + fixed)
    straight = np.abs(last_x - end_x) <= STRAIGHT
    end_x = np.where(straight, last_x, end_x)
    end_y = rows.centre[rank[dst]] - h[dst] / 2
    part_y, band_y = rows.bottom[rank[last]], rows.top[rank[dst]]

    points, offsets = _polylines(nets, begin_x, last_x, leave_y, bend_from, bend_to, bends, end_x, end_y, straight, part_y, band_y)

    # Links, each once: bends and runs of the trunks, then the branches.
    trunks = _runs(nets, x, begin_x, rows, leave_y, own[bend], owner[bend])
    swing = ~straight
    down = straight | (end_y - band_y > STRAIGHT)
    pieces = [
        (np.concatenate((bend_from, bend_to), 1), owner[bend]),
        trunks,
        (np.stack((last_x, part_y, end_x, band_y), 1)[swing], net[swing]),
        (np.stack((end_x, np.where(straight, part_y, band_y), end_x, end_y), 1)[down], net[down]),
    ]
    return Routes(
        points=points,
        offsets=offsets,
        links=np.concatenate([lines for lines, _ in pieces]),
        link_tensor=nets.net_tensor[np.concatenate([of for _, of in pieces])].astype(np.int32),
    )


def _leaving(nets: Nets, leave: np.ndarray | None) -> np.ndarray:
    """How far right of the middle of its box each net begins: float64 (nets)."""
    import numpy as np

    off = np.zeros(len(nets.net_src))
    if leave is not None and len(leave):
        by_tensor = np.zeros(int(nets.net_tensor.max()) + 1)
        known = ~np.isnan(leave)
        by_tensor[nets.net_tensor[nets.branch_net[nets.edge_branch[known]]]] = leave[known]
        own = nets.net_src < nets.n  # not those that begin at a tag
        off[own] = by_tensor[nets.net_tensor[own]]
    return off


def _entering(nets: Nets, enter: np.ndarray | None) -> np.ndarray:
    """Where each branch must end, from the middle of its box: float64 (branches), nan where it may choose."""
    import numpy as np

    fixed = np.full(len(nets.branch_net), np.nan)
    if enter is not None and len(enter):
        fixed[nets.edge_branch] = enter
    return fixed


def _ends(dst: np.ndarray, from_x: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Where on its box each branch ends, from the centre: in the order in which they arrive, the straightest in the middle."""
    import numpy as np

    if not len(dst):
        return np.zeros(0)
    by = np.lexsort((from_x, dst))
    box = dst[by]
    begin = np.flatnonzero(np.concatenate(([True], box[1:] != box[:-1])))
    count = np.diff(np.append(begin, len(box)))
    number = np.arange(len(box)) - np.repeat(begin, count)
    off = from_x[by] - x[box]
    nearest = np.minimum.reduceat(np.abs(off), begin)
    room = w[box[begin]] / 2 - 14.0
    is_nearest = np.abs(off) <= np.repeat(nearest, count)
    pivot = np.full(len(begin), len(box), np.float64)
    group = np.repeat(np.arange(len(begin)), count)
    np.minimum.at(pivot, group[is_nearest], number[is_nearest])
    # Where the nearest link is almost straight, all ends move a little so that it is.
    chosen = begin + pivot.astype(np.int64)
    reach = np.maximum(1.0, np.maximum(pivot, count - 1 - pivot))
    nudged = nearest <= np.minimum(NUDGE, room - 6.0 * reach)
    nudged |= nearest <= STRAIGHT
    shift = np.where(nudged, off[chosen], 0.0)
    pivot = np.where(nudged, pivot, (count - 1) / 2)
    reach = np.maximum(1.0, np.maximum(pivot, count - 1 - pivot))
    step = np.minimum(STEP, (room - np.abs(shift)) / reach)
    ends = (number - pivot[group]) * step[group] + shift[group]
    result = np.empty(len(dst))
    result[by] = ends
    return result


def _polylines(
    nets: Nets,
    begin_x: np.ndarray,
    last_x: np.ndarray,
    leave_y: np.ndarray,
    bend_from: np.ndarray,
    bend_to: np.ndarray,
    bends: np.ndarray,
    end_x: np.ndarray,
    end_y: np.ndarray,
    straight: np.ndarray,
    part_y: np.ndarray,
    band_y: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    branch = nets.edge_branch
    net, span = nets.branch_net[branch], nets.branch_span[branch]
    begin = nets.first[net] - nets.real
    some = span > 1
    low = np.where(some, bends[np.minimum(begin, len(bends) - 1)], 0)
    high = np.where(some, bends[np.minimum(begin + span - 1, len(bends) - 1)], 0)
    inner, swing = high - low, ~straight[branch]
    offsets = np.concatenate(([0], np.cumsum(2 + 2 * inner + 2 * swing)))
    points = np.empty((int(offsets[-1]), 2))
    first, final = offsets[:-1], offsets[1:] - 1
    points[first, 0], points[first, 1] = begin_x[net], leave_y[net]
    points[final, 0], points[final, 1] = end_x[branch], end_y[branch]
    which = np.repeat(np.arange(len(branch)), inner)
    number = np.arange(len(which)) - np.repeat(np.cumsum(inner) - inner, inner)
    at, of = first[which] + 1 + 2 * number, low[which] + number
    points[at], points[at + 1] = bend_from[of], bend_to[of]
    points[final[swing] - 2] = np.stack((last_x[branch[swing]], part_y[branch[swing]]), 1)
    points[final[swing] - 1] = np.stack((end_x[branch[swing]], band_y[branch[swing]]), 1)
    return points, offsets


def _runs(
    nets: Nets, x: np.ndarray, begin_x: np.ndarray, rows: Vertical, leave_y: np.ndarray, bent: np.ndarray, bent_net: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The vertical pieces of all trunks, and the net of each: from the box or a bend to the next bend or the chain's end."""
    import numpy as np

    every = np.arange(len(nets.net_src))
    vertex = np.concatenate((nets.net_src, bent))
    at_x = np.concatenate((begin_x, x[bent]))
    net = np.concatenate((every, bent_net))
    from_y = np.concatenate((leave_y, rows.top[nets.rank[bent]]))
    by = np.lexsort((nets.rank[vertex], net))
    vertex, at_x, net, from_y = vertex[by], at_x[by], net[by], from_y[by]
    chain_end = np.where(nets.count > 0, nets.rank[nets.net_src] + nets.count, nets.rank[nets.net_src])
    to_rank = chain_end[net]
    followed = np.flatnonzero(net[:-1] == net[1:])
    to_rank[followed] = nets.rank[vertex[followed + 1]] - 1
    to_y = rows.bottom[to_rank]
    keep = to_y - from_y > STRAIGHT
    return np.stack((at_x, from_y, at_x, to_y), 1)[keep], net[keep]

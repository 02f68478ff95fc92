"""Rows to pixels, and links to polylines: vertical beside boxes, slanted only between rows, so none crosses a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.layout.ends import Ends
    from core.layout.nets import Nets

#: Room between rows in pixels; more where links travel far to the side, so that curves stay soft.
GAP, GAP_PER_SIDEWAYS, MAX_GAP = 20.0, 0.05, 60.0
#: A row that is so many times as high as a box is a lofty one.
LOFTY = 4.0
#: Ends that are this near to above each other are.
STRAIGHT = 0.25


@dataclass(frozen=True)
class Vertical:
    """y of the rows: upper and lower side of each band, float64 (rows); `y` of boxes and tags; `height` of everything."""

    top: np.ndarray
    bottom: np.ndarray
    y: np.ndarray
    height: float


@dataclass(frozen=True)
class Routes:
    """What `core.layout.Placed` says of points, offsets, links and their tensors."""

    points: np.ndarray
    offsets: np.ndarray
    links: np.ndarray
    link_tensor: np.ndarray


def stack(nets: Nets, x: np.ndarray, h: np.ndarray, ends: Ends) -> Vertical:
    """Put the rows under each other; `x` of all vertices, `h` of boxes and tags."""
    import numpy as np

    rows = int(nets.rank.max()) + 1 if len(nets.rank) else 0
    tall = np.zeros(rows)
    np.maximum.at(tall, nets.rank[: nets.real], h)
    sideways = np.zeros(max(rows, 1))
    own = np.arange(nets.real, len(nets.rank))
    np.maximum.at(sideways, nets.rank[own] - 1, np.abs(x[own] - _before(nets, x, ends)))
    np.maximum.at(sideways, nets.rank[nets.branch_dst] - 1, np.abs(ends.start - ends.end))
    gap = np.minimum(GAP + GAP_PER_SIDEWAYS * sideways[:rows], MAX_GAP)
    bottom = np.cumsum(tall + gap) - gap
    # In the middle of its row; at the lower side of one that is much higher, near what it leads to.
    level = nets.rank[: nets.real]
    off = np.where(tall[level] > LOFTY * h, h, tall[level]) / 2
    return Vertical(top=bottom - tall, bottom=bottom, y=bottom[level] - off, height=float(bottom[-1]) if rows else 0.0)


def _before(nets: Nets, x: np.ndarray, ends: Ends) -> np.ndarray:
    """Where each stand-in's link comes from: x of the one above it in its chain, or of the end on the producer."""
    import numpy as np

    own = np.arange(nets.real, len(nets.rank))
    return np.asarray(np.where(own == nets.first[nets.owner], ends.trunk[nets.owner], x[own - 1]))


def route(nets: Nets, x: np.ndarray, h: np.ndarray, rows: Vertical, ends: Ends) -> Routes:
    """Draw every edge, and every link once; `x` float64 of all vertices, `h` of boxes and tags."""
    import numpy as np

    rank, real = nets.rank, nets.real
    source = nets.net_src
    leave_y = rows.y[source] + h[source] / 2

    # Chains: where each comes from, and where it moves sideways.
    owner, own = nets.owner, np.arange(real, len(rank))
    before = _before(nets, x, ends)
    bent = np.abs(x[own] - before) > STRAIGHT
    bends = np.concatenate(([0], np.cumsum(bent)))
    bend = np.flatnonzero(bent)
    bend_from = np.stack((before[bend], rows.bottom[rank[own[bend]] - 1]), 1)
    bend_to = np.stack((x[own[bend]], rows.top[rank[own[bend]]]), 1)

    # Branches: the last hop of each.
    net, dst, span = nets.branch_net, nets.branch_dst, nets.branch_span
    straight = np.abs(ends.start - ends.end) <= STRAIGHT
    end_x = np.where(straight, ends.start, ends.end)
    end_y = rows.y[dst] - h[dst] / 2
    part_y, band_y = rows.bottom[rank[dst] - 1], rows.top[rank[dst]]

    points, offsets = _polylines(nets, ends, leave_y, bend_from, bend_to, bends, end_x, end_y, straight, part_y, band_y)

    # Links, each once: bends and runs of the trunks, then the branches.
    trunks = _runs(nets, x, rows, leave_y, ends, own[bend], owner[bend])
    swing = ~straight
    begin_y = np.where(span == 1, leave_y[net], part_y)
    leaving = swing & (part_y - begin_y > STRAIGHT)
    down = straight | (end_y - band_y > STRAIGHT)
    pieces = [
        (np.concatenate((bend_from, bend_to), 1), owner[bend]),
        trunks,
        (np.stack((ends.start, begin_y, ends.start, part_y), 1)[leaving], net[leaving]),
        (np.stack((ends.start, part_y, end_x, band_y), 1)[swing], net[swing]),
        (np.stack((end_x, np.where(straight, begin_y, band_y), end_x, end_y), 1)[down], net[down]),
    ]
    return Routes(
        points=points,
        offsets=offsets,
        links=np.concatenate([lines for lines, _ in pieces]),
        link_tensor=nets.net_tensor[np.concatenate([of for _, of in pieces])].astype(np.int32),
    )


def _polylines(
    nets: Nets,
    ends: Ends,
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
    points[first, 0], points[first, 1] = np.where(some, ends.trunk[net], ends.start[branch]), leave_y[net]
    points[final, 0], points[final, 1] = end_x[branch], end_y[branch]
    which = np.repeat(np.arange(len(branch)), inner)
    number = np.arange(len(which)) - np.repeat(np.cumsum(inner) - inner, inner)
    at, of = first[which] + 1 + 2 * number, low[which] + number
    points[at], points[at + 1] = bend_from[of], bend_to[of]
    points[final[swing] - 2] = np.stack((ends.start[branch[swing]], part_y[branch[swing]]), 1)
    points[final[swing] - 1] = np.stack((end_x[branch[swing]], band_y[branch[swing]]), 1)
    return points, offsets


def _runs(
    nets: Nets, x: np.ndarray, rows: Vertical, leave_y: np.ndarray, ends: Ends, bent: np.ndarray, bent_net: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The vertical pieces of all chains, and the net of each: from the box or a bend to the next bend or the chain's end."""
    import numpy as np

    chained = np.flatnonzero(nets.count > 0)
    rank = np.concatenate((nets.rank[nets.net_src[chained]], nets.rank[bent]))
    net = np.concatenate((chained, bent_net))
    at = np.concatenate((ends.trunk[chained], x[bent]))
    from_y = np.concatenate((leave_y[chained], rows.top[nets.rank[bent]]))
    by = np.lexsort((rank, net))
    rank, net, at, from_y = rank[by], net[by], at[by], from_y[by]
    to_rank = (nets.rank[nets.net_src] + nets.count)[net]
    followed = np.flatnonzero(net[:-1] == net[1:])
    to_rank[followed] = rank[followed + 1] - 1
    to_y = rows.bottom[to_rank]
    keep = to_y - from_y > STRAIGHT
    return np.stack((at, from_y, at, to_y), 1)[keep], net[keep]

"""One group of a folded graph, laid out by itself: its items, and ports above and below for what comes in and goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout import Placed

if TYPE_CHECKING:
    import numpy as np

#: The strip with a frame's name, and the room around what is in it.
HEAD, PAD = 26.0, 16.0
#: Kinds of a group's edges: between two of its items, from an item out of it, from outside to an item.
INNER, OUT, IN = 0, 1, 2


@dataclass(frozen=True)
class Laid:
    """One group's layout, from its upper left corner: `placed` holds the ports above, the items, the ports below, shifted by `dx`, `dy`.

    `ins`, `outs` float64: where its tensors come in and go out, from the left, in the order of the group's local tensors; `width`,
    `height` of the frame; `back` bool: which edges were turned round because they run against the order.
    """

    placed: Placed
    dx: float
    dy: float
    ins: np.ndarray
    outs: np.ndarray
    width: float
    height: float
    back: np.ndarray


def meet(end: np.ndarray, item: np.ndarray, place: int, tensor: np.ndarray, ports: np.ndarray, at: np.ndarray) -> None:
    """Let the edges that end at an unfolded item meet its ports."""
    import numpy as np

    if not len(ports):
        return
    edges = np.flatnonzero(item == place)
    by = np.argsort(ports, kind="stable")
    found = by[np.minimum(np.searchsorted(ports[by], tensor[edges]), len(ports) - 1)]
    right = ports[found] == tensor[edges]
    end[edges[right]] = at[found[right]]


def ports_of(local: np.ndarray, end: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The tensors of `chosen` edges, local numbers, in the order of the first item at their inner end."""
    import numpy as np

    found, at = np.unique(local[chosen], return_inverse=True)
    first = np.full(len(found), np.iinfo(np.int64).max)
    np.minimum.at(first, at.reshape(-1), end[chosen])
    return np.asarray(found[np.argsort(first, kind="stable")])


def heading(name: str, said: str) -> float:
    """How wide a frame must be for its own heading."""
    from core.layout.boxes import DETAIL, text_width

    return min(420.0, text_width(name, DETAIL) * 1.11 + text_width(said, DETAIL) + 64.0)


def arrange(
    count: int,
    w: np.ndarray,
    h: np.ndarray,
    kind: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    local: np.ndarray,
    leave: np.ndarray,
    enter: np.ndarray,
    ins: np.ndarray,
    outs: np.ndarray,
    names: list[str],
    root: bool,
    head: float,
) -> Laid:
    """Lay out one group from its items, ports and edges."""
    import numpy as np

    from core.layout.layered import MARGIN, Rim, lay

    above, below = len(ins), len(outs)
    place = ordered(count, a[kind == INNER], b[kind == INNER])
    port = np.full(len(names), -1, np.int64)
    port[ins] = np.arange(above)
    src = np.where(kind == IN, port[local], above + place[a])
    port[outs] = np.arange(below)
    dst = np.where(kind == OUT, above + count + port[local], above + place[b])
    back = src > dst
    src, dst = np.where(back, dst, src), np.where(back, src, dst)
    # an edge that runs against the order is drawn from its reader's side: as a tensor of its own
    carried = local.copy()
    carried[back] = len(names) + np.arange(int(back.sum()))
    leave, enter = np.where(back, np.nan, leave), np.where(back, np.nan, enter)
    called = [*names, *(names[number] for number in local[back].tolist())]
    size = above + count + below
    full_w, full_h = np.full(size, 4.0), np.zeros(size)
    full_w[above + place], full_h[above + place] = w, h
    rim = None
    if not root or above or below or not (np.isnan(leave) & np.isnan(enter)).all():
        rim = Rim(above, below, leave, enter, MARGIN if root else PAD)
    placed = lay(full_w, full_h, src, dst, carried, called, rim=rim)
    # back to the order of items, and to the tensors that they really are
    seat = np.concatenate((np.arange(above), above + place, above + count + np.arange(below)))
    real = np.concatenate((np.arange(len(names)), local[back]))
    placed = _renumbered(placed, seat, real)
    width = placed.width if root else max(placed.width, head)
    dx = (width - placed.width) / 2
    dy = 0.0 if root else HEAD
    return Laid(
        placed=placed,
        dx=dx,
        dy=dy,
        ins=placed.x[:above] + dx,
        outs=placed.x[above + count :] + dx,
        width=width,
        height=placed.height + dy,
        back=back,
    )


def _renumbered(placed: Placed, seat: np.ndarray, real: np.ndarray) -> Placed:
    import dataclasses

    import numpy as np

    number = np.empty(len(seat), np.int64)
    number[seat] = np.arange(len(seat))
    ports = dataclasses.replace(
        placed.ports, node=number[placed.ports.node].astype(np.int32), tensor=real[placed.ports.tensor].astype(np.int32)
    )
    return dataclasses.replace(
        placed, x=placed.x[seat], y=placed.y[seat], w=placed.w[seat], h=placed.h[seat], rank=placed.rank[seat],
        link_tensor=real[placed.link_tensor].astype(np.int32), ports=ports,
    )  # fmt: skip


def ordered(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Places (int64 (count)) in which as few edges as are easily had run backwards; as given where none does."""
    import heapq

    import numpy as np

    if not len(a) or bool((a < b).all()):
        return np.arange(count)
    after: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for one, other in sorted(set(zip(a.tolist(), b.tolist(), strict=True))):
        if one != other:
            after[one].append(other)
            waits[other] += 1
    ready = [item for item in range(count) if not waits[item]]
    heapq.heapify(ready)
    place = np.full(count, -1, np.int64)
    following = 0
    for number in range(count):
        while ready and place[ready[0]] >= 0:
            heapq.heappop(ready)
        if ready:
            item = heapq.heappop(ready)
        else:  # a ring: the one that stands first in the graph goes on
            while place[following] >= 0:
                following += 1
            item = following
        place[item] = number
        for other in after[item]:
            waits[other] -= 1
            if waits[other] == 0 and place[other] < 0:
                heapq.heappush(ready, other)
    return place

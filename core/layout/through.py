"""The route of one edge through the frames between its boxes: out of those around its producer, into those around its consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.layout.group import IN, INNER, OUT
from core.layout.nested import edges_of

if TYPE_CHECKING:
    import numpy as np

    from core.layout.nested import NestedPlaced, Stamp
    from core.model.index import GraphIndex


def route(placed: NestedPlaced, index: GraphIndex, edge: int) -> np.ndarray:
    """The polyline of an edge of a folded picture's index: float64 (k, 2), at least two points."""
    import numpy as np

    whole = placed.nest
    tree, n = whole.tree, len(whole.index)
    tensor = int(index.tensor[edge])
    source, target = int(placed.item[index.src[edge]]), int(placed.item[index.dst[edge]])

    def around(item: int) -> list[int]:
        """The groups around an item, innermost first."""
        return tree.chain(int(tree.home[item]) if item < n else int(tree.parent[item - n]))[::-1]

    out, into = around(source), around(target)
    meet = next(group for group in out if group in set(into))
    points: list[np.ndarray] = []
    at = source
    for group in out[: out.index(meet)]:
        stamp = placed.stamps[group]
        points.append(_leg(placed, stamp, OUT, at, -1, tensor))
        port = int(np.flatnonzero(stamp.outs == tensor)[0])
        points.append(np.array([[stamp.x + stamp.laid.outs[port], stamp.y + stamp.laid.height]]))
        at = n + group
    inner = into[: into.index(meet)][::-1]
    points.append(_leg(placed, placed.stamps[meet], INNER, at, n + inner[0] if inner else target, tensor))
    for place, group in enumerate(inner):
        stamp = placed.stamps[group]
        points.append(_leg(placed, stamp, IN, -1, n + inner[place + 1] if place + 1 < len(inner) else target, tensor))
    return np.concatenate(points)


def _leg(placed: NestedPlaced, stamp: Stamp, kind: int, a: int, b: int, tensor: int) -> np.ndarray:
    """The part of a route inside of one group, between items (-1: the group's rim)."""
    import numpy as np

    seat = placed.nest.items.place
    kinds, sources, targets, tensors = edges_of(placed.nest, stamp.group, placed.carrier)
    wanted = kinds == kind
    wanted &= sources == (seat[a] if a >= 0 else -1)
    wanted &= targets == (seat[b] if b >= 0 else -1)
    number = int(np.flatnonzero(wanted & (tensors == tensor))[0])
    line = stamp.laid.placed.route(number) + np.array([stamp.x + stamp.laid.dx, stamp.y + stamp.laid.dy])
    return np.asarray(line[::-1]) if stamp.laid.back[number] else line

"""From node to node: where an arrow key leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.graph.scene import Scene


def neighbour(scene: Scene, row: int, x: int, y: int) -> int | None:
    """The node below (y 1) or above (y -1) along a link, or beside (x) in the same row of the drawing; None at an end.

    Of several, the one that is most nearly straight above or below.
    """
    import numpy as np

    placed, index = scene.placed, scene.index
    if y:
        edges = scene.edges_out(row) if y > 0 else scene.edges_in(row)
        ends = (index.dst if y > 0 else index.src)[edges]
        if not len(ends):
            return None
        far = np.abs(placed.x[ends] - placed.x[row]) + 0.5 * np.abs(placed.y[ends] - placed.y[row])
        return int(ends[int(np.argmin(far))])
    beside = np.flatnonzero(placed.rank == placed.rank[row])
    off = (placed.x[beside] - placed.x[row]) * x
    beside, off = beside[off > 0], off[off > 0]
    return int(beside[int(np.argmin(off))]) if len(beside) else None

"""Where every node of a graph is drawn: coordinates and routes from arrays, without a window.

    boxes     how large the box of a node must be for its two lines of text
    ranks     the row of every node: longest path, then pulled down towards its consumers
    nets      one shared chain of stand-ins for each tensor; far fan-outs become named ports
    order     left to right within a row: few crossings
    columns   x: straight links where they can be straight
    slide     x again: everything to where its links are shortest
    ends      where links touch their boxes
    routes    links as polylines that never cross a box
    layered   all of these in order
    tree      the hierarchy that a graph is folded by; blocks: repeated structure, found; lift: edges between groups
    nested    a folded graph: group: one group laid out; shown: all of them as one picture; through: a route across frames
    folding   which groups are open at first; the tasks
    labels    where the shape of a tensor is written on its line; lines: the curve of a link
    picture   the drawn graph as SVG; legend: what its colours mean; png: large pictures row by row
    families  op -> family; colours: what each looks like
    shelves   before them: many small parts side by side become a few stacks
    wrap      a tall thin picture in columns side by side

The method is the layered one of Sugiyama, Tagawa and Toda (1981), with a tensor as one hyperedge: its chain of
stand-ins is shared by all of its consumers, so that a mask read by every layer costs its depth once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.job import Job
    from core.model import Model
    from core.model.index import GraphIndex


@dataclass(frozen=True)
class Ports:
    """Ends of far-reaching tensors, drawn as small named tags instead of a line through the whole graph.

    `x`, `y` (centres), `w`, `h`: float64 (p); `node`: int32, the box that a tag hangs on; `tensor`: int32, into the
    index's `tensors`; `out`: bool, True below the producer, False above a consumer. `consumers`: int32, how many nodes
    a tag stands for (for an `out` tag those that it reaches through tags, else 1).
    """

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    h: np.ndarray
    node: np.ndarray
    tensor: np.ndarray
    out: np.ndarray
    consumers: np.ndarray

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Placed:
    """A graph with coordinates, in pixels at 100 %, y downwards; everything lies in (0, 0) .. (width, height).

    Boxes (n): `x`, `y` are centres, `w`, `h` sizes, float64; `rank`: int32 rows, every edge goes down at least one.
    Routes: edge e of the index runs along `points[offsets[e]:offsets[e + 1]]` (float64 (k, 2), from the producer's
    lower side to the consumer's upper side; from the tag to the consumer where the edge goes through `ports`, see
    `ported`: bool (m)). Pieces of a route are vertical beside boxes and slanted only between rows, so none crosses a box.
    Links: the same lines, each drawn once although many edges share it: `links` float64 (s, 4) x0, y0, x1, y1 with
    y0 <= y1; `link_tensor` int32 (s). In a wrapped picture (`core.layout.wrap`) both also run upwards, straight, between columns.
    """

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    h: np.ndarray
    rank: np.ndarray
    points: np.ndarray
    offsets: np.ndarray
    ported: np.ndarray
    links: np.ndarray
    link_tensor: np.ndarray
    ports: Ports
    width: float
    height: float
    crossings: int

    def __len__(self) -> int:
        return len(self.x)

    def route(self, edge: int) -> np.ndarray:
        """The polyline of one edge: float64 (k, 2), at least two points."""
        return self.points[self.offsets[edge] : self.offsets[edge + 1]]


def place(model: Model, job: Job) -> tuple[GraphIndex, Placed]:
    """Index a model's graph and give every node its place (a task; runs in a worker).

    Raises `ModelError` for what cannot be read, `Cancelled` when told to stop.
    """
    from core.layout.layered import arrange
    from core.model.opening import read_index

    index = read_index(model, job.part(0.0, 0.4))
    return index, arrange(index, job.part(0.4, 1.0))

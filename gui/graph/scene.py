"""A laid-out graph, sorted so that what a view shows is found in microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout.lines import curve
from gui.graph.families import FAMILIES, family

if TYPE_CHECKING:
    import numpy as np

    from core.layout import Placed
    from core.model.index import GraphIndex

Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Layer:
    """Links of about one height, by their upper end: `ids` into the links, `top` of each, and the `tallest`."""

    ids: np.ndarray
    top: np.ndarray
    tallest: float


class Scene:
    """The arrays that are drawn. Boxes are spoken of by their row in the index.

    `rects` float64 (n, 4) x, y, w, h; `family` int8 (n) into FAMILIES; `links` float64 (s, 4); `tags` float64 (p, 4).
    """

    def __init__(self, index: GraphIndex, placed: Placed) -> None:
        import numpy as np

        from core.layout.boxes import titles

        self.index, self.placed = index, placed
        self.width, self.height = max(1.0, placed.width), max(1.0, placed.height)
        self.rects = np.ascontiguousarray(np.stack((placed.x - placed.w / 2, placed.y - placed.h / 2, placed.w, placed.h), 1))
        by_op = np.array([FAMILIES.index(family(op)) for op in index.op_names], np.int8)
        self.family = by_op[index.op] if len(index) else np.zeros(0, np.int8)
        if len(index):
            self.family[index.kind != 0] = FAMILIES.index("io")
        self.titles, self.details = titles(index), index.details
        self.rows = {name: row for row, name in enumerate(index.names)}
        self._by_top = np.argsort(self.rects[:, 1], kind="stable")
        self._tops = self.rects[self._by_top, 1]
        self._tallest = float(self.rects[:, 3].max()) if len(index) else 0.0
        ports = placed.ports
        self.tags = np.ascontiguousarray(np.stack((ports.x - ports.w / 2, ports.y - ports.h / 2, ports.w, ports.h), 1))
        self.links = placed.links
        self._left = np.minimum(self.links[:, 0], self.links[:, 2])
        self._right = np.maximum(self.links[:, 0], self.links[:, 2])
        self.slanted = self._right - self._left > 0.25
        self.link_length = np.hypot(self._right - self._left, self.links[:, 3] - self.links[:, 1])
        self._layers = self._sort_links()
        self._links_of = np.argsort(placed.link_tensor, kind="stable")
        self._link_at = np.searchsorted(placed.link_tensor[self._links_of], np.arange(len(index.tensors) + 1))
        self._out = np.argsort(index.src, kind="stable")
        self._out_at = np.searchsorted(index.src[self._out], np.arange(len(index) + 1))
        self._in = np.argsort(index.dst, kind="stable")
        self._in_at = np.searchsorted(index.dst[self._in], np.arange(len(index) + 1))

    def __len__(self) -> int:
        return len(self.index)

    def _sort_links(self) -> list[Layer]:
        import numpy as np

        tall = self.links[:, 3] - self.links[:, 1]
        layers = []
        low, high = -1.0, 256.0
        while len(tall) and low < float(tall.max()):
            ids = np.flatnonzero((tall > low) & (tall <= high))
            if len(ids):
                ids = ids[np.argsort(self.links[ids, 1], kind="stable")]
                layers.append(Layer(ids=ids, top=self.links[ids, 1], tallest=float(tall[ids].max())))
            low, high = high, high * 8.0
        return layers

    # ---- what a rectangle shows ----
    def boxes_in(self, rect: Rect) -> np.ndarray:
        """Rows of the boxes that touch x0, y0, x1, y1, from top to bottom."""
        import numpy as np

        x0, y0, x1, y1 = rect
        start, end = np.searchsorted(self._tops, (y0 - self._tallest, y1))
        rows = self._by_top[start:end]
        r = self.rects[rows]
        return np.asarray(rows[(r[:, 0] < x1) & (r[:, 0] + r[:, 2] > x0) & (r[:, 1] + r[:, 3] > y0)])

    def links_in(self, rect: Rect) -> np.ndarray:
        """Ids of the links that touch x0, y0, x1, y1."""
        import numpy as np

        x0, y0, x1, y1 = rect
        found = []
        for layer in self._layers:
            start, end = np.searchsorted(layer.top, (y0 - layer.tallest, y1))
            ids = layer.ids[start:end]
            found.append(ids[(self._left[ids] < x1) & (self._right[ids] > x0) & (self.links[ids, 3] > y0)])
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def tags_in(self, rect: Rect) -> np.ndarray:
        """Ids of the tags that touch x0, y0, x1, y1."""
        import numpy as np

        x0, y0, x1, y1 = rect
        t = self.tags
        return np.flatnonzero((t[:, 0] < x1) & (t[:, 0] + t[:, 2] > x0) & (t[:, 1] < y1) & (t[:, 1] + t[:, 3] > y0))

    # ---- what is at a point ----
    def box_at(self, x: float, y: float) -> int | None:
        """The row of the box at a point of the graph."""
        found = self.boxes_in((x, y, x, y))
        return int(found[0]) if len(found) else None

    def tag_at(self, x: float, y: float) -> int | None:
        """The tag at a point of the graph."""
        found = self.tags_in((x, y, x, y))
        return int(found[0]) if len(found) else None

    def tensor_at(self, x: float, y: float, reach: float) -> int | None:
        """The tensor whose line passes within `reach` of a point of the graph, the nearest one."""
        import numpy as np

        ids = self.links_in((x - reach, y - reach, x + reach, y + reach))
        if not len(ids):
            return None
        share = np.linspace(0.0, 1.0, 17)
        along_x, along_y = curve(self.links[ids], share)
        ax, ay, bx, by = along_x[:, :-1], along_y[:, :-1], along_x[:, 1:], along_y[:, 1:]
        dx, dy = bx - ax, by - ay
        t = np.clip(((x - ax) * dx + (y - ay) * dy) / np.maximum(dx * dx + dy * dy, 1e-9), 0.0, 1.0)
        far = np.hypot(ax + t * dx - x, ay + t * dy - y).min(axis=1)
        best = int(np.argmin(far))
        return int(self.placed.link_tensor[ids[best]]) if far[best] <= reach else None

    def line_at(self, x: float, y: float, reach: float) -> int | None:
        """The tensor whose tag is at a point of the graph, or whose line passes within `reach` of it."""
        tag = self.tag_at(x, y)
        return int(self.placed.ports.tensor[tag]) if tag is not None else self.tensor_at(x, y, reach)

    def nearest(self, x: float, y: float) -> int:
        """The row of the box that is nearest to a point of the graph."""
        import numpy as np

        return int(np.argmin(np.hypot(self.placed.x - x, self.placed.y - y)))

    # ---- the graph around a node ----
    def edges_out(self, row: int) -> np.ndarray:
        """Edges that leave a node."""
        return self._out[self._out_at[row] : self._out_at[row + 1]]

    def edges_in(self, row: int) -> np.ndarray:
        """Edges that reach a node."""
        return self._in[self._in_at[row] : self._in_at[row + 1]]

    def links_of(self, tensor: int) -> np.ndarray:
        """Ids of the links that draw a tensor."""
        return self._links_of[self._link_at[tensor] : self._link_at[tensor + 1]]

    def edges_of(self, tensor: int) -> np.ndarray:
        """Edges that carry a tensor."""
        import numpy as np

        return np.flatnonzero(self.index.tensor == tensor)

    def bounds(self, rows: list[int]) -> Rect:
        """The rectangle around some boxes."""
        r = self.rects[rows]
        return float(r[:, 0].min()), float(r[:, 1].min()), float((r[:, 0] + r[:, 2]).max()), float((r[:, 1] + r[:, 3]).max())

    def find(self, text: str) -> list[int]:
        """Rows whose name, op or detail holds every word of `text`, in the order of the graph."""
        words = text.lower().split()
        if not words:
            return []
        index = self.index
        ops = [op.lower() for op in index.op_names]
        texts = zip(index.names, index.op.tolist(), index.details, strict=True)
        return [row for row, (name, op, detail) in enumerate(texts) if _holds(words, name.lower(), ops[op], detail)]


def _holds(words: list[str], name: str, op: str, detail: str) -> bool:
    return all(word in name or word in op or word in detail.lower() for word in words)

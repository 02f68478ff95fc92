"""A laid-out graph, sorted so that what a view shows is found in microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout.families import families
from core.layout.group import HEAD
from core.layout.lines import curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from core.layout import Placed
    from core.layout.nested import Shown
    from core.model.index import GraphIndex

Rect = tuple[float, float, float, float]
#: From so many names on they are looked up all at once.
MANY = 2000


@dataclass(frozen=True)
class Layer:
    """Links of about one height, by their upper end: `ids` into the links, `top` of each, and the `tallest`."""

    ids: np.ndarray
    top: np.ndarray
    tallest: float


class Scene:
    """The arrays that are drawn. Boxes are spoken of by their row in the index.

    `rects` float64 (n, 4) x, y, w, h; `family` int8 (n) into FAMILIES; `links` float64 (s, 4); `tags` float64 (p, 4); `frames`
    float64 (f, 4), outer ones first. Where the picture is of a folded graph, `shown` says what is folded and what is open.
    """

    def __init__(self, index: GraphIndex, placed: Placed, shown: Shown | None = None) -> None:
        import numpy as np

        from core.layout.boxes import titles

        self.index, self.placed, self.shown = index, placed, shown
        self.width, self.height = max(1.0, placed.width), max(1.0, placed.height)
        self.rects = np.ascontiguousarray(np.stack((placed.x - placed.w / 2, placed.y - placed.h / 2, placed.w, placed.h), 1))
        self.family = families(index) if shown is None else shown.family
        self.frames = np.zeros((0, 4))
        self.folded = np.zeros(len(index), bool)
        if shown is not None:
            frames = shown.frames
            self.frames = np.ascontiguousarray(np.stack((frames.x, frames.y, frames.w, frames.h), 1))
            self.folded = shown.group >= 0
        self.titles, self.details = titles(index), index.details
        self.rows = {name: row for row, name in enumerate(index.names)}
        self._whole: dict[str, int] | None = None
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

    def frame_at(self, x: float, y: float) -> int | None:
        """The innermost frame at a point of the graph."""
        import numpy as np

        f = self.frames
        found = np.flatnonzero((f[:, 0] <= x) & (x <= f[:, 0] + f[:, 2]) & (f[:, 1] <= y) & (y <= f[:, 1] + f[:, 3]))
        return int(found[-1]) if len(found) else None

    def head_at(self, x: float, y: float) -> int | None:
        """The frame whose heading is at a point of the graph."""
        frame = self.frame_at(x, y)
        return frame if frame is not None and y <= self.frames[frame, 1] + HEAD and self.box_at(x, y) is None else None

    def frames_in(self, rect: Rect) -> np.ndarray:
        """The frames that touch x0, y0, x1, y1, outer ones first."""
        import numpy as np

        x0, y0, x1, y1 = rect
        f = self.frames
        return np.flatnonzero((f[:, 0] < x1) & (f[:, 0] + f[:, 2] > x0) & (f[:, 1] < y1) & (f[:, 1] + f[:, 3] > y0))

    def around(self, row: int) -> int:
        """The group that a box stands in; 0 when it is in none."""
        shown = self.shown
        if shown is None:
            return 0
        tree, group = shown.nest.tree, int(shown.group[row])
        if group >= 0:
            return int(tree.parent[group])
        whole = shown.nest.index
        at = row if whole is self.index else self._whole_rows()[self.index.names[row]]
        return int(tree.home[at])

    # ---- names, hidden ones too ----
    def row_of(self, name: str) -> int | None:
        """The box that shows the node (or group) of this name: its own, or that of the folded group around it."""
        found = self.rows.get(name)
        if found is None and self.shown is not None and self.shown.index is not self.shown.nest.index:
            row = self._whole_rows().get(name)
            found = int(self.shown.row[row]) if row is not None else None
        return found

    def boxes_of(self, names: Sequence[str]) -> list[int]:
        """The boxes that show these nodes, each once; in their order, or that of the graph when they are many."""
        if len(names) < MANY:
            return list(dict.fromkeys(row for name in names if (row := self.row_of(name)) is not None))
        import numpy as np

        own = self.rows
        found = [own[name] for name in names if name in own]
        if len(found) < len(names) and self.shown is not None:
            whole = self._whole_rows()
            hidden = self.shown.row[[whole[name] for name in names if name in whole]] if len(self.shown.row) else []
            found += np.unique(np.asarray(hidden, np.int64)).tolist()
        return sorted(set(found))

    def _whole_rows(self) -> dict[str, int]:
        if self._whole is None:
            assert self.shown is not None
            self._whole = {name: row for row, name in enumerate(self.shown.nest.index.names)}
        return self._whole

    def names_of(self, rows: list[int]) -> tuple[str, ...]:
        """The nodes that boxes stand for: all that are inside, where a box is a folded group."""
        import numpy as np

        names = self.index.names
        if self.shown is None or not self.folded[rows].any():
            return tuple(names[row] for row in rows)
        every = self.shown.nest.index.names
        wanted = np.zeros(len(self.index), bool)
        wanted[rows] = True
        return tuple(every[row] for row in np.flatnonzero(wanted[self.shown.row]).tolist())

    def anchor(self, name: str) -> tuple[float, float] | None:
        """Where a box or an open group is: the middle of its upper side."""
        row = self.rows.get(name)
        if row is not None:
            x, y, w, _ = self.rects[row].tolist()
            return x + w / 2, y
        if self.shown is not None:
            paths = self.shown.nest.tree.paths
            for place, group in enumerate(self.shown.frames.group.tolist()):
                if paths[group] == name:
                    x, y, w, _ = self.frames[place].tolist()
                    return x + w / 2, y
        return None

    def route(self, edge: int) -> np.ndarray:
        """The polyline of an edge of the index: float64 (k, 2)."""
        from core.layout.nested import NestedPlaced
        from core.layout.through import route

        return route(self.placed, self.index, edge) if isinstance(self.placed, NestedPlaced) else self.placed.route(edge)

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

"""Ways along the links of a graph: what a node depends on, what depends on it, what lies between two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

#: Steps from a node that was not reached.
FAR = -1


class Ways:
    """The links of an index, ready to be followed. Rows in, sorted rows (int64) out; what one starts from is not among them."""

    def __init__(self, index: GraphIndex) -> None:
        import numpy as np

        self.index = index
        by_reader = np.argsort(index.dst, kind="stable")
        self._src, self._dst = index.src[by_reader], index.dst[by_reader]
        self._in_at = np.searchsorted(self._dst, np.arange(len(index) + 1))
        by_maker = np.argsort(index.src, kind="stable")
        self._from, self._to = index.src[by_maker], index.dst[by_maker]
        self._out_at = np.searchsorted(self._from, np.arange(len(index) + 1))

    # ---- far ----
    def downstream(self, rows: Iterable[int], depth: int | None = None) -> np.ndarray:
        """What depends on `rows`, over at most `depth` links."""
        return _reached(self.steps_down(rows, depth))

    def upstream(self, rows: Iterable[int], depth: int | None = None) -> np.ndarray:
        """What `rows` depend on, over at most `depth` links."""
        return _reached(self.steps_up(rows, depth))

    def steps_down(self, rows: Iterable[int], depth: int | None = None) -> np.ndarray:
        """int32 (n): over how many links each row is reached from `rows` at least; `FAR` where it is not, 0 for `rows` themselves.

        A link leads to a later row, so that one pass over the links in the order of their readers sees every way: however long
        the ways are (a decoder has some of 10,000 links), and at once where a frontier would take a step for each of them.
        """
        start = sorted(set(rows))
        if not start:
            return self._spread((), (), (), depth)
        first = int(self._in_at[start[0]])
        return self._spread(start, self._src[first:].tolist(), self._dst[first:].tolist(), depth)

    def steps_up(self, rows: Iterable[int], depth: int | None = None) -> np.ndarray:
        """The same against the links."""
        start = sorted(set(rows))
        if not start:
            return self._spread((), (), (), depth)
        last = int(self._out_at[start[-1]])  # links of later rows lead away
        return self._spread(start, self._to[:last][::-1].tolist(), self._from[:last][::-1].tolist(), depth)

    def _spread(self, start: Iterable[int], sources: Iterable[int], targets: Iterable[int], depth: int | None) -> np.ndarray:
        import numpy as np

        most = len(self.index) if depth is None else depth
        steps = [FAR] * len(self.index)
        for row in start:
            steps[row] = 0
        for source, target in zip(sources, targets, strict=True):
            at = steps[source]
            if at >= 0 and at < most and (steps[target] < 0 or steps[target] > at + 1):
                steps[target] = at + 1
        return np.array(steps, np.int32)

    def between(self, one: Iterable[int], other: Iterable[int]) -> np.ndarray:
        """Every row on a way from `one` to `other`, both ends included; none where no way leads there."""
        import numpy as np

        return np.flatnonzero((self.steps_down(one) >= 0) & (self.steps_up(other) >= 0))

    def shortest(self, one: int, other: int) -> list[int]:
        """A way of the fewest links from a row to another, both ends included; empty where none leads there."""
        steps = self.steps_down([one])
        if steps[other] < 0:
            return []
        way = [other]
        while way[-1] != one:
            before = self._src[self._in_at[way[-1]] : self._in_at[way[-1] + 1]]
            way.append(int(before[steps[before] == steps[way[-1]] - 1][0]))
        return way[::-1]

    # ---- near ----
    def producers(self, rows: Iterable[int]) -> np.ndarray:
        """The nodes that make what `rows` read."""
        import numpy as np

        return _others(np.concatenate([self._src[self._in_at[row] : self._in_at[row + 1]] for row in rows] or [_none()]))

    def consumers(self, rows: Iterable[int]) -> np.ndarray:
        """The nodes that read what `rows` make."""
        import numpy as np

        return _others(np.concatenate([self._to[self._out_at[row] : self._out_at[row + 1]] for row in rows] or [_none()]))

    def producer_of(self, tensor: int) -> int | None:
        """The row that makes a tensor of the index."""
        import numpy as np

        edges = np.flatnonzero(self.index.tensor == tensor)
        return int(self.index.src[edges[0]]) if len(edges) else None

    def consumers_of(self, tensor: int) -> np.ndarray:
        """The rows that read a tensor of the index."""
        return _others(self.index.dst[self.index.tensor == tensor])


def _reached(steps: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.flatnonzero(steps > 0)


def _others(rows: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.unique(rows).astype(np.int64)


def _none() -> np.ndarray:
    import numpy as np

    return np.zeros(0, np.int32)

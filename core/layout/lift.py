"""Edges of rows as edges between what stands side by side in a group: every edge at the level at which its ends part.

Things are numbered rows first (0 .. n), then groups (n + group): that is how an *item* of a group is spoken of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Levels:
    """`above` int32 (g, deepest + 1): the group at each depth over a group, itself included, -1 below it; `depth` int32 (g)."""

    above: np.ndarray
    depth: np.ndarray
    home: np.ndarray

    @staticmethod
    def of(parent: np.ndarray, depth: np.ndarray, home: np.ndarray) -> Levels:
        """From a tree's columns."""
        import numpy as np

        groups = len(parent)
        above = np.full((groups, int(depth.max()) + 1), -1, np.int32)
        above[np.arange(groups), depth] = np.arange(groups)
        for deep in range(1, above.shape[1]):
            at = np.flatnonzero(depth == deep)
            above[at, :deep] = above[parent[at], :deep]
        return Levels(above=above, depth=depth, home=home)

    def item(self, row: np.ndarray, deep: np.ndarray) -> np.ndarray:
        """The item that holds `row` among those of its group at depth `deep`: int64."""
        import numpy as np

        group = self.home[row]
        inner = self.above[group, np.minimum(deep + 1, self.above.shape[1] - 1)]
        return np.where(self.depth[group] > deep, len(self.home) + inner.astype(np.int64), row)

    def meet(self, src: np.ndarray, dst: np.ndarray) -> np.ndarray:
        """The depth of the innermost group that both ends of each edge are in: int64 (m)."""
        import numpy as np

        a, b = self.above[self.home[src]], self.above[self.home[dst]]
        same = (a == b) & (a >= 0)
        # one column of a matrix with few columns at a time is quicker than along its rows
        found, still = np.zeros(len(src), np.int64), np.ones(len(src), bool)
        for deep in range(1, same.shape[1]):
            still &= same[:, deep]
            found += still
        return found


@dataclass(frozen=True)
class Items:
    """What stands in every group, in the order of the graph: `items[start[g]:start[g + 1]]`; `place` int64 (n + g) of each in its group."""

    items: np.ndarray
    start: np.ndarray
    place: np.ndarray

    @staticmethod
    def of(parent: np.ndarray, first: np.ndarray, home: np.ndarray) -> Items:
        """From a tree's columns; a group stands where its first row does, before that row's own item."""
        import numpy as np

        n, groups = len(home), len(parent)
        item = np.concatenate((np.arange(n), n + np.arange(1, groups)))
        inside = np.concatenate((home, parent[1:])).astype(np.int64)
        key = np.concatenate((np.arange(n), first[1:]))
        by = np.lexsort((item, key, inside))
        start = np.searchsorted(inside[by], np.arange(groups + 1))
        place = np.zeros(n + groups, np.int64)
        place[item[by]] = np.arange(len(by)) - start[inside[by]]
        return Items(items=item[by], start=start, place=place)

    def of_group(self, group: int) -> np.ndarray:
        """The items of one group."""
        return self.items[self.start[group] : self.start[group + 1]]

"""The hierarchy that a graph is folded by: scopes of names, bodies of nodes, repeated blocks and stacks of equal ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

#: What a group is: everything; a scope of names; the body of a node; a node with its bodies; a repeated block; equal ones, counted.
ROOT, SCOPE, BODY, HOLDER, BLOCK, STACK = range(6)
#: Inputs (outputs) beyond this number stand with their consumers (producers) instead of at the top of everything.
ENDS = 8


@dataclass(frozen=True)
class Tree:
    """Groups (g of them; 0 is the whole graph) and the rows of an index (n of them) that stand in them.

    parent  int32 (g), -1 for the whole graph; a parent's number may be greater than its child's
    kind    uint8 (g); `names` what a box says, `paths` unique names: `model/layers.0/`, `model/layers.0…31/`
    node    int32 (g): the row that a HOLDER belongs to, else -1
    home    int32 (n): the group that a row stands in directly; depth int32 (g), 0 for the whole graph
    first   int64 (g): the first row inside; rows int64 (g): NODE rows inside, at any depth
    times   int32 (g): how many equal members a STACK has, else 1
    """

    parent: np.ndarray
    kind: np.ndarray
    names: list[str]
    paths: list[str]
    node: np.ndarray
    home: np.ndarray
    depth: np.ndarray
    first: np.ndarray
    rows: np.ndarray
    times: np.ndarray

    def __len__(self) -> int:
        return len(self.parent)

    def children(self, group: int) -> np.ndarray:
        """Groups directly inside of one, in the order of their first rows."""
        import numpy as np

        found = np.flatnonzero(self.parent == group)
        return np.asarray(found[np.argsort(self.first[found], kind="stable")])

    def chain(self, group: int) -> list[int]:
        """From the whole graph down to a group."""
        found = []
        while group >= 0:
            found.append(group)
            group = int(self.parent[group])
        return found[::-1]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Values of rows (n), nan left out, added up for every group: float64 (g)."""
        import numpy as np

        total = np.bincount(self.home, weights=np.nan_to_num(np.asarray(values, np.float64)), minlength=len(self))
        for deep in range(int(self.depth.max()), 0, -1):
            at = np.flatnonzero(self.depth == deep)
            np.add.at(total, self.parent[at], total[at])
        return np.asarray(total)


class Builder:
    """A tree in the making: groups are added and taken out until it is `finished`."""

    def __init__(self, rows: int) -> None:
        self.parent: list[int] = [-1]
        self.kind: list[int] = [ROOT]
        self.names: list[str] = [""]
        self.paths: list[str] = [""]
        self.node: list[int] = [-1]
        self.times: list[int] = [1]
        self.home: list[int] = [0] * rows

    def add(self, parent: int, kind: int, name: str, path: str, node: int = -1, times: int = 1) -> int:
        """A new group; its number."""
        self.parent.append(parent)
        self.kind.append(kind)
        self.names.append(name)
        self.paths.append(path)
        self.node.append(node)
        self.times.append(times)
        return len(self.parent) - 1

    def __len__(self) -> int:
        return len(self.parent)

    def dissolve(self) -> None:
        """Take out scopes that hold one thing only: their row moves up, their only group takes the longer name."""
        count = [0] * len(self)
        only = [-1] * len(self)
        for group in self.home:
            count[group] += 1
        for group, parent in enumerate(self.parent):
            if parent >= 0:
                count[parent] += 1
                only[parent] = group
        gone = [False] * len(self)
        # children have greater numbers than their scopes: from the last one up, counts stay true
        for group in range(len(self) - 1, 0, -1):
            if self.kind[group] == SCOPE and count[group] == 1:
                gone[group] = True
                inner = only[group]
                if inner >= 0 and not gone[inner] and self.kind[inner] == SCOPE:
                    self.names[inner] = f"{self.names[group]}/{self.names[inner]}"
                if inner >= 0:
                    only[self.parent[group]] = inner if only[self.parent[group]] == group else only[self.parent[group]]
        up = list(range(len(self)))
        for group in range(len(self)):
            if gone[group]:
                up[group] = up[self.parent[group]]
        self.home = [up[group] for group in self.home]
        self.parent = [-1 if parent < 0 else up[parent] for parent in self.parent]
        self._keep([group for group in range(len(self)) if not gone[group]])

    def _keep(self, kept: list[int]) -> None:
        number = {group: place for place, group in enumerate(kept)}
        self.home = [number[group] for group in self.home]
        self.parent = [number.get(self.parent[group], -1) for group in kept]
        self.kind = [self.kind[group] for group in kept]
        self.names = [self.names[group] for group in kept]
        self.paths = [self.paths[group] for group in kept]
        self.node = [self.node[group] for group in kept]
        self.times = [self.times[group] for group in kept]

    def depths(self) -> np.ndarray:
        """int32 (g); parents may stand behind their children."""
        import numpy as np

        parent = np.array(self.parent, np.int64)
        depth = np.zeros(len(parent), np.int32)
        at = parent.copy()
        while (at >= 0).any():
            depth += at >= 0
            at = np.where(at >= 0, parent[np.maximum(at, 0)], -1)
        return depth

    def finished(self, index: GraphIndex) -> Tree:
        """The tree, with what can be counted."""
        import numpy as np

        parent, home, depth = np.array(self.parent, np.int32), np.array(self.home, np.int32), self.depths()
        first = np.full(len(parent), len(index), np.int64)
        np.minimum.at(first, home, np.arange(len(index)))
        rows = np.bincount(home, weights=index.kind == 0, minlength=len(parent)).astype(np.int64)
        for deep in range(int(depth.max()), 0, -1):
            at = np.flatnonzero(depth == deep)
            np.minimum.at(first, parent[at], first[at])
            np.add.at(rows, parent[at], rows[at])
        return Tree(
            parent=parent,
            kind=np.array(self.kind, np.uint8),
            names=self.names,
            paths=self.paths,
            node=np.array(self.node, np.int32),
            home=home,
            depth=depth,
            first=first,
            rows=rows,
            times=np.array(self.times, np.int32),
        )


def grow(index: GraphIndex, *, flat: bool = False) -> Tree:
    """The hierarchy of an index: scopes and repeated blocks, or (`flat`) only what is inside of nodes. Deterministic."""
    builder = Builder(len(index))
    _holders(builder, index)
    if not flat:
        _scopes(builder, index)
        builder.dissolve()
        _ends(builder, index)
        from core.layout.blocks import stack

        stack(builder, index)
    return builder.finished(index)


def _holders(builder: Builder, index: GraphIndex) -> None:
    """A group for every node that holds bodies, and one in it for every body; rows of bodies stand in theirs."""
    if index.holder is None or index.body is None:
        return
    import numpy as np

    bodies: dict[tuple[int, int], int] = {}
    groups: dict[int, int] = {}
    # holders stand behind what they hold: from the last row up, the group that a holder stands in is known
    for row in np.unique(index.holder[index.holder >= 0])[::-1].tolist():
        outer = int(index.holder[row])
        inside = bodies[outer, int(index.body[row])] if outer >= 0 else 0
        groups[row] = builder.add(inside, HOLDER, index.op_names[int(index.op[row])], f"{index.names[row]}/", row)
        builder.home[row] = groups[row]
        within = np.flatnonzero(index.holder == row)
        for body in np.unique(index.body[within]).tolist():
            title = index.body_names[body]
            bodies[row, body] = builder.add(groups[row], BODY, title, f"{index.names[row]}/{title}/")
        holders = index.holder
        for inner in within.tolist():
            if inner not in groups:
                builder.home[inner] = bodies[int(holders[inner]), int(index.body[inner])]


def _scopes(builder: Builder, index: GraphIndex) -> None:
    """A group for every scope, inside of the body (or the whole graph) that its rows are in."""
    if index.scope is None or len(index.scope_names) < 2:
        return
    known: dict[tuple[int, str], int] = {}
    #: (group, number of the scope) -> group
    found: dict[tuple[int, int], int] = {}

    def within(base: int, scope: int) -> int:
        at = found.get((base, scope))
        if at is None:
            at, path = base, builder.paths[base]
            for part in _own(index, builder, base, scope):
                path = f"{path}{part}/"
                key = (base, path)
                if key not in known:
                    known[key] = builder.add(at, SCOPE, part, path)
                at = known[key]
            found[base, scope] = at
        return at

    home, kinds, parents = builder.home, builder.kind, builder.parent
    for row, scope in enumerate(index.scope.tolist()):
        if scope:
            group = home[row]
            if kinds[group] == HOLDER and builder.node[group] == row:
                parents[group] = within(parents[group], scope)
            else:
                home[row] = within(group, scope)


def _own(index: GraphIndex, builder: Builder, base: int, scope: int) -> list[str]:
    """The parts of a scope that say more than where the node stands whose body (`base`) it is in."""
    path = index.scope_names[scope].split("/")
    if builder.kind[base] == BODY and index.scope is not None:
        outer = index.scope_names[int(index.scope[builder.node[builder.parent[base]]])].split("/")
        if outer == path[: len(outer)]:
            return path[len(outer) :]
    return path


def _ends(builder: Builder, index: GraphIndex) -> None:
    """Where there are many inputs or outputs (the caches of a decoder), each stands with what reads or makes it."""
    import numpy as np

    for kind, near, far in ((1, index.src, index.dst), (2, index.dst, index.src)):
        rows = np.flatnonzero((index.kind == kind) & (np.array(builder.home) == 0))
        if len(rows) <= ENDS:
            continue
        wanted = set(rows.tolist())
        meeting: dict[int, int] = {}
        for row, other in zip(near.tolist(), far.tolist(), strict=True):
            if row in wanted:
                group = builder.home[other]
                meeting[row] = _common(builder.parent, meeting[row], group) if row in meeting else group
        for row, group in meeting.items():
            builder.home[row] = group


def _common(parent: list[int], a: int, b: int) -> int:
    """The innermost group that holds both."""
    above = set()
    while a >= 0:
        above.add(a)
        a = parent[a]
    while b not in above:
        b = parent[b]
    return b

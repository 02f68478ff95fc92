"""A folded graph, placed: every unfolded group is laid out by itself and stands as one frame in the group around it.

Equal groups (same boxes, same wiring) are laid out once and stamped. Tensors that cross a frame come in at its upper and go out at
its lower side, where the lines outside meet the lines inside.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout import Placed
from core.layout.group import IN, INNER, OUT, Laid, arrange, heading, meet, ports_of
from core.layout.lift import Items, Levels
from core.layout.tree import Tree

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

#: Layouts that are kept.
KEPT = 4000


@dataclass(frozen=True)
class Nest:
    """An index and its tree, with the edges of every group: those of group g are `start[g]:start[g + 1]`.

    `kind` uint8: INNER, OUT, IN; `a`, `b` int32: places among the group's items (-1 for outside); `tensor` int32. `w`, `h` float64
    (n + g): sizes of rows' boxes, and of groups' while they are folded; `details` the second line of folded ones.
    """

    index: GraphIndex
    tree: Tree
    items: Items
    start: np.ndarray
    kind: np.ndarray
    a: np.ndarray
    b: np.ndarray
    tensor: np.ndarray
    w: np.ndarray
    h: np.ndarray
    details: list[str]
    parameters: np.ndarray
    weight_bytes: np.ndarray
    macs: np.ndarray


def nest(index: GraphIndex, tree: Tree) -> Nest:
    """Lift the edges of an index to the groups of its tree, and measure all boxes."""
    import numpy as np

    from core.layout.boxes import group_size, sizes

    n, groups = len(index), len(tree)
    levels = Levels.of(tree.parent, tree.depth, tree.home)
    items = Items.of(tree.parent, tree.first, tree.home)
    src, dst, tensor = index.src.astype(np.int64), index.dst.astype(np.int64), index.tensor.astype(np.int64)
    meet = levels.meet(src, dst)
    group = levels.above[tree.home[src], meet].astype(np.int64)
    place = items.place
    parts = [(group, np.full(len(src), INNER), place[levels.item(src, meet)], place[levels.item(dst, meet)], tensor)]
    for deep in range(1, levels.above.shape[1]):
        level = np.full(len(src), deep)
        for crossing, row in ((OUT, src), (IN, dst)):
            at = np.flatnonzero((tree.depth[tree.home[row]] >= deep) & (meet < deep))
            if len(at):
                end = place[levels.item(row[at], level[at])]
                outside = np.full(len(at), -1)
                ends = (end, outside) if crossing == OUT else (outside, end)
                parts.append((levels.above[tree.home[row[at]], deep].astype(np.int64), np.full(len(at), crossing), *ends, tensor[at]))
    columns = np.stack([np.concatenate(column) for column in zip(*parts, strict=True)])
    columns = columns[:, np.lexsort(columns[::-1])]
    first = np.concatenate(([True], (columns[:, 1:] != columns[:, :-1]).any(axis=0)))[: columns.shape[1]]
    group, kind, a, b, tensor = columns[:, first]

    parameters, weight_bytes, macs = (tree.sums(values) for values in (index.parameters, index.weight_bytes, index.macs))
    details = [detail(tree, number, float(parameters[number]), float(macs[number])) for number in range(groups)]
    w, h = np.zeros(n + groups), np.zeros(n + groups)
    w[:n], h[:n] = sizes(index)
    memo: dict[tuple[str, str], tuple[float, float]] = {}
    for number in range(1, groups):
        key = (title(tree, number), details[number])
        size = memo.get(key)
        if size is None:
            size = memo[key] = group_size(*key)
        w[n + number], h[n + number] = size
    return Nest(
        index=index, tree=tree, items=items, start=np.searchsorted(group, np.arange(groups + 1)),
        kind=kind.astype(np.uint8), a=a.astype(np.int32), b=b.astype(np.int32), tensor=tensor.astype(np.int32),
        w=w, h=h, details=details, parameters=parameters, weight_bytes=weight_bytes, macs=macs,
    )  # fmt: skip


def title(tree: Tree, group: int) -> str:
    """What a group is called in its box or frame: `layers.0…31 ×32`."""
    times = int(tree.times[group])
    return f"{tree.names[group]} ×{times}" if times > 1 else tree.names[group]


def detail(tree: Tree, group: int, parameters: float, macs: float) -> str:
    """The second line of a folded group: how much is in it."""
    rows = int(tree.rows[group])
    said = [f"{rows:,} node{'s' * (rows != 1)}"] if rows else []
    if parameters:
        said.append(f"{short(parameters)} params")
    if macs:
        said.append(f"{short(macs)} MACs")
    return " · ".join(said)


def short(value: float) -> str:
    """`980`, `1.2k`, `25.6M`, `1.35G`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit * 0.9995:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.0f}"


@dataclass(frozen=True)
class Stamp:
    """A group's layout where it stands: `x`, `y` of its corner, its tensors by the layout's local numbers, and its ports' tensors."""

    group: int
    laid: Laid
    x: float
    y: float
    tensors: np.ndarray
    ins: np.ndarray
    outs: np.ndarray


@dataclass(frozen=True)
class Frames:
    """Unfolded groups: `group` int32 (f), outer ones first; `x`, `y` of the upper left corner, `w`, `h` float64 (f); `depth` int32 (f)."""

    group: np.ndarray
    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    h: np.ndarray
    depth: np.ndarray

    def __len__(self) -> int:
        return len(self.group)


@dataclass(frozen=True)
class Folds:
    """Frames by `x`, `y` (corners), `w`, `h`, `depth` (f), with `titles` and `details`; of boxes (n) the `family`, and `times`: 0 for
    nodes, 1 for a folded group, more for a stack of equal ones."""

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    h: np.ndarray
    depth: np.ndarray
    titles: tuple[str, ...]
    details: tuple[str, ...]
    family: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class NestedPlaced(Placed):
    """`Placed` of a folded graph: `points` and `offsets` are empty, the route of an edge is found by `core.layout.through`.

    `item` int64 (rows): what each box is, of the items of `nest`; `carrier` int64 (tensors): the tensor that each is drawn with;
    `stamps` the layouts of the unfolded groups.
    """

    nest: Nest
    item: np.ndarray
    carrier: np.ndarray
    stamps: dict[int, Stamp]


@dataclass(frozen=True)
class Shown:
    """A folding of a graph, ready to be drawn.

    `index` has a row for every box: nodes, and folded groups (kind GROUP, named by the group's path, with sums in the columns); its
    `tensors` are those of the whole graph. `row` int32 (n): the row that shows a row of the whole graph; `group` int32 (rows): the
    group that a row stands for, else -1. `unfolded` are the groups that have frames. Tensors that run side by side all the way
    between the same boxes, one of them a folded group, are drawn and listed as one: `bundles` says how many such a tensor stands
    for. `family` int8 (rows) into `core.layout.families.FAMILIES`: of a folded group that in which most is computed.
    """

    nest: Nest
    index: GraphIndex
    placed: Placed
    frames: Frames
    row: np.ndarray
    group: np.ndarray
    unfolded: frozenset[int]
    bundles: dict[int, int]
    family: np.ndarray

    def folds(self) -> Folds:
        """What a picture without a window needs to know of the folding."""
        import numpy as np

        tree, frames = self.nest.tree, self.frames
        groups = frames.group.tolist()
        return Folds(
            x=frames.x,
            y=frames.y,
            w=frames.w,
            h=frames.h,
            depth=frames.depth,
            titles=tuple(title(tree, group) for group in groups),
            details=tuple(self.nest.details[group] for group in groups),
            family=self.family,
            times=np.where(self.group >= 0, tree.times[np.maximum(self.group, 0)], 0).astype(np.int32),
        )

    def plain(self) -> Placed:
        """The places without what they were made from; routes of edges are left out."""
        placed = self.placed
        if not isinstance(placed, NestedPlaced):
            return placed
        return Placed(**{each.name: getattr(placed, each.name) for each in dataclasses.fields(Placed)})

    def bare(self) -> Shown:
        """The same without the nest, which is large and does not change; nothing but `within` is to be asked of it."""
        return self._with(None)

    def slim(self) -> Shown:
        """The same to be looked at only: what is behind the boxes is left out."""
        import numpy as np

        whole = self.nest
        nothing = np.zeros(0, np.int32)
        light = dataclasses.replace(
            whole,
            index=self.index,
            items=Items(nothing, nothing, nothing),
            kind=nothing,
            a=nothing,
            b=nothing,
            tensor=nothing,
            tree=dataclasses.replace(whole.tree, home=nothing),
        )
        return dataclasses.replace(self, nest=light, row=nothing)._with(light)

    def within(self, whole: Nest) -> Shown:
        """A bare one, made whole again."""
        return self._with(whole)

    def _with(self, whole: Nest | None) -> Shown:
        placed = self.placed
        if isinstance(placed, NestedPlaced):
            placed = dataclasses.replace(placed, nest=whole)  # type: ignore[arg-type]
        base = whole.index if whole is not None else None
        index = dataclasses.replace(
            self.index,
            tensors=base.tensors if base is not None else [],
            tensor_types=base.tensor_types if base is not None else [],
            initializers=base.initializers if base is not None else {},
        )
        return dataclasses.replace(self, nest=whole, placed=placed, index=index)  # type: ignore[arg-type]


class Unfolder:
    """Places foldings of one graph, and keeps what it laid out: unfolding one group lays out that group and those around it."""

    def __init__(self, whole: Nest) -> None:
        self.nest = whole
        self._kept: dict[bytes, Laid] = {}

    def show(
        self, unfolded: Collection[int], step: Callable[[float, str], None] = lambda fraction, text: None, aspect: float = 0.0
    ) -> Shown:
        """The picture in which the groups `unfolded` are open (and the groups around them; 0 always is).

        With an `aspect` (width by height), a tall thin picture of a graph that has no groups is wrapped into columns.

        `step` is called along the way and may raise (`Cancelled`).
        """
        from core.layout.shown import flat, gather, seen

        if len(self.nest.tree) == 1:
            return flat(self.nest, step, aspect)
        chosen = {0}
        for group in unfolded:
            chosen.update(self.nest.tree.chain(group))
        if len(self._kept) > KEPT:
            self._kept.clear()
        sight = seen(self.nest, chosen)
        stamps = self._lay(chosen, sight.carrier, step)
        step(0.92, "Drawing")
        return gather(self.nest, sight, stamps)

    def _lay(self, chosen: set[int], carrier: np.ndarray, step: Callable[[float, str], None]) -> dict[int, Stamp]:
        """Lay out the chosen groups from the innermost out, then put each where the one around it has it."""
        tree, n = self.nest.tree, len(self.nest.index)
        within: dict[int, tuple[Laid, np.ndarray, np.ndarray, np.ndarray]] = {}
        order = sorted(chosen, key=lambda group: (-int(tree.depth[group]), group))
        for number, group in enumerate(order):
            step(0.9 * number / len(order), "Arranging groups")
            within[group] = self._group(group, carrier, within)
        stamps: dict[int, Stamp] = {}
        for group in reversed(order):
            laid, tensors, ins, outs = within[group]
            x = y = 0.0
            if group:
                around = stamps[int(tree.parent[group])]
                place = len(around.ins) + int(self.nest.items.place[n + group])
                x = around.x + around.laid.dx + float(around.laid.placed.x[place]) - laid.width / 2
                y = around.y + around.laid.dy + float(around.laid.placed.y[place]) - laid.height / 2
            stamps[group] = Stamp(group, laid, x, y, tensors, ins, outs)
        return stamps

    def _group(
        self, group: int, carrier: np.ndarray, within: dict[int, tuple[Laid, np.ndarray, np.ndarray, np.ndarray]]
    ) -> tuple[Laid, np.ndarray, np.ndarray, np.ndarray]:
        """The layout of one group: itself, its tensors by local number, and those of its ports above and below."""
        import numpy as np

        whole, n = self.nest, len(self.nest.index)
        own = whole.items.of_group(group)
        count = len(own)
        w, h = whole.w[own].copy(), whole.h[own].copy()
        kind, a, b, tensor = edges_of(whole, group, carrier)
        leave, enter = np.full(len(a), np.nan), np.full(len(a), np.nan)
        for place in np.flatnonzero(own >= n).tolist():
            inner = within.get(int(own[place]) - n)
            if inner is not None:
                laid, _, ins, outs = inner
                w[place], h[place] = laid.width, laid.height
                meet(leave, a, place, tensor, outs, laid.outs - laid.width / 2)
                meet(enter, b, place, tensor, ins, laid.ins - laid.width / 2)
        tensors, local = np.unique(tensor, return_inverse=True)
        local = local.reshape(-1).astype(np.int64)
        ins = ports_of(local, b, kind == IN)
        outs = ports_of(local, a, kind == OUT)
        key = hashlib.blake2b(digest_size=16)
        for part in (w, h, kind, a, b, local, leave, enter, np.array([group == 0])):
            key.update(np.ascontiguousarray(part).tobytes())
            key.update(b"|")
        found = self._kept.get(key.digest())
        if found is None:
            names = whole.index.tensors
            head = 0.0 if group == 0 else heading(title(whole.tree, group), whole.details[group])
            called = [names[number] for number in tensors.tolist()]
            found = self._kept[key.digest()] = arrange(count, w, h, kind, a, b, local, leave, enter, ins, outs, called, group == 0, head)
        return found, tensors, tensors[ins], tensors[outs]


def edges_of(whole: Nest, group: int, carrier: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The edges of a group when tensors go with their `carrier` (int (tensors)), each once: kind, a, b, tensor, int64 each."""
    import numpy as np

    part = slice(whole.start[group], whole.start[group + 1])
    columns = np.stack((whole.kind[part], whole.a[part], whole.b[part], whole.tensor[part])).astype(np.int64)
    own = columns[3]
    columns[3] = carrier[own]
    kept = columns[3] == own
    if kept.all():
        return columns[0], columns[1], columns[2], columns[3]
    columns = np.unique(columns, axis=1)
    return columns[0], columns[1], columns[2], columns[3]

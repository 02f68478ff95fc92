"""From the layouts of groups to one picture: boxes, frames, lines and tags in one system of coordinates."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout import Ports
from core.layout.families import families
from core.layout.nested import Frames, Nest, NestedPlaced, Shown, Stamp, title
from core.model.index import GROUP, GraphIndex

if TYPE_CHECKING:
    import numpy as np


#: A picture that is so many times as tall as it should be is wrapped.
TALL = 4.0
#: So many tensors between the same boxes, one of them folded, are drawn as one.
BUNDLED = 3


@dataclass(frozen=True)
class Sight:
    """What is seen of a graph with some groups unfolded, before it has a place.

    `items` int64: the boxes, in the order of the graph; `number` int64 (n + g): the box of an item, else -1; `row` int32 (n): the box
    that shows each row; edges `src`, `dst`, `tensor` int64 between boxes, each once; `carrier` int64 (tensors): the tensor that each
    is drawn with; `bundles`: how many such a one carries, where there is more than itself.
    """

    unfolded: frozenset[int]
    items: np.ndarray
    number: np.ndarray
    row: np.ndarray
    src: np.ndarray
    dst: np.ndarray
    tensor: np.ndarray
    carrier: np.ndarray
    bundles: dict[int, int]


def seen(whole: Nest, unfolded: Collection[int]) -> Sight:
    """What is seen when these groups (whose surroundings are among them) are open."""
    import numpy as np

    tree, base, n = whole.tree, whole.index, len(whole.index)
    open_ = np.zeros(len(tree), bool)
    open_[list(unfolded)] = True
    boxes = np.concatenate((np.flatnonzero(open_[tree.home]), n + np.flatnonzero(open_[np.maximum(tree.parent, 0)] & ~open_)))
    key = np.concatenate((np.arange(n), tree.first))[boxes]
    items = boxes[np.lexsort((boxes, key))]
    number = np.full(n + len(tree), -1, np.int64)
    number[items] = np.arange(len(items))
    row = _rows(whole, open_, number)

    src, dst, tensor = row[base.src].astype(np.int64), row[base.dst].astype(np.int64), base.tensor.astype(np.int64)
    apart = src != dst
    src, dst, tensor = src[apart], dst[apart], tensor[apart]
    src, dst, tensor = _each(src, dst, tensor)
    carrier, bundles = _bundled(src, dst, tensor, items >= n, len(base.tensors))
    if bundles:
        src, dst, tensor = _each(src, dst, carrier[tensor])
    return Sight(frozenset(unfolded), items, number, row, src, dst, tensor, carrier, bundles)


def _each(src: np.ndarray, dst: np.ndarray, tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every edge once, by its end, then its beginning."""
    import numpy as np

    by = np.lexsort((tensor, src, dst))
    src, dst, tensor = src[by], dst[by], tensor[by]
    first = np.concatenate(([True], (src[1:] != src[:-1]) | (dst[1:] != dst[:-1]) | (tensor[1:] != tensor[:-1])))[: len(src)]
    return src[first], dst[first], tensor[first]


def _bundled(src: np.ndarray, dst: np.ndarray, tensor: np.ndarray, folded: np.ndarray, tensors: int) -> tuple[np.ndarray, dict[int, int]]:
    """The tensor that each is drawn with, and how many go with it: those that join exactly the same boxes."""
    import numpy as np

    carrier = np.arange(tensors)
    if not folded.any() or not len(src):
        return carrier, {}
    # what a tensor joins, as one number: the sum over its readers of a hash of each
    mixed = (dst + 1) * np.int64(0x9E3779B97F4A7C15 - (1 << 64))
    mixed ^= mixed >> np.int64(29)
    joins, maker = np.zeros(tensors, np.int64), np.full(tensors, -1, np.int64)
    np.add.at(joins, tensor, mixed)
    maker[tensor] = src
    some = np.zeros(tensors, bool)
    some[tensor[folded[src] | folded[dst]]] = True
    used = np.flatnonzero(some)
    by = used[np.lexsort((used, joins[used], maker[used]))]
    new = np.concatenate(([True], (joins[by][1:] != joins[by][:-1]) | (maker[by][1:] != maker[by][:-1])))[: len(by)]
    begin = np.flatnonzero(new)
    size = np.diff(np.append(begin, len(by)))
    bundles: dict[int, int] = {}
    for low, many in zip(begin[size > BUNDLED].tolist(), size[size > BUNDLED].tolist(), strict=True):
        carrier[by[low : low + many]] = by[low]
        bundles[int(by[low])] = many
    return carrier, bundles


def flat(whole: Nest, step: Callable[[float, str], None], aspect: float = 0.0) -> Shown:
    """The picture of a graph in which nothing can be folded: its own index. With an `aspect`, a picture that is more than `TALL` times
    as tall as that is wrapped into columns."""
    import numpy as np

    from core.layout.layered import lay

    index, n = whole.index, len(whole.index)
    placed = lay(whole.w[:n], whole.h[:n], index.src, index.dst, index.tensor, index.tensors, step=step)
    if aspect and placed.height * aspect > TALL * placed.width:
        from core.layout.wrap import wrapped

        placed = wrapped(placed, index, aspect, step=step)
    none = np.zeros(0)
    return Shown(
        nest=whole,
        index=index,
        placed=placed,
        frames=Frames(none.astype(np.int32), none, none, none, none, none.astype(np.int32)),
        row=np.arange(n, dtype=np.int32),
        group=np.full(n, -1, np.int32),
        unfolded=frozenset({0}),
        bundles={},
        family=families(index),
    )


def gather(whole: Nest, sight: Sight, stamps: dict[int, Stamp]) -> Shown:
    """Put the stamps of all unfolded groups together."""
    import numpy as np

    tree, n, items, number = whole.tree, len(whole.index), sight.items, sight.number
    order = sorted(sight.unfolded, key=lambda group: (int(tree.depth[group]), int(tree.first[group]), group))
    item, x, y, w, h, rank = [], [], [], [], [], []
    links, link_tensor, tags = [], [], []
    rows = crossings = 0
    for group in order:
        stamp = stamps[group]
        laid = stamp.laid
        placed, left, top = laid.placed, stamp.x + laid.dx, stamp.y + laid.dy
        own = whole.items.of_group(group)
        above = len(stamp.ins)
        boxes = slice(above, above + len(own))
        closed = np.array([number < n or number - n not in stamps for number in own.tolist()], bool)
        item.append(own[closed])
        x.append(placed.x[boxes][closed] + left)
        y.append(placed.y[boxes][closed] + top)
        w.append(placed.w[boxes][closed])
        h.append(placed.h[boxes][closed])
        rank.append(placed.rank[boxes][closed] + rows)
        rows += int(placed.rank.max(initial=0)) + 1
        crossings += placed.crossings
        links.append(placed.links + np.array([left, top, left, top]))
        link_tensor.append(stamp.tensors[placed.link_tensor])
        if group:
            pieces = _rims(stamp)
            links.append(pieces)
            link_tensor.append(np.concatenate((stamp.ins, stamp.outs)))
        if len(placed.ports):
            tags.append((stamp, own, above, left, top))
    by = np.argsort(number[np.concatenate(item)], kind="stable")
    index = _index(whole, sight)
    placed = NestedPlaced(
        x=np.concatenate(x)[by],
        y=np.concatenate(y)[by],
        w=np.concatenate(w)[by],
        h=np.concatenate(h)[by],
        rank=np.concatenate(rank)[by].astype(np.int32),
        points=np.zeros((0, 2)),
        offsets=np.zeros(1, np.int64),
        ported=np.zeros(len(index.src), bool),
        links=np.concatenate(links),
        link_tensor=np.concatenate(link_tensor).astype(np.int32),
        ports=_ports(tags, number),
        width=stamps[0].laid.width,
        height=stamps[0].laid.height,
        crossings=crossings,
        nest=whole,
        item=items,
        carrier=sight.carrier,
        stamps=stamps,
    )
    inner = [group for group in order if group]
    frames = Frames(
        group=np.array(inner, np.int32),
        x=np.array([stamps[group].x for group in inner]),
        y=np.array([stamps[group].y for group in inner]),
        w=np.array([stamps[group].laid.width for group in inner]),
        h=np.array([stamps[group].laid.height for group in inner]),
        depth=tree.depth[inner] if inner else np.zeros(0, np.int32),
    )
    return Shown(
        nest=whole,
        index=index,
        placed=placed,
        frames=frames,
        row=sight.row,
        group=np.where(items >= n, items - n, -1).astype(np.int32),
        unfolded=sight.unfolded,
        bundles=sight.bundles,
        family=_prevailing(whole, sight, families(index)),
    )


def _prevailing(whole: Nest, sight: Sight, family: np.ndarray) -> np.ndarray:
    """The family of every box: of a folded group that in which most is computed, or else most nodes are."""
    import numpy as np

    from core.layout.families import FAMILIES

    folded = sight.items >= len(whole.index)
    if not folded.any():
        return family
    weight = np.nan_to_num(whole.index.macs) + 1e-3
    weight[whole.index.kind != 0] = 1e-9
    kinds = len(FAMILIES)
    sums = np.bincount(sight.row.astype(np.int64) * kinds + families(whole.index), weights=weight, minlength=len(family) * kinds)
    return np.where(folded, sums.reshape(-1, kinds).argmax(axis=1), family).astype(np.int8)


def _rims(stamp: Stamp) -> np.ndarray:
    """The pieces of lines between a frame's upper and lower side and its ports: float64 (ports, 4)."""
    import numpy as np

    laid = stamp.laid
    above, below = len(stamp.ins), len(stamp.outs)
    in_x, out_x = stamp.x + laid.ins, stamp.x + laid.outs
    in_y = stamp.y + laid.dy + laid.placed.y[:above]
    out_y = stamp.y + laid.dy + laid.placed.y[len(laid.placed) - below :]
    upper = np.stack((in_x, np.full(above, stamp.y), in_x, in_y), 1)
    lower = np.stack((out_x, out_y, out_x, np.full(below, stamp.y + laid.height)), 1)
    return np.concatenate((upper, lower))


def _rows(whole: Nest, open_: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Which row of the picture shows each row of the graph: its own box, or the outermost folded group around it."""
    import numpy as np

    tree, n = whole.tree, len(whole.index)
    shows = number[n:].copy()  # the row of the folded group that hides a group: its own, or that of the group around it
    shows[open_] = -1
    left = np.flatnonzero(~open_ & (shows < 0))  # those deep inside ask the group around them until one is seen
    while len(left):
        shows[left] = shows[tree.parent[left]]
        left = left[shows[left] < 0]
    around = shows[tree.home]
    return np.where(around >= 0, around, number[:n]).astype(np.int32)


def _index(whole: Nest, sight: Sight) -> GraphIndex:
    """An index of what is shown; its tensors are those of the whole graph."""
    import numpy as np

    base, tree, n, items = whole.index, whole.tree, len(whole.index), sight.items
    node = items < n
    rows, groups = items[node], items[~node] - n
    op_names = list(base.op_names)
    called: dict[str, int] = {}
    op = np.empty(len(items), np.int32)
    op[node] = base.op[rows]
    for place, group in zip(np.flatnonzero(~node).tolist(), groups.tolist(), strict=True):
        name = title(tree, group)
        if name not in called:
            called[name] = len(op_names)
            op_names.append(name)
        op[place] = called[name]

    def column(own: np.ndarray, sums: np.ndarray) -> np.ndarray:
        found = np.empty(len(items), own.dtype)
        found[node], found[~node] = own[rows], sums[groups]
        return found

    listed = items.tolist()
    return GraphIndex(
        names=[base.names[number] if number < n else tree.paths[number - n] for number in listed],
        op=op,
        op_names=op_names,
        kind=np.where(node, np.concatenate((base.kind, np.zeros(len(tree), np.uint8)))[items], GROUP).astype(np.uint8),
        file_index=np.where(node, np.concatenate((base.file_index, np.zeros(len(tree), np.int32)))[items], -1).astype(np.int32),
        parameters=column(base.parameters, whole.parameters),
        weight_bytes=column(base.weight_bytes, whole.weight_bytes),
        macs=column(base.macs, whole.macs),
        details=[base.details[number] if number < n else whole.details[number - n] for number in listed],
        src=sight.src.astype(np.int32),
        dst=sight.dst.astype(np.int32),
        tensor=sight.tensor.astype(np.int32),
        tensors=base.tensors,
        tensor_types=base.tensor_types,
        initializers=base.initializers,
    )


def _ports(tags: list[tuple[Stamp, np.ndarray, int, float, float]], number: np.ndarray) -> Ports:
    """The tags of all groups; the box of a tag is -1 where it hangs on a frame."""
    import numpy as np

    columns: list[list[np.ndarray]] = [[] for _ in range(8)]
    for stamp, own, above, left, top in tags:
        ports = stamp.laid.placed.ports
        seat = ports.node.astype(np.int64) - above
        inside = (seat >= 0) & (seat < len(own))
        node = np.where(inside, number[own[np.clip(seat, 0, len(own) - 1)]] if len(own) else -1, -1)
        for column, part in zip(
            columns,
            (ports.x + left, ports.y + top, ports.w, ports.h, node, stamp.tensors[ports.tensor], ports.out, ports.consumers),
            strict=True,
        ):
            column.append(part)
    empty = np.zeros(0)
    x, y, w, h, node, tensor, out, consumers = (np.concatenate(column) if column else empty for column in columns)
    return Ports(
        x=x,
        y=y,
        w=w,
        h=h,
        node=node.astype(np.int32),
        tensor=tensor.astype(np.int32),
        out=out.astype(bool),
        consumers=consumers.astype(np.int32),
    )

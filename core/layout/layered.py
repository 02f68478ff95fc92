"""The whole layout: ranks, nets, order, columns, routes; deterministic, and near-linear in boxes and stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout import Placed, Ports

if TYPE_CHECKING:
    import numpy as np

    from core.job import Job
    from core.layout.nets import Nets
    from core.layout.order import Rows
    from core.model.index import GraphIndex

#: Room around everything, and beside boxes, tags and stand-ins.
MARGIN = 48.0
BESIDE_BOX, BESIDE_TAG, BESIDE_LINE = 10.0, 6.0, 8.0


@dataclass(frozen=True)
class Rim:
    """What is special about a group inside of a picture.

    Its first `above` boxes stand in the row on top of all others, the last `below` ones in the lowest: there its edges come in and go
    out. An edge leaves its box `leave` pixels right of the middle and reaches the other one at `enter` (float64 (m) each; nan:
    wherever it is best). `margin` is the room around everything.
    """

    above: int
    below: int
    leave: np.ndarray
    enter: np.ndarray
    margin: float = MARGIN

    def exits(self, tensor: np.ndarray) -> np.ndarray:
        """`leave` by tensor (whose edges all begin at one box), float64; nan for those that may choose."""
        import numpy as np

        found = np.full(int(tensor.max(initial=-1)) + 1, np.nan)
        known = ~np.isnan(self.leave)
        found[tensor[known]] = self.leave[known]
        return found


def arrange(index: GraphIndex, job: Job) -> Placed:
    """Give every row of `index` its place; raises `Cancelled` when told to stop."""
    from core.layout.boxes import sizes

    job.step(0.0, "Measuring boxes")
    w, h = sizes(index)
    return lay(w, h, index.src, index.dst, index.tensor, index.tensors, step=job.step)


def lay(
    w: np.ndarray,
    h: np.ndarray,
    src: np.ndarray,
    dst: np.ndarray,
    tensor: np.ndarray,
    names: Sequence[str] = (),
    *,
    tagged: np.ndarray | None = None,
    rim: Rim | None = None,
    step: Callable[[float, str], None] = lambda fraction, text: None,
) -> Placed:
    """Place boxes of sizes `w`, `h` (float64 (n)) with edges `src`, `dst`, `tensor` (int (m), `src < dst`).

    `names` of the tensors only decide how wide a tag is. Edges that are `tagged` (bool (m)) go through tags in any case.
    `rim` says what is special about a group inside of a picture. Raises `ValueError` when rows are not in topological order.
    """
    import numpy as np

    from core.layout.shelves import parts, shelve

    def flat(
        w: np.ndarray,
        h: np.ndarray,
        src: np.ndarray,
        dst: np.ndarray,
        tensor: np.ndarray,
        tagged: np.ndarray,
        exits: np.ndarray | None = None,
        share: tuple[float, float] = (0.0, 1.0),
    ) -> Placed:
        begin, end = share
        return _lay(w, h, src, dst, tensor, names, tagged, exits, lambda fraction, text: step(begin + (end - begin) * fraction, text))

    tagged = np.zeros(len(src), bool) if tagged is None else tagged
    if rim is not None:
        return _lay(w, h, src, dst, tensor, names, tagged, None, step, rim)
    found = parts(len(w), src, dst)
    if found is None:
        return flat(w, h, src, dst, tensor, tagged)
    return shelve(w, h, src, dst, tensor, tagged, found, flat)


def _lay(
    w: np.ndarray,
    h: np.ndarray,
    src: np.ndarray,
    dst: np.ndarray,
    tensor: np.ndarray,
    names: Sequence[str],
    tagged: np.ndarray,
    exits: np.ndarray | None,
    step: Callable[[float, str], None],
    rim: Rim | None = None,
) -> Placed:
    """The same without shelves. `exits`: where tensors leave their producers, x from the middle, float64; nan for most."""
    import numpy as np

    from core.layout.boxes import TAG_HEIGHT, tag_width
    from core.layout.columns import columns
    from core.layout.ends import ends, reaches
    from core.layout.nets import weave
    from core.layout.order import order
    from core.layout.ranks import rank
    from core.layout.routes import route, stack

    n = len(w)
    step(0.05, "Arranging rows")
    level, minor = rank(n, src, dst, tensor)
    margin = MARGIN
    if rim is not None:
        level, minor = _rimmed(level, minor, rim.above, rim.below)
        exits, margin = rim.exits(tensor), rim.margin
    nets = weave(level, src, dst, tensor, tagged)
    counts = nets.tag_count.tolist()
    tag_w = np.array([tag_width(names[t] if names else "tensor", c) for t, c in zip(nets.tag_tensor.tolist(), counts, strict=True)])
    full_h = np.concatenate((h, np.full(nets.tags, TAG_HEIGHT)))

    step(0.2, "Ordering rows")
    numbered, rows = _number(nets)
    place, crossed = order(rows, check=lambda: step(0.4, "Ordering rows"))

    step(0.6, "Straightening links")
    chain = np.concatenate((np.full(nets.real, -1), nets.owner))
    beside = np.concatenate((w + 2 * BESIDE_BOX, tag_w + 2 * BESIDE_TAG, np.full(len(nets.owner), 2 * BESIDE_LINE)))
    light = np.concatenate((minor, ~nets.tag_out, np.zeros(len(nets.owner), bool)))
    back = np.argsort(numbered)
    reach = reaches(nets, w)
    x = columns(rows, place, beside[back], chain[back], light[back], reach[back], check=lambda: step(0.7, "Straightening links"))[numbered]

    step(0.9, "Drawing links")
    left = float((x - beside / 2).min()) if len(x) else 0.0
    x = np.round((x - left) * 2.0) / 2.0 + margin
    right = float((x + beside / 2).max()) if len(x) else 0.0
    touch = ends(nets, x, reach, exits, rim.enter if rim is not None else None)
    vertical = stack(nets, x, full_h, touch)
    routes = route(nets, x, full_h, vertical, touch)
    y = vertical.y + margin
    routes.points[:, 1] += margin
    routes.links[:, 1] += margin
    routes.links[:, 3] += margin
    step(1.0, "Drawing links")
    return Placed(
        x=x[:n],
        y=y[:n],
        w=np.asarray(w, np.float64),
        h=np.asarray(h, np.float64),
        rank=nets.rank[:n].astype(np.int32),
        points=routes.points,
        offsets=routes.offsets,
        ported=nets.ported,
        links=routes.links,
        link_tensor=routes.link_tensor,
        ports=Ports(
            x=x[n : nets.real],
            y=y[n:],
            w=tag_w,
            h=full_h[n:],
            node=nets.tag_node.astype(np.int32),
            tensor=nets.tag_tensor.astype(np.int32),
            out=nets.tag_out,
            consumers=nets.tag_count.astype(np.int32),
        ),
        width=right + margin if n else 0.0,
        height=vertical.height + 2 * margin if n else 0.0,
        crossings=crossed,
    )


def _rimmed(level: np.ndarray, minor: np.ndarray, above: int, below: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows when the first `above` boxes are on top of all others, and the last `below` ones at the bottom."""
    import numpy as np

    if not above and not below:
        return level, minor
    inner = slice(above, len(level) - below)
    level, minor = level.copy(), minor.copy()
    if len(level) > above + below:
        level[inner] += (1 if above else 0) - level[inner].min()
    level[:above] = 0
    level[len(level) - below :] = int(level[: len(level) - below].max(initial=0)) + 1
    minor[:above] = False
    minor[len(level) - below :] = False
    return np.asarray(level), minor


def _number(nets: Nets) -> tuple[np.ndarray, Rows]:
    """Number the vertices row by row in program order: the number of each vertex, and the rows."""
    import numpy as np

    from core.layout.order import Rows

    by = np.lexsort((nets.key, nets.rank))
    number = np.empty(len(by), np.int64)
    number[by] = np.arange(len(by))
    rank = nets.rank[by]
    rows = int(rank[-1]) + 1 if len(rank) else 0
    start = np.searchsorted(rank, np.arange(rows + 1))
    return number, Rows(rank=rank, start=start, hop_src=number[nets.hop_src], hop_dst=number[nets.hop_dst])

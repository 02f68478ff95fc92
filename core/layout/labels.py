"""Labels on links: the shape of a tensor, at a place of its own that is chosen once and does not move with the view.

Each tensor is offered a few places along its line, near its producer first. A place is taken when no box, no tag and no
label that was taken before touches it; a tensor for which none is free has no label, nor has one whose producer says the
same in its box. Which of two wins depends on the tensors alone, so that the same graph is always labelled alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.layout import Placed
    from core.model.index import GraphIndex

Rect = tuple[float, float, float, float]
#: Height of a label, room beside its text, and how wide the text may be, in pixels at 100 %.
HEIGHT, BESIDE, MAX_TEXT = 13.0, 3.0, 150.0
#: Room that a label keeps to boxes and to other labels.
APART = 2.0
#: From the end of a line to the middle of a label near it.
NEAR = 10.5
#: Cells in which neighbours are looked for: wide and low, as boxes are.
CELL_WIDE, CELL_HIGH = 256.0, 64.0


@dataclass(frozen=True, eq=False)
class Labels:
    """`rects` float64 (k, 4) x, y, w, h sorted by y; `tensor` int32 (k); `texts` what is written, uncut."""

    rects: np.ndarray
    tensor: np.ndarray
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def inside(self, rect: Rect) -> np.ndarray:
        """Which of them touch x0, y0, x1, y1."""
        import numpy as np

        x0, y0, x1, y1 = rect
        low, high = np.searchsorted(self.rects[:, 1], (y0 - HEIGHT, y1))
        some = self.rects[low:high]
        return np.asarray(low + np.flatnonzero((some[:, 0] < x1) & (some[:, 0] + some[:, 2] > x0) & (some[:, 1] + some[:, 3] > y0)))


def text_of(kind: str) -> str:
    """What a label says of a tensor's type: `1×32×112×112` of `float32[1, 32, 112, 112]`, other dtypes with their name."""
    dtype, _, rest = kind.partition("[")
    dims = rest.removesuffix("]")
    if not dtype or dims == "…":
        return dtype
    shape = "×".join(dims.split(", ")) if dims else "scalar"
    return shape if dtype == "float32" else f"{dtype} {shape}"


def place_labels(index: GraphIndex, placed: Placed) -> Labels:
    """Give the tensors of a laid-out graph their labels."""
    import numpy as np

    from core.layout.boxes import TAG, text_width

    widths: dict[str, float] = {"": 0.0}
    said = {kind: text_of(kind) for kind in set(index.tensor_types)}
    for text in said.values():
        widths.setdefault(text, min(MAX_TEXT, text_width(text, TAG)) + 2 * BESIDE)
    texts = [said[kind] for kind in index.tensor_types]
    for tensor, row in dict(zip(index.tensor.tolist(), index.src.tolist(), strict=True)).items():
        if index.details[row] == texts[tensor]:
            texts[tensor] = ""
    wide = np.array([widths[text] for text in texts])
    drawn = np.unique(placed.link_tensor)
    wanted = drawn[wide[drawn] > 0] if len(drawn) else drawn
    if not len(wanted):
        return Labels(np.zeros((0, 4)), np.zeros(0, np.int32), [])
    boxes = np.stack((placed.x - placed.w / 2, placed.y - placed.h / 2, placed.w, placed.h), 1)
    ports = placed.ports
    tags = np.stack((ports.x - ports.w / 2, ports.y - ports.h / 2, ports.w, ports.h), 1)
    blocks = np.concatenate((boxes, tags))
    taken, owners = np.zeros((0, 4)), np.zeros(0, np.int64)
    sources = np.full(len(texts), -1)
    sources[index.tensor] = index.src
    made = np.bincount(sources[drawn], minlength=len(index))
    for middles in _places(placed, wanted, made[sources[wanted]] > 1):
        left = ~np.isin(wanted, owners) & np.isfinite(middles[:, 0])
        who, at = wanted[left], middles[left]
        rects = np.stack((at[:, 0] - wide[who] / 2, at[:, 1] - HEIGHT / 2, wide[who], np.full(len(who), HEIGHT)), 1)
        free = np.ones(len(who), bool)
        free[_touching(rects, np.concatenate((blocks, taken)))[0]] = False
        who, rects = who[free], rects[free]
        kept = _winners(rects, who)
        taken, owners = np.concatenate((taken, rects[kept])), np.concatenate((owners, who[kept]))
    by = np.lexsort((taken[:, 0], taken[:, 1]))
    return Labels(taken[by], owners[by].astype(np.int32), [texts[tensor] for tensor in owners[by].tolist()])


def _places(placed: Placed, wanted: np.ndarray, sisters: np.ndarray) -> Sequence[np.ndarray]:
    """Where the label of each wanted tensor may be, the best first: float64 (k, 2) each, nan where there is no such place.

    Tensors with `sisters` (bool) leave their producer at one point: there nobody could tell whose label it is.
    """
    import numpy as np

    links, of = placed.links, placed.link_tensor
    tall = links[:, 3] - links[:, 1]
    upright = np.abs(links[:, 0] - links[:, 2]) <= 0.25
    by_top = np.lexsort((~upright, links[:, 1], of))
    first = by_top[np.searchsorted(of[by_top], wanted)]
    last = by_top[np.searchsorted(of[by_top], wanted, "right") - 1]
    by_size = np.lexsort((np.where(upright, tall, 0.0), of))
    longest = by_size[np.searchsorted(of[by_size], wanted, "right") - 1]
    middle = np.where(upright[longest, None], (links[longest, :2] + links[longest, 2:]) / 2, np.nan)
    begin, end = _along(links[first], NEAR), _along(links[last], tall[last] - NEAR)
    inner = _along(links[first], np.minimum(tall[first] / 2, 3 * NEAR))
    alone = ~sisters[:, None]
    return np.where(alone, begin, end), np.where(alone, inner, middle), np.where(alone, middle, inner), np.where(alone, end, np.nan)


def _along(links: np.ndarray, down: np.ndarray | float) -> np.ndarray:
    """The point of each link that is `down` below its upper end; nan where that is too near an end."""
    import numpy as np

    from core.layout.lines import curve

    tall = links[:, 3] - links[:, 1]
    down = np.broadcast_to(down, tall.shape)
    x, y = curve(links, np.linspace(0.0, 1.0, 33))
    at = np.argmin(np.abs(y - (links[:, 1] + down)[:, None]), axis=1)
    found = np.stack((x[np.arange(len(at)), at], links[:, 1] + down), 1)
    found[(down < HEIGHT / 2 + APART) | (tall - down < HEIGHT / 2 + APART)] = np.nan
    return found


def _touching(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (i, j) of rectangles (x, y, w, h) of `a` and `b` that are nearer than `APART`; a pair may come twice."""
    import numpy as np

    none = np.zeros(0, np.int64)
    if not len(a) or not len(b):
        return none, none
    of_a, key_a = _cells(a)
    of_b, key_b = _cells(b)
    by = np.argsort(key_b, kind="stable")
    of_b, key_b = of_b[by], key_b[by]
    low, high = np.searchsorted(key_b, key_a), np.searchsorted(key_b, key_a, "right")
    count = high - low
    i = np.repeat(of_a, count)
    j = of_b[np.repeat(low, count) + np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)]
    p, q = a[i], b[j]
    near = (
        (p[:, 0] < q[:, 0] + q[:, 2] + APART)
        & (q[:, 0] < p[:, 0] + p[:, 2] + APART)
        & (p[:, 1] < q[:, 1] + q[:, 3] + APART)
        & (q[:, 1] < p[:, 1] + p[:, 3] + APART)
    )
    return i[near], j[near]


def _cells(rects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cells that each rectangle touches: its number, and the key of the cell."""
    import numpy as np

    x0 = np.floor((rects[:, 0] - APART) / CELL_WIDE).astype(np.int64)
    x1 = np.floor((rects[:, 0] + rects[:, 2] + APART) / CELL_WIDE).astype(np.int64)
    y0 = np.floor((rects[:, 1] - APART) / CELL_HIGH).astype(np.int64)
    y1 = np.floor((rects[:, 1] + rects[:, 3] + APART) / CELL_HIGH).astype(np.int64)
    across = x1 - x0 + 1
    count = across * (y1 - y0 + 1)
    of = np.repeat(np.arange(len(rects)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    column, row = x0[of] + number % across[of], y0[of] + number // across[of]
    return of, row * (1 << 24) + column


def _winners(rects: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Which of the rectangles stay so that no two touch: bool (k). Of two the one with the smaller lot stays (drawn from
    `who`, not from the place: a chain of touching labels is settled in a few rounds)."""
    import numpy as np

    lot = (who.astype(np.int64) * 2654435761) % (1 << 32)
    i, j = _touching(rects, rects)
    ahead = (lot[i] < lot[j]) | ((lot[i] == lot[j]) & (i < j))
    i, j = i[ahead], j[ahead]
    open_, kept = np.ones(len(rects), bool), np.zeros(len(rects), bool)
    while len(i):
        won = open_.copy()
        won[j] = False
        kept |= won
        open_ &= ~won
        open_[j[won[i]]] = False
        some = open_[i] & open_[j]
        i, j = i[some], j[some]
    return kept | open_

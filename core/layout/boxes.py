"""How large the box of a node must be: two lines of text, and a slot for a number on the right.

A worker has no fonts, so widths come from the advances of a common wide sans-serif (DejaVu Sans), in hundredths of
an em; narrower fonts leave a little room, wider ones are cut by the painter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

#: Text sizes in pixels at 100 %, for the first line (bold), the second line, and a port's tag.
TITLE, DETAIL, TAG = 13.0, 11.0, 10.0
#: Room left of the text (stripe included), right of it, and for the number on the right.
LEFT, RIGHT, BADGE = 15.0, 10.0, 44.0
#: Room for the mark that unfolds a group.
UNFOLD = 26.0
#: Heights with two lines and with one.
TALL, SHORT = 42.0, 30.0
MIN_WIDTH, MAX_TEXT = 112.0, 190.0
TAG_HEIGHT, TAG_TEXT = 18.0, 120.0
BOLD = 1.11

#: Advances of the characters 32..126 in hundredths of an em.
_ADVANCES = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 53,
    100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50,
    50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip


def text_width(text: str, pixels: float) -> float:
    """About how wide `text` is at a text size of `pixels`."""
    total = 0
    for char in text:
        code = ord(char) - 32
        total += _ADVANCES[code] if 0 <= code < 95 else 64
    return total * pixels / 100.0


def titles(index: GraphIndex) -> list[str]:
    """The first line of every box: the op (of a folded group, what it is called), or the name for graph inputs and outputs."""
    from core.model.index import INPUT, OUTPUT

    ops = index.op_names
    return [
        name if kind in (INPUT, OUTPUT) else ops[op]
        for op, kind, name in zip(index.op.tolist(), index.kind.tolist(), index.names, strict=True)
    ]


def sizes(index: GraphIndex) -> tuple[np.ndarray, np.ndarray]:
    """Widths and heights for all boxes, float64 (n) each, in pixels at 100 %; texts over 190 px will be cut."""
    import numpy as np

    memo: dict[tuple[str, str], tuple[float, float]] = {}
    width, height = np.empty(len(index)), np.empty(len(index))
    for row, key in enumerate(zip(titles(index), index.details, strict=True)):
        size = memo.get(key)
        if size is None:
            size = memo[key] = _size(*key)
        width[row], height[row] = size
    return width, height


def _size(title: str, detail: str) -> tuple[float, float]:
    text = min(MAX_TEXT, max(text_width(title, TITLE) * BOLD, text_width(detail, DETAIL)))
    width = max(MIN_WIDTH, LEFT + text + RIGHT + BADGE)
    return float(-(-width // 8) * 8), TALL if detail else SHORT


def group_size(title: str, detail: str) -> tuple[float, float]:
    """Width and height of a folded group's box."""
    text = min(MAX_TEXT + BADGE, max(text_width(title, TITLE) * BOLD, text_width(detail, DETAIL)))
    return float(-(-max(MIN_WIDTH, LEFT + text + RIGHT + UNFOLD) // 8) * 8), TALL


def tag_width(name: str, consumers: int) -> float:
    """The width of a port's tag, an arrow and the count of its consumers included."""
    extra = text_width(f" ×{consumers}", TAG) if consumers > 1 else 0.0
    return float(-(-(min(TAG_TEXT, text_width(name, TAG)) + extra + 30.0) // 4) * 4)

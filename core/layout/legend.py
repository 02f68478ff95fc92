"""What the colours of a picture mean, as a band above it: the op families in it, or the scale of an overlay."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from core.layout import boxes
from core.layout.families import FAMILIES, TITLES, family

if TYPE_CHECKING:
    from core.layout.picture import Badges
    from core.model.index import GraphIndex

#: Room around, height of a line, size of a swatch, room between a swatch and its word and between entries.
PAD, LINE, SWATCH, GAP, BETWEEN = 16.0, 20.0, 10.0, 6.0, 20.0
#: Width of an overlay's scale, its least where the picture is narrow, and the height of its band.
BAR, LEAST, BAND = 130.0, 30.0, 2 * PAD + 2 * LINE


def families_in(index: GraphIndex) -> list[int]:
    """The families that a graph has, as numbers into FAMILIES, those of graph inputs and outputs left out."""
    import numpy as np

    used = np.unique(index.op[index.kind == 0]).tolist()
    return sorted({FAMILIES.index(family(index.op_names[op])) for op in used} - {FAMILIES.index("io")})


def legend(kinds: Iterable[int], badges: Badges | None, width: float) -> tuple[float, str]:
    """How high the band is, and its SVG from (0, 0) on, at most `width` wide where its words allow; classes as in `picture`."""
    if badges is not None:
        return BAND, _scale(badges, width)
    x, y, made = PAD, PAD, []
    for kind in kinds:
        word = TITLES[FAMILIES[kind]]
        wide = SWATCH + GAP + boxes.text_width(word, boxes.DETAIL)
        if x > PAD and x + wide > width - PAD:
            x, y = PAD, y + LINE
        middle = y + LINE / 2
        made.append(
            f'<rect class="f{kind}" x="{x:g}" y="{middle - SWATCH / 2:g}" width="{SWATCH:g}" height="{SWATCH:g}" rx="2"/>'
            f'<text class="detail" x="{x + SWATCH + GAP:.1f}" y="{middle + 4:g}">{escape(word)}</text>\n'
        )
        x += wide + BETWEEN
    return (y + LINE + PAD, "".join(made)) if made else (0.0, "")


def _scale(badges: Badges, width: float) -> str:
    """What an overlay shows, and below it its colours from the least to the greatest value."""
    middle = PAD + 1.5 * LINE
    start = PAD + boxes.text_width(badges.low, boxes.DETAIL) + GAP
    bar = min(BAR, max(LEAST, width - PAD - start - GAP - boxes.text_width(badges.high, boxes.DETAIL)))
    step = bar / len(badges.colours)
    shades = "".join(
        f'<rect x="{start + place * step:.2f}" y="{middle - 4:g}" width="{step + 0.3:.2f}" height="8" fill="{colour}"/>'
        for place, colour in enumerate(badges.colours)
    )
    words = ((PAD, middle - LINE, badges.title), (PAD, middle, badges.low), (start + bar + GAP, middle, badges.high))
    texts = "".join(f'<text class="detail" x="{x:.1f}" y="{y + 4:g}">{escape(word, quote=False)}</text>' for x, y, word in words)
    return f"{texts}{shades}\n"

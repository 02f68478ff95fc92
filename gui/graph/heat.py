"""Numbers on nodes, such as milliseconds or decibels: a colour for each box, a badge with the figure, and a scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor

if TYPE_CHECKING:
    import numpy as np

#: How many colours the scale has; boxes are drawn in one batch for each.
SHADES = 24


@dataclass(frozen=True)
class Heat:
    """`values` float64 by row of the index (nan: nothing to say), what they are, and in which unit.

    `shade` int8 by row, 0 .. SHADES - 1, -1 without a value. The scale is logarithmic when the positive values span
    more than two decades and none is negative.
    """

    values: np.ndarray
    title: str
    unit: str
    shade: np.ndarray
    low: float
    high: float
    log: bool

    @staticmethod
    def of(values: np.ndarray, title: str, unit: str) -> Heat | None:
        """Colours for `values`, or None when there is no finite one."""
        import numpy as np

        values = np.asarray(values, np.float64)
        known = np.isfinite(values)
        if not known.any():
            return None
        found = values[known]
        low, high = float(found.min()), float(found.max())
        positive = found[found > 0]
        log = low >= 0 and len(positive) > 0 and high / float(positive.min()) > 100.0
        if log:
            low = max(float(positive.min()), high * 1e-4)
            share = np.log(np.maximum(values, low) / low) / max(1e-12, math.log(high / low))
        else:
            share = (values - low) / (high - low if high > low else 1.0)
        shade = np.full(len(values), -1, np.int8)
        shade[known] = np.clip(share[known] * (SHADES - 1), 0, SHADES - 1).round().astype(np.int8)
        return Heat(values=values, title=title, unit=unit, shade=shade, low=low, high=high, log=log)


def shades(cold: QColor, hot: QColor) -> list[QColor]:
    """The colours of the scale."""
    return [mix(cold, hot, place / (SHADES - 1)) for place in range(SHADES)]


def mix(a: QColor, b: QColor, share: float) -> QColor:
    """`a` with `share` of `b`."""
    return QColor.fromRgbF(
        a.redF() + (b.redF() - a.redF()) * share,
        a.greenF() + (b.greenF() - a.greenF()) * share,
        a.blueF() + (b.blueF() - a.blueF()) * share,
    )


def figure(value: float) -> str:
    """A number in at most five characters: `0.042`, `12.3`, `1.2k`, `3.4M`."""
    size = abs(value)
    if not math.isfinite(value):
        return "-"
    if size == 0:
        return "0"
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            scaled = value / (limit if unit != "k" else 1e3)
            return f"{scaled:.3g}{unit}" if abs(scaled) < 1000 else f"{scaled:.0f}{unit}"
    if size < 0.001:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.3f}" if size < 1 else f"{value:.3g}" if size < 999.5 else f"{value:.0f}"

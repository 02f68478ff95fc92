"""Numbers on nodes, such as milliseconds or decibels: a colour for each box, a badge with the figure, and a scale."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor

if TYPE_CHECKING:
    import numpy as np

    from gui.graph.painter import Look

#: How many colours the scale has; boxes are drawn in one batch for each.
SHADES = 24
#: How many words of a category have a colour of their own; the rest share the last one.
WORDS = 8
REST = "other"


@dataclass(frozen=True, eq=False)
class Badge:
    """One more number, or word, on each box: `values` float64 by row of the scene (nan: none), numbers into `names` where
    there are any. `mark` stands behind the number."""

    values: np.ndarray
    title: str
    unit: str
    mark: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Heat:
    """`values` float64 by row of the scene (nan: nothing to say), what they are, and in which unit.

    `shade` int8 by row, 0 .. SHADES - 1, -1 without a value or below the `threshold`. Unless it is told which, the scale
    is logarithmic when the positive values span more than two decades and none is negative. `reverse`: the lowest are
    the hottest. Of a category values are numbers into `names`, and shades places among the colours of words.
    Without `coloured` only the `badges` are worn. `tensors` float64 by tensor is for those who ask about a link.
    """

    values: np.ndarray
    title: str
    unit: str
    shade: np.ndarray
    low: float
    high: float
    log: bool
    threshold: float = math.nan
    reverse: bool = False
    names: tuple[str, ...] = ()
    badges: tuple[Badge, ...] = ()
    tensors: np.ndarray | None = None
    coloured: bool = True

    @staticmethod
    def of(
        values: np.ndarray, title: str, unit: str, *, log: bool | None = None, threshold: float = math.nan, reverse: bool = False
    ) -> Heat | None:
        """Colours for `values`, or None when there is no finite one."""
        import numpy as np

        values = np.asarray(values, np.float64)
        known = np.isfinite(values)
        if not known.any():
            return None
        low, high, log = span(values, log)
        share = place(values, low, high, log)
        if reverse:
            share = 1.0 - share
        shade = np.full(len(values), -1, np.int8)
        shade[known] = np.clip(share[known] * (SHADES - 1), 0, SHADES - 1).round().astype(np.int8)
        if not math.isnan(threshold):
            shade[known & (values < threshold)] = -1
        return Heat(values=values, title=title, unit=unit, shade=shade, low=low, high=high, log=log, threshold=threshold, reverse=reverse)

    @staticmethod
    def of_words(values: np.ndarray, names: tuple[str, ...], title: str) -> Heat | None:
        """Colours for a category, or None when it says nothing; words after the first seven share the last colour."""
        import numpy as np

        known = np.isfinite(values)
        if not known.any():
            return None
        most = WORDS - 1 if len(names) > WORDS else WORDS
        shade = np.full(len(values), -1, np.int8)
        shade[known] = np.minimum(values[known], most).astype(np.int8)
        return Heat(values=values, title=title, unit="", shade=shade, low=0.0, high=float(len(names)), log=False, names=names)

    @staticmethod
    def bare(rows: int) -> Heat:
        """Nothing for any of `rows`: what wears badges only."""
        import numpy as np

        nothing = np.full(rows, np.nan)
        return Heat(values=nothing, title="", unit="", shade=np.full(rows, -1, np.int8), low=0.0, high=0.0, log=False, coloured=False)

    def wearing(self, badges: tuple[Badge, ...], tensors: np.ndarray | None = None) -> Heat:
        """The same with badges beside it."""
        return dataclasses.replace(self, badges=badges, tensors=tensors)

    def words(self) -> tuple[str, ...]:
        """The words that have a colour, in the order of the colours."""
        return (*self.names[: WORDS - 1], REST) if len(self.names) > WORDS else self.names

    def label(self, row: int) -> str:
        """What the pill of a row says: a figure, or the word."""
        value = float(self.values[row])
        return self.names[int(value)] if self.names else figure(value)


def span(values: np.ndarray, log: bool | None) -> tuple[float, float, bool]:
    """The ends of the scale of `values`, and whether it is logarithmic (`log` None: as the values suggest)."""
    import numpy as np

    found = values[np.isfinite(values)]
    low, high = float(found.min()), float(found.max())
    positive = found[found > 0]
    least = float(positive.min()) if len(positive) else 0.0
    if log is None:
        log = low >= 0 and least > 0 and high / least > 100.0
    log = log and least > 0
    if log:
        low = max(least, high * 1e-4) if low >= 0 else least
    return low, high, log


def place(values: np.ndarray, low: float, high: float, log: bool) -> np.ndarray:
    """Where on the scale values are, 0 to 1 (float64, same shape); those outside of it are beyond these."""
    import numpy as np

    if log:
        return np.asarray(np.log(np.maximum(values, low) / low) / max(1e-12, math.log(high / low)))
    return np.asarray((values - low) / (high - low if high > low else 1.0))


def value_at(share: float, low: float, high: float, log: bool) -> float:
    """The value at a place of the scale: the other way round."""
    return low * (high / low) ** share if log else low + share * (high - low)


def colours(heat: Heat, look: Look) -> list[QColor]:
    """The colours that the shades of `heat` are numbers of."""
    return look.words if heat.names else look.shades


def inks(heat: Heat, look: Look) -> list[QColor]:
    """The colour of text on each of them."""
    return look.word_text if heat.names else look.shade_text


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

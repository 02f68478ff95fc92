"""Labels: cut in the middle to fit, shaped once, and drawn at any zoom.

Not shared between threads: the widget and the thread that paints frames have one each.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF, QStaticText, QTransform

Role = Literal["title", "detail", "tag", "heading", "close", "line"]
#: Text sizes from close by, where a box says more in smaller letters (see `closer`).
CLOSE, LINE = 10.0, 8.0
#: Shaped labels that are kept.
KEPT = 6000


class Texts:
    """Shaped labels for the text roles of the graph."""

    def __init__(self, font: QFont, title: float, detail: float, tag: float) -> None:
        self.fonts: dict[Role, QFont] = {
            "title": _sized(font, title, QFont.Weight.DemiBold),
            "detail": _sized(font, detail, QFont.Weight.Normal),
            "tag": _sized(font, tag, QFont.Weight.Normal),
            "heading": _sized(font, detail, QFont.Weight.DemiBold),
            "close": _sized(font, CLOSE, QFont.Weight.DemiBold),
            "line": _sized(font, LINE, QFont.Weight.Normal),
        }
        self.metrics: dict[Role, QFontMetricsF] = {role: QFontMetricsF(made) for role, made in self.fonts.items()}
        self._made: dict[tuple[Role, str, int], QStaticText] = {}

    def get(self, role: Role, text: str, room: float) -> QStaticText:
        """`text` in at most `room` pixels, ready to draw."""
        key = (role, text, int(room))
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= KEPT:
                self._made.clear()
            shown = self.metrics[role].elidedText(text, Qt.TextElideMode.ElideMiddle, room)
            found = QStaticText(shown)
            found.setTextFormat(Qt.TextFormat.PlainText)
            found.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
            found.prepare(QTransform(), self.fonts[role])
            self._made[key] = found
        return found

    def width(self, role: Role, text: str) -> float:
        """How wide `text` is."""
        return float(self.metrics[role].horizontalAdvance(text))

    def height(self, role: Role) -> float:
        """How high a line is."""
        return float(self.metrics[role].height())


def _sized(font: QFont, pixels: float, weight: QFont.Weight) -> QFont:
    made = QFont(font)
    made.setPixelSize(round(pixels))
    made.setWeight(weight)
    # Hinting would make letters jump while zooming.
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return made

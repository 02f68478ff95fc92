"""How the colours of an overlay are spread: the ramp, linear or logarithmic, which end is hot, and from where on."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QSlider, QVBoxLayout, QWidget

from gui import figures
from gui.graph import scales
from gui.graph.heat import Heat, place, value_at
from gui.graph.painter import Look

if TYPE_CHECKING:
    from gui.theme import Theme

STEPS = 1000
_TYPED = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)[\s\u202f]*([kmgt]?)", re.IGNORECASE)
_PREFIX = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}


def parse(text: str) -> float:
    """`1.2M`, `500 kB`, `3e-3`, `42 %` as a number; nan for what is none."""
    found = _TYPED.match(text)
    if found is None:
        return math.nan
    prefix = found[2].lower()
    rest = text[found.end(1) :].strip().lower()
    if rest.startswith(("ms", "macs")):  # units, not millions
        prefix = ""
    return float(found[1]) * _PREFIX[prefix]


class Ramp(QWidget):
    """The colours from cold to hot, with the values at their ends."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.heat: Heat | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(160, 38)

    def show_heat(self, heat: Heat | None) -> None:
        """Show the scale of these colours."""
        self.heat = heat
        if heat is not None:
            low, high = (figures.quantity(value, heat.unit) for value in (heat.low, heat.high))
            self.setAccessibleName(f"{heat.title}: {'logarithmic' if heat.log else 'linear'} scale from {low} to {high}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        heat = self.heat
        if heat is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scales.ramp(painter, QRectF(2, 5, self.width() - 4, 10), heat, Look.of(self.theme))
        painter.setFont(self.theme.small())
        painter.setPen(self.theme.color("muted"))
        cold, hot = (heat.high, heat.low) if heat.reverse else (heat.low, heat.high)
        line = QRectF(2, 18, self.width() - 4, 18)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, figures.quantity(cold, heat.unit))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figures.quantity(hot, heat.unit))
        painter.drawText(line, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, "log" if heat.log else "linear")
        painter.end()


class Spread(QWidget):
    """The ramp and what changes it."""

    #: The person chose: a logarithmic scale or not.
    log_chosen = Signal(bool)
    #: The lowest are the hottest, or not.
    reverse_chosen = Signal(bool)
    #: From which value on boxes are coloured; nan: from the lowest.
    threshold_chosen = Signal(float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.heat: Heat | None = None
        self.ramp = Ramp(theme)
        self.log = QPushButton("Log")
        self.log.setCheckable(True)
        self.log.setToolTip("Logarithmic scale: equal ratios are equal steps of colour")
        self.log.clicked.connect(self.log_chosen)
        self.reverse = QPushButton("Low is hot")
        self.reverse.setCheckable(True)
        self.reverse.setToolTip("Bring out the lowest values instead of the highest")
        self.reverse.clicked.connect(self.reverse_chosen)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 20)
        self.slider.setAccessibleName("Threshold")
        self.slider.setToolTip("Below this value boxes are not coloured")
        self.slider.valueChanged.connect(self._slid)
        self.field = QLineEdit()
        self.field.setPlaceholderText("none")
        self.field.setAccessibleName("Threshold as a number")
        self.field.setToolTip("Below this value boxes are not coloured: 1.2M, 500 kB; empty for none")
        self.field.setFixedWidth(100)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.editingFinished.connect(self._typed)
        self.count = QLabel()
        self.count.setProperty("role", "small")
        self.count.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.log)
        buttons.addWidget(self.reverse)
        buttons.addStretch(1)
        threshold = QGridLayout()
        threshold.setHorizontalSpacing(8)
        word = QLabel("From")
        word.setProperty("role", "muted")
        word.setBuddy(self.slider)
        threshold.addWidget(word, 0, 0)
        threshold.addWidget(self.slider, 0, 1)
        threshold.addWidget(self.field, 0, 2)
        threshold.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self.ramp)
        column.addLayout(buttons)
        column.addLayout(threshold)
        column.addWidget(self.count)

    def show_heat(self, heat: Heat, count: int, known: int, share: float) -> None:
        """Show the scale of `heat`; `count` of `known` nodes are coloured, and hold `share` (0 to 1, or nan) of the total."""
        import numpy as np

        self.heat = heat
        self.ramp.show_heat(heat)
        self.log.setChecked(heat.log)
        self.reverse.setChecked(heat.reverse)
        possible = heat.high > 0 and heat.low != heat.high
        self.log.setEnabled(possible)
        none = heat.threshold != heat.threshold
        at = 0.0 if none else float(np.clip(place(np.array([heat.threshold]), heat.low, heat.high, heat.log), 0.0, 1.0)[0])
        self.slider.blockSignals(True)
        if not self.slider.isSliderDown():
            self.slider.setValue(round(at * STEPS))
        self.slider.blockSignals(False)
        if not self.field.hasFocus():
            self.field.setText("" if none else figures.quantity(heat.threshold, heat.unit))
        text = f"{figures.whole(count)} of {figures.plural(known, 'node')}"
        self.count.setText(text if share != share else f"{text} · {figures.share(share)} of the total")

    def _slid(self, at: int) -> None:
        if self.heat is not None:
            heat = self.heat
            self.threshold_chosen.emit(value_at(at / STEPS, heat.low, heat.high, heat.log) if at else math.nan)

    def _typed(self) -> None:
        if self.heat is None:
            return
        found = parse(self.field.text())
        now = self.heat.threshold
        if self.field.text() != ("" if now != now else figures.quantity(now, self.heat.unit)):
            self.threshold_chosen.emit(found)

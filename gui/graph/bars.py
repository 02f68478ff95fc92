"""Small bars that float over the graph: zoom in the lower right corner (what one finds with is in `find`)."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from gui import icons
from gui.theme import Theme


def button(theme: Theme, icon: str, tip: str, run: Callable[[], object]) -> QToolButton:
    """A small button with an icon and a tip."""
    made = QToolButton()
    made.setAutoRaise(True)
    made.setFixedSize(26, 24)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setToolTip(tip)
    made.setAccessibleName(tip.partition(" (")[0])
    made.clicked.connect(lambda: run())
    icons.dress(made, icon, theme)
    return made


class Bar(QFrame):
    """A raised frame for a row of small things."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "raised")
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(3, 2, 3, 2)
        self.row.setSpacing(1)
        self.setCursor(Qt.CursorShape.ArrowCursor)


class ZoomBar(Bar):
    """Zoom out, how far it is, zoom in, fit."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        *,
        out: Callable[[], object],
        full: Callable[[], object],
        closer: Callable[[], object],
        fit: Callable[[], object],
    ) -> None:
        super().__init__(parent)
        self.percent = QToolButton()
        self.percent.setAutoRaise(True)
        self.percent.setFixedSize(54, 24)
        self.percent.setToolTip("Back to 100 % (1)")
        self.percent.setAccessibleName("Zoom, back to 100 %")
        self.percent.clicked.connect(lambda: full())
        self.row.addWidget(button(theme, "zoom-out", "Zoom out (-)", out))
        self.row.addWidget(self.percent)
        self.row.addWidget(button(theme, "zoom-in", "Zoom in (+)", closer))
        self.row.addWidget(button(theme, "fit", "Show the whole graph (F)", fit))
        self.adjustSize()

    def show_scale(self, scale: float) -> None:
        """Say how far one is zoomed in."""
        percent = scale * 100
        self.percent.setText(f"{percent:.0f} %" if percent >= 9.5 else f"{percent:.1f} %" if percent >= 0.95 else f"{percent:.2g} %")

"""Small bars that float over the graph: zoom in the lower right corner, find in the upper left one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

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


class FindBar(Bar):
    """A field to search in; Enter goes to the next, Shift+Enter to the one before, Escape closes."""

    #: The text to look for changed (after a moment without typing).
    searched = Signal(str)
    #: Go on: 1 to the next, -1 to the one before.
    stepped = Signal(int)
    #: Closed by the person.
    closed = Signal()

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find name, op or shape")
        self.field.setAccessibleName("Find in graph")
        self.field.setFixedWidth(210)
        self.field.installEventFilter(self)
        self.count = QLabel("")
        self.count.setProperty("role", "small")
        self.count.setMinimumWidth(64)
        self.count.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.row.addWidget(self.field)
        self.row.addWidget(self.count)
        self.row.addWidget(button(theme, "close", "Close (Escape)", self.shut))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(60)
        self._pause.timeout.connect(lambda: self.searched.emit(self.field.text()))
        self.field.textChanged.connect(lambda: self._pause.start())
        self.adjustSize()
        self.hide()

    def open(self) -> None:
        """Show the field, ready to type into."""
        self.show()
        self.raise_()
        self.field.setFocus()
        self.field.selectAll()
        if self.field.text():
            self.searched.emit(self.field.text())

    def shut(self) -> None:
        """Close, and forget what was found."""
        self._pause.stop()
        self.hide()
        self.closed.emit()

    def say(self, text: str) -> None:
        """What was found, in words."""
        self.count.setText(text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if self._pause.isActive():
                    self._pause.stop()
                    self.searched.emit(self.field.text())
                self.stepped.emit(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.shut()
                return True
        return super().eventFilter(watched, event)

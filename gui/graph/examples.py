"""The help of the find bar: what one can write, each line to be taken as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QWidget

if TYPE_CHECKING:
    from gui.theme import Theme


class Examples(QFrame):
    """Queries and what they find; a click puts one into the field. Escape or a click elsewhere closes."""

    #: A query was taken.
    taken = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        from core.find.query import EXAMPLES

        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("examples")
        self.setProperty("role", "raised")
        self.setAccessibleName("What one can look for")
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 8, 14, 10)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        for row, (text, says) in enumerate(EXAMPLES):
            example = QPushButton(text)
            example.setProperty("role", "row")
            example.setFont(theme.mono())
            example.setToolTip("Look for this")
            example.clicked.connect(lambda *_, text=text: self._take(text))
            label = QLabel(says)
            label.setProperty("role", "muted")
            label.setBuddy(example)
            grid.addWidget(example, row, 0)
            grid.addWidget(label, row, 1)
        last = QLabel("Terms side by side must all hold; and, or, not and brackets join them. * and ? stand for letters.")
        last.setProperty("role", "small")
        last.setContentsMargins(8, 8, 0, 0)
        grid.addWidget(last, len(EXAMPLES), 0, 1, 2)

    def open_below(self, where: QWidget) -> None:
        """Show it below a button, inside of the screen."""
        self.adjustSize()
        at = where.mapToGlobal(QPoint(0, where.height() + 4))
        room = where.screen().availableGeometry()
        at.setX(max(room.left(), min(at.x(), room.right() - self.width())))
        at.setY(max(room.top(), min(at.y(), room.bottom() - self.height())))
        self.move(at)
        self.show()

    def _take(self, text: str) -> None:
        self.close()
        self.taken.emit(text)

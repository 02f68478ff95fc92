"""The line above a weight: its name, what it is, who reads it, and the way to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from gui import figures, icons
from gui.context import Context
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from core.model.weight_page import WeightPage

#: With less room than this a weight's type and size are in the name's tooltip only: pixels.
_NARROW = 420
#: Readers that a tooltip lists.
_LISTED = 12


class Head(QWidget):
    """`back` and `export` are the caller's; the readers are selected in the graph."""

    def __init__(self, ctx: Context) -> None:
        super().__init__()
        self.ctx = ctx
        self._nodes: tuple[str, ...] = ()
        self.back = self._tool("chevron-left", "All weights")
        self.name = Elided("", "strong")
        self.facts = QLabel()
        self.facts.setProperty("role", "muted")
        self.readers = QPushButton()
        self.readers.setProperty("role", "link")
        self.readers.clicked.connect(lambda *_: self._to_readers())
        self.export = self._tool("export", "Export as .npy…")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 0)
        row.setSpacing(10)
        row.addWidget(self.back)
        row.addWidget(self.name, 1)
        row.addWidget(self.facts)
        row.addWidget(self.readers)
        row.addWidget(self.export)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room, the name has it."""
        super().resizeEvent(event)
        self.facts.setVisible(self.width() >= _NARROW)

    def _tool(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        icons.dress(button, icon, self.ctx.theme)
        button.setToolTip(tip)
        button.setAccessibleName(tip.rstrip("…"))
        return button

    def put(self, page: WeightPage) -> None:
        """Show another weight."""
        shape = "×".join(map(str, page.shape)) or "scalar"
        self.name.setText(page.name)
        self.facts.setText(f"{page.dtype} {shape} · {figures.size(page.bytes)}")
        where = f"in {page.file}, from byte {figures.whole(page.offset)}" if page.file else "in the graph itself"
        self.name.setProperty("tip", True)
        self.name.setToolTip(f"{page.name}\n{self.facts.text()}")
        self.facts.setToolTip(f"{page.kind}, {where}")
        self._nodes = tuple(dict.fromkeys(each.node for each in page.readers))
        self.readers.setVisible(bool(self._nodes))
        self.readers.setText(figures.plural(len(self._nodes), "reader"))
        told = "\n".join(f"{each.node} ({each.op}, {each.slot})" for each in page.readers[:_LISTED])
        more = f"\nand {len(page.readers) - _LISTED} more" if len(page.readers) > _LISTED else ""
        self.readers.setToolTip(f"Go to what reads it:\n{told}{more}")
        self.readers.setAccessibleName(f"Go to what reads it: {', '.join(self._nodes[:_LISTED])}")
        self.name.setAccessibleName(f"{page.name}, {self.facts.text()}")

    def _to_readers(self) -> None:
        if self._nodes:
            if self.ctx.window is not None:
                self.ctx.window.show_panel("graph")
            self.ctx.selection.set(self._nodes, self)
            self.ctx.selection.reveal.emit(self._nodes[0])

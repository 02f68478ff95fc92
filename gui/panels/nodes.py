"""Every node as a row: sorted, filtered, copied; what the graph shows to the eye, for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QStackedLayout, QVBoxLayout, QWidget

from gui import figures
from gui.actions import Action, needs_model
from gui.context import Context
from gui.graph.families import TITLES, family
from gui.graph.find import PAUSE
from gui.graph.layouts import Layouts
from gui.graph.searching import Found, Searching
from gui.panels.base import Panel
from gui.table import Column, Table
from gui.widgets.empty import EmptyState
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from core.model.index import GraphIndex

ASKER = "nodes table"


def filter_nodes(ctx: Context) -> None:
    """Bring the table to the front, ready to type a filter."""
    if ctx.window is not None:
        ctx.window.show_panel("nodes")
    ctx.services["nodes"].field.setFocus()


def columns(index: GraphIndex) -> dict[str, Any]:
    """The table's columns from a graph: lists and arrays of one length."""
    import numpy as np

    types = [*index.tensor_types, ""]
    none = len(index.tensor_types)
    n = len(index)
    made, read, inputs = np.full(n, none), np.full(n, none), np.zeros(n, np.int64)
    made[index.src[::-1]] = index.tensor[::-1]
    read[index.dst[::-1]] = index.tensor[::-1]
    np.add.at(inputs, index.dst, 1)
    more = [f"{types[t]} +{k - 1}" if k > 1 else types[t] for t, k in zip(read.tolist(), inputs.tolist(), strict=True)]
    return {
        "name": index.names,
        "op": [index.op_names[op] for op in index.op.tolist()],
        "detail": index.details,
        "inputs": more,
        "outputs": [types[t] for t in made.tolist()],
        "parameters": index.parameters.tolist(),
        "bytes": index.weight_bytes.tolist(),
        "macs": index.macs.tolist(),
    }


class NodesPanel(Panel):
    """The graph as a table; what is selected here is selected in the graph, and the other way round."""

    id = "nodes"
    title = "Nodes"
    area = "center"
    order = 20
    icon = "table"
    tip = "Every node with its op, shapes, parameters, bytes and MACs: sort, filter, copy."
    ACTIONS = (
        Action(
            "nodes.filter", "Filter nodes…", filter_nodes, "View", 45, "Ctrl+Shift+F", "filter",
            "Search the table of nodes with the same queries as in the graph.", needs_model,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["nodes"] = self
        self._icons: dict[str, QIcon] = {}
        self._index: GraphIndex | None = None
        self._rows: dict[str, int] = {}
        self._quiet = False
        self.table = Table(
            [
                Column("name", "Name", width=190, tip="The node's name; nameless ones are called by op and place"),
                Column("op", "Op", width=152, icon=self._icon, tip="The operator; the mark's colour is its family's"),
                Column("detail", "Detail", width=104),
                Column("parameters", "Parameters", "right", 98, "Elements of the weights that it reads", _count),
                Column("bytes", "Weights", "right", 80, "Bytes of the weights that it reads", _size),
                Column("macs", "MACs", "right", 86, "Multiply-accumulates with symbolic dims as 1", _macs),
                Column("inputs", "Input", width=150, tip="Type of the first input, and how many more"),
                Column("outputs", "Output", width=0, tip="Type of the first output"),
            ]
        )
        self.table.setAccessibleName("Nodes of the graph")
        self.table.selection_changed.connect(self._picked)
        self.table.chosen.connect(self._chosen)
        self.table.counted.connect(self._count)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Filter: words, op:Conv and k>3, params>1M")
        self.field.setAccessibleName("Filter nodes")
        self.field.setToolTip("Words, or filters as in the graph's find bar: op:Conv and k>3, shape:1x32x*x*, not is:output")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._typed)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._filter)
        self._searching = Searching.of(ctx)
        self.count = Elided(right=True, role="small", mode=Qt.TextElideMode.ElideRight)
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 6, 12, 6)
        row.setSpacing(10)
        row.addWidget(self.field, 3)
        row.addWidget(self.count, 2)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self.table, 1)
        empty = EmptyState(
            "table",
            "No model is open",
            "Open an ONNX file to list its nodes with shapes, parameters and compute.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        waiting = EmptyState("table", "Reading the graph…", "Its nodes are listed here as soon as they are known.", theme=ctx.theme)
        self.pages = QStackedLayout(self)
        for each in (empty, waiting, page):
            self.pages.addWidget(each)
        self._layouts = Layouts.of(ctx)
        self.listen(self._layouts.changed, self._changed)
        self.listen(ctx.selection.changed, self._selected)
        self.listen(ctx.theme.changed, self._restyle)
        self.refresh()

    def release(self) -> None:
        self._searching.forget(ASKER)
        self._searching.release()
        self.ctx.turns.drop(self.refresh)
        self._layouts.release()
        if self.ctx.services.get("nodes") is self:
            del self.ctx.services["nodes"]
        super().release()

    def _changed(self) -> None:
        """Another graph is listed in a turn of its own: with drawing it at once the window would stand still; none is, at once."""
        if self._layouts.index is None:
            self.refresh()
        else:
            self.ctx.turns.later(self.refresh)

    def refresh(self) -> None:
        """List the nodes of what is laid out; the old ones stay until the new ones are known."""
        index = self._layouts.index
        if index is None:
            self._index, self._rows = None, {}
            self.table.set_rows([])
            self.pages.setCurrentIndex(1 if self._layouts.state == "working" else 0)
            return
        self.pages.setCurrentIndex(2)
        if index is not self._index:
            self._index = index
            self._rows = {name: row for row, name in enumerate(index.names)}
            self._quiet = True
            self.table.set_columns(columns(index))
            self._quiet = False
            if self.field.text().strip():
                self._filter()
            self._selected(None)

    # ---- the filter ----
    def _typed(self) -> None:
        if self._searching.quick:
            self._filter()
        else:
            self._pause.start()

    def _filter(self) -> None:
        text = self.field.text()
        if text.strip():
            self._searching.ask(ASKER, text, self._found)
        else:
            self._searching.forget(ASKER)
            self.table.show_only(None)

    def _found(self, found: Found) -> None:
        """Show what was found; what a query cannot say yet is said beside it, and the rows stay as they were."""
        if found.error is not None:
            self.count.setText(f"{found.error.message} {found.error.hint}".strip())
        elif found.pending:
            self.count.setText(found.pending)
        elif found.rows is not None and found.index is self._index:
            self.table.show_only(sorted(set(found.rows.tolist())))
            self._selected(None)

    # ---- selection, both ways ----
    def _picked(self, rows: list[int]) -> None:
        if not self._quiet and self._index is not None:
            self.ctx.selection.set(tuple(self._index.names[row] for row in rows), self)

    def _selected(self, source: object) -> None:
        if source is self:
            return
        self._quiet = True
        self.table.select_rows(self._rows[name] for name in self.ctx.selection.nodes if name in self._rows)
        self._quiet = False

    def _chosen(self, row: int) -> None:
        """Enter or a double click: show it in the graph."""
        if self._index is not None:
            name = self._index.names[row]
            if self.ctx.window is not None:
                self.ctx.window.show_panel("graph")
            self.ctx.selection.set((name,), self)
            self.ctx.selection.reveal.emit(name)

    # ---- looks ----
    def _count(self, shown: int, total: int) -> None:
        every = figures.plural(total, "node")
        self.count.setText(every if shown == total else f"{figures.whole(shown)} of {every}")

    def _icon(self, op: str) -> QIcon:
        name = family(op)
        found = self._icons.get(name)
        if found is None:
            found = self._icons[name] = self._mark(name)
        return found

    def _mark(self, name: str) -> QIcon:
        """The family's stripe, as on the box in the graph."""
        icon = QIcon()
        for ratio in (1, 2):
            picture = QPixmap(16 * ratio, 16 * ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.ctx.theme.color(f"family.{name}"))
            painter.drawRoundedRect(QRectF(6 * ratio, 2 * ratio, 4 * ratio, 12 * ratio), 2 * ratio, 2 * ratio)
            painter.end()
            icon.addPixmap(picture)
        assert name in TITLES
        return icon

    def _restyle(self) -> None:
        self._icons.clear()
        self.table.viewport().update()


def _count(value: int) -> str:
    return figures.whole(value) if value else ""


def _size(value: int) -> str:
    return figures.size(value) if value else ""


def _macs(value: float) -> str:
    return "?" if value != value else figures.short(value) if value else ""

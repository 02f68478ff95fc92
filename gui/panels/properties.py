"""Everything about the selected node: what it is, reads and makes, and what is in its weights; of several, the totals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedLayout, QWidget

from core.model import Model, pages, weights
from gui import figures
from gui.context import Context
from gui.graph.families import TITLES, family
from gui.graph.histogram import Histogram, number
from gui.graph.layouts import Layouts
from gui.panels.base import Panel
from gui.widgets.empty import EmptyState
from gui.widgets.rows import Elided, Sections, pair

if TYPE_CHECKING:
    from core.model.index import GraphIndex
    from core.model.pages import NodePage, TensorRow
    from core.model.weights import WeightStats

#: So many consumers of an output are listed, so many ops of a selection.
CONSUMERS, OPS = 6, 10
#: The keys under which the document is asked: a newer question drops the older one.
PAGE, WEIGHT = "properties.page", "properties.weight"


class PropertiesPanel(Panel):
    """Links lead along the graph; a weight's statistics are read when its node is selected."""

    id = "properties"
    title = "Node"
    area = "right"
    order = 10
    icon = "eye"
    tip = "Attributes, tensors and weights of what is selected in the graph or the table."

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["properties"] = self
        self.page: NodePage | None = None
        self.stats: WeightStats | None = None
        self._weight = ""
        self._weight_error = ""
        self._open_doc = False
        self._asked: tuple[str, str] = ("", "")
        self.sections = Sections("Properties of the selected node")
        no_model = EmptyState(
            "eye",
            "No model is open",
            "Open an ONNX file, then select a node to look into it.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        nothing = EmptyState(
            "eye",
            "Nothing is selected",
            "Click a node in the graph or in the table to see its attributes, tensors and weights.",
            "Show nodes",
            lambda: ctx.window is not None and ctx.window.show_panel("nodes"),
            theme=ctx.theme,
        )
        self.pages = QStackedLayout(self)
        for each in (no_model, nothing, self.sections):
            self.pages.addWidget(each)
        self._layouts = Layouts.of(ctx)
        self.listen(self._layouts.changed, self.refresh)
        self.listen(ctx.selection.changed, lambda _: self.refresh())
        self.listen(ctx.theme.changed, self._fill)
        self.refresh()

    def release(self) -> None:
        for key in (PAGE, WEIGHT):
            self.ctx.document.forget(key)
        self._layouts.release()
        if self.ctx.services.get("properties") is self:
            del self.ctx.services["properties"]
        super().release()

    @property
    def model(self) -> Model | None:
        """The current variant's model."""
        session = self.ctx.session
        if session is None or session.history.head is None:
            return None
        return session.history[session.history.head].model

    # ---- asking ----
    def refresh(self) -> None:
        """Show what is selected now."""
        model, nodes = self.model, self.ctx.selection.nodes
        if model is None or not nodes:
            self._asked, self.page, self.stats = ("", ""), None, None
            self.ctx.document.forget(PAGE)
            self.ctx.document.forget(WEIGHT)
            self.pages.setCurrentIndex(0 if model is None else 1)
            return
        if len(nodes) > 1:
            self._asked, self.page = ("", ""), None
            self.ctx.document.forget(PAGE)
            self._fill()
            return
        index = self._layouts.index
        if index is not None and self._layouts.state == "ready" and nodes[0] not in self._row_names(index):
            self._asked, self.page = ("", ""), None
            self._gone(nodes[0])
            return
        wanted = (model.fingerprint, nodes[0])
        if wanted == self._asked:
            return
        self._asked = wanted
        self.ctx.document.ask(
            pages.node_page, model, nodes[0], on_done=partial(self._paged, wanted), on_error=partial(self._failed, wanted), key=PAGE
        )

    def _row_names(self, index: GraphIndex) -> dict[str, int]:
        if getattr(self, "_named", None) is not index:
            self._named = index
            self._rows = {name: row for row, name in enumerate(index.names)}
        return self._rows

    def _paged(self, wanted: tuple[str, str], page: NodePage) -> None:
        if wanted != self._asked:
            return
        self.page, self.stats, self._weight, self._weight_error = page, None, "", ""
        first = max(self._initializers(page), key=_elements, default=None)
        self._fill()
        if first is not None:
            self.look_into(first.name)

    def _failed(self, wanted: tuple[str, str], error: Exception) -> None:
        if wanted != self._asked:
            return
        self.page = None
        self._begin(wanted[1])
        self.sections.add(_text(str(error), "error"))
        hint = getattr(error, "hint", "")
        if hint:
            self.sections.add(_text(hint, "muted"))
        self.sections.end()

    def look_into(self, weight: str) -> None:
        """Ask for the statistics of one of the node's weights."""
        model = self.model
        if model is None:
            return
        self._weight, self.stats, self._weight_error = weight, None, ""
        self.ctx.document.ask(weights.stats, model, weight, on_done=self._measured, on_error=self._unmeasured, key=WEIGHT)
        self._fill()

    def _measured(self, stats: WeightStats) -> None:
        if stats.name == self._weight:
            self.stats = stats
            self._fill()

    def _unmeasured(self, error: Exception) -> None:
        self._weight_error = str(error)
        self._fill()

    def _initializers(self, page: NodePage) -> list[TensorRow]:
        return [row for row in page.inputs if row.is_initializer]

    # ---- showing ----
    def _begin(self, title: str) -> None:
        self.pages.setCurrentIndex(2)
        self.sections.begin()
        self.sections.group("")
        label = Elided(title, "strong")
        label.setFixedHeight(26)
        self.sections.add(label)

    def _gone(self, name: str) -> None:
        self._begin(name)
        self.sections.add(_text("This variant has no such node: a pass has merged, renamed or removed it.", "muted"))
        self.sections.end()

    def _fill(self) -> None:
        """Draw what is known."""
        if self.model is None or not self.ctx.selection.nodes:
            return
        if len(self.ctx.selection.nodes) > 1:
            self._totals()
            return
        if self.page is not None:
            self._node(self.page)

    def _node(self, page: NodePage) -> None:
        sections = self.sections
        self._begin(page.name)
        version = f" · opset {page.since}" if page.since else ""
        domain = f"{page.domain}." if page.domain and page.domain != "ai.onnx" else ""
        sections.add(pair("Op", f"{domain}{page.op}{version}", tip=TITLES[family(page.op)]))
        if page.op not in ("Input", "Output"):
            if page.parameters:
                sections.add(pair("Parameters", figures.whole(page.parameters)))
            if page.macs is None or page.macs:
                sections.add(pair("Compute", self._compute(page.macs)))
        self._tensors("Inputs", [row for row in page.inputs if not row.is_initializer], made=False)
        self._tensors("Outputs", list(page.outputs), made=True)
        self._weights(page)
        if page.attributes:
            sections.group("Attributes")
            mono = self.ctx.theme.mono()
            for name, value in page.attributes:
                sections.add(pair(name, value, mono=mono))
        self._about(page)
        sections.end()

    def _compute(self, macs: float | None) -> str:
        if macs is None:
            return "shapes are not known"
        index = self._layouts.index
        text = figures.short(macs, "MACs")
        if index is not None:
            import numpy as np

            total = float(np.nansum(index.macs))
            if total > 0:
                text += f" · {figures.share(macs / total)}"
        return text

    def _tensors(self, title: str, rows: list[TensorRow], *, made: bool) -> None:
        if not rows:
            return
        self.sections.group(title)
        for row in rows:
            self.sections.add(pair(row.slot or row.name, row.type or "type is not known", tip=row.name))
            for other in row.others[:CONSUMERS]:
                self.sections.add(self._link(f"→ {other}" if made else f"← {other}", other, row.name))
            if len(row.others) > CONSUMERS:
                rest = len(row.others) - CONSUMERS
                self.sections.add(
                    _button(f"and {rest} more: select all {len(row.others)}", partial(self._select, row.others), "Select every consumer")
                )

    def _link(self, text: str, name: str, tensor: str) -> QWidget:
        button = _button(text, partial(self._select, (name,)), f"{tensor}\nGo to {name}")
        button.setAccessibleName(f"Go to {name}")
        metrics = button.fontMetrics()
        button.setText(metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(160, self.width() - 60)))
        return _right(button)

    def _select(self, names: tuple[str, ...]) -> None:
        self.ctx.selection.set(names, self)
        self.ctx.selection.reveal.emit(names[0])

    def _weights(self, page: NodePage) -> None:
        rows = self._initializers(page)
        if not rows:
            return
        self.sections.group("Weights")
        for row in rows:
            if len(rows) == 1:
                self.sections.add(pair(row.slot or "weight", row.type, tip=row.name))
                continue
            button = _button(row.slot or row.name, partial(self.look_into, row.name), f"{row.name}\nShow its statistics")
            button.setCheckable(True)
            button.setChecked(row.name == self._weight)
            self.sections.add(_beside(button, row.type))
        if self._weight_error:
            self.sections.add(_text(self._weight_error, "error"))
        elif self.stats is None:
            self.sections.add(_text("Reading…", "muted"))
        else:
            self._statistics(self.stats)

    def _statistics(self, stats: WeightStats) -> None:
        sections = self.sections
        if math.prod(stats.shape) == 1:
            if stats.min == stats.min:
                sections.add(pair("Value", number(stats.min)))
        elif stats.histogram:
            sections.add(Histogram(self.ctx.theme, stats.histogram, stats.edges, stats.name))
        if stats.min == stats.min and math.prod(stats.shape) != 1:
            sections.add(
                pair("Range", f"{number(stats.min)} … {number(stats.max)}"),
                pair("Mean, spread", f"{number(stats.mean)} ± {number(stats.std)}"),
                pair("Zeros", figures.share(stats.zeros)),
            )
        sections.add(pair("Size", figures.size(stats.bytes), tip=stats.name))
        for count, word in ((stats.nans, "NaN"), (stats.infs, "infinite")):
            if count:
                sections.add(_text(f"{figures.plural(count, 'value')} {'is' if count == 1 else 'are'} {word}.", "warn"))

    def _about(self, page: NodePage) -> None:
        if not page.doc and not page.note:
            return
        self.sections.group("")
        button = _button(f"About {page.op}", self._toggle, "What the operator does")
        button.setCheckable(True)
        button.setChecked(self._open_doc)
        self.sections.add(button)
        if self._open_doc:
            for text in (page.note, page.doc):
                if text:
                    self.sections.add(_text(text, "muted"))

    def _toggle(self) -> None:
        self._open_doc = not self._open_doc
        self._fill()

    def _totals(self) -> None:
        """Several nodes: how many, of which ops, and the sums."""
        import numpy as np

        nodes, index = self.ctx.selection.nodes, self._layouts.index
        self._begin(figures.plural(len(nodes), "node") + " selected")
        if index is None:
            self.sections.end()
            return
        known = self._row_names(index)
        rows = np.array([known[name] for name in nodes if name in known], np.int64)
        macs = float(np.nansum(index.macs[rows]))
        self.sections.add(
            pair("Parameters", figures.short(int(index.parameters[rows].sum()))),
            pair("Weights", figures.size(int(index.weight_bytes[rows].sum()))),
            pair("Compute", self._compute(macs)),
        )
        unknown = int(np.isnan(index.macs[rows]).sum())
        if unknown:
            self.sections.add(_text(f"Compute of {figures.plural(unknown, 'node')} is not known.", "muted"))
        self.sections.group("Operators")
        counts = Counter(index.op_names[op] for op in index.op[rows].tolist())
        self.sections.pairs((op, figures.whole(count)) for op, count in counts.most_common(OPS))
        if len(counts) > OPS:
            self.sections.add(_text(f"and {len(counts) - OPS} more", "muted"))
        self.sections.end()


def _elements(row: TensorRow) -> int:
    """How many elements a type's text speaks of: the largest weight is looked into first."""
    inside = row.type.partition("[")[2].rstrip("]")
    count = 1
    for part in inside.split(","):
        count *= int(part) if part.strip().isdigit() else 1
    return count


def _text(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setContentsMargins(0, 4, 0, 4)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _button(text: str, run: Callable[[], object], tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "link")
    button.setToolTip(tip)
    button.setFixedHeight(22)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.clicked.connect(lambda *_: run())
    return button


def _right(widget: QWidget) -> QWidget:
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.addStretch(1)
    box.addWidget(widget)
    return row


def _beside(widget: QWidget, value: str) -> QWidget:
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(8)
    box.addWidget(widget)
    box.addWidget(Elided(value, right=True), 1)
    return row

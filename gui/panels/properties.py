"""Everything about the selected node: what it is, reads and makes, and what is in its weights; of several, the totals; of a
tensor, who makes it and who reads it."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QStackedLayout

from core.model import Model, pages, tensor_page, weights
from gui import figures
from gui.context import Context
from gui.graph.layouts import Layouts
from gui.inspect import tensor
from gui.inspect.node import NodeRows
from gui.inspect.parts import button, text
from gui.panels.base import Panel
from gui.weights.reading import Reading
from gui.widgets.empty import EmptyState
from gui.widgets.rows import Elided, Sections, pair

if TYPE_CHECKING:
    from core.model.index import GraphIndex
    from core.model.pages import NodePage, TensorRow
    from core.model.tensor_page import TensorPage
    from core.model.weights import Tally, WeightStats

#: So many ops of a selection are listed.
OPS = 10
#: The keys under which the document is asked: a newer question drops the older one.
PAGE, WEIGHT = "properties.page", "properties.weight"


class PropertiesPanel(Panel):
    """Links lead along the graph; a weight's statistics are read, piece by piece, when its node is selected."""

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
        self.tensor: TensorPage | None = None
        self._asked: tuple[str, str, str] = ("", "", "")
        self.sections = Sections("Properties of the selected node")
        self.node = NodeRows(ctx, self.sections, select=self._select, measure=self.look_into, again=self._fill)
        self._reading = Reading(ctx, WEIGHT)
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
        self.listen(ctx.selection.tensor_changed, self.refresh)
        self.listen(ctx.theme.changed, self._fill)
        self.refresh()

    def release(self) -> None:
        self.ctx.document.forget(PAGE)
        self._reading.stop()
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

    @property
    def stats(self) -> WeightStats | None:
        """The statistics that are shown."""
        return self.node.stats

    # ---- asking ----
    def refresh(self) -> None:
        """Show what is selected now."""
        model, nodes, looked_at = self.model, self.ctx.selection.nodes, self.ctx.selection.tensor
        if model is None or not (nodes or looked_at):
            self._forget()
            self.pages.setCurrentIndex(0 if model is None else 1)
            return
        if looked_at:
            self._ask(model, "tensor", looked_at)
            return
        if len(nodes) > 1:
            self._forget()
            self._fill()
            return
        index = self._layouts.index
        if index is not None and self._layouts.state == "ready" and nodes[0] not in self._row_names(index):
            self._forget()
            self._gone(nodes[0])
            return
        self._ask(model, "node", nodes[0])

    def _forget(self) -> None:
        self._asked, self.page, self.tensor, self.node.stats = ("", "", ""), None, None, None
        self.ctx.document.forget(PAGE)
        self._reading.stop()

    def _ask(self, model: Model, kind: str, name: str) -> None:
        wanted = (model.fingerprint, kind, name)
        if wanted == self._asked:
            return
        self._asked = wanted
        self._reading.stop()
        self.ctx.document.ask(
            tensor_page.tensor_page if kind == "tensor" else pages.node_page,
            model,
            name,
            on_done=partial(self._looked if kind == "tensor" else self._paged, wanted),
            on_error=partial(self._failed, wanted),
            key=PAGE,
        )

    def _row_names(self, index: GraphIndex) -> dict[str, int]:
        if getattr(self, "_named", None) is not index:
            self._named = index
            self._rows = {name: row for row, name in enumerate(index.names)}
        return self._rows

    def _looked(self, wanted: tuple[str, str, str], page: TensorPage) -> None:
        if wanted == self._asked:
            self.page, self.tensor = None, page
            self._fill()

    def _paged(self, wanted: tuple[str, str, str], page: NodePage) -> None:
        if wanted != self._asked:
            return
        self.page, self.tensor = page, None
        self.node.stats, self.node.weight, self.node.weight_error = None, "", ""
        first = max(self.node.initializers(page), key=_elements, default=None)
        self._fill()
        if first is not None:
            self.look_into(first.name)

    def _failed(self, wanted: tuple[str, str, str], error: Exception) -> None:
        if wanted != self._asked:
            return
        self.page, self.tensor = None, None
        self._begin(wanted[2])
        self.sections.add(text(str(error), "error"))
        hint = getattr(error, "hint", "")
        if hint:
            self.sections.add(text(hint, "muted"))
        self.sections.end()

    def look_into(self, weight: str) -> None:
        """Ask for the statistics of one of the node's weights."""
        model = self.model
        if model is None:
            return
        self.node.weight, self.node.stats, self.node.weight_error, self.node.progress = weight, None, "", ""
        self._reading.start(weights.measure, model, weight, on_part=self._measured, on_error=self._unmeasured)
        self._fill()

    def _measured(self, part: Tally) -> None:
        if part.name != self.node.weight:
            return
        if part.over:
            self.node.stats = part.stats()
            self._fill()
        elif (said := f"Reading… {10 * int(10 * part.share)} %") != self.node.progress:
            self.node.progress = said
            self._fill()

    def _unmeasured(self, error: Exception) -> None:
        self.node.weight_error = f"{error} {getattr(error, 'hint', '')}".strip()
        self._fill()

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
        self.sections.add(text("This variant has no such node: a pass has merged, renamed or removed it.", "muted"))
        self.sections.end()

    def _fill(self) -> None:
        """Draw what is known."""
        if self.model is None:
            return
        nodes = self.ctx.selection.nodes
        if self.tensor is not None and self.ctx.selection.tensor:
            self._begin(self.tensor.name)
            tensor.fill(self.ctx, self.sections, self.tensor, self._select)
            if nodes:
                self.sections.group("")
                back = partial(self.ctx.selection.look_at, "")
                self.sections.add(
                    button(f"Back to {nodes[0] if len(nodes) == 1 else f'{len(nodes)} nodes'}", back, "Show what is selected")
                )
            self.sections.end()
        elif len(nodes) > 1 and not self.ctx.selection.tensor:
            self._totals()
        elif self.page is not None:
            self._begin(self.page.name)
            self.node.fill(self.page, self._compute(self.page.macs))
            self.sections.end()

    def _compute(self, macs: float | None) -> str:
        if macs is None:
            return "shapes are not known"
        index = self._layouts.index
        said = figures.short(macs, "MACs")
        if index is not None:
            import numpy as np

            total = float(np.nansum(index.macs))
            if total > 0:
                said += f" · {figures.share(macs / total)}"
        return said

    def _select(self, names: tuple[str, ...]) -> None:
        self.ctx.selection.set(names, self)
        self.ctx.selection.reveal.emit(names[0])

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
            self.sections.add(text(f"Compute of {figures.plural(unknown, 'node')} is not known.", "muted"))
        self.sections.group("Operators")
        counts = Counter(index.op_names[op] for op in index.op[rows].tolist())
        self.sections.pairs((op, figures.whole(count)) for op, count in counts.most_common(OPS))
        if len(counts) > OPS:
            self.sections.add(text(f"and {len(counts) - OPS} more", "muted"))
        self.sections.end()


def _elements(row: TensorRow) -> int:
    """How many elements a type's text speaks of: the largest weight is looked into first."""
    inside = row.type.partition("[")[2].rstrip("]")
    count = 1
    for part in inside.split(","):
        count *= int(part) if part.strip().isdigit() else 1
    return count

"""The page of a node: what it is, its tensors with links along the graph, its weights in short, attributes, documentation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton

from gui import figures
from gui.context import Context
from gui.graph.families import TITLES, family
from gui.graph.histogram import Histogram, number
from gui.inspect.manual import ManualRows, left_out, slot_tip
from gui.inspect.parts import beside, button, link, text
from gui.widgets.rows import Sections, pair

if TYPE_CHECKING:
    from core.model.pages import NodePage, TensorRow
    from core.model.weights import WeightStats

#: So many consumers of an output are listed.
CONSUMERS = 6


class NodeRows:
    """Fills sections with a node's page. `select` goes to nodes, `measure` asks for a weight's statistics."""

    def __init__(
        self,
        ctx: Context,
        sections: Sections,
        *,
        select: Callable[[tuple[str, ...]], object],
        measure: Callable[[str], object],
        again: Callable[[], object],
    ) -> None:
        self.ctx, self.sections = ctx, sections
        self._select, self._measure = select, measure
        self.manual = ManualRows(sections, again)
        self.weight = ""
        self.stats: WeightStats | None = None
        self.weight_error = ""
        self.progress = ""

    def fill(self, page: NodePage, compute: str) -> None:
        """The rows of a page; `compute` are its MACs in words."""
        sections = self.sections
        version = f" · opset {page.since}" if page.since else ""
        domain = f"{page.domain}." if page.domain and page.domain != "ai.onnx" else ""
        sections.add(pair("Op", f"{domain}{page.op}{version}", tip=TITLES[family(page.op)]))
        if page.op not in ("Input", "Output"):
            if page.parameters:
                sections.add(pair("Parameters", figures.whole(page.parameters)))
            if page.macs is None or page.macs:
                sections.add(pair("Compute", compute))
            if page.manual is None:
                sections.add(text("Neither ONNX nor this model says what this operator does.", "muted"))
        self._tensors("Inputs", page, [row for row in page.inputs if not row.is_initializer], made=False)
        self._tensors("Outputs", page, list(page.outputs), made=True)
        self._weights(page)
        mono = self.ctx.theme.mono()
        self.manual.attributes(page, mono)
        self.manual.about(page, mono)

    def _tensors(self, title: str, page: NodePage, rows: list[TensorRow], *, made: bool) -> None:
        missing = () if made else left_out(page)
        if not rows and not missing:
            return
        self.sections.group(title)
        for row in rows:
            self._tensor(page, row, made=made)
        for slot in missing:
            self.sections.add(pair(slot.name, "not given", role="muted", tip=slot_tip(page, "inputs", slot.name)))

    def _tensor(self, page: NodePage, row: TensorRow, *, made: bool) -> None:
        said = slot_tip(page, "outputs" if made else "inputs", row.slot)
        tip = "\n".join(part for part in (row.name, said, "Look at this tensor") if part)
        word = button(row.slot or row.name, partial(self.ctx.selection.look_at, row.name), tip)
        word.setAccessibleName(f"{row.slot or 'tensor'}: look at {row.name}")
        whole = beside(word, row.type or "type is not known")
        whole.setToolTip(tip)
        self.sections.add(whole)
        for other in row.others[:CONSUMERS]:
            arrow = f"→ {other}" if made else f"← {other}"
            self.sections.add(
                link(arrow, partial(self._select, (other,)), f"{row.name}\nGo to {other}", f"Go to {other}", self.sections.width() - 60)
            )
        if len(row.others) > CONSUMERS:
            rest = len(row.others) - CONSUMERS
            self.sections.add(
                button(f"and {rest} more: select all {len(row.others)}", partial(self._select, row.others), "Select every consumer")
            )

    # ---- weights, in short ----
    def initializers(self, page: NodePage) -> list[TensorRow]:
        """The weights that the node reads."""
        return [row for row in page.inputs if row.is_initializer]

    def _weights(self, page: NodePage) -> None:
        rows = self.initializers(page)
        if not rows:
            return
        self.sections.group("Weights")
        for row in rows:
            said = slot_tip(page, "inputs", row.slot)
            tip = "\n".join(part for part in (row.name, said) if part)
            if len(rows) == 1:
                self.sections.add(pair(row.slot or "weight", row.type, tip=tip))
                continue
            made = button(row.slot or row.name, partial(self._measure, row.name), f"{tip}\nShow its statistics")
            made.setCheckable(True)
            made.setChecked(row.name == self.weight)
            self.sections.add(beside(made, row.type))
        if self.weight_error:
            self.sections.add(text(self.weight_error, "error"))
        elif self.stats is None:
            self.sections.add(text(self.progress or "Reading…", "muted"))
        else:
            self._statistics(self.stats)
        if self.weight:
            self.sections.add(into_weight(self.ctx, self.weight))

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
                sections.add(text(f"{figures.plural(count, 'value')} {'is' if count == 1 else 'are'} {word}.", "warn"))


def into_weight(ctx: Context, weight: str) -> QPushButton:
    """The way to the panel of weights."""

    def go() -> None:
        if ctx.window is not None:
            ctx.window.show_panel("weights")
        ctx.services["weights"].look_into(weight)

    made = button("Look into weight", go, f"{weight}\nChannels, 2:4 groups, heat map, values, export")
    made.setAccessibleName(f"Look into weight {weight}")
    return made

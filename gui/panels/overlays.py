"""Numbers on the graph: what colours it, what stands on its boxes, and which nodes are at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.overlays import OVERLAYS
from core.overlays.base import Overlay
from core.overlays.latency import ID as LATENCY
from gui.actions import Action, needs_model
from gui.context import Context
from gui.follow import Follow
from gui.graph.heat import Heat
from gui.graph.layouts import Layouts
from gui.graph.offers import Offer
from gui.graph.overlays import KEY, Overlays
from gui.panels.base import Panel
from gui.plots.course import CoursePlot
from gui.widgets.empty import EmptyState
from gui.widgets.rows import Wrapped
from gui.worn.choice import Choice
from gui.worn.measuring import Measuring
from gui.worn.spread import Spread
from gui.worn.top import Top

if TYPE_CHECKING:
    from core.overlays.base import Values

#: Below NARROW pixels the parts stand under one another; from WIDE on the plot stands beside the list.
NARROW, WIDE = 560, 820


def _panel(ctx: Context) -> OverlaysPanel:
    assert ctx.window is not None
    found = ctx.window.show_panel("overlays")
    assert isinstance(found, OverlaysPanel)
    return found


def _worn(ctx: Context) -> Overlays:
    """What is worn; the panel is made when nobody has asked for it yet."""
    found = ctx.services.get(KEY)
    return found if found is not None else _panel(ctx).overlays


def needs_colour(ctx: Context) -> str:
    """Why there is no scale, and no list."""
    reason = needs_model(ctx)
    worn = ctx.services.get(KEY)
    return reason or ("" if worn is not None and worn.colour else "Choose an overlay first.")


def needs_worn(ctx: Context) -> str:
    """Why there is nothing to take off."""
    worn = ctx.services.get(KEY)
    return "" if worn is not None and (worn.colour or worn.badges) else "No overlay is on the graph."


def is_log(ctx: Context) -> bool:
    """Whether the colours are spread logarithmically."""
    view = ctx.services.get("graph.view")
    heat = view.canvas.heat if view is not None else None
    return heat is not None and heat.coloured and heat.log


def _colour_by(cls: type[Overlay]) -> Action:
    """The action that colours the graph by one overlay."""

    def worn(ctx: Context) -> bool:
        found = ctx.services.get(KEY)
        return found is not None and found.colour == cls.id

    return Action(
        f"overlay.show.{cls.id}",
        f"Colour by {cls.title.lower()}",
        lambda ctx: _worn(ctx).choose(cls.id),
        "View/Overlay",
        15,
        tip=(cls.__doc__ or cls.title).strip(),
        blocked=needs_model,
        checked=worn,
    )


class OverlaysPanel(Panel):
    """Chooses and explains; the graph draws, `gui.graph.overlays` computes."""

    id = "overlays"
    title = "Overlays"
    area = "bottom"
    order = 25
    icon = "layers"
    tip = "Numbers on the graph: parameters, compute, memory, sparsity, precision, latency."
    ACTIONS = (
        Action(
            "overlay.next", "Next overlay", lambda ctx: _worn(ctx).step(1), "View/Overlay", 10, "F7", "forward",
            "Colour the graph by the next number.", needs_model,
        ),
        Action(
            "overlay.previous", "Previous overlay", lambda ctx: _worn(ctx).step(-1), "View/Overlay", 10, "Shift+F7", "back",
            "Colour the graph by the number before.", needs_model,
        ),
        Action(
            "overlay.none", "No overlay", lambda ctx: _worn(ctx).clear(), "View/Overlay", 10, "Ctrl+F7", "close",
            "Take colours and badges off the graph.", needs_worn,
        ),
        *(_colour_by(found) for found in OVERLAYS),
        Action(
            "overlay.log", "Logarithmic scale", lambda ctx: _panel(ctx).toggle_log(), "View/Overlay", 20, "", "bars",
            "Spread the overlay's colours by ratio.", needs_colour, is_log,
        ),
        Action(
            "overlay.copy", "Copy the overlay's top nodes", lambda ctx: _panel(ctx).copy(), "View/Overlay", 20, "", "copy",
            "The list of the Overlays panel as text.", needs_colour,
        ),
        Action(
            "overlay.measure", "Measure latency of nodes", lambda ctx: _panel(ctx).measure(), "Race", 60, "", "speed",
            "Run the current variant with ONNX Runtime's profiler on the CPU, and lay the times over the graph.", needs_model,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.overlays = Overlays.of(ctx)
        self._layouts = Layouts.of(ctx)
        self._stale = False
        self.pages = QStackedLayout(self)
        self.pages.addWidget(
            EmptyState(
                "layers",
                "No model is open",
                "Open an ONNX file to colour its graph by parameters, compute, memory, sparsity or latency.",
                "Open model…",
                lambda: ctx.window is not None and ctx.window.act("file.open"),
                theme=ctx.theme,
            )
        )
        self.pages.addWidget(self._page())
        self._follow = Follow(ctx, self.refresh, opened=self.measuring.forget, results=False)
        self.listen(self.overlays.changed, self.refresh)
        self.listen(self._layouts.changed, self.refresh)
        self.listen(ctx.selection.changed, lambda source: self.top.mark(ctx.selection.nodes) if source is not self else None)
        self.listen(ctx.theme.changed, self.refresh)
        self.refresh()

    # ---- making ----
    def _page(self) -> QWidget:
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self._controls())
        self.split.addWidget(self._lists())
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([300, 800])
        return self.split

    def _controls(self) -> QWidget:
        ctx, worn = self.ctx, self.overlays
        self.choice = Choice()
        self.choice.coloured.connect(worn.choose)
        self.choice.badged.connect(worn.set_badges)
        self.spread = Spread(ctx.theme)
        self.spread.log_chosen.connect(lambda on: worn.set_scale(worn.colour, log=on))
        self.spread.reverse_chosen.connect(lambda on: worn.set_scale(worn.colour, reverse=on))
        self.spread.threshold_chosen.connect(lambda value: worn.set_scale(worn.colour, threshold=value))
        self.dims = self._dims()
        self.measuring = Measuring(ctx, worn, self.refresh)
        self.again_button = QPushButton("Try again")
        self.again_button.clicked.connect(lambda *_: worn.again(worn.colour))
        self.notes = Wrapped()
        self.notes.setProperty("role", "small")
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        for part in (self.choice, self.spread, self.dims):
            column.addWidget(part)
        column.addWidget(self.measuring)
        column.addWidget(self.again_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.notes)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("What is on the graph")
        scroll.setWidget(page)
        return scroll

    def _lists(self) -> QWidget:
        self.plot = CoursePlot(self.ctx.theme, title="Memory over time", empty="No node has a known size.")
        self.plot.on_pick = self._step_picked
        self.top = Top()
        self.top.picked.connect(self._go)
        self.top.resized.connect(lambda _: self.refresh())
        self.top.copy.clicked.connect(lambda *_: self.copy())
        self.hint = EmptyState("layers", "", "", theme=self.ctx.theme)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.setChildrenCollapsible(False)
        both.addWidget(self.plot)
        both.addWidget(self.top)
        both.setSizes([500, 500])
        self.both = both
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(both, 1)
        column.addWidget(self.hint, 1)
        return page

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow the parts stand under one another."""
        super().resizeEvent(event)
        flat = event.size().width() >= NARROW
        self.split.setOrientation(Qt.Orientation.Horizontal if flat else Qt.Orientation.Vertical)
        wide = event.size().width() >= WIDE or not flat
        self.both.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)

    def _dims(self) -> QWidget:
        self.dim = QSpinBox()
        self.dim.setRange(1, 1 << 20)
        self.dim.setKeyboardTracking(False)
        self.dim.setAccessibleName("What symbolic dims count as")
        self.dim.setToolTip("What dims without a number, such as a batch or a length, count as")
        self.dim.valueChanged.connect(self.overlays.set_dim)
        row = QFrame()
        box = QHBoxLayout(row)
        box.setContentsMargins(0, 0, 0, 0)
        word = QLabel("Symbolic dims as")
        word.setProperty("role", "muted")
        word.setBuddy(self.dim)
        box.addWidget(word)
        box.addStretch(1)
        box.addWidget(self.dim)
        return row

    def release(self) -> None:
        self._follow.release()
        self.measuring.line.clear()
        self.plot.release()
        self._layouts.release()
        self.overlays.release()
        super().release()

    # ---- showing ----
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def refresh(self) -> None:
        """Show what is worn now; while nobody sees the panel it waits."""
        if needs_model(self.ctx):
            self.pages.setCurrentIndex(0)
            return
        self._stale = not self.isVisible()
        if self._stale:
            return
        worn = self.overlays
        self.pages.setCurrentIndex(1)
        offers = worn.offers()
        self.choice.show_offers(offers, worn.colour, worn.badges)
        offer = next((each for each in offers if each.id == worn.colour), None)
        self.dim.blockSignals(True)
        self.dim.setValue(worn.dim)
        self.dim.blockSignals(False)
        self._fill(offer, worn.found(worn.colour) if offer is not None else None)

    def _fill(self, offer: Offer | None, found: Values | None) -> None:
        worn, index = self.overlays, self.overlays.index
        state = worn.state(worn.colour) if offer is not None else "absent"
        error = worn.error(worn.colour) if offer is not None else None
        heat = self._heat(offer, found)
        self.top.about.setText(offer.tip if offer is not None else "")
        self.dims.setVisible(offer is not None and offer.has_dim)
        self.measuring.setVisible(offer is not None and offer.id == LATENCY)
        self.measuring.show_state(measured=state == "ready")
        self.again_button.setVisible(state == "failed")
        self.notes.setText("\n".join(found.notes) if found is not None else "")
        self.notes.setVisible(bool(self.notes.text()))
        ready = offer is not None and found is not None and index is not None and bool((found.values == found.values).any())
        self.spread.setVisible(heat is not None and not heat.names)
        self.plot.setVisible(ready and offer is not None and offer.over_time)
        self.both.setVisible(ready)
        self.hint.setVisible(not ready)
        if ready and heat is not None:
            assert offer is not None
            assert found is not None
            self._show(offer, found, heat)
        else:
            self.plot.set_course(None, [], "")
            self._explain(offer, state, error)

    def _heat(self, offer: Offer | None, found: Values | None) -> Heat | None:
        """The colours over the whole graph, also where the picture shows groups."""
        if offer is None or found is None:
            return None
        if found.names:
            return Heat.of_words(found.values, found.names, offer.title)
        scale = self.overlays.scale(offer.id)
        return Heat.of(
            found.values,
            offer.title,
            offer.unit,
            log=scale.log,
            threshold=scale.threshold,
            reverse=self.overlays.reversed(offer.id),
        )

    def _show(self, offer: Offer, found: Values, heat: Heat) -> None:
        import numpy as np

        from core.overlays.ranking import above, top

        index = self.overlays.index
        assert index is not None
        if found.names:
            self.top.show_words(index, found)
        else:
            count, known, share = above(found.values, heat.threshold if heat.threshold == heat.threshold else -np.inf)
            sums = offer.combine == "sum"
            self.spread.show_heat(heat, count, known, share if sums else np.nan)
            ranking = top(found.values, self.top.k.value(), smallest=heat.reverse)
            self.top.show_top(index, ranking, offer.unit, smallest=heat.reverse, sums=sums)
        self.top.mark(self.ctx.selection.nodes)
        if offer.over_time:
            self._steps = np.flatnonzero(np.isfinite(found.values))
            self.plot.set_course(found.values[self._steps], [index.names[row] for row in self._steps.tolist()], offer.unit)

    def _explain(self, offer: Offer | None, state: str, error: Exception | None) -> None:
        """Why there is no list."""
        if offer is None:
            self.hint.say("No colour is chosen", "Choose a number above to see it on the graph, or press F7 to go through them.")
        elif error is not None:
            self.hint.say(f"{offer.title} cannot be computed", f"{error} {getattr(error, 'hint', '')}".strip())
        elif state == "working":
            self.hint.say(f"Computing {offer.title.lower()}…", "It appears here and on the graph as soon as it is known.")
        elif state == "absent" and self.measuring.line.busy:
            self.hint.say("Measuring…", "The model is run by itself; the times appear here and on the graph.")
        elif state == "absent":
            measured = "Run it with ONNX Runtime's profiler to see how long each node takes."
            elsewhere = "What measured it has not looked at this variant."
            self.hint.say("Not measured for this variant", measured if offer.id == LATENCY else elsewhere)
        else:
            self.hint.say("Nothing to show", "No node of this graph has such a number.")

    # ---- doing ----
    def _go(self, names: tuple[str, ...]) -> None:
        self.ctx.selection.set(names, self)
        if names:
            self.ctx.selection.reveal.emit(names[0])

    def _step_picked(self, step: int) -> None:
        self._go((self.plot.names[step],))
        self.top.mark(self.ctx.selection.nodes)

    def toggle_log(self) -> None:
        """Linear instead of logarithmic, or the other way round."""
        worn = self.overlays
        offer = worn.offer(worn.colour)
        heat = self._heat(offer, worn.found(worn.colour))
        if heat is not None and not heat.names:
            worn.set_scale(worn.colour, log=not heat.log)

    def copy(self) -> None:
        """The list to the clipboard, as it is written here."""
        QApplication.clipboard().setText(self.top.table.text())
        self.ctx.notify.info("The list is on the clipboard.")

    def measure(self) -> None:
        """Time every node of the current variant."""
        self.measuring.measure()

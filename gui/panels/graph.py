"""The graph of the current variant, drawn; selection is shared with every other panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from gui.actions import Action, needs_model
from gui.context import Context
from gui.graph import tracing
from gui.graph.bars import ZoomBar
from gui.graph.canvas import Canvas
from gui.graph.find import FindBar
from gui.graph.finder import Finder
from gui.graph.hands import NOTCH
from gui.graph.layouts import Layouts
from gui.panels.base import Panel
from gui.widgets.empty import EmptyState

if TYPE_CHECKING:
    from collections.abc import Callable


def _on(do: Callable[[GraphPanel], object]) -> Callable[[Context], object]:
    """An action on the graph: brings the panel to the front first."""

    def run(ctx: Context) -> object:
        if ctx.window is not None:
            ctx.window.show_panel("graph")
        return do(ctx.services["graph.view"])

    return run


class GraphPanel(Panel):
    """Boxes from inputs above to outputs below; the picture stays while the next variant is laid out."""

    id = "graph"
    title = "Graph"
    area = "center"
    order = 10
    icon = "graph"
    tip = "The model's graph: drag to move, wheel to zoom, click to select; arrow keys go along links."
    ACTIONS = (
        Action(
            "graph.find", "Find in graph…", _on(lambda panel: panel.finder.open()), "View", 40, "Ctrl+F", "search",
            "Search names, ops, attributes, tensors and shapes in the graph.", needs_model,
        ),
        Action(
            "graph.fit", "Show whole graph", _on(lambda panel: panel.canvas.fit()), "View", 41, "", "fit",
            "Zoom until all of the graph is seen (F in the graph).", needs_model,
        ),
        Action(
            "graph.full_size", "Graph at 100 %", _on(lambda panel: panel.canvas.full_size()), "View", 41, "", "zoom-in",
            "Show the graph at full size (1 in the graph).", needs_model,
        ),
        Action(
            "graph.zoom_selection", "Zoom to selection", _on(lambda panel: panel.canvas.zoom_to_selection()), "View", 41, "", "eye",
            "Travel to what is selected (Z in the graph).", needs_model,
        ),
        Action("graph.zoom_in", "Zoom in", _on(lambda panel: panel.canvas.zoom(NOTCH)), "View", 42, "", "zoom-in", "", needs_model),
        Action("graph.zoom_out", "Zoom out", _on(lambda panel: panel.canvas.zoom(1 / NOTCH)), "View", 42, "", "zoom-out", "", needs_model),
        *tracing.ACTIONS,
    )  # fmt: skip

    canvas: Canvas
    find_bar: FindBar

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["graph.view"] = self
        self.canvas = Canvas(ctx.theme)
        self.canvas.motion.still = ctx.settings.reduced_motion
        canvas = self.canvas
        self.zoom_bar = ZoomBar(
            canvas, ctx.theme, out=lambda: canvas.zoom(1 / NOTCH), full=canvas.full_size, closer=lambda: canvas.zoom(NOTCH), fit=canvas.fit
        )
        self.finder = Finder(ctx, canvas)
        self.find_bar = self.finder.bar
        self._pages = QStackedLayout(self)
        self._empty: QWidget | None = None
        self._pages.addWidget(canvas)
        canvas.picked.connect(self._picked)
        canvas.viewed.connect(self._viewed)
        canvas.installEventFilter(self)
        self.listen(ctx.theme.changed, canvas.restyle)
        self.listen(ctx.selection.changed, self._selected)
        self.listen(ctx.selection.reveal, self._reveal)
        self._wish = ""
        self._layouts = Layouts.of(ctx)
        self.listen(self._layouts.changed, self.refresh)
        self.refresh()

    def release(self) -> None:
        self.finder.release()
        self.canvas.release()
        self._layouts.release()
        if self.ctx.services.get("graph.view") is self:
            del self.ctx.services["graph.view"]
        super().release()

    # ---- what is shown ----
    def refresh(self) -> None:
        """Show what is laid out, or say why nothing is."""
        found, canvas = self._layouts, self.canvas
        canvas.motion.still = self.ctx.settings.reduced_motion
        if found.placed is not None and found.index is not None and found.state != "failed":
            if canvas.scene is None or canvas.scene.placed is not found.placed:
                canvas.show_graph(found.index, found.placed)
                self._selected(None)
                self.finder.follow()
                if self._wish:
                    self._reveal(self._wish)
            self._show(None)
            return
        if found.placed is None:
            canvas.clear()
            self.finder.drop()
        if found.state == "working":
            self._show(EmptyState("graph", "Laying out the graph…", "It appears here as soon as it is ready.", theme=self.ctx.theme))
        elif found.state == "failed":
            error = found.error
            hint = getattr(error, "hint", "")
            text = f"{error} {hint}".strip()
            self._show(EmptyState("warning", "The graph cannot be shown", text, "Lay out again", found.again, theme=self.ctx.theme))
        else:
            window = self.ctx.window
            self._show(
                EmptyState(
                    "graph",
                    "No model is open",
                    "Open an ONNX file to see its graph; every node can be searched, selected and looked into.",
                    "Open model…",
                    (lambda: window.act("file.open")) if window is not None else None,
                    theme=self.ctx.theme,
                )
            )

    def _show(self, empty: EmptyState | None) -> None:
        """The canvas, or a page in its place."""
        old, self._empty = self._empty, empty
        if empty is not None:
            self._pages.addWidget(empty)
            self._pages.setCurrentWidget(empty)
        else:
            self._pages.setCurrentWidget(self.canvas)
        if old is not None:
            self._pages.removeWidget(old)
            old.deleteLater()

    # ---- selection ----
    def _picked(self, rows: list[int]) -> None:
        scene = self.canvas.scene
        if scene is not None:
            self.ctx.selection.set(tuple(scene.index.names[row] for row in rows), self)

    def _selected(self, source: object) -> None:
        scene = self.canvas.scene
        if scene is None or source is self:
            return
        rows = [scene.rows[name] for name in self.ctx.selection.nodes if name in scene.rows]
        self.canvas.select(rows)
        if source is not None and len(rows) == 1:
            self.canvas.reveal(rows[0])

    def _reveal(self, name: str) -> None:
        """Travel to a node, now or as soon as its graph is there."""
        scene = self.canvas.scene
        row = scene.rows.get(name) if scene is not None else None
        self._wish = name if row is None and self._layouts.state == "working" else ""
        if row is not None:
            self.canvas.reveal(row)

    # ---- floating bars ----
    def _viewed(self) -> None:
        self.zoom_bar.show_scale(self.canvas.view.scale)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self.canvas and isinstance(event, QResizeEvent):
            bar, size = self.zoom_bar, event.size()
            bar.move(size.width() - bar.width() - 12, size.height() - bar.height() - 12)
            self.find_bar.move(12, 12)
            self.find_bar.fit()
        return False

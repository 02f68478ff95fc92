"""The graph of the current variant, drawn; selection is shared with every other panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from core.errors import UsageError
from gui.actions import Action, needs_model
from gui.context import Context
from gui.graph import commands, tracing
from gui.graph.bars import ZoomBar
from gui.graph.canvas import Canvas
from gui.graph.crumbs import Crumbs
from gui.graph.find import FindBar
from gui.graph.finder import Finder
from gui.graph.hands import NOTCH
from gui.graph.layouts import Layouts
from gui.graph.overlays import Overlays
from gui.graph.thumbs import Thumbs
from gui.panels.base import Panel
from gui.widgets.empty import EmptyState

if TYPE_CHECKING:
    from collections.abc import Callable

    from gui.dialogs.picture import PictureDialog


def _on(do: Callable[[GraphPanel], object]) -> Callable[[Context], object]:
    """An action on the graph: brings the panel to the front first."""

    def run(ctx: Context) -> object:
        if ctx.window is not None:
            ctx.window.show_panel("graph")
        return do(ctx.services["graph.view"])

    return run


def _layouts(ctx: Context) -> Layouts | None:
    panel = ctx.services.get("graph.view")
    return panel.layouts if panel is not None else None


def _needs_groups(ctx: Context) -> str:
    """The reason for what folds and unfolds."""
    layouts = _layouts(ctx)
    if needs_model(ctx) or layouts is None or layouts.shown is None:
        return "Open a model first."
    if len(layouts.shown.nest.tree) > 1:
        return ""
    return "The graph is shown without scopes and blocks." if layouts.flat_now else "This graph has no groups to fold."


def _needs_folded(ctx: Context) -> str:
    reason = _needs_groups(ctx)
    panel = ctx.services.get("graph.view")
    return reason or ("" if panel is not None and panel.canvas.folded_selected else "Select a folded group in the graph first.")


def _is_flat(ctx: Context) -> bool:
    layouts = _layouts(ctx)
    return layouts is not None and layouts.flat_now


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
        Action(
            "graph.unfold", "Unfold selected group", _on(lambda panel: panel.canvas.unfold_selected()), "View/Fold graph", 44,
            "", "unfold-one", "Open the folded group that is selected (Enter, or double click, in the graph).", _needs_folded,
        ),
        Action(
            "graph.fold", "Fold group", _on(lambda panel: panel.canvas.fold_around()), "View/Fold graph", 44, "", "fold-one",
            "Fold the group around the selection, or around the middle of the view (Backspace in the graph).", _needs_groups,
        ),
        Action(
            "graph.more", "Unfold one level", _on(lambda panel: panel.layouts.level(1)), "View/Fold graph", 45,
            "Ctrl+Alt+Down", "unfold-one", "Open the outermost groups that are folded.", _needs_groups,
        ),
        Action(
            "graph.less", "Fold one level", _on(lambda panel: panel.layouts.level(-1)), "View/Fold graph", 45, "Ctrl+Alt+Up", "fold-one",
            "Fold the innermost groups that are open.", _needs_groups,
        ),
        Action(
            "graph.unfold_all", "Unfold everything", _on(lambda panel: panel.layouts.everything(True)), "View/Fold graph", 46, "", "unfold",
            "Open every group.", _needs_groups,
        ),
        Action(
            "graph.fold_all", "Fold everything", _on(lambda panel: panel.layouts.everything(False)), "View/Fold graph", 46, "", "fold",
            "Show the outermost groups only.", _needs_groups,
        ),
        Action(
            "graph.flat", "Without scopes and blocks", _on(lambda panel: panel.switch_flat()), "View/Fold graph", 47, "", "flat",
            "Show every node side by side, or folded by module scopes and repeated blocks.", needs_model, _is_flat,
        ),
        Action(
            "graph.columns", "Long graphs in columns", lambda ctx: ctx.settings.update(graph_columns=not ctx.settings.graph_columns),
            "View/Fold graph", 47, "", "table", "Show a long flat graph in columns like a text, or as one strip from top to bottom.",
            None, lambda ctx: ctx.settings.graph_columns,
        ),
        Action("graph.zoom_in", "Zoom in", _on(lambda panel: panel.canvas.zoom(NOTCH)), "View", 42, "", "zoom-in", "", needs_model),
        Action("graph.zoom_out", "Zoom out", _on(lambda panel: panel.canvas.zoom(1 / NOTCH)), "View", 42, "", "zoom-out", "", needs_model),
        *commands.ACTIONS,
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
        self.layouts = Layouts.of(ctx)
        layouts = self.layouts
        self.crumbs = Crumbs(
            canvas,
            ctx.theme,
            fold_all=lambda: layouts.everything(False),
            less=lambda: layouts.level(-1),
            more=lambda: layouts.level(1),
            unfold_all=lambda: layouts.everything(True),
            flat=self.switch_flat,
        )
        self.crumbs.travel.connect(self._travel)
        canvas.folding.connect(layouts.toggle)
        self.finder = Finder(ctx, canvas)
        self.find_bar = self.finder.bar
        self._pages = QStackedLayout(self)
        self._empty: QWidget | None = None
        self._pages.addWidget(canvas)
        canvas.picked.connect(self._picked)
        canvas.viewed.connect(self._viewed)
        canvas.thumbs = Thumbs(ctx.document, canvas)
        canvas.thumbs.arrived.connect(canvas.update)
        #: The tensor whose context menu was opened last, a number in the shown graph's index; None for any other.
        self.pointed: int | None = None
        self._picture: PictureDialog | None = None
        canvas.asked.connect(self._menu)
        canvas.copied.connect(lambda: ctx.window is not None and ctx.selection.nodes and ctx.window.act("graph.copy"))
        self.listen(ctx.settings.changed, self._settings)
        self._settings()
        canvas.installEventFilter(self)
        self.listen(ctx.theme.changed, canvas.restyle)
        self.listen(ctx.selection.changed, self._selected)
        self.listen(ctx.selection.reveal, self._reveal)
        self._wish = ""
        self._overlays = Overlays.of(ctx)
        canvas.wardrobe = self._overlays.heat
        self.listen(self._overlays.changed, canvas.redress)
        self.listen(layouts.changed, self.refresh)
        self.refresh()

    def release(self) -> None:
        if self._picture is not None:
            self._picture.close()
        self.finder.release()
        self.canvas.release()
        self._overlays.release()
        self.layouts.release()
        if self.ctx.services.get("graph.view") is self:
            del self.ctx.services["graph.view"]
        super().release()

    # ---- what is shown ----
    def refresh(self) -> None:
        """Show what is laid out, or say why nothing is."""
        found, canvas = self.layouts, self.canvas
        canvas.motion.still = self.ctx.settings.reduced_motion
        shown = found.shown
        if shown is not None and found.state != "failed":
            if canvas.scene is None or canvas.scene.shown is not shown:
                another = canvas.scene is None or canvas.scene.shown is None or canvas.scene.shown.nest is not shown.nest
                canvas.show_graph(shown.index, shown.placed, shown, found.touched)
                self.pointed = None
                self._selected(None)
                if another:
                    canvas.thumbs.of(found.model)
                    self.finder.follow()
                else:
                    self.finder.redraw()
                if self._wish:
                    self._reveal(self._wish)
            self._show(None)
            return
        if shown is None:
            canvas.clear()
            self._viewed()
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
        if scene is not None and self.ctx.session is not None:
            self.ctx.selection.set(scene.names_of(rows), self)

    def _selected(self, source: object) -> None:
        self.pointed = None
        scene = self.canvas.scene
        if scene is None or source is self:
            return
        rows = scene.boxes_of(self.ctx.selection.nodes)
        self.canvas.select(rows)
        if source is not None and len(rows) == 1:
            self.canvas.reveal(rows[0])

    def _reveal(self, name: str) -> None:
        """Travel to a node, now or as soon as its graph is there; what hides it is unfolded."""
        scene = self.canvas.scene
        row = scene.row_of(name) if scene is not None else None
        self._wish = name if row is None and self.layouts.state == "working" else ""
        if scene is None or row is None:
            return
        if scene.folded[row] and scene.index.names[row] != name:
            self._wish = name
            self.layouts.reveal(name)
        else:
            self.canvas.reveal(row)

    # ---- folding ----
    def switch_flat(self) -> None:
        """Without scopes and blocks, or with them."""
        self.layouts.show_flat(not self.layouts.flat_now)

    def _travel(self, group: int) -> None:
        """Look at an open group, or at everything."""
        scene = self.canvas.scene
        if scene is None or scene.shown is None:
            return
        found = [place for place, other in enumerate(scene.shown.frames.group.tolist()) if other == group]
        if found:
            self.canvas.look_into(found[0])
        else:
            self.canvas.fit()

    # ---- what can be done here ----
    def _settings(self) -> None:
        self.canvas.edge_labels.on = self.ctx.settings.link_shapes
        self.canvas.update()

    def _menu(self, kind: str, tensor: int, at: QPoint) -> None:
        self.pointed = tensor if kind == "tensor" else None
        commands.popup(self, kind, at)

    def export(self) -> PictureDialog:
        """Open the dialog that writes a picture of the graph."""
        from gui.dialogs.picture import PictureDialog

        if self.canvas.scene is None:
            raise UsageError("The graph is not there yet.", hint="Wait until it is laid out.")
        if self._picture is None:
            session = self.ctx.session
            name = session.source if session is not None else Path("graph")
            self._picture = PictureDialog(self.ctx, self.canvas, name, self.ctx.window)
            self._picture.left.connect(self._exported)
        self._picture.show()
        self._picture.raise_()
        return self._picture

    def _exported(self) -> None:
        self._picture = None

    # ---- floating bars ----
    def _viewed(self) -> None:
        view = self.canvas.view
        self.zoom_bar.show_scale(view.scale)
        self.crumbs.follow(self.canvas.scene, view.x, view.y, self.layouts.flat_now)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self.canvas and isinstance(event, QResizeEvent):
            bar, size = self.zoom_bar, event.size()
            bar.move(size.width() - bar.width() - 12, size.height() - bar.height() - 12)
            self.crumbs.move(12, 12)
            self.find_bar.move(12, 48)
            self.find_bar.fit()
        return False

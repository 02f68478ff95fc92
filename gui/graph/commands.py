"""What can be done with what is selected or pointed at in the graph: one table for palette, menus and the context menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QMenu

from gui import figures
from gui.actions import Action, needs_model
from gui.context import Context
from gui.graph.copying import copy_names, copy_nodes

if TYPE_CHECKING:
    from gui.panels.graph import GraphPanel

#: What the context menu of a box, a link and the ground offers: ids of actions, `-` between groups. Ids that do not
#: exist are left out, those that cannot be run say why.
MENUS: dict[str, tuple[str, ...]] = {
    "node": (
        "graph.unfold", "graph.fold", "-", "graph.zoom_selection", "-", "graph.producers", "graph.consumers",
        "graph.trace_up", "graph.trace_down", "graph.alike", "-",
        "graph.copy", "graph.copy_name", "-", "netron.show", "graph.export",
    ),
    "tensor": ("graph.tensor_ends", "graph.tensor_copy", "-", "graph.shapes", "graph.export"),
    "ground": (
        "graph.fit", "graph.full_size", "graph.find", "-", "graph.more", "graph.less", "graph.unfold_all", "graph.fold_all",
        "graph.flat", "-", "graph.shapes", "netron.show", "graph.export",
    ),
}  # fmt: skip


def needs_node(ctx: Context) -> str:
    """Why there is nothing to do it with."""
    return needs_model(ctx) or ("" if ctx.selection.nodes else "Select a node first.")


def needs_shown(ctx: Context) -> str:
    """Why there is nothing to copy."""
    return needs_model(ctx) or ("" if ctx.selection.nodes or ctx.selection.tensor else "Select a node first.")


def needs_tensor(ctx: Context) -> str:
    """Why there is no tensor to speak of."""
    return needs_model(ctx) or ("" if _any_tensor(ctx) else "Point at a link and open its menu, or select a node first.")


def _panel(ctx: Context) -> GraphPanel:
    found: GraphPanel = ctx.services["graph.view"]
    return found


def _tensors(ctx: Context) -> list[int]:
    """The link whose menu is open, else what the selected nodes make; numbers in the shown graph's index."""
    panel = ctx.services.get("graph.view")
    scene = panel.canvas.scene if panel is not None else None
    if scene is None:
        return []
    if panel.pointed is not None and panel.pointed < len(scene.index.tensors):
        return [panel.pointed]
    edges = [edge for row in panel.canvas.selected_rows for edge in scene.edges_out(row).tolist()]
    return list(dict.fromkeys(scene.index.tensor[edges].tolist())) if edges else []


def _any_tensor(ctx: Context) -> bool:
    """Whether `_tensors` would find one, without finding all: this is asked whenever the selection changes."""
    panel = ctx.services.get("graph.view")
    scene = panel.canvas.scene if panel is not None else None
    if scene is None:
        return False
    return panel.pointed is not None or any(len(scene.edges_out(row)) for row in panel.canvas.selected_rows)


def _beyond(ctx: Context, *, down: bool) -> None:
    """Select what reads, or makes, the tensors of the selected nodes."""
    canvas = _panel(ctx).canvas
    scene = canvas.scene
    if scene is None:
        return
    edges = [edge for row in canvas.selected_rows for edge in (scene.edges_out(row) if down else scene.edges_in(row)).tolist()]
    rows = sorted(set((scene.index.dst if down else scene.index.src)[edges].tolist())) if edges else []
    if not rows:
        ctx.notify.info("Nothing reads what is selected." if down else "What is selected reads from no other node.")
        return
    _take(ctx, rows)


def _take(ctx: Context, rows: list[int]) -> None:
    canvas = _panel(ctx).canvas
    canvas.select(rows, tell=True)
    if len(rows) == 1:
        canvas.reveal(rows[0])
    else:
        canvas.zoom_to_selection()


def _tensor_ends(ctx: Context) -> None:
    scene = _panel(ctx).canvas.scene
    if scene is None:
        return
    edges = [edge for tensor in _tensors(ctx) for edge in scene.edges_of(tensor).tolist()]
    _take(ctx, sorted({*scene.index.src[edges].tolist(), *scene.index.dst[edges].tolist()}))


def _tensor_copy(ctx: Context) -> None:
    scene, tensors = _panel(ctx).canvas.scene, _tensors(ctx)
    if scene is None:
        return
    lines = [f"{scene.index.tensors[tensor]}\t{scene.index.tensor_types[tensor]}".rstrip() for tensor in tensors]
    QApplication.clipboard().setText("\n".join(lines))
    ctx.notify.info(f"{figures.plural(len(lines), 'tensor')} {'is' if len(lines) == 1 else 'are'} on the clipboard, with dtype and shape.")


def _shapes(ctx: Context) -> None:
    ctx.settings.update(link_shapes=not ctx.settings.link_shapes)


def _shown(do: Callable[[Context], object]) -> Callable[[Context], object]:
    """Bring the graph to the front first."""

    def run(ctx: Context) -> object:
        if ctx.window is not None:
            ctx.window.show_panel("graph")
        return do(ctx)

    return run


ACTIONS = (
    Action(
        "graph.copy", "Copy nodes as text", copy_nodes, "Edit", 40, "", "copy",
        "Name, op, inputs, outputs and attributes of what is selected, for a text or a table (Ctrl+C in the graph).", needs_shown,
    ),
    Action("graph.copy_name", "Copy names of nodes", copy_names, "Edit", 41, "", "copy", "The names of what is selected.", needs_node),
    Action(
        "graph.tensor_copy", "Copy tensor", _tensor_copy, "Edit", 42, "", "copy",
        "Name, dtype and shape of the link that is pointed at, or of what the selected nodes make.", needs_tensor,
    ),
    Action(
        "graph.producers", "Select producers", _shown(lambda ctx: _beyond(ctx, down=False)), "Edit", 43, "", "back",
        "The nodes whose tensors the selected ones read.", needs_node,
    ),
    Action(
        "graph.consumers", "Select consumers", _shown(lambda ctx: _beyond(ctx, down=True)), "Edit", 43, "", "forward",
        "The nodes that read what the selected ones make.", needs_node,
    ),
    Action(
        "graph.tensor_ends", "Select both ends of the link", _shown(_tensor_ends), "Edit", 43, "", "link",
        "The producer and all consumers of the link that is pointed at, or of what the selected nodes make.", needs_tensor,
    ),
    Action(
        "graph.shapes", "Shapes on links", _shapes, "View", 43, "", "tensor",
        "Write the shapes of tensors on their links, from 90 % on.", None, lambda ctx: ctx.settings.link_shapes,
    ),
    Action(
        "graph.export", "Export picture…", _shown(lambda ctx: _panel(ctx).export()), "File", 45, "", "export",
        "Write the graph, or the part that is seen, as SVG or PNG.", needs_model,
    ),
)  # fmt: skip


def popup(panel: GraphPanel, kind: str, at: QPoint) -> QMenu | None:
    """Open the context menu of a `node`, a `tensor` or the `ground` at a point of the screen."""
    window = panel.ctx.window
    if window is None:
        return None
    menus = window.menus
    menus.refresh()
    menu = QMenu(panel)
    menu.setToolTipsVisible(True)
    menu.aboutToHide.connect(menu.deleteLater)
    for id in MENUS[kind]:
        if id == "-":
            menu.addSeparator()
        elif id in menus.actions:
            menu.addAction(menus.actions[id])
    menu.popup(at)
    return menu

"""What the tooltip says about a node or a tensor."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from gui import figures
from gui.graph import badges
from gui.graph.heat import figure

if TYPE_CHECKING:
    from gui.graph.heat import Heat
    from gui.graph.scene import Scene


def tip(scene: Scene, row: int | None, tensor: int | None, heat: Heat | None) -> str:
    """Rich text, empty when there is nothing to say."""
    if row is not None:
        return _node(scene, row, heat)
    if tensor is not None:
        return _tensor(scene, tensor, heat)
    return ""


def _node(scene: Scene, row: int, heat: Heat | None) -> str:
    index = scene.index
    lines = [f"<b>{escape(index.op_names[int(index.op[row])])}</b>", escape(index.names[row])]
    if index.details[row]:
        lines.append(escape(index.details[row]))
    parameters, macs = int(index.parameters[row]), float(index.macs[row])
    if parameters:
        lines.append(f"{parameters:,} parameters")
    if macs > 0:
        lines.append(f"{figure(macs)} MACs")
    if heat is not None:
        said = [(worn.title, badges.written(worn, row)) for worn in (heat, *heat.badges)]
        lines += [f"{escape(title)}: {escape(text)}" for title, text in said if text]
    return "<br>".join(lines)


def _tensor(scene: Scene, tensor: int, heat: Heat | None) -> str:
    index = scene.index
    edges = scene.edges_of(tensor)
    lines = [f"<b>{escape(index.tensors[tensor])}</b>"]
    if index.tensor_types[tensor]:
        lines.append(escape(index.tensor_types[tensor]))
    if heat is not None and heat.tensors is not None and heat.tensors[tensor] == heat.tensors[tensor]:
        lines.append(figures.size(float(heat.tensors[tensor])))
    if len(edges):
        producer = index.names[int(index.src[edges[0]])]
        consumers = [index.names[row] for row in sorted(set(index.dst[edges].tolist()))]
        shown = escape(consumers[0]) if len(consumers) == 1 else f"{len(consumers)} nodes"
        lines.append(f"{escape(producer)} → {shown}")
    return "<br>".join(lines)

"""What the tooltip says about a node or a tensor."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from core.model.tensors import DTYPES, byte_size
from gui import figures
from gui.graph import badges
from gui.graph.heat import figure

if TYPE_CHECKING:
    from gui.graph.heat import Heat
    from gui.graph.scene import Scene

#: So many consumers of a tensor are named.
READERS = 4


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
    if scene.folded[row]:
        lines.append("Folded: Enter or a double click opens it.")
    if index.details[row]:
        lines.append(escape(index.details[row]))
    parameters, macs = int(index.parameters[row]), float(index.macs[row])
    if parameters:
        lines.append(f"{figures.plural(parameters, 'parameter')} · {figures.size(int(index.weight_bytes[row]))}")
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
        size = bytes_of(index.tensor_types[tensor])
        lines.append(escape(index.tensor_types[tensor]) + (f" · {figures.size(size)}" if size is not None else ""))
    bundle = scene.shown.bundles.get(tensor, 1) if scene.shown is not None else 1
    if bundle > 1:
        lines.append(f"and {bundle - 1:,} more tensors between the same boxes")
    if heat is not None and heat.tensors is not None and heat.tensors[tensor] == heat.tensors[tensor]:
        lines.append(figures.size(float(heat.tensors[tensor])))
    if len(edges):
        lines.append(f"from {escape(index.names[int(index.src[edges[0]])])}")
        consumers = [index.names[row] for row in sorted(set(index.dst[edges].tolist()))]
        lines += [f"to {escape(name)}" for name in consumers[:READERS]]
        if len(consumers) > READERS:
            lines.append(f"and {figures.plural(len(consumers) - READERS, 'node')} more")
    return "<br>".join(lines)


def bytes_of(kind: str) -> int | None:
    """How much `float32[1, 32]` takes, in bytes; None where a dimension is open or the dtype has no size."""
    dtype, _, rest = kind.partition("[")
    dims = [part for part in rest.removesuffix("]").split(", ") if part]
    number = next((number for number, (name, bits) in DTYPES.items() if name == dtype and bits), None)
    if number is None or not all(part.isdecimal() for part in dims):
        return None
    return byte_size(number, map(int, dims))

"""What the passes that prune share: which weights may be cut, their magnitudes, and how a cut one takes its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from core import rewrite
from core.errors import PassError

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir


def chosen(model: ir.Model, ops: Sequence[str], exclude: Collection[str]) -> tuple[list[rewrite.Weight], list[str]]:
    """The weights to prune, and notes on those left alone; raises `PassError` when there are none.

    Left alone is what a node in `exclude` reads, and what an operator reads that is not among `ops`.
    """
    called = set(rewrite.names(model).values())
    inner = {node.name for node in model.graph.all_nodes() if node.name}
    rewrite.check_known(exclude, called | inner, "node")
    found, shared = [], []
    for weight in rewrite.weights(model, ops):
        if any(name in exclude for name in weight.nodes):
            continue
        if _read_by_others(weight.value, ops):
            shared.append(weight.nodes[0])
            continue
        found.append(weight)
    if not found:
        hint = "The weights of a quantized model are integers: prune the variant that it was made from."
        if not rewrite.is_quantized(model):
            hint = f"Pruned are constant floating-point weights of {', '.join(ops) or 'nothing'}: choose more."
        raise PassError("There are no weights to prune.", hint=hint)
    notes = [f"Left alone, for other operators read the same weights: {', '.join(shared[:5])}."] if shared else []
    return found, notes


def array(value: ir.Value) -> np.ndarray:
    """The numbers of an initializer or of a Constant's output, not to be written to."""
    tensor = value.const_value
    if tensor is None:
        node = value.producer()
        assert node is not None
        tensor = node.attributes["value"].as_tensor()
    return tensor.numpy()


def magnitudes(numbers: np.ndarray) -> np.ndarray:
    """|w| as float32 bits without the sign, uint32 of the same shape: sorts as magnitudes do, NaN above everything."""
    import numpy as np

    return np.ascontiguousarray(numbers, dtype=np.float32).view(np.uint32) & np.uint32(0x7FFFFFFF)


def summed_axes(weight: rewrite.Weight, ops: Collection[str]) -> set[int | None]:
    """The axes of a weight that its readers sum over: input channels of a Conv, the K axis of a Gemm or MatMul.

    Through Transposes between the weight and its reader; None stands for a reader that has no such axis of its own.
    """
    return set(_summed(weight.value, ops, None))


def _summed(value: ir.Value, ops: Collection[str], order: tuple[int, ...] | None) -> Iterator[int | None]:
    """`order`: which axis of the weight each axis of `value` is."""
    for node, place in value.uses():
        if node.op_type == "Identity":
            yield from _summed(node.outputs[0], ops, order)
        elif node.op_type == "Transpose":
            given = node.attributes.get("perm")
            rank = len(order) if order is not None else len(array_shape(value))
            perm = tuple(given.as_ints()) if given is not None else tuple(reversed(range(rank)))
            before = order if order is not None else tuple(range(rank))
            yield from _summed(node.outputs[0], ops, tuple(before[axis] for axis in perm))
        elif node.op_type in ops:
            rank = len(order) if order is not None else len(array_shape(value))
            axis = _axis(node, place, rank)
            yield axis if axis is None or order is None else order[axis]


def _axis(node: ir.Node, place: int, rank: int) -> int | None:
    """The axis that a node sums over of the weight at `place` among its inputs."""
    if node.op_type == "Conv":
        return 1
    if node.op_type == "Gemm":
        turned = node.attributes.get("transB")
        return 1 if turned is not None and turned.as_int() else 0
    if node.op_type == "MatMul":
        return rank - 2 if place == 1 else rank - 1
    return None


def array_shape(value: ir.Value) -> tuple[int, ...]:
    """The shape of an initializer or of a Constant's output, without reading its numbers."""
    tensor = value.const_value
    if tensor is None:
        node = value.producer()
        assert node is not None
        tensor = node.attributes["value"].as_tensor()
    return tuple(dim if isinstance(dim, int) else 0 for dim in tensor.shape)


def replace(value: ir.Value, tensor: ir.TensorProtocol) -> None:
    """Put a new tensor in the place of the old one, which others may share and which is not written to."""
    import onnx_ir as ir

    if value.const_value is not None and value.is_initializer():
        value.const_value = tensor
        return
    node = value.producer()
    assert node is not None
    node.attributes["value"] = ir.AttrTensor("value", tensor)
    value.const_value = None


def _read_by_others(value: ir.Value, ops: Sequence[str]) -> bool:
    """Whether something that is not pruned reads the weight too (an embedding tied to the last MatMul, an output)."""
    if value.is_graph_output():
        return True
    for node, place in value.uses():
        if node.op_type in ("Identity", "Transpose"):
            if _read_by_others(node.outputs[0], ops):
                return True
        elif node.op_type not in ops or (place != 1 and node.op_type != "MatMul"):
            return True
    return False

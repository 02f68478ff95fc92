"""The layers of a session, traced back to the nodes of the model that they came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import onnx


class Row(NamedTuple):
    """One layer: as `core.backends.base.Layer`, which lives a storey above."""

    name: str
    kind: str
    precision: str
    nodes: tuple[str, ...]


def layers(optimized: onnx.GraphProto, original: onnx.GraphProto) -> tuple[Row, ...]:
    """The nodes of ONNX Runtime's optimized graph as layers, each with the original nodes that it does the work of.

    A fused node keeps the output tensor of the last node it swallowed, so a walk upstream from that tensor in the
    original graph, down to the tensors that the fused node reads, finds the others. Tensors that the optimizer made up
    (`reorder_token_3`) are identified by the node that writes them: it is called after what it replaced. Nodes that
    were folded into constants belong to no layer.
    """
    return tuple(_Tracer(original).trace(optimized))


def node_name(node: onnx.NodeProto, place: int) -> str:
    """The node's name; a nameless one is called by its op and its place in the file, as everywhere in Sardonyx."""
    return node.name or f"{node.op_type}_{place}"


_ACTIVATIONS = frozenset({"Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid", "HardSwish", "Softplus", "Elu"})


class _Tracer:
    def __init__(self, original: onnx.GraphProto) -> None:
        self.nodes = original.node
        self.readers: dict[str, list[int]] = {}
        for i, node in enumerate(self.nodes):
            for tensor in node.input:
                self.readers.setdefault(tensor, []).append(i)
        self.producer = {tensor: i for i, node in enumerate(self.nodes) for tensor in node.output if tensor}
        self.by_name = {node.name: i for i, node in enumerate(self.nodes) if node.name}
        self.same: dict[str, str] = {}
        self.claimed: set[int] = set()

    def trace(self, optimized: onnx.GraphProto) -> list[Row]:
        from onnx import TensorProto

        types = {value.name: value.type.tensor_type.elem_type for value in (*optimized.value_info, *optimized.output)}
        rows = []
        for place, node in enumerate(optimized.node):
            ends = [tensor for output in node.output if (tensor := self._identify(node, output))]
            stops = {self.same.get(tensor, tensor) for tensor in node.input}
            found = self._upstream(ends, stops)
            self.claimed.update(found)
            kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
            element = next((types[output] for output in node.output if types.get(output)), 0)
            precision = TensorProto.DataType.Name(element).lower() if element else ""
            names = tuple(node_name(self.nodes[i], i) for i in sorted(found))
            rows.append(Row(node_name(node, place), kind, precision, names))
        return rows

    def _identify(self, node: onnx.NodeProto, output: str) -> str:
        """The original tensor that `output` of an optimized node is, or "" when it cannot be told."""
        if output in self.producer:
            return output
        for called in (node.name, node.name.removesuffix("_nchwc")):
            if called not in self.producer and called in self.by_name and len(node.output) == 1:
                called = str(self.nodes[self.by_name[called]].output[0])
            if called in self.producer:
                self.same[output] = self._swallowed(node, called)
                return self.same[output]
        if len(node.input) >= 1 and node.op_type.startswith(("Reorder", "Memcpy", "Cast", "Transpose")):
            # moves data without changing what it says
            self.same[output] = self.same.get(node.input[0], node.input[0])
        return ""

    def _swallowed(self, node: onnx.NodeProto, tensor: str) -> str:
        """What `tensor` became when the node, a Conv, also took in the sum and the activation that follow it; it keeps its old name."""
        wanted = [frozenset({"Add", "Sum"})] if len(node.input) > 3 and node.input[3] else []
        if wanted and any(attribute.name == "activation" for attribute in node.attribute):
            wanted.append(_ACTIVATIONS)
        for ops in wanted:
            readers = self.readers.get(tensor, [])
            if len(readers) != 1 or self.nodes[readers[0]].op_type not in ops:
                break
            tensor = self.nodes[readers[0]].output[0]
        return tensor

    def _upstream(self, ends: Sequence[str], stops: set[str]) -> set[int]:
        found: set[int] = set()
        open_ends = [tensor for tensor in ends if tensor not in stops]
        while open_ends:
            place = self.producer.get(open_ends.pop())
            if place is None or place in found or place in self.claimed:
                continue
            found.add(place)
            open_ends += [tensor for tensor in self.nodes[place].input if tensor and tensor not in stops]
        return found

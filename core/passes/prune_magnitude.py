"""Magnitude pruning: the smallest weights become zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core import rewrite
from core.errors import PassError
from core.job import Job
from core.params import param
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir


@dataclass(frozen=True)
class PruneMagnitude(Pass):
    """Set the smallest weights to zero."""

    id: ClassVar[str] = "prune_magnitude"
    title: ClassVar[str] = "Magnitude pruning"
    group: ClassVar[str] = "Prune"
    icon: ClassVar[str] = "cut"
    order: ClassVar[int] = 40
    named: ClassVar[tuple[str, ...]] = ("sparsity",)

    sparsity: float = param(0.5, "Fraction of weights set to zero", min=0.0, max=0.99, step=0.05)
    scope: str = param("global", "Rank the weights of all layers together, or each layer for itself", choices=("global", "layer"))
    ops: tuple[str, ...] = param(rewrite.WEIGHTED, "Operators whose weights are pruned", choices=rewrite.WEIGHTED)
    exclude: tuple[str, ...] = param((), "Nodes whose weights stay as they are", kind="nodes", title="Exclude nodes")

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        """Zero exactly round(fraction x weights) elements; of equal magnitudes the first in graph order go first.

        Weights already zero count. NaN is larger than everything. Magnitudes of float64 are compared as float32.
        """
        import numpy as np
        import onnx_ir as ir

        rewrite.name_nodes(model)
        chosen, notes = self._chosen(model)
        total = sum(weight.elements for weight in chosen)
        groups = [[weight] for weight in chosen] if self.scope == "layer" else [chosen]
        made = zeros = 0
        done = 0
        for group in groups:
            share = round(self.sparsity * sum(weight.elements for weight in group))
            cut = _cut(group, share, job.part(0.5 * done / max(1, total), 0.5 * (done + sum(w.elements for w in group)) / max(1, total)))
            ties = cut.ties
            for weight in group:
                done += weight.elements
                job.step(0.5 + 0.5 * done / max(1, total), f"Pruning {weight.nodes[0]}")
                array = _array(weight.value)
                bits = _magnitudes(array)
                drop = bits < cut.threshold
                if ties:
                    equal = np.flatnonzero(bits == cut.threshold)[:ties]
                    ties -= len(equal)
                    drop[equal] = True
                changed = int(np.count_nonzero(drop & (bits != 0)))
                if changed:
                    fresh = array.copy().reshape(-1)
                    fresh[drop] = 0
                    _replace(weight.value, ir.Tensor(fresh.reshape(array.shape), name=weight.value.name))
                    made += changed
                zeros += int(np.count_nonzero(drop | (bits == 0)))
        told = f"{zeros:,} of {total:,} weights ({zeros / max(1, total):.1%}) in {rewrite.count(len(chosen), 'tensor')} are zero"
        return PassResult(model, made > 0, (f"{told}; {made:,} were made so.", *notes))

    def _chosen(self, model: ir.Model) -> tuple[list[rewrite.Weight], list[str]]:
        """The weights to prune, and notes on those left alone; a `PassError` when there are none."""
        called = set(rewrite.names(model).values())
        inner = {node.name for node in model.graph.all_nodes() if node.name}
        rewrite.check_known(self.exclude, called | inner, "node")
        chosen, shared = [], []
        for weight in rewrite.weights(model, self.ops):
            if any(name in self.exclude for name in weight.nodes):
                continue
            if _read_by_others(weight.value, self.ops):
                shared.append(weight.nodes[0])
                continue
            chosen.append(weight)
        if not chosen:
            hint = "The weights of a quantized model are integers: prune the variant that it was made from."
            if not rewrite.is_quantized(model):
                hint = f"Pruned are constant floating-point weights of {', '.join(self.ops) or 'nothing'}: choose more."
            raise PassError("There are no weights to prune.", hint=hint)
        notes = [f"Left alone, for other operators read the same weights: {', '.join(shared[:5])}."] if shared else []
        return chosen, notes

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """Count from shapes alone."""
        chosen, notes = self._chosen(model)
        total = sum(weight.elements for weight in chosen)
        zeros = round(self.sparsity * total)
        nodes = tuple(dict.fromkeys(name for weight in chosen for name in weight.nodes))
        size = rewrite.size(sum(weight.bytes for weight in chosen))
        figures = {"zeros": f"{zeros:,} of {total:,}", "tensors": f"{len(chosen):,}", "bytes": size}
        text = f"{zeros:,} of {total:,} weights in {rewrite.count(len(nodes), 'node')} would be zero. The file keeps its size."
        return Preview(" ".join((text, *notes)), nodes, figures)


@dataclass(frozen=True)
class _Cut:
    """Elements whose magnitude bits are below `threshold` go, and the first `ties` of those that equal it."""

    threshold: int
    ties: int


def _cut(weights: Sequence[rewrite.Weight], share: int, job: Job) -> _Cut:
    """Where to cut so that exactly `share` elements fall below: a radix select over the bits of |w|, two passes over
    the weights, never more than one tensor in memory (non-negative IEEE floats sort as their bits do)."""
    import numpy as np

    if share <= 0:
        return _Cut(0, 0)
    high = np.zeros(1 << 16, np.int64)
    for number, weight in enumerate(weights):
        job.step(0.5 * number / len(weights), "Ranking the weights")
        high += np.bincount(_magnitudes(_array(weight.value)) >> 16, minlength=1 << 16)
    bucket = int(np.searchsorted(np.cumsum(high), share))
    below = int(high[:bucket].sum())
    low = np.zeros(1 << 16, np.int64)
    for number, weight in enumerate(weights):
        job.step(0.5 + 0.5 * number / len(weights), "Ranking the weights")
        bits = _magnitudes(_array(weight.value))
        low += np.bincount(bits[bits >> 16 == bucket] & 0xFFFF, minlength=1 << 16)
    rest = int(np.searchsorted(np.cumsum(low), share - below))
    return _Cut((bucket << 16) | rest, share - below - int(low[:rest].sum()))


def _array(value: ir.Value) -> np.ndarray:
    tensor = value.const_value
    if tensor is None:
        node = value.producer()
        assert node is not None
        tensor = node.attributes["value"].as_tensor()
    return tensor.numpy()


def _magnitudes(array: np.ndarray) -> np.ndarray:
    """|w| as float32 bits without the sign, flat uint32: sorts as magnitudes do."""
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.float32).reshape(-1).view(np.uint32) & np.uint32(0x7FFFFFFF)


def _replace(value: ir.Value, tensor: ir.TensorProtocol) -> None:
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

"""Magnitude pruning: the smallest weights become zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core import prune, rewrite
from core.job import Job
from core.params import param
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
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
        chosen, notes = prune.chosen(model, self.ops, self.exclude)
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
                array = prune.array(weight.value)
                bits = prune.magnitudes(array).reshape(-1)
                drop = bits < cut.threshold
                if ties:
                    equal = np.flatnonzero(bits == cut.threshold)[:ties]
                    ties -= len(equal)
                    drop[equal] = True
                changed = int(np.count_nonzero(drop & (bits != 0)))
                if changed:
                    fresh = array.copy().reshape(-1)
                    fresh[drop] = 0
                    prune.replace(weight.value, ir.Tensor(fresh.reshape(array.shape), name=weight.value.name))
                    made += changed
                zeros += int(np.count_nonzero(drop | (bits == 0)))
        told = f"{zeros:,} of {total:,} weights ({zeros / max(1, total):.1%}) in {rewrite.count(len(chosen), 'tensor')} are zero"
        return PassResult(model, made > 0, (f"{told}; {made:,} were made so.", *notes))

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """Count from shapes alone."""
        chosen, notes = prune.chosen(model, self.ops, self.exclude)
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
        high += np.bincount(prune.magnitudes(prune.array(weight.value)).reshape(-1) >> 16, minlength=1 << 16)
    bucket = int(np.searchsorted(np.cumsum(high), share))
    below = int(high[:bucket].sum())
    low = np.zeros(1 << 16, np.int64)
    for number, weight in enumerate(weights):
        job.step(0.5 + 0.5 * number / len(weights), "Ranking the weights")
        bits = prune.magnitudes(prune.array(weight.value)).reshape(-1)
        low += np.bincount(bits[bits >> 16 == bucket] & 0xFFFF, minlength=1 << 16)
    rest = int(np.searchsorted(np.cumsum(low), share - below))
    return _Cut((bucket << 16) | rest, share - below - int(low[:rest].sum()))

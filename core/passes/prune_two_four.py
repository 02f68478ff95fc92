"""2:4 pruning: of every four neighbours along the axis that is summed over, the two smallest become zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core import prune, rewrite
from core.errors import PassError
from core.job import Job
from core.params import param
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

#: Of so many neighbours so many may stay.
GROUP, KEPT = 4, 2
#: Operators for which TensorRT has sparse kernels; a transposed convolution is none of them.
_OPS = ("Conv", "Gemm", "MatMul")
#: Elements that are ranked at once.
_PIECE = 1 << 22


@dataclass(frozen=True)
class PruneTwoFour(Pass):
    """Set two of every four neighbouring weights to zero, which sparse tensor cores skip."""

    id: ClassVar[str] = "prune_two_four"
    title: ClassVar[str] = "Pruning 2:4"
    group: ClassVar[str] = "Prune"
    icon: ClassVar[str] = "cut"
    order: ClassVar[int] = 42

    ops: tuple[str, ...] = param(_OPS, "Operators whose weights are pruned", choices=_OPS)
    exclude: tuple[str, ...] = param((), "Nodes whose weights stay as they are", kind="nodes", title="Exclude nodes")
    least: int = param(
        32, "Layers that sum over fewer input channels stay as they are: sparse kernels gain nothing there", min=4, max=65536,
        advanced=True, title="Fewest input channels",
    )  # fmt: skip

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        """Zero the two smallest magnitudes of each group; of equal ones the first go, and what is zero already counts.

        The method is magnitude pruning of NVIDIA's "Accelerating Sparse Deep Neural Networks" (arXiv:2104.08378), without
        its retraining. A last group of fewer than four is taken as filled up with zeros. NaN is larger than everything.
        """
        import numpy as np
        import onnx_ir as ir

        rewrite.name_nodes(model)
        layers, notes = self._layers(model)
        total = sum(weight.elements for weight, _ in layers)
        made = done = 0
        for weight, axis in layers:
            job.step(done / max(1, total), f"Pruning {weight.nodes[0]}")
            numbers = prune.array(weight.value)
            fresh = numbers.copy()
            outer = int(np.prod(numbers.shape[:axis], dtype=np.int64))
            view = fresh.reshape(outer, numbers.shape[axis], -1)
            changed = 0
            for rows, columns in _pieces(view.shape):
                job.check()
                piece = view[rows, :, columns]
                bits = prune.magnitudes(piece)
                drop = _smaller(bits)
                changed += int(np.count_nonzero(drop & (bits != 0)))
                piece[drop] = 0
            if changed:
                prune.replace(weight.value, ir.Tensor(fresh, name=weight.value.name))
                made += changed
            done += weight.elements
        told = f"{rewrite.count(len(layers), 'tensor')} of {total:,} weights {'keep' if len(layers) > 1 else 'keeps'} two of every four"
        return PassResult(model, made > 0, (f"{told}; {made:,} were set to zero.", *notes))

    def _layers(self, model: ir.Model) -> tuple[list[tuple[rewrite.Weight, int]], list[str]]:
        """The weights to prune with the axis that is summed over, and notes; raises `PassError` when there are none."""
        found, notes = prune.chosen(model, self.ops, self.exclude)
        layers: list[tuple[rewrite.Weight, int]] = []
        torn, narrow = [], []
        for weight in found:
            axes = prune.summed_axes(weight, self.ops)
            axis = next(iter(axes)) if len(axes) == 1 else None
            if axis is None:
                torn.append(weight.nodes[0])
            elif prune.array_shape(weight.value)[axis] < self.least:
                narrow.append(weight.nodes[0])
            else:
                layers.append((weight, axis))
        if not layers:
            widest = f"none sums over {self.least} input channels or more" if narrow else "their readers sum over different axes"
            raise PassError(f"There are no weights to prune 2:4: {widest}.", hint="Lower the fewest input channels, or prune by magnitude.")
        if torn:
            notes.append(f"Left alone, for its readers sum over different axes: {_some(torn)}.")
        if narrow:
            notes.append(f"Left alone, for they sum over fewer than {self.least} input channels: {_some(narrow)}.")
        return layers, notes

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """Count from shapes alone."""
        layers, notes = self._layers(model)
        total = sum(weight.elements for weight, _ in layers)
        nodes = tuple(dict.fromkeys(name for weight, _ in layers for name in weight.nodes))
        text = f"Half of {total:,} weights in {rewrite.count(len(nodes), 'node')} would be zero. The file keeps its size."
        figures = {"weights": f"{total:,}", "tensors": f"{len(layers):,}"}
        return Preview(" ".join((text, *notes)), nodes, figures)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _pieces(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of (outer, axis, inner), so many at a time that a piece is no larger than `_PIECE`, or one line."""
    outer, middle, inner = shape
    wide = max(1, min(inner, _PIECE // max(1, middle)))
    high = max(1, _PIECE // max(1, middle * wide))
    for row in range(0, outer, high):
        for column in range(0, inner, wide):
            yield slice(row, row + high), slice(column, column + wide)


def _smaller(bits: np.ndarray) -> np.ndarray:
    """Which of (outer, axis, inner) are the smallest of their four: bool, exactly two of a full group.

    Each pair is compared once; an element goes when at most one of its group is smaller (or equal and before it).
    """
    import numpy as np

    outer, middle, inner = bits.shape
    groups = -(-middle // GROUP)
    full = np.zeros((outer, groups * GROUP, inner), np.int64)
    full[:, :middle] = bits
    full[:, middle:] = -1  # the filling is smaller than every zero
    lanes = full.reshape(outer, groups, GROUP, inner)
    below = np.zeros(lanes.shape, np.int8)  # how many of its group an element comes after
    for first in range(GROUP):
        for second in range(first + 1, GROUP):
            before = lanes[:, :, first] <= lanes[:, :, second]
            below[:, :, second] += before
            below[:, :, first] += ~before
    return (below < GROUP - KEPT).reshape(outer, groups * GROUP, inner)[:, :middle]

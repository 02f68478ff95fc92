"""Simplify: fold what is constant, fuse what belongs together, drop what does nothing."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core import rewrite
from core.errors import ModelError, PassError
from core.job import Job
from core.model import document
from core.onnxrt.errors import first_line
from core.onnxrt.session import quiet
from core.params import param
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

_OPTIMISATIONS = ("constant_folding", "graph_fusion", "dead_node_elimination", "subexpression_elimination", "weight_tying")
#: Tried in turn when the result is not equal: what is left out beside what the person left out.
_FALLBACKS: tuple[tuple[str, ...], ...] = (
    (),
    ("graph_fusion",),
    ("graph_fusion", "subexpression_elimination", "weight_tying"),
    ("graph_fusion", "subexpression_elimination", "weight_tying", "constant_folding"),
)
#: Weights above this many bytes are not simplified only to preview it.
_PREVIEW_BYTES = 32 << 20
_PREVIEW_NODES = 4000


@dataclass(frozen=True)
class Simplify(Pass):
    """Fold constants, fuse nodes and drop what does nothing, with equal outputs."""

    id: ClassVar[str] = "simplify"
    title: ClassVar[str] = "Simplify"
    group: ClassVar[str] = "Graph"
    icon: ClassVar[str] = "filter"
    order: ClassVar[int] = 10
    tolerance: ClassVar[float | None] = 1e-4

    verify: bool = param(True, "Run the model before and after on seeded random inputs, and keep only what agrees")
    skip: tuple[str, ...] = param((), "Optimisations to leave out", choices=_OPTIMISATIONS, advanced=True)
    seed: int = param(0, "Seed of the inputs that it is verified with", min=0, max=2**31 - 1, advanced=True)

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        """Simplify with OnnxSlim; verified results that differ are made again with fewer optimisations."""
        was = _ops(model)
        # Constants written as attributes become float64 in OnnxSlim: give it initializers
        rewrite.settle_weights(model)
        before = document.to_proto(model)
        job.step(0.05, "Simplifying")
        notes: list[str] = []
        tried: list[str] = []
        skips = self._attempts(model, notes)
        # the model as it is runs beside the simplifying: one computes in Python, the other in ONNX Runtime
        with ThreadPoolExecutor(1, thread_name_prefix="sardonyx-probe") as beside:
            probing = beside.submit(rewrite.Probe, before, seed=self.seed) if self.verify else None
            for number, skip in enumerate(skips):
                job.step(0.1 + 0.5 * number / len(skips), "Simplifying" if number == 0 else f"Simplifying without {_words(skip)}")
                made, why = _slim(before, skip)
                if made is not None and probing is not None:
                    job.step(0.6, "Verifying")
                    why = self._differs(probing.result(), made, model, notes, job)
                if made is not None and not why:
                    return self._done(model, was, before, made, tried, skip, notes)
                tried.append(why)
        notes.append(f"Warning: the model was left as it was. {tried[-1]}")
        return PassResult(model, False, tuple(notes))

    def _attempts(self, model: ir.Model, notes: list[str]) -> list[tuple[str, ...]]:
        """What to leave out, attempt by attempt."""
        own = set(self.skip)
        if rewrite.is_quantized(model) and "constant_folding" not in own:
            # folding would turn DequantizeLinear of int8 weights back into float weights
            own.add("constant_folding")
            notes.append("Constants were not folded: that would undo the quantization of the weights.")
        found: list[tuple[str, ...]] = []
        for more in _FALLBACKS:
            skip = tuple(name for name in _OPTIMISATIONS if name in own or name in more)
            if skip not in found:
                found.append(skip)
        return found

    def _differs(self, probe: rewrite.Probe, made: onnx.ModelProto, model: ir.Model, notes: list[str], job: Job) -> str:
        """Why the result is not to be kept, or an empty text."""
        try:
            agreement = probe.against(made, job, _tolerance(model))
        except ModelError as error:
            return error.message
        if not agreement.checked:
            note = f"Warning: not verified: {agreement.reason}"
            if note not in notes:
                notes.append(note)
            return ""
        if agreement.within(_tolerance(model)):
            if agreement.error > 0:
                notes.append(f"Verified: outputs differ by at most {agreement.error:.1e} (values up to {agreement.scale:.3g}).")
            else:
                notes.append("Verified: outputs are equal bit by bit.")
            return ""
        told = "not finite" if not agreement.finite else f"off by {agreement.error:.2g}"
        return f"The outputs of the simplified model were {told}."

    def _done(
        self,
        model: ir.Model,
        was: Counter[str],
        before: onnx.ModelProto,
        made: onnx.ModelProto,
        tried: list[str],
        skip: tuple[str, ...],
        notes: list[str],
    ) -> PassResult:
        after = document.from_proto(made)
        if tried:
            notes.insert(0, f"Warning: {_words(tuple(set(skip) - set(self.skip)))} was left out. {tried[0]}")
        held, holds, ops = len(before.graph.initializer), len(made.graph.initializer), _ops(after)
        if ops == was and held == holds:
            return PassResult(model, False, (*notes, "There was nothing to simplify."))
        first = f"{rewrite.count(was.total(), 'node')} became {ops.total():,}. {_difference(was, ops)}"
        notes.insert(0, first.strip() if ops != was else f"{rewrite.count(held, 'initializer')} became {holds:,}.")
        return PassResult(after, True, tuple(notes), made)

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """Simplify without verifying, and count; models too large for that are only looked at."""
        if rewrite.size_of_weights(model) > _PREVIEW_BYTES or len(model.graph) > _PREVIEW_NODES:
            idle = [name for node, name in rewrite.names(model).items() if _idle(node)]
            text = f"At least {rewrite.count(len(idle), 'node')} of {len(model.graph):,} can go (the model is too large to say more)."
            return Preview(text, tuple(idle), {"nodes": f"{len(model.graph):,}"})
        notes: list[str] = []
        job.check()
        settled = document.clone(model)
        rewrite.settle_weights(settled)
        made, why = _slim(document.to_proto(settled), self._attempts(model, notes)[0])
        if made is None:
            return Preview(f"This model cannot be simplified as it is. {why}")
        after = document.from_proto(made)
        kept = {node.name for node in after.graph if node.name}
        gone = tuple(name for node, name in rewrite.names(model).items() if not node.name or node.name not in kept)
        was, will = _ops(model), _ops(after)
        held, holds = len(model.graph.initializers), len(after.graph.initializers)
        figures = {"nodes": f"{was.total():,} → {will.total():,}", "initializers": f"{held:,} → {holds:,}"}
        if will == was:
            return Preview("There is nothing to simplify.", (), figures)
        text = f"{rewrite.count(was.total(), 'node')} would become {will.total():,}. {_difference(was, will)}"
        return Preview(text.strip(), gone, figures)


def _slim(before: onnx.ModelProto, skip: tuple[str, ...]) -> tuple[onnx.ModelProto | None, str]:
    """OnnxSlim's result with everything around the graph kept, or None and why not."""
    import onnx
    import onnxslim

    copy = onnx.ModelProto()
    copy.CopyFrom(before)
    try:
        with quiet("onnxslim"), rewrite.uncollected():
            made = onnxslim.slim(copy, skip_optimizations=list(skip) or None)
    except rewrite.library_errors() as error:
        return None, f"OnnxSlim could not work on it: {first_line(str(error)) if str(error) else type(error).__name__}"
    if not isinstance(made, onnx.ModelProto):
        raise PassError("OnnxSlim returned no model.", hint="Leave out an optimisation, or report the model.")
    rewrite.keep_frame(made, before)
    return made, ""


def _tolerance(model: ir.Model) -> float:
    """1e-4 for fp32; half precision and quantized models round more."""
    tensors = (value.const_value for value in model.graph.initializers.values())
    halves = any(tensor is not None and tensor.dtype.name in ("FLOAT16", "BFLOAT16") for tensor in tensors)
    return 2e-2 if halves or rewrite.is_quantized(model) else 1e-4


def _idle(node: ir.Node) -> bool:
    """Whether a node surely goes: it does nothing, holds a constant, or scales what a convolution could scale itself."""
    if node.op_type == "BatchNormalization":
        maker = node.inputs[0].producer() if node.inputs[0] is not None else None
        return maker is not None and maker.op_type == "Conv" and len(maker.outputs[0].uses()) == 1
    return node.op_type in ("Identity", "Dropout", "Constant")


def _ops(model: ir.Model) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.all_nodes())


def _difference(before: Counter[str], after: Counter[str]) -> str:
    """`Removed: 4 BatchNormalization, 2 Identity.`, the most frequent first."""
    gone = (before - after).most_common(6)
    return f"Removed: {', '.join(f'{number} {op}' for op, number in gone)}." if gone else ""


def _words(skip: tuple[str, ...]) -> str:
    return " and ".join(name.replace("_", " ") for name in skip) or "nothing"

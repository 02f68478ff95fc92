"""FP16: weights and arithmetic in half precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core import rewrite
from core.errors import ModelError, PassError
from core.job import Job
from core.model import document, shapes
from core.onnxrt.errors import first_line
from core.onnxrt.session import quiet
from core.params import param
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

#: The largest finite float16, and half of the smallest subnormal (below it a number becomes 0).
_LARGEST, _VANISHES = 65504.0, 2.0**-25
#: Random samples that are looked at for overflow.
_SAMPLES = 4
#: In names that the converter makes.
_MARKS = ("graph_input_cast", "graph_output_cast", "_cast_to_fp32", "_cast_to_fp16")
#: Ops that hold subgraphs; the converter does not carry types into them reliably, so they stay whole in fp32.
_CONTROL = ("If", "Loop", "Scan", "SequenceMap")


@dataclass(frozen=True)
class FP16(Pass):
    """Store weights and compute in 16-bit floating point: half the size, faster on GPUs."""

    id: ClassVar[str] = "fp16"
    title: ClassVar[str] = "FP16"
    group: ClassVar[str] = "Precision"
    icon: ClassVar[str] = "chip"
    order: ClassVar[int] = 20

    keep_io: bool = param(True, "Leave the model's inputs and outputs in 32-bit floating point", title="Keep inputs and outputs")
    keep_ops: tuple[str, ...] = param((), "Operators that stay in 32-bit floating point")
    keep_nodes: tuple[str, ...] = param((), "Nodes that stay in 32-bit floating point", kind="nodes")
    verify: bool = param(True, "Run the result on seeded random inputs and tell the error")

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        """Convert with ONNX Runtime's float16 converter, then run before and after."""
        rewrite.name_nodes(model)
        self._check(model)
        rewrite.settle_weights(model)
        notes = _ranges(model, job.part(0.0, 0.2))
        job.step(0.2, "Converting to fp16")
        before = document.to_proto(model)
        if not len(model.graph):
            return PassResult(model, False, ("There are no nodes.",))
        _free_names(model)
        made = self._convert(document.to_proto(_typed(model)))
        rewrite.keep_frame(made, before)
        after = document.from_proto(made)
        _shorten(after)
        _bridge(model, after)
        after.graph.sort()
        done, casts = _count(model) - _count(after), _casts(after) - _casts(model)
        if done <= 0 and not _computes(model) and not self._other_io(model, after):
            return PassResult(model, False, ("There are no 32-bit weights or operators that could become fp16.",))
        notes.insert(0, f"{rewrite.count(done, 'weight')} in fp16, {rewrite.count(max(casts, 0), 'Cast')} added.")
        if self.verify:
            job.step(0.6, "Verifying")
            notes += self._verify(before, document.to_proto(after), job)
        return PassResult(after, True, tuple(notes))

    def _other_io(self, before: ir.Model, after: ir.Model) -> bool:
        pairs = zip((*before.graph.inputs, *before.graph.outputs), (*after.graph.inputs, *after.graph.outputs), strict=True)
        return any(old.dtype != new.dtype for old, new in pairs)

    def _check(self, model: ir.Model) -> None:
        rewrite.check_known(self.keep_nodes, set(rewrite.names(model).values()), "node")
        rewrite.check_known(self.keep_ops, rewrite.ops_of(model), "operator")
        if rewrite.is_quantized(model):
            raise PassError("The model is quantized already.", hint="Apply FP16 to the variant that the quantized one was made from.")

    def _convert(self, typed: onnx.ModelProto) -> onnx.ModelProto:
        import onnx
        from onnxruntime.transformers import float16

        blocked = [*float16.DEFAULT_OP_BLOCK_LIST, *_CONTROL, *self.keep_ops]
        try:
            with quiet("onnxruntime"):
                made = float16.convert_float_to_float16(
                    typed,
                    keep_io_types=self.keep_io,
                    disable_shape_infer=True,
                    op_block_list=blocked,
                    node_block_list=list(self.keep_nodes),
                )
        except rewrite.library_errors() as error:
            hint = "Simplify the model first, or keep the operator that is named in fp32."
            raise PassError(f"The fp16 converter refused the model: {first_line(str(error))}", hint=hint, detail=repr(error)) from error
        assert isinstance(made, onnx.ModelProto)
        del made.graph.value_info[:]
        return made

    def _verify(self, before: onnx.ModelProto, after: onnx.ModelProto, job: Job) -> list[str]:
        probe = rewrite.Probe(before, samples=_SAMPLES)
        try:
            agreement = probe.against(after, job)
            overflows = probe.overflows(before, after, job)
        except ModelError as error:
            hint = "Name the operator that the message speaks of in keep_ops, or simplify the model first."
            raise PassError(f"The fp16 model does not run. {error.message}", hint=hint, detail=error.detail) from error
        if not agreement.checked:
            return [f"Warning: not verified: {agreement.reason}"]
        if not agreement.compared:
            return ["Warning: not verified: the outputs were not finite before, on seeded random inputs."]
        if overflows:
            more = f" and {len(overflows) - 5} more" if len(overflows) > 5 else ""
            return [f"Warning: values became infinite or NaN in fp16, first at: {', '.join(overflows[:5])}{more}. Keep these in fp32."]
        told = f"outputs differ by at most {agreement.error:.2g} (values up to {agreement.scale:.3g}) on seeded random inputs."
        return [f"Warning: {told}" if agreement.error > 0.1 * max(agreement.scale, 1e-6) else told[0].upper() + told[1:]]

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """Count what would be converted; weights are not read."""
        from onnxruntime.transformers import float16

        self._check(model)
        model = _typed(document.clone(model))
        blocked = {*float16.DEFAULT_OP_BLOCK_LIST, *_CONTROL, *self.keep_ops}
        called = rewrite.names(model)
        changed: list[str] = []
        held: set[ir.Value] = set()
        total = kept = 0
        for node, name in called.items():
            floats = [value for value in node.inputs if value is not None and _is_float32(value)]
            if node.op_type in blocked or name in self.keep_nodes:
                held.update(value for value in floats if value.is_initializer())
                kept += 1
            elif floats or node.op_type == "Constant" or any(_is_float32(value) for value in node.outputs):
                changed.append(name)
        for value in model.graph.initializers.values():
            if value.const_value is not None and _is_float32(value) and value not in held:
                total += value.const_value.nbytes
        if not changed:
            return Preview("There is nothing in 32-bit floating point to convert.")
        figures = {"nodes": f"{len(changed):,} of {len(called):,}", "weights": f"{rewrite.size(total)} → {rewrite.size(total / 2)}"}
        text = f"{rewrite.count(len(changed), 'node')} would compute in fp16; weights: {figures['weights']}."
        return Preview(text + (f" {rewrite.count(kept, 'node')} would stay in fp32." if kept else ""), tuple(changed), figures)


def _typed(model: ir.Model) -> ir.Model:
    """The model with shapes inferred anew: those that an exporter left wrong would be believed."""
    for node in model.graph:
        for value in node.outputs:
            if not value.is_graph_output():
                value.shape = None
    return shapes.infer(model)


def _free_names(model: ir.Model) -> None:
    """Rename what the converter called so when it was here before: it would use the same names again."""
    taken = {value.name for node in model.graph for value in node.outputs} | {node.name for node in model.graph}
    for node in model.graph:
        items: list[ir.Node | ir.Value] = [node, *(value for value in node.outputs if not value.is_graph_output())]
        for item in items:
            name = item.name or ""
            if any(mark in name for mark in _MARKS):
                name = name.replace("_cast", "_recast")
                while name in taken:
                    name += "_"
                taken.add(name)
                item.name = name


def _shorten(after: ir.Model) -> None:
    """Join fp32 to fp32 where the converter rounds to fp16 between: neighbours that stay, and a kept node and an output."""
    import onnx_ir as ir

    graph = after.graph
    for back in [node for node in graph if node.op_type == "Cast" and _casts_to(node) == ir.DataType.FLOAT]:
        value = back.inputs[0]
        there = value.producer() if value is not None else None
        if there is None or there.op_type != "Cast" or _casts_to(there) != ir.DataType.FLOAT16:
            continue
        if not any(mark in (there.name or "") for mark in _MARKS) or not any(mark in (back.name or "") for mark in _MARKS):
            continue  # not the converter's own: what goes in may be no float
        source, out = there.inputs[0], back.outputs[0]
        if source is None:
            continue
        if out.is_graph_output():
            if source.producer() is None or source.is_graph_output():
                continue
            name = out.name
            out.replace_all_uses_with(source, replace_graph_outputs=True)
            source.shape, source.type = out.shape, out.type
            out.name = None
            source.name = name
        else:
            out.replace_all_uses_with(source)
        graph.remove(back, safe=True)
        if not there.outputs[0].uses() and not there.outputs[0].is_graph_output():
            graph.remove(there, safe=True)


def _casts_to(node: ir.Node) -> int:
    attribute = node.attributes.get("to")
    return attribute.as_int() if attribute is not None else 0


def _bridge(before: ir.Model, after: ir.Model) -> None:
    """Cast what subgraphs read of the main graph back to fp32, for they are left as they were and the converter does not
    look whether they read something that it changed."""
    import onnx_ir as ir

    types = {value.name: value.dtype for node in before.graph for value in node.outputs}
    main = after.graph
    values = [*main.inputs, *main.initializers.values(), *(value for node in main for value in node.outputs)]
    for value in values:
        inner = [(node, place) for node, place in value.uses() if node.graph is not main]
        if not inner:
            continue
        if value.const_value is not None or value in main.inputs or value.is_graph_output():
            half = (value.const_value.dtype if value.const_value is not None else value.dtype) == ir.DataType.FLOAT16
        else:
            half = types.get(value.name) == ir.DataType.FLOAT
        if not half:
            continue
        cast = ir.node("Cast", [value], attributes={"to": int(ir.DataType.FLOAT)}, name=f"{value.name}_subgraph_cast")
        cast.outputs[0].name = f"{value.name}_fp32"
        main.append(cast)
        for node, place in inner:
            node.replace_input_with(place, cast.outputs[0])


def _computes(model: ir.Model) -> bool:
    """Whether something but a Cast works on 32-bit floats."""
    made = (value for node in model.graph for value in node.outputs if node.op_type != "Cast")
    return any(_is_float32(value) for value in made)


def _casts(model: ir.Model) -> int:
    return sum(node.op_type == "Cast" for node in model.graph.all_nodes())


def _is_float32(value: ir.Value) -> bool:
    dtype = value.dtype if value.const_value is None else value.const_value.dtype
    return dtype is not None and dtype.name == "FLOAT"


def _count(model: ir.Model) -> int:
    """Weights in 32-bit floating point."""
    return sum(_is_float32(value) for graph in model.graphs() for value in graph.initializers.values() if value.const_value is not None)


def _ranges(model: ir.Model, job: Job) -> list[str]:
    """Warnings for weights that float16 cannot hold."""
    import numpy as np

    large: list[str] = []
    vanished = 0
    values = [value for value in model.graph.initializers.values() if value.const_value is not None and _is_float32(value)]
    for number, value in enumerate(values):
        job.step(number / max(1, len(values)), "Checking the range of weights")
        assert value.const_value is not None
        array = np.abs(value.const_value.numpy())
        if bool(((array > _LARGEST) & np.isfinite(array)).any()):
            large.append(str(value.name))
        vanished += int(np.count_nonzero((array > 0) & (array < _VANISHES)))
    notes = []
    if large:
        more = f" and {len(large) - 3} more" if len(large) > 3 else ""
        notes.append(f"Warning: weights beyond ±65504 were cut to it: {', '.join(large[:3])}{more}. Keep their nodes in fp32.")
    if vanished:
        notes.append(f"{rewrite.count(vanished, 'weight value')} too small for fp16 became its smallest number.")
    return notes

"""INT8: weights and activations as 8-bit integers between QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core import rewrite
from core.data import DataSpec
from core.data.calibration import Reader
from core.data.feeds import Feeds, feeds
from core.data.feeds import shapes as concrete
from core.errors import AppError, ModelError, PassError
from core.job import Job
from core.model import TensorType, document, shapes
from core.onnxrt.errors import explain, first_line
from core.onnxrt.session import Session, quiet
from core.params import param
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

#: What TensorRT computes in INT8: inputs and weights of these, and never their outputs.
_TENSORRT_OPS = ("Conv", "Gemm", "MatMul")
#: Activations that histogram calibration may hold at once, in bytes.
_HELD = 1 << 30
#: Bins of an entropy histogram: more would find finer thresholds, in time that grows with their square.
_BINS = 512
_METHODS = {"minmax": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}
#: Q/DQ per channel needs opset 13; this is what older models are raised to.
_OLDEST, _RAISED, _RAISED_IR = 13, 17, 8


@dataclass(frozen=True)
class QuantizeInt8(Pass):
    """Compute in 8-bit integers, calibrated on data: a quarter of the size, faster on most hardware."""

    id: ClassVar[str] = "quantize_int8"
    title: ClassVar[str] = "INT8"
    group: ClassVar[str] = "Quantize"
    icon: ClassVar[str] = "layers"
    order: ClassVar[int] = 30
    named: ClassVar[tuple[str, ...]] = ("profile",)

    profile: str = param("cpu", "What it is made for: each is slow or refused elsewhere", choices=("cpu", "tensorrt"))
    data: str = param("", "Folder or .npz file to calibrate with (empty: seeded random)", kind="path", title="Calibration data")
    samples: int = param(64, "At most this many samples", min=1, max=100_000)
    method: str = param("minmax", "How ranges are found from what was seen", choices=("minmax", "entropy", "percentile"))
    percentile: float = param(99.999, "Percentile method: share of values inside the range", min=90.0, max=100.0, unit="%", advanced=True)
    per_channel: bool = param(True, "A scale for each output channel of a weight (more accurate)")
    exclude_ops: tuple[str, ...] = param((), "Operators that stay in floating point")
    exclude_nodes: tuple[str, ...] = param((), "Nodes that stay in floating point", kind="nodes")
    prepare: bool = param(True, "Fold constants and batch norms first (ONNX Runtime's basic optimisations)", advanced=True)
    seed: int = param(0, "Seed of random inputs", min=0, max=2**31 - 1, advanced=True)
    dim: int = param(64, "What symbolic dims become in random inputs", title="Symbolic dims", min=1, max=1_000_000, advanced=True)
    mean: str = param("0", "Images: mean on the 0..255 scale, one number or one a channel", advanced=True)
    std: str = param("255", "Images: divisor on the 0..255 scale, one number or one a channel", advanced=True)
    resize: int = param(0, "Images: shorter side before the crop (0: input / 0.875)", min=0, max=8192, unit="px", advanced=True)
    channels: str = param("rgb", "Images: order of colour channels", choices=("rgb", "bgr"), advanced=True)

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        """Quantize with ONNX Runtime's static quantizer, by the recipe of the profile."""
        rewrite.name_nodes(model)
        self._check(model)
        rewrite.settle_weights(model)
        notes: list[str] = []
        _inline(model, notes)
        if not any(node.op_type in rewrite.WEIGHTED for node in self._candidates(model)):
            inner = any(node.op_type in rewrite.WEIGHTED for node in model.graph.all_nodes() if node.graph is not model.graph)
            where = " outside of If, Loop and Scan, which are left as they are" if inner else ""
            return PassResult(model, False, (f"There is no Conv, Gemm or MatMul to compute in INT8{where}.",))
        _finite_weights(model)
        before = document.to_proto(model)
        job.step(0.02, "Preparing")
        source, session = self._prepared(before, job.scratch, notes)
        try:
            data = feeds(session.inputs, self._spec())
        finally:
            session.close()
        if data.random:
            notes.append("Warning: calibrated on seeded random inputs, so ranges and accuracy may be far off. Give calibration data.")
        target = job.scratch / "int8.onnx"
        self._quantize(source, target, data, job)
        job.step(0.93, "Reading the result")
        return self._result(model, before, target, data, notes)

    def _spec(self) -> DataSpec:
        return DataSpec(
            path=self.data,
            limit=self.samples,
            seed=self.seed,
            dim=self.dim,
            mean=self.mean,
            std=self.std,
            resize=self.resize,
            channels=self.channels,
        )

    def _check(self, model: ir.Model) -> None:
        """Refuse what cannot work, before anything slow."""
        rewrite.check_known(self.exclude_nodes, set(rewrite.names(model).values()), "node")
        rewrite.check_known(self.exclude_ops, rewrite.ops_of(model), "operator")
        if rewrite.is_quantized(model):
            raise PassError("The model is quantized already.", hint="Apply INT8 to the floating-point variant that it was made from.")
        found = Counter(w.value.const_value.dtype.name for w in rewrite.weights(model, rewrite.WEIGHTED) if w.value.const_value is not None)
        if found["FLOAT16"] + found["BFLOAT16"] > found["FLOAT"]:
            raise PassError("The weights are in half precision.", hint="Apply INT8 to the fp32 variant that this one was made from.")

    def _candidates(self, model: ir.Model) -> list[ir.Node]:
        """Nodes of op types that the profile quantizes and that are not excluded."""
        ops = set(self._ops()) - set(self.exclude_ops)
        named = rewrite.names(model).items()
        return [node for node, name in named if node.op_type in ops and name not in self.exclude_nodes and node.domain in ("", "ai.onnx")]

    # -- what goes in -----------------------------------------------------------------------------------------------

    def _prepared(self, before: onnx.ModelProto, folder: Path, notes: list[str]) -> tuple[Path, Session]:
        """The model as a file that the quantizer takes, and a session that knows its inputs.

        Shapes that the exporter wrote are dropped and inferred anew: where they are wrong (PyTorch's dynamo exporter),
        the quantizer dies of the contradiction.
        """
        import onnx
        from onnxruntime.quantization.quant_utils import add_pre_process_metadata

        proto = _raised(before, notes)
        if proto is before:
            proto = onnx.ModelProto()
            proto.CopyFrom(before)
        del proto.graph.value_info[:]
        path = folder / "float.onnx"
        onnx.save(proto, path)
        if self.prepare:
            optimized = folder / "prepared.onnx"
            try:
                session = Session(path, name="the model", basic_to=optimized)
            except ModelError as error:
                message = f"The model does not run, so it cannot be calibrated. {error.message}"
                raise PassError(message, hint=error.hint, detail=error.detail) from error
            proto = onnx.load(optimized)
        else:
            session = Session(path, name="the model", optimize=False)
        # tells the quantizer not to ask for preparation; keep_frame takes it off again
        add_pre_process_metadata(proto)
        ready = folder / "ready.onnx"
        onnx.save(proto, ready)
        return ready, session

    # -- the quantizer ----------------------------------------------------------------------------------------------

    def _quantize(self, source: Path, target: Path, data: Feeds, job: Job) -> None:
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, quantize_static

        recipe = self._recipe()
        cache, reader = None, None
        part = job.part(0.1, 0.85)
        try:
            with quiet("onnxruntime"):
                if self.method == "minmax":
                    reader = Reader(data, part)
                else:
                    cache = self._histograms(source, recipe["op_types_to_quantize"], data, part)
                    job.step(0.87, "Quantizing")
                quantize_static(
                    source,
                    target,
                    reader,
                    quant_format=QuantFormat.QDQ,
                    per_channel=self.per_channel,
                    calibrate_method=CalibrationMethod[_METHODS[self.method]],
                    nodes_to_exclude=list(self.exclude_nodes),
                    calibration_cache_path=cache,
                    **recipe,
                )
        except AppError:
            raise
        except rewrite.library_errors() as error:
            text = str(error)
            message, hint = explain(text) or (first_line(text), _hint(text))
            raise PassError(f"The quantizer refused the model: {message}", hint=hint, detail=repr(error)) from error

    def _histograms(self, source: Path, ops: list[str], data: Feeds, job: Job) -> Path:
        """Find ranges by histograms, a few batches at a time, and keep them as the quantizer's calibration cache.

        `quantize_static` by itself holds every activation of every batch, and leaves entropy with as many bins as
        levels, where there is but one threshold to choose.
        """
        from onnxruntime.quantization import CalibrationMethod
        from onnxruntime.quantization.calibrate import create_calibrator, save_tensors_data

        options = {"percentile": self.percentile} if self.method == "percentile" else {"num_bins": _BINS, "num_quantized_bins": 128}
        method = CalibrationMethod[_METHODS[self.method]]
        augmented = str(source.with_name("augmented.onnx"))
        calibrator = create_calibrator(source, ops, augmented, method, extra_options=options)
        reader = Reader(data, job.part(0.0, 0.8), self._stride(source, data))
        while reader.next_stride():
            calibrator.collect_data(reader)
        job.step(0.8, "Finding ranges")
        cache = source.with_name("ranges.json")
        save_tensors_data(calibrator.compute_data(), cache)
        return cache

    def _recipe(self) -> dict[str, Any]:
        """The arguments of `quantize_static` that make the profile.

        `tensorrt`: symmetric int8 for weights and for the inputs of Conv, Gemm and MatMul, floating-point biases and no
        Q/DQ behind these ops: its parser refuses int32 biases and its fusions want it so. `cpu`: unsigned activations
        with a zero point, int8 weights, every op that ONNX Runtime has integer kernels for.
        """
        from onnxruntime.quantization import QuantType

        ops = [op for op in self._ops() if op not in self.exclude_ops]
        if self.profile == "cpu":
            return {
                "activation_type": QuantType.QUInt8,
                "weight_type": QuantType.QInt8,
                "op_types_to_quantize": ops,
                "extra_options": {},
            }
        extra = {
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": ops,
        }
        return {
            "activation_type": QuantType.QInt8,
            "weight_type": QuantType.QInt8,
            "op_types_to_quantize": ops,
            "extra_options": extra,
        }

    def _ops(self) -> list[str]:
        """Op types that the profile quantizes, in a fixed order."""
        if self.profile == "tensorrt":
            return list(_TENSORRT_OPS)
        from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

        return sorted({*QLinearOpsRegistry, *QDQRegistry})

    def _stride(self, source: Path, data: Feeds) -> int:
        """Batches whose activations fit into what may be held; 1 where that cannot be known."""
        import onnx

        typed = shapes.infer(onnx.load(source))
        inputs = tuple(_tensor_type(value) for value in typed.graph.input)
        open_dims = any(not isinstance(dim, int) for item in inputs for dim in (item.shape or ())[1:])
        if open_dims:
            return 1
        values = [_tensor_type(value) for value in typed.graph.value_info if value.type.tensor_type.elem_type in (1, 10)]
        bytes_ = 0
        for dims in concrete(tuple(values), 1, 1).values():
            elements = 4
            for dim in dims:
                elements *= dim
            bytes_ += elements
        return max(1, min(data.batch_count, _HELD // max(1, bytes_)))

    # -- what comes out ---------------------------------------------------------------------------------------------

    def _result(self, model: ir.Model, before: onnx.ModelProto, target: Path, data: Feeds, notes: list[str]) -> PassResult:
        import onnx

        made = onnx.load(target)
        _finite_scales(made)
        rewrite.keep_frame(made, before)
        after = document.from_proto(made)
        quantized, computed = _share(after)
        pairs = sum(node.op_type == "DequantizeLinear" for node in after.graph.all_nodes())
        if not pairs:
            return PassResult(model, False, ("Nothing was quantized: no operator of the profile reads floats of a known type.", *notes))
        told = ", ".join(f"{quantized[op]:,} of {number:,} {op}" for op, number in computed.items())
        told = f"INT8 for {self.profile}: {told or 'no Conv, Gemm or MatMul'}; {pairs:,} DequantizeLinear."
        first = f"{told} Calibrated on {data.description}."
        return PassResult(after, True, (first, *notes, *data.notes), made)

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """Which nodes would be computed in 8 bits, from op types and the places of the weights; nothing is calibrated."""
        self._check(model)
        called = rewrite.names(model)
        candidates = self._candidates(model)
        nodes = [called[node] for node in candidates if node.op_type in rewrite.WEIGHTED]
        heavy = Counter(node.op_type for node in candidates if node.op_type in rewrite.WEIGHTED)
        others, chosen = len(candidates) - len(nodes), set(nodes)
        bytes_ = sum(weight.bytes for weight in rewrite.weights(model, rewrite.WEIGHTED) if chosen.intersection(weight.nodes))
        if not nodes:
            return Preview("No Conv, Gemm or MatMul would be quantized.")
        told = ", ".join(f"{number:,} {op}" for op, number in heavy.most_common())
        passing = f" {rewrite.count(others, 'other node')} may pass 8-bit values through." if others else ""
        data = "" if self.data else " Without calibration data, ranges come from seeded random inputs."
        figures = {"nodes": told, "weights": f"{rewrite.size(bytes_)} → {rewrite.size(bytes_ / 4)}"}
        return Preview(f"{told} would compute in INT8; weights: {figures['weights']}.{passing}{data}", tuple(nodes), figures)


def _inline(model: ir.Model, notes: list[str]) -> None:
    """Put the bodies of model-local functions where they are called, as ONNX Runtime does before it runs them."""
    if model.functions:
        from onnx_ir.passes.common import InlinePass

        notes.append(f"{rewrite.count(len(model.functions), 'function')} inlined.")
        InlinePass()(model)
        rewrite.settle_weights(model)


def _finite_weights(model: ir.Model) -> None:
    """Raise `PassError` for a weight with NaN or infinity, which no 8-bit scale fits."""
    import numpy as np

    for weight in rewrite.weights(model, rewrite.WEIGHTED):
        tensor = weight.value.const_value
        if tensor is not None and tensor.dtype.name == "FLOAT" and not bool(np.isfinite(tensor.numpy()).all()):
            hint = f"Mend the weight, or give {weight.nodes[0]} another one: no 8-bit scale fits it."
            raise PassError(f"The weight '{weight.value.name}' holds NaN or infinity.", hint=hint)


def _raised(before: onnx.ModelProto, notes: list[str]) -> onnx.ModelProto:
    """The model at an opset that has Q/DQ per channel; the argument itself when it has one already."""
    import onnx

    version = rewrite.opset_of(before)
    if version >= _OLDEST:
        return before
    try:
        raised = onnx.version_converter.convert_version(before, _RAISED)
    except rewrite.library_errors() as error:
        hint = f"Export the model again with opset {_RAISED}."
        message = f"Opset {version} has no INT8 per channel, and converting it failed: {first_line(str(error))}"
        raise PassError(message, hint=hint) from error
    raised.ir_version = max(raised.ir_version, _RAISED_IR)
    notes.append(f"Opset {version} became {_RAISED}: older ones have no INT8 per channel.")
    return raised


def _finite_scales(made: onnx.ModelProto) -> None:
    """Raise `PassError` when calibration met NaN or infinity: the scales it leaves would make every output NaN."""
    import numpy as np
    from onnx import numpy_helper

    scales = {node.input[1]: node.input[0] for node in made.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")}
    for tensor in made.graph.initializer:
        if tensor.name in scales and not bool(np.isfinite(numpy_helper.to_array(tensor)).all()):
            hint = "Look for NaN weights, check the calibration data and its normalisation, or exclude the node behind that tensor."
            raise PassError(f"The range of '{scales[tensor.name]}' is not finite.", hint=hint)


def _share(model: ir.Model) -> tuple[Counter[str], Counter[str]]:
    """Of Conv, ConvTranspose, Gemm and MatMul: how many read a dequantized weight, and how many there are."""
    quantized: Counter[str] = Counter()
    computed: Counter[str] = Counter()
    for node in model.graph.all_nodes():
        if node.op_type not in rewrite.WEIGHTED:
            continue
        computed[node.op_type] += 1
        sides = [value.producer() for value in node.inputs[:2] if value is not None]
        if all(side is not None and side.op_type == "DequantizeLinear" for side in sides):
            quantized[node.op_type] += 1
    return quantized, computed


def _tensor_type(value: onnx.ValueInfoProto) -> TensorType:
    dims = value.type.tensor_type.shape.dim
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in dims)
    return TensorType(value.name, "float32", shape)


def _hint(text: str) -> str:
    if "nan" in text.lower() or "finite" in text or "scale issue" in text:
        return "Activations became NaN or infinite: check the calibration data and its normalisation."
    if "INVALID_ARGUMENT" in text or "dimension" in text.lower():
        return "Check the shapes of the calibration data, or the parameter dim."
    return "Simplify the model first, or leave out the operator that is named."

"""What passes share: questions about a graph, small safe edits of it, and the check that its outputs stayed the same."""

from __future__ import annotations

import contextlib
import difflib
import gc
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.data import DataSpec
from core.data.feeds import feeds
from core.errors import DataError, ModelError, UsageError
from core.job import Job
from core.onnxrt.session import Session

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import onnx_ir as ir

#: What graph libraries raise for a model that they do not take. They have no exceptions of their own; Cancelled, memory
#: and keyboard are not among these.
LIBRARY_ERRORS: tuple[type[Exception], ...] = (
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    ZeroDivisionError,
)
#: Ops whose second input is a weight, and that compute most of what networks compute.
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
#: What symbolic dims are tried as when a model is run only to see whether it runs.
_DIMS = (64, 16, 224, 128, 512, 1)
_FLOAT_WEIGHTS = ("FLOAT", "FLOAT16", "DOUBLE", "BFLOAT16")


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: graphs are so many objects that a fifth of the time that they are rewritten in
    would go there, and next to nothing is found."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def library_errors() -> tuple[type[Exception], ...]:
    """`LIBRARY_ERRORS`, and those of onnx, protobuf and ONNX Runtime, which derive from nothing common."""
    import onnx
    from google.protobuf import message  # type: ignore[import-untyped, unused-ignore]
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    known = (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, message.Error)
    return (*LIBRARY_ERRORS, *known, *own)


def names(model: ir.Model) -> dict[ir.Node, str]:
    """What each node of the main graph is called everywhere: its name, or its op and place in the file when it has none."""
    return {node: node.name or f"{node.op_type}_{place}" for place, node in enumerate(model.graph)}


def name_nodes(model: ir.Model) -> None:
    """Give nameless nodes of the main graph the names that they are shown by, so that libraries can be told of them."""
    taken = {node.name for node in model.graph if node.name}
    for node, name in names(model).items():
        if not node.name:
            while name in taken:
                name += "_"
            taken.add(name)
            node.name = name


def ops_of(model: ir.Model) -> set[str]:
    """Op types in the model, subgraphs included."""
    return {node.op_type for node in model.graph.all_nodes()}


def check_known(wanted: Iterable[str], known: Collection[str], what: str) -> None:
    """Raise `UsageError` for the first of `wanted` that the model does not have, with names like it."""
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)[:5]
            raise UsageError(f"The model has no {what} '{name}'.", hint=f"Did you mean: {', '.join(near)}?" if near else "")


def settle_weights(model: ir.Model) -> None:
    """Make every constant tensor a plain initializer: lift Constant nodes (exporters often keep weights in them), and
    withdraw initializers from the graph's inputs (old models declare their weights as inputs, which nobody feeds)."""
    import onnx_ir as ir
    from onnx_ir.passes.common import LiftConstantsToInitializersPass, RemoveInitializersFromInputsPass

    for node in model.graph.all_nodes():
        held = node.attributes.get("value") if node.op_type == "Constant" else None
        tensor = held.as_tensor() if held is not None else None
        if tensor is not None and tensor.dtype != ir.DataType.STRING:
            # lifting names the tensor, which the model that this one was cloned from shares
            own = ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=node.outputs[0].name)
            node.attributes["value"] = ir.AttrTensor("value", own)
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    RemoveInitializersFromInputsPass()(model)
    if model.ir_version < 4:  # where initializers had to be inputs
        model.ir_version = 8


def size_of_weights(model: ir.Model) -> int:
    """Bytes of the initializers of the main graph."""
    return sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value is not None)


def weight_of(value: ir.Value | None) -> ir.Value | None:
    """The initializer or lifted Constant that a weight input reads, through Identity and Transpose; None when computed."""
    for _ in range(8):
        if value is None:
            return None
        if value.is_initializer():
            return value
        node = value.producer()
        if node is None or node.domain not in ("", "ai.onnx"):
            return None
        if node.op_type == "Constant":
            return value
        if node.op_type not in ("Identity", "Transpose"):
            return None
        value = node.inputs[0]
    return None


@dataclass(frozen=True)
class Weight:
    """A floating-point weight: the value that holds it, the nodes (names) that multiply by it, its elements and bytes."""

    value: ir.Value
    nodes: tuple[str, ...]
    ops: tuple[str, ...]
    elements: int
    bytes: int


def weights(model: ir.Model, ops: Collection[str]) -> Iterator[Weight]:
    """Floating-point weights of nodes whose op is among `ops`, subgraphs included, in graph order; each once.

    Reads shapes and dtypes only. MatMul's weight may be on either side.
    """
    called = names(model)
    readers: dict[ir.Value, list[ir.Node]] = {}
    for node in model.graph.all_nodes():
        if node.op_type not in ops or node.domain not in ("", "ai.onnx"):
            continue
        for place in (1, 0) if node.op_type == "MatMul" else (1,):
            value = weight_of(node.inputs[place]) if len(node.inputs) > place else None
            if value is not None:
                readers.setdefault(value, []).append(node)
    for value, nodes in readers.items():
        dtype, shape = _type(value)
        if dtype not in _FLOAT_WEIGHTS or shape is None or len(shape) < 2:
            continue
        elements = 1
        for dim in shape:
            elements *= dim
        width = {"FLOAT16": 2, "BFLOAT16": 2, "DOUBLE": 8}.get(dtype, 4)
        told = tuple(called.get(node, node.name or node.op_type) for node in nodes)
        yield Weight(value, told, tuple(node.op_type for node in nodes), elements, elements * width)


def _type(value: ir.Value) -> tuple[str, tuple[int, ...] | None]:
    """Dtype name and shape of an initializer or Constant, without reading its data."""
    tensor = value.const_value
    if tensor is None:
        node = value.producer()
        attribute = node.attributes.get("value") if node is not None else None
        if attribute is None:
            return "", None
        tensor = attribute.as_tensor()
    return tensor.dtype.name, tuple(dim if isinstance(dim, int) else 0 for dim in tensor.shape)


def is_quantized(model: ir.Model) -> bool:
    """Whether the model computes with integers already (Q/DQ, QLinear or integer ops)."""
    return any(
        op in ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "MatMulNBits")
        or op.startswith("QLinear")
        for op in ops_of(model)
    )


def opset_of(proto: onnx.ModelProto) -> int:
    """The version of ONNX's own operator set that the model imports."""
    return next((int(item.version) for item in proto.opset_import if item.domain in ("", "ai.onnx")), 0)


def keep_frame(made: onnx.ModelProto, before: onnx.ModelProto) -> None:
    """Give `made` back what a library drops around the graph: inputs, outputs, versions, producer, docs and metadata.

    Inputs that nothing reads any more stay declared. Imports of domains that no node uses are removed, unless the model
    had them before.
    """
    declared = {value.name for value in before.graph.input}
    types = {value.name: value for value in (*made.graph.input, *made.graph.output)}
    for field in ("input", "output"):
        kept = [type(value)() for value in getattr(before.graph, field)]
        for copy, value in zip(kept, getattr(before.graph, field), strict=True):
            copy.CopyFrom(value)
            now = types.get(value.name)
            if now is not None and now.type.tensor_type.elem_type != value.type.tensor_type.elem_type:
                copy.type.tensor_type.elem_type = now.type.tensor_type.elem_type
        extra = [value for value in getattr(made.graph, field) if field == "input" and value.name not in declared]
        kept += extra
        del getattr(made.graph, field)[:]
        getattr(made.graph, field).extend(kept)
    raised = opset_of(made) > opset_of(before)
    made.ir_version = max(made.ir_version, before.ir_version) if raised else before.ir_version
    for name in ("producer_name", "producer_version", "domain", "model_version", "doc_string"):
        setattr(made, name, getattr(before, name))
    made.graph.name, made.graph.doc_string = before.graph.name, before.graph.doc_string
    del made.metadata_props[:]
    made.metadata_props.extend(before.metadata_props)
    _keep_opsets(made, before)


def _keep_opsets(made: onnx.ModelProto, before: onnx.ModelProto) -> None:
    used = set(_domains(made.graph.node))
    for function in made.functions:
        used |= set(_domains(function.node))
    known = {_domain(item.domain): item.version for item in before.opset_import}
    now = {_domain(item.domain): item.version for item in made.opset_import}
    del made.opset_import[:]
    for domain in (*known, *(domain for domain in now if domain not in known)):
        if domain in known or domain in used:
            made.opset_import.add(domain=domain, version=now.get(domain, known.get(domain, 1)))


def _domains(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    for node in nodes:
        yield _domain(node.domain)
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                yield from _domains(graph.node)


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


@dataclass(frozen=True)
class Agreement:
    """How the outputs after compare with those before on seeded random inputs.

    `checked` is False when that could not be run (`reason` says why). `error` is the largest absolute difference,
    `scale` the largest absolute value before, over `compared` elements that were finite; `finite` is False when one of
    these became NaN or infinite.
    """

    checked: bool
    error: float = 0.0
    scale: float = 0.0
    finite: bool = True
    compared: int = 0
    reason: str = ""

    def within(self, tolerance: float) -> bool:
        """Whether the outputs agree within `tolerance`, absolute and relative to the largest value."""
        return self.finite and self.error <= tolerance * max(1.0, self.scale)


class Probe:
    """The outputs of a model on seeded random inputs, kept to compare other versions of it with.

    Symbolic dims are given numbers that the model takes. Works on ModelProtos up to 2 GB.
    """

    def __init__(self, proto: onnx.ModelProto, *, samples: int = 1, seed: int = 0) -> None:
        self.reason = ""
        self._session: Session | None = None
        self._outputs: list[dict[str, Any]] = []
        self._feeds: list[dict[str, np.ndarray]] = []
        try:
            session = _quick(proto, "the model before")
        except ModelError as error:
            self.reason = error.message
            return
        open_dims = any(not isinstance(dim, int) for item in session.inputs for dim in item.shape or ())
        for dim in _DIMS if open_dims else _DIMS[:1]:
            try:
                data = feeds(session.inputs, DataSpec(limit=samples, seed=seed, dim=dim))
                self._feeds = [batch for batch, _ in zip(data, range(samples), strict=False)]
                self._outputs = [session.run(batch) for batch in self._feeds]
            except (ModelError, DataError) as error:
                self.reason = error.message
            else:
                self.reason = ""
                break
        self._session = session

    def _repeats(self) -> bool:
        """Whether the model gives the same outputs twice."""
        import numpy as np

        assert self._session is not None
        again = self._session.run(self._feeds[0])
        return all(np.array_equal(again[name], value, equal_nan=_is_float(value)) for name, value in self._outputs[0].items())

    def against(self, proto: onnx.ModelProto, job: Job, tolerance: float = 0.0) -> Agreement:
        """How the outputs of `proto` compare; raises `ModelError` when it cannot be opened or run.

        Where they do not agree within `tolerance`, the model before is run once more: one that gives other outputs each
        time cannot be compared with.
        """
        if self.reason:
            return Agreement(False, reason=self.reason)
        found = self._compare(proto, job)
        if not found.within(tolerance) and not self._repeats():
            self.reason = "the model gives other outputs each time it is run"
            return Agreement(False, reason=self.reason)
        return found

    def _compare(self, proto: onnx.ModelProto, job: Job) -> Agreement:
        import numpy as np

        session = _quick(proto, "the new model")
        wanted = {item.name: item.dtype for item in session.inputs}
        error = scale = 0.0
        finite, compared = True, 0
        for batch, before in zip(self._feeds, self._outputs, strict=True):
            job.check()
            given = {name: array.astype(wanted[name], copy=False) for name, array in batch.items() if name in wanted}
            after = session.run(given)
            for name, value in before.items():
                if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
                    continue
                if name not in after or np.shape(after[name]) != value.shape:
                    return Agreement(True, float("inf"), scale, False)
                x, y = value.astype(np.float64), np.asarray(after[name]).astype(np.float64)
                good = np.isfinite(x)
                finite = finite and bool(np.isfinite(y[good]).all())
                both = good & np.isfinite(y)
                error = max(error, float(np.abs(x - y)[both].max(initial=0.0)))
                scale = max(scale, float(np.abs(x)[good].max(initial=0.0)))
                compared += int(np.count_nonzero(good))
        session.close()
        return Agreement(True, error, scale, finite, compared)

    def overflows(self, before: onnx.ModelProto, after: onnx.ModelProto, job: Job) -> tuple[str, ...]:
        """Names of nodes that make infinity or NaN in `after` of what was finite in `before`.

        ONNX Runtime's CPU computes fp16 in fp32 and rounds only what leaves the graph, so every tensor is made an output.
        """
        if self.reason or not self._feeds:
            return ()
        bad = {name: node for name, node in self._infinite(after, None) if name}
        job.check()
        was = {name for name, _ in self._infinite(before, set(bad))} if bad else set()
        return tuple(dict.fromkeys(node for name, node in bad.items() if name not in was))

    def _infinite(self, proto: onnx.ModelProto, only: set[str] | None) -> list[tuple[str, str]]:
        """(tensor, node that makes it) for every tensor of the main graph (or those of `only`) that is not finite."""
        import numpy as np
        import onnx

        open_ = onnx.ModelProto()
        open_.CopyFrom(proto)
        held = {value.name for value in proto.graph.output}
        makers = {name: node.name for node in proto.graph.node for name in node.output if name and (only is None or name in only)}
        open_.graph.output.extend(onnx.ValueInfoProto(name=name) for name in makers if name not in held)
        session = Session(open_.SerializeToString(), name="the new model", optimize=False)
        wanted = {item.name: item.dtype for item in session.inputs}
        found: dict[str, str] = {}
        for batch in self._feeds if makers else ():
            given = {name: array.astype(wanted[name], copy=False) for name, array in batch.items() if name in wanted}
            for name, value in session.run(given, list(makers)).items():
                if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not bool(np.isfinite(value).all()):
                    found[name] = makers[name]
        session.close()
        return [(name, found[name]) for name in makers if name in found]


def _quick(proto: onnx.ModelProto, name: str) -> Session:
    """A session for a run or two; without any optimisation where the basic ones are not taken."""
    payload = proto.SerializeToString()
    try:
        return Session(payload, name=name, basic=True)
    except ModelError:
        return Session(payload, name=name, optimize=False)


def _is_float(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", "") == "f"


def count(number: int, word: str) -> str:
    """`1 node`, `1,234 nodes`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def size(number: float) -> str:
    """Bytes for people: `980 B`, `1.2 MB` (powers of 1000)."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.2f} GB"

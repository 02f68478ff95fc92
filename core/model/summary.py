"""What a model is made of, in numbers: counted from the graph, without running it and mostly without reading weights."""

from __future__ import annotations

from collections import Counter
from math import isnan
from typing import TYPE_CHECKING

from core.model import Model, Summary, TensorType, sound
from core.model.cost import COUNTS, macs
from core.model.plain import skeleton
from core.model.shapes import infer_noting
from core.model.tensors import FLOATS, byte_size, dtype_name, elements
from core.model.values import Types, tensor_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import onnx
    import onnx_ir as ir

    from core.model.index import GraphIndex
    from core.model.source import Source

#: Weights above this many bytes are not searched for NaN and infinity.
SCANNED = 256 << 20
_CHUNK = 4 << 20
#: Weights up to this many bytes are searched together.
_PACK = 16 << 10
_NAMED = 3


def summarize(model: onnx.ModelProto | ir.Model, frozen: Model | None = None) -> Summary:
    """Count a model: `frozen` gives its name, else the graph's. Shapes are inferred on the way where they are missing.

    Weights are searched for NaN and infinity when `frozen` is given and they are less than 256 MB.
    """
    if frozen is not None:
        from core.model.source import read

        source = read(frozen.path)
        return of(source, shaped(source)[0], frozen.name)
    light, note = infer_noting(skeleton(model))
    return count(light, light.graph.name, (note,) if note else ())


def shaped(source: Source) -> tuple[onnx.ModelProto, str]:
    """A source's graph with shapes and without big weights, and the note of `shapes.infer_noting`; kept with the source."""
    found: tuple[onnx.ModelProto, str] | None = source.facts.get("shaped")
    if found is None:
        found = source.facts["shaped"] = infer_noting(source.proto)
    return found


def of(source: Source, light: onnx.ModelProto, name: str, columns: GraphIndex | None = None) -> Summary:
    """The summary of an open source, whose graph with shapes is `light`; `columns`, its index, saves counting MACs again."""
    found: Summary | None = source.facts.get("summary")
    if found is None or found.name != name:
        warnings = [note for note in [shaped(source)[1]] if note]
        if source.places is not None:
            warnings.append("The nodes are not in topological order in the file; they are sorted here.")
        warnings += unsound_weights(source)
        found = source.facts["summary"] = count(light, name, tuple(warnings), columns)
    return found


def count(light: onnx.ModelProto, name: str, warnings: tuple[str, ...] = (), columns: GraphIndex | None = None) -> Summary:
    """Count a graph whose shapes are known as far as they can be."""
    graph = light.graph
    given = {tensor.name for tensor in graph.initializer}
    parameters = weight_bytes = 0
    by_dtype: Counter[int] = Counter()
    for tensor in _weights([graph, *light.functions]):
        kind, dims = tensor.data_type, tensor.dims
        size = byte_size(kind, dims)
        if kind in _COUNTED:
            parameters += elements(dims)
        weight_bytes += size
        by_dtype[kind] += size
    ops = Counter([node.op_type for node in graph.node])
    if columns is None or light.functions or not sound.NESTING.isdisjoint(ops) or any(node.domain for node in graph.node):
        total, missing = cost(light)
    else:  # no node hides others: the index has counted them all
        known = columns.macs[columns.macs == columns.macs]
        total, missing = int(known.sum()), len(columns.macs) - len(known)
    return Summary(
        name=name,
        producer=" ".join(part for part in (light.producer_name, light.producer_version) if part),
        ir_version=light.ir_version,
        opsets={entry.domain: entry.version for entry in light.opset_import},
        nodes=len(graph.node),
        ops=dict(ops.most_common()),
        inputs=tuple(tensor_type(value) for value in graph.input if value.name not in given),
        outputs=tuple(tensor_type(value) for value in graph.output),
        parameters=parameters,
        weight_bytes=weight_bytes,
        macs=None if missing else total,
        macs_missing=missing,
        precision=dtype_name(by_dtype.most_common(1)[0][0]) if weight_bytes else "",
        initializers=len(graph.initializer),
        functions=len(light.functions),
        metadata={entry.key: entry.value for entry in light.metadata_props},
        warnings=(*_versions(light), *_unknown(light), *_hollow(light), *warnings),
    )


#: Floating-point dtypes, and the integers that quantized weights are stored in.
_COUNTED = FLOATS | {2, 3, 4, 5, 21, 22, 25, 26}


def _weights(graphs: Iterable[onnx.GraphProto | onnx.FunctionProto]) -> Iterator[onnx.TensorProto]:
    for graph in graphs:
        yield from getattr(graph, "initializer", ())
        for sparse in getattr(graph, "sparse_initializer", ()):
            yield sparse.values
        for node in sound.special(graph.node):
            if node.op_type == "Constant":
                for attribute in node.attribute:
                    if attribute.type == 4:
                        yield attribute.t
            else:
                yield from _weights(sound.subgraphs(node))


def cost(light: onnx.ModelProto) -> tuple[int, int]:
    """(MACs of the whole model, nodes whose shapes were not known): functions inlined, of an If the dearer branch, bodies of
    Loop and Scan once."""
    if light.functions and any(node.op_type in COUNTS for function in light.functions for node in function.node):
        import onnx.inliner

        try:
            light = infer_noting(onnx.inliner.inline_local_functions(light))[0]
        except RuntimeError:  # a call that does not fit its function: what is inside cannot be counted
            total, missing = _cost(light.graph, None)
            local = {(function.domain, function.name) for function in light.functions}
            return total, missing + sum((node.domain, node.op_type) in local for node in light.graph.node)
    return _cost(light.graph, None)


def _cost(graph: onnx.GraphProto, outer: Types | None) -> tuple[int, int]:
    types: Types | None = None
    total = missing = 0
    for node in graph.node:
        op = node.op_type
        if op == "Constant":
            if outer is not None or types is not None or any(a.type == 4 and a.t.dims for a in node.attribute):
                types = types or Types(graph, outer)
                for attribute in node.attribute:
                    if attribute.type == 4:
                        types.set_weight(node.output[0], dtype_name(attribute.t.data_type), tuple(attribute.t.dims))
        elif op in COUNTS:
            types = types or Types(graph, outer)
            found = macs(node, types)
            if isnan(found):
                missing += 1
            else:
                total += int(found)
        elif sound.may_nest(node):
            types = types or Types(graph, outer)
            branches = [_cost(inner, types) for inner in sound.subgraphs(node)]
            if branches:
                dearest = max(branches) if op == "If" else (sum(cost for cost, _ in branches), 0)
                total += dearest[0]
                missing += sum(unknown for _, unknown in branches)
    return total, missing


def _versions(light: onnx.ModelProto) -> list[str]:
    said = []
    if light.ir_version > sound.NEWEST_IR:
        said.append(
            f"IR version {light.ir_version} is newer than ONNX Runtime 1.31 reads ({sound.NEWEST_IR}): it cannot run here. "
            f"Export the model again with an older ONNX, or IR version 10."
        )
    for entry in light.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > sound.NEWEST_OPSET:
            said.append(
                f"Opset {entry.version} is newer than ONNX Runtime 1.31 knows ({sound.NEWEST_OPSET}): it may not run here. "
                f"Export the model again with opset {sound.NEWEST_OPSET} or lower."
            )
    return said


def _unknown(light: onnx.ModelProto) -> list[str]:
    said = []
    for domain, ops in sound.unknown_ops(light).items():
        names = ", ".join(ops[:_NAMED]) + (f" and {len(ops) - _NAMED} more" if len(ops) > _NAMED else "")
        where = f"of the domain '{domain}'" if domain else "that ONNX does not have"
        said.append(f"Unknown op{'s' * (len(ops) > 1)} {where}: {names}. The model can be looked at, but neither run nor built.")
    return said


#: Ops that take an input without elements for one that was left out.
_LEAVING_OUT = frozenset({"Resize", "Upsample"})


def _hollow(light: onnx.ModelProto) -> list[str]:
    """Warnings of a graph without nodes, and of inputs, outputs and floating-point weights without elements.

    Integers without elements are how exporters write the shape of a scalar: nothing is wrong with those.
    """
    graph = light.graph
    said = []
    if not graph.node:
        said.append("The graph has no nodes: there is nothing to compute, optimise or measure. Check the export.")
    given = {tensor.name for tensor in graph.initializer}
    ends = [tensor_type(value) for value in (*graph.input, *graph.output) if value.name not in given]
    found = {item.name: item.text() for item in ends if item.shape is not None and 0 in item.shape}
    weights = {item.name: item for item in graph.initializer if item.data_type in FLOATS and 0 in item.dims}
    if weights:
        left_out = {name for node in graph.node if node.op_type in _LEAVING_OUT for name in node.input}
        shown = {name: TensorType(name, dtype_name(item.data_type), tuple(item.dims)).text() for name, item in weights.items()}
        found |= {name: text for name, text in shown.items() if name not in left_out}
    if found:
        listed = ", ".join(f"'{name}' ({text})" for name, text in list(found.items())[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        said.append(f"Without a single element: {listed}{more}. Check that the export means it; Simplify drops what adds nothing.")
    return said


def unsound_weights(source: Source) -> list[str]:
    """Warnings that name the weights with NaN or infinite values; nothing for models of more than 256 MB."""
    weights = {name: tensor for name, tensor in source.initializers().items() if tensor.data_type in FLOATS}
    if sum(byte_size(tensor.data_type, tensor.dims) for tensor in weights.values()) > SCANNED:
        return []
    nans: list[str] = []
    infinite: list[str] = []
    for name in _suspects(source, weights):
        worst = _extremes(source, weights[name])
        if worst == "nan":
            nans.append(name)
        elif worst == "inf" and elements(weights[name].dims) > 1:  # a lone infinity is how exporters write a mask
            infinite.append(name)
    said = []
    for names, what in ((nans, "NaN"), (infinite, "infinite values")):
        if names:
            listed = ", ".join(f"'{name}'" for name in names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            said.append(f"Weights with {what}: {listed}. Outputs may be {what} too: check the training run or the export.")
    return said


def _suspects(source: Source, weights: dict[str, onnx.TensorProto]) -> list[str]:
    """Names to look at one by one: all but the small float32 ones, unless something is wrong with those taken together."""
    import numpy as np

    small = {name: tensor for name, tensor in weights.items() if tensor.data_type == 1 and 0 < len(tensor.raw_data) <= _PACK}
    with np.errstate(invalid="ignore"):
        flat = np.frombuffer(b"".join([tensor.raw_data for tensor in small.values()]), "<f4")
        fine = flat.size == 0 or bool(np.isfinite(flat.min()) and np.isfinite(flat.max()))
    return [name for name, tensor in weights.items() if not (fine and name in small) and 0 not in tensor.dims]


def _extremes(source: Source, tensor: onnx.TensorProto) -> str:
    """`nan`, `inf` or empty: minimum and maximum carry both, and are the quickest to find."""
    import numpy as np

    flat = source.array(tensor).reshape(-1)
    worst = ""
    with np.errstate(invalid="ignore"):
        for at in range(0, flat.size, _CHUNK):
            part = flat[at : at + _CHUNK]
            low, high = float(part.min()), float(part.max())
            if isnan(low) or isnan(high):
                return "nan"
            if low == float("-inf") or high == float("inf"):
                worst = "inf"
    return worst

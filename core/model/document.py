"""Open, copy, check and write models: what passes, backends and panels call.

A model is an onnx-ir `Model` while it is worked on, a ModelProto where a library wants one, and a frozen `core.model.Model`
everywhere else. Weights stay in their files until somebody reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.model import sound, source
from core.model.identity import fingerprint, snapshot
from core.model.plain import PINNED, skeleton, to_proto
from core.model.source import from_proto as _from_proto
from core.model.store import files, materialize, save

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = [
    "PINNED",
    "check",
    "clone",
    "files",
    "fingerprint",
    "from_proto",
    "load",
    "materialize",
    "save",
    "skeleton",
    "snapshot",
    "to_proto",
    "unknown_domains",
]


def load(path: Path) -> ir.Model:
    """Open a model to work on; raises `ModelError` with a hint for whatever is wrong with the file.

    External data is left in place and mapped into memory when read, only from inside the model's folder; the weights of a file
    above 64 MB too. Cached in the process for as long as the file does not change: `clone` before editing.
    """
    return source.to_ir(source.read(path))


def clone(model: ir.Model) -> ir.Model:
    """A copy whose nodes and values can be edited; tensors are shared, so it is cheap whatever the weights weigh."""
    try:
        return model.clone()
    except RuntimeError as error:
        raise ModelError("The graph cannot be copied.", hint="Export the model again.", detail=str(error)) from error


def from_proto(proto: onnx.ModelProto) -> ir.Model:
    """A ModelProto, as a library returned it, as an onnx-ir model; raises `ModelError` when it is no valid graph."""
    return _from_proto(proto)


def unknown_domains(model: ir.Model | onnx.ModelProto | Path) -> dict[str, tuple[str, ...]]:
    """Domain -> ops in it that neither ONNX, nor ONNX Runtime, nor the model itself defines; empty when it can be run.

    The empty domain is ONNX's own: `{"": ("Frobnicate",)}` is an op that ONNX does not have.
    """
    if isinstance(model, Path):
        return sound.unknown_ops(source.read(model).proto)
    return sound.unknown_ops(skeleton(model))


def check(model: ir.Model | onnx.ModelProto) -> None:
    """Raise `ModelError` unless the graph is sound: no cycle, every tensor made once and before it is read, and every node
    as ONNX's schemas want it (nodes of unknown domains are not looked into; weights are not read)."""
    import onnx

    light = skeleton(model)
    places = sound.order(light.graph)
    if places is not None:
        raise ModelError("The nodes are not in topological order.", hint="Sort the graph (model.graph.sort()) before it is saved.")
    bare = onnx.ModelProto()
    bare.CopyFrom(light)
    strip_references(bare)
    try:
        onnx.checker.check_model(bare)
    except onnx.checker.ValidationError as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"The model is not valid ONNX: {first}", hint="Export the model again, or mend the node.", detail=str(error)
        ) from error


def strip_references(proto: onnx.ModelProto) -> None:
    """Turn external initializers of `proto` into graph inputs of the same type: the checker would look for their files."""
    from core.model.tensors import EXTERNAL

    given = {value.name for value in proto.graph.input}
    kept = []
    for tensor in proto.graph.initializer:
        if tensor.data_location != EXTERNAL:
            kept.append(tensor)
        elif tensor.name not in given:
            value = proto.graph.input.add(name=tensor.name)
            value.type.tensor_type.elem_type = tensor.data_type
            for dim in tensor.dims:
                value.type.tensor_type.shape.dim.add(dim_value=dim)
    if len(kept) < len(proto.graph.initializer):
        copies = [type(tensor).FromString(tensor.SerializeToString()) for tensor in kept]
        del proto.graph.initializer[:]
        proto.graph.initializer.extend(copies)

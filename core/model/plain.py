"""From onnx-ir back to protobuf, losing nothing that protobuf can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import ModelError
from core.model.source import PROTO_LIMIT, quiet
from core.model.tensors import EXTERNAL, RangeTensor, SparseTensor

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

#: Versions for models that we make: read by every runtime in use (int4 needs opset 21).
PINNED = {"ir_version": 10, "opset": 17}
#: Initializers above this many bytes are left out of a skeleton.
_SMALL = 1024


def weight_bytes(model: ir.Model) -> int:
    """Bytes of all initializers, subgraphs included."""
    return sum(
        value.const_value.nbytes
        for graph in model.graphs()
        for value in graph.initializers.values()
        if value.const_value is not None and value.const_value.dtype.name != "STRING"
    )


def to_proto(model: ir.Model) -> onnx.ModelProto:
    """`model` as protobuf, weights included; raises `ModelError` when that passes protobuf's 2 GB.

    Equal to what was loaded, except: tensors that were in files carry raw bytes, value_info says every initializer's type and
    stands in the order of the nodes, metadata is sorted by key, and nodes are sorted where the file's were not.
    """
    size = weight_bytes(model)
    if size >= PROTO_LIMIT - (16 << 20):
        raise ModelError(
            f"The model has {size / 1e9:.1f} GB of weights, more than the 2 GB that one ONNX message can hold.",
            hint="Choose a pass that works on models of this size: this one needs the whole model in one piece.",
        )
    return serialize(model)


def serialize(model: ir.Model) -> onnx.ModelProto:
    """`model` as protobuf; tensors that are onnx-ir's external ones stay external."""
    import onnx_ir as ir

    sparse = {value: value.const_value for value in model.graph.initializers.values() if isinstance(value.const_value, SparseTensor)}
    for value in sparse:
        value.const_value = None
    with quiet():
        try:
            proto = ir.to_proto(model)
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            raise ModelError(
                f"The model cannot be written: {error}", hint="The model uses something that ONNX files cannot hold."
            ) from error
        finally:
            for value, tensor in sparse.items():
                value.const_value = tensor
    for value, tensor in sparse.items():
        proto.graph.sparse_initializer.add().CopyFrom(tensor.raw)
        proto.graph.sparse_initializer[-1].values.name = value.name or ""
    for place in reversed([at for at, info in enumerate(proto.graph.value_info) if info.name in {value.name for value in sparse}]):
        del proto.graph.value_info[place]
    # never raised silently; a version that no runtime reads is left as it is, and summary warns
    proto.ir_version = model.ir_version
    return proto


def skeleton(model: ir.Model | onnx.ModelProto) -> onnx.ModelProto:
    """`model` without the payload of big initializers, which say EXTERNAL and point nowhere: for shapes, index and summary.

    The argument is not changed; a ModelProto that has no big initializers is returned as it is.
    """
    import onnx

    if isinstance(model, onnx.ModelProto):
        if not any(_heavy(tensor) for tensor in model.graph.initializer):
            return model
        light = onnx.ModelProto()
        for field, value in model.ListFields():
            if field.name == "graph":
                _without_weights(value, light.graph)
            elif isinstance(value, (int, str, bytes, float)):
                setattr(light, field.name, value)
            else:
                getattr(light, field.name).MergeFrom(value)
        return light
    return _skeleton_of_ir(model)


def _heavy(tensor: onnx.TensorProto) -> bool:
    if tensor.data_location == EXTERNAL:
        return False
    return len(tensor.raw_data) > _SMALL or len(tensor.float_data) > _SMALL or tensor.ByteSize() > 4 * _SMALL


def _without_weights(graph: onnx.GraphProto, light: onnx.GraphProto) -> None:
    for field, value in graph.ListFields():
        if field.name != "initializer":
            if isinstance(value, (int, str, bytes, float)):
                setattr(light, field.name, value)
            else:
                getattr(light, field.name).MergeFrom(value)
    for tensor in graph.initializer:
        if _heavy(tensor):
            light.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, data_location=EXTERNAL)
        else:
            light.initializer.add().CopyFrom(tensor)


def _skeleton_of_ir(model: ir.Model) -> onnx.ModelProto:
    import onnx_ir as ir

    held = {}
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if tensor is None or tensor.dtype == ir.DataType.STRING or isinstance(tensor, SparseTensor):
            continue
        if isinstance(tensor, (RangeTensor, ir.ExternalTensor)) or tensor.nbytes > _SMALL:
            held[value] = tensor
    try:
        for value, tensor in held.items():
            value.const_value = ir.ExternalTensor("", None, None, tensor.dtype, shape=ir.Shape(tensor.shape.numpy()), name=value.name or "")
        return serialize(model)
    finally:
        for value, tensor in held.items():
            value.const_value = tensor

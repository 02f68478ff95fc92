"""Symbolic dims become the min, opt and max of one optimization profile."""

from __future__ import annotations

from typing import Any

from core.data.feeds import shapes
from core.errors import BackendError
from core.model import TensorType
from core.tensorrt.lines import Lines
from core.tensorrt.options import TensorRTOptions

#: trt.DataType by name -> the dtype as Sardonyx says it.
DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "UINT8": "uint8",
    "FP8": "float8e4m3fn",
    "INT4": "int4",
    "FP4": "float4e2m1",
    "E8M0": "float8e8m0",
}


def tensor_type(tensor: Any) -> TensorType:
    """An `ITensor` of a network as a `TensorType`; a dim of -1 is its symbol, or None where it has none."""
    dims: list[int | str | None] = [
        dim if dim >= 0 else (tensor.get_dimension_name(axis) or None) for axis, dim in enumerate(tuple(tensor.shape))
    ]
    return TensorType(tensor.name, DTYPES.get(tensor.dtype.name, tensor.dtype.name.lower()), tuple(dims))


def add_profile(builder: Any, network: Any, config: Any, options: TensorRTOptions, lines: Lines) -> None:
    """Add the profile that the network's inputs need; nothing when all shapes are fixed."""
    tensors = [network.get_input(i) for i in range(network.num_inputs)]
    inputs = tuple(tensor_type(tensor) for tensor in tensors)
    ends = [
        shapes(inputs, batch, dim)
        for batch, dim in (
            (options.batch_min, options.dim_min),
            (options.batch_opt, options.dim_opt),
            (options.batch_max, options.dim_max),
        )
    ]
    profile = None
    for tensor, item in zip(tensors, inputs, strict=True):
        if tensor.is_shape_tensor:
            # its values are the dims of something else
            profile = profile or builder.create_optimization_profile()
            count = 1
            for dim in ends[0][item.name]:
                count *= dim
            profile.set_shape_input(item.name, *([value] * count for value in (options.dim_min, options.dim_opt, options.dim_max)))
            lines.add(2, f"Input {item.name} holds a shape: its values are taken to be {options.dim_min} to {options.dim_max}.")
        elif -1 in tuple(tensor.shape):
            profile = profile or builder.create_optimization_profile()
            low, opt, high = (end[item.name] for end in ends)
            profile.set_shape(item.name, low, opt, high)
            if tuple(tuple(shape) for shape in profile.get_shape(item.name)) != (low, opt, high):
                raise BackendError(
                    f"The shapes {low}, {opt}, {high} of input '{item.name}' were not taken.", hint="Change batch_* or dim_*."
                )
    if profile is not None and config.add_optimization_profile(profile) < 0:
        why = lines.errors()[-1] if lines.errors() else "no reason given"
        raise BackendError("The optimization profile was refused.", hint="Change batch_* or dim_*.", detail=why)

"""Inputs and outputs in memory that ONNX Runtime allocated, so that a benchmark neither copies nor allocates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def on_device(array: np.ndarray, place: str) -> Any:
    """`array` in memory that ONNX Runtime allocated (aligned, and on the device)."""
    import numpy as np
    import onnxruntime as ort

    if array.size == 0:
        return ort.OrtValue.ortvalue_from_numpy(array, "cpu")
    value = ort.OrtValue.ortvalue_from_shape_and_type(array.shape, array.dtype.type, place)
    value.update_inplace(np.ascontiguousarray(array))
    return value


def like(value: Any, place: str) -> Any:
    """Memory for an output like `value`, or None for what is not a numeric tensor."""
    import numpy as np
    import onnxruntime as ort

    kind = value.data_type()
    if not kind.startswith("tensor(") or "string" in kind or 0 in value.shape():
        return None
    word = {"tensor(float)": "float32", "tensor(double)": "float64"}.get(kind, kind.removeprefix("tensor(").removesuffix(")"))
    try:
        dtype = np.dtype(word)
    except TypeError:  # bfloat16 and float8 have no numpy dtype
        return None
    return ort.OrtValue.ortvalue_from_shape_and_type(value.shape(), dtype.type, place)

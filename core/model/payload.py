"""What a tensor carries, against what it says of itself: dtype, shape, bytes and place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import ModelError
from core.model.external import Regions
from core.model.tensors import DTYPES, EXTERNAL, describe, elements, stored

if TYPE_CHECKING:
    import onnx


def check(tensor: onnx.TensorProto, regions: Regions) -> None:
    """Raise `ModelError` when a tensor's dtype, shape, bytes or place do not fit each other."""
    if tensor.data_type not in DTYPES or tensor.data_type == 0:
        raise ModelError(
            f"Tensor '{tensor.name}' has a dtype that ONNX does not know: {tensor.data_type}.",
            hint="The model is damaged, or newer than this version of Sardonyx.",
        )
    if any(dim < 0 for dim in tensor.dims):
        raise ModelError(
            f"Tensor '{tensor.name}' has a negative dimension: {list(tensor.dims)}.", hint="The model is damaged: export it again."
        )
    if tensor.data_location == EXTERNAL:
        regions.place(tensor)
    else:
        held, wanted, unit = stored(tensor)
        if held != wanted:
            raise ModelError(
                f"Tensor '{tensor.name}' is {describe(tensor.data_type, tensor.dims)}, {wanted:,} {unit}, but holds {held:,}.",
                hint="The file is damaged or was written by a faulty exporter: export the model again.",
            )


def check_sparse(sparse: onnx.SparseTensorProto, regions: Regions) -> None:
    """Raise `ModelError` when a sparse tensor's values, their places and its shape do not fit each other."""
    import numpy as np
    from onnx import numpy_helper

    name, dims = sparse.values.name, list(sparse.dims)
    for part in (sparse.values, sparse.indices):
        check(part, regions)
    good = (
        bool(dims)
        and min(dims) >= 0
        and sparse.indices.data_type == 7
        and EXTERNAL
        not in (
            sparse.values.data_location,
            sparse.indices.data_location,
        )
    )
    if good:
        places = numpy_helper.to_array(sparse.indices)
        flat = places.ndim == 1
        limits = np.array([elements(dims)] if flat else dims, object)
        fits = places.shape == ((elements(sparse.values.dims),) if flat else (elements(sparse.values.dims), len(dims)))
        good = fits and bool((places >= 0).all()) and bool((places.reshape(-1, len(limits)) < limits).all())
    if not good:
        raise ModelError(
            f"The sparse tensor '{name}' has values outside of its shape, {describe(sparse.values.data_type, dims)}.",
            hint="The file is damaged or was written by a faulty exporter: export the model again.",
        )

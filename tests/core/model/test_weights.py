"""Statistics of weights, against numpy's."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnx_ir as ir
import pytest

from core.errors import ModelError
from core.job import Job
from core.model import Model, document, pieces, tensors, weights
from tests import models


def _model(folder: Path, *arrays: onnx.TensorProto) -> Model:
    model = models.mlp()
    model.graph.initializer.extend(arrays)
    return document.snapshot(models.save(model, folder / "m.onnx"))


def _stats(folder: Path, array: np.ndarray) -> weights.WeightStats:
    return weights.stats(_model(folder, ir.to_proto(ir.tensor(array, name="w"))), "w", Job())


@pytest.mark.parametrize(
    "dtype",
    [
        np.float32,
        np.float64,
        np.float16,
        ml_dtypes.bfloat16,
        ml_dtypes.float8_e4m3fn,
        ml_dtypes.float8_e5m2,
        ml_dtypes.int4,
        ml_dtypes.uint4,
        ml_dtypes.float4_e2m1fn,
        np.int8,
        np.uint8,
        np.int64,
        np.bool_,
    ],
)
def test_equal_to_numpy(dtype: type, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 7, (13, 7)) if dtype is not np.bool_ else rng.integers(0, 2, (13, 7))
    if dtype in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16):
        array = (rng.standard_normal((13, 7)) * 3).astype(dtype)
    elif dtype in (np.int8, np.int64, ml_dtypes.int4):
        array = (base - 4).astype(dtype)
    else:
        array = base.astype(dtype)
    reference = array.astype(np.float32).astype(np.float64) if dtype is not np.float64 else array
    found = _stats(tmp_path, array)
    assert found.shape == (13, 7)
    assert found.min == reference.min()
    assert found.max == reference.max()
    assert found.mean == pytest.approx(reference.mean())
    assert found.std == pytest.approx(reference.std())
    assert found.zeros == pytest.approx((reference == 0).mean())
    assert (found.nans, found.infs) == (0, 0)
    assert len(found.histogram) == 64
    assert sum(found.histogram) == 91
    assert list(found.histogram) == np.histogram(reference, bins=64, range=(found.min, found.max))[0].tolist()
    assert found.edges[0] == found.min
    assert found.edges[-1] == found.max


def test_in_pieces_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = (np.random.default_rng(1).standard_normal(10_001) + 5).astype(np.float32)
    whole = _stats(tmp_path, array)
    monkeypatch.setattr(pieces, "PIECE", 512)
    cut = _stats(tmp_path, array)
    assert cut.histogram == whole.histogram
    assert cut.mean == pytest.approx(whole.mean, rel=1e-12)
    assert cut.std == pytest.approx(array.astype(np.float64).std(), rel=1e-9)
    nibbles = np.random.default_rng(2).integers(-8, 8, 3001).astype(ml_dtypes.int4)
    assert _stats(tmp_path, nibbles).mean == pytest.approx(nibbles.astype(np.float32).mean(), rel=1e-6)


def test_nan_and_infinity_are_counted_apart(tmp_path: Path) -> None:
    found = _stats(tmp_path, np.array([np.nan, np.inf, -np.inf, 0.0, 1.0], np.float32))
    assert (found.nans, found.infs) == (1, 2)
    assert (found.min, found.max, found.mean, found.zeros) == (0.0, 1.0, 0.5, 0.2)
    nothing = _stats(tmp_path, np.array([np.nan, np.nan], np.float32))
    assert nothing.nans == 2
    assert isnan(nothing.min)
    assert nothing.histogram == ()


@pytest.mark.parametrize("value", [0.0, 3.5, 1e30, -1e-30])
def test_all_equal(value: float, tmp_path: Path) -> None:
    found = _stats(tmp_path, np.full(10, value, np.float64))
    assert found.std == 0
    assert sum(found.histogram) in (10, 0)
    assert found.zeros == float(value == 0)


def test_a_range_that_overflows_has_no_histogram(tmp_path: Path) -> None:
    found = _stats(tmp_path, np.array([-1.7e308, 1.7e308]))
    assert found.histogram == ()
    assert found.max == 1.7e308


def test_a_signalling_nan_is_counted_quietly(tmp_path: Path) -> None:
    found = _stats(tmp_path, np.array([0x7F800001, 0x3F800000], np.uint32).view(np.float32))
    assert (found.nans, found.max) == (1, 1.0)


def test_zero_size_scalar_string_and_typed(tmp_path: Path) -> None:
    nothing = _stats(tmp_path, np.zeros((0, 3), np.float32))
    assert nothing.bytes == 0
    assert nothing.histogram == ()
    assert _stats(tmp_path, np.array(2.5, np.float32)).mean == 2.5
    words = weights.stats(_model(tmp_path, onnx.helper.make_tensor("s", onnx.TensorProto.STRING, [2], [b"a", b"b"])), "s", Job())
    assert words.dtype == "string"
    typed = onnx.TensorProto(name="t", data_type=onnx.TensorProto.FLOAT16, dims=[2], int32_data=[15360, 0])
    assert weights.stats(_model(tmp_path, typed), "t", Job()).mean == 0.5


def test_constants_and_external_and_embedded(tmp_path: Path) -> None:
    constants = document.snapshot(models.save(models.with_constants(), tmp_path / "c.onnx"))
    assert weights.stats(constants, "w", Job()).shape == (8, 4)
    assert weights.stats(constants, "shape", Job()).max == 4
    external = weights.stats(document.snapshot(models.with_external(tmp_path)), "fc1.weight", Job())
    inside = weights.stats(document.snapshot(models.save(models.mlp(), tmp_path / "m.onnx")), "fc1.weight", Job())
    assert external == inside


def test_a_name_that_is_not_there_brings_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no weight 'fc1.wieght'") as caught:
        weights.stats(_model(tmp_path), "fc1.wieght", Job())
    assert "fc1.weight" in caught.value.hint


@pytest.mark.parametrize("kind", [kind for kind in ir.DataType if kind.value in tensors.DTYPES and kind.value not in (0, 8)])
def test_unpacking_is_what_onnx_ir_does(kind: ir.DataType) -> None:
    rng = np.random.default_rng(3)
    count = 12
    raw = rng.integers(0, 256, tensors.byte_size(kind.value, [count]), dtype=np.uint8)
    if kind == ir.DataType.BOOL:
        raw &= 1
    proto = onnx.TensorProto(data_type=kind.value, dims=[count], raw_data=raw.tobytes())
    expected = ir.from_proto(proto).numpy()  # type: ignore[union-attr]
    found = tensors.unpack(raw.tobytes(), kind.value, [count])
    assert found.dtype == expected.dtype
    assert tensors.dtype_name(kind.value) == expected.dtype.name
    if found.dtype.itemsize * 8 > kind.bitwidth:  # bits beyond the value are nobody's business
        found, expected = found.astype(np.float32), expected.astype(np.float32)
    assert found.tobytes() == expected.tobytes()

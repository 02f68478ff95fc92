"""Parts of weights, per-channel ranges, 2:4 groups, tables and .npy files, each against numpy on the whole array."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import ml_dtypes
import numpy as np
import onnx
import onnx_ir as ir
import pytest

from core.errors import Cancelled, ModelError, UsageError
from core.job import Job
from core.model import Model, channels, document, npy, pieces, slices, two_four, weight_page
from core.model.pieces import Grid, Pieces
from core.model.slices import Cut
from core.model.source import read
from tests import models

DTYPES = [
    np.float32,
    np.float64,
    np.float16,
    np.int8,
    np.uint8,
    np.int64,
    np.bool_,
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    ml_dtypes.float8_e5m2,
    ml_dtypes.int4,
    ml_dtypes.uint4,
    ml_dtypes.int2,
    ml_dtypes.float4_e2m1fn,
]
T = TypeVar("T")
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda each: np.dtype(each).name)


def made(dtype: Any, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Values that the dtype holds, a third of them zeros."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, shape) if np.dtype(dtype).name in ("bool", "int2") else rng.integers(0, 7, shape)
    return np.where(rng.random(shape) < 0.35, 0, values).astype(np.float32).astype(dtype)


def saved(folder: Path, *arrays: np.ndarray, tensors: tuple[onnx.TensorProto, ...] = ()) -> Model:
    model = models.mlp()
    for place, array in enumerate(arrays):
        model.graph.initializer.append(ir.to_proto(ir.tensor(array, name=f"w{place}")))
    model.graph.initializer.extend(tensors)
    return document.snapshot(models.save(model, folder / "m.onnx"))


def part(model: Model, name: str = "w0") -> Pieces:
    source = read(model.path)
    return Pieces(source, source.initializers()[name])


def finished(task: Callable[..., T], *inputs: Any) -> T:
    """Ask until the answer is whole."""
    found: Any = None
    while found is None or not found.over:
        found = task(*inputs, found, Job())
    return found  # type: ignore[no-any-return]


def plain(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)


# ---- parts ----
@each_dtype
def test_any_range_block_and_place(dtype: Any, tmp_path: Path) -> None:
    array = made(dtype, (3, 5, 7))
    found = part(saved(tmp_path, array))
    flat = array.reshape(-1)
    for start, count in itertools.product(range(12), (0, 1, 2, 3, 8, 90, 200)):
        assert np.array_equal(plain(found.flat(start, count)), plain(flat[start : start + count])), (start, count)
    places = np.array([[104, 0, 3], [4, 50, 51]])
    assert np.array_equal(plain(found.at(places)), plain(flat[places]))
    box = (slice(1, 3), slice(2, 5), slice(1, 6))
    for each in (box, (slice(0, 2), slice(0, 5), slice(0, 7)), (slice(2, 3), slice(1, 4), slice(0, 7))):
        assert np.array_equal(plain(found.block((3, 5, 7), each)), plain(array[each]))


@pytest.mark.parametrize("dims", [(1, 1, 1), (7, 9, 5), (1, 40, 3), (3, 2, 100), (2, 1000, 1), (0, 3, 2)])
@pytest.mark.parametrize("multiple", [1, 4])
def test_a_grid_covers_everything_once(dims: tuple[int, int, int], multiple: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 16)
    seen = np.zeros(dims, int)
    grid = Grid(dims, multiple)
    for number in range(len(grid)):
        place = grid.part(number)
        assert place[1].start % multiple == 0
        seen[place] += 1
    assert (seen == 1).all()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    """Of 64 MB in a data file, a page of values and a thinned-out row bring a few pages into memory."""
    model = document.snapshot(models.big(64, tmp_path / "big.onnx", layers=1))
    source = read(model.path)
    region = source.regions.files()[0]
    region._map = None  # the fingerprint has read all of it
    page = weight_page.weight_page(model, "layers.0.weight", Job())
    assert (page.file, page.kind, page.total * 4) == ("big.data", "initializer", page.bytes)
    shown = slices.texts(model, page.name, Cut(), (2100, 2103), (5, 9), Job())
    assert resident(region.real) < 8 << 20  # of 64: the system maps some neighbours along
    whole = source.array(source.initializers()[page.name])
    assert shown.texts == tuple(tuple(str(value) for value in row[5:9]) for row in whole[2100:2103])


def resident(path: Path) -> int:
    """Bytes of a mapped file that are in this process's memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    return 1024 * sum(int(next(each for each in lines if each.startswith("Rss:")).split()[1]) for line in lines if line.endswith(str(path)))


# ---- channels ----
@each_dtype
@pytest.mark.parametrize("size", [16, 1 << 20])
def test_ranges_of_channels(dtype: Any, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", size)
    array = made(dtype, (6, 5, 3, 2))
    model = saved(tmp_path, array)
    wide = array.astype(np.float64) if array.dtype.kind in "fiub" else array.astype(np.float32).astype(np.float64)
    for axis in range(4):
        found = finished(channels.ranges, model, "w0", axis)
        rest = tuple(each for each in range(4) if each != axis)
        assert np.array_equal(found.low, wide.min(axis=rest))
        assert np.array_equal(found.high, wide.max(axis=rest))
        assert np.array_equal(found.absmax, np.abs(wide).max(axis=rest))
        assert np.array_equal(found.zeros, (wide == 0).sum(axis=rest))
        assert found.each * array.shape[axis] == array.size


def test_channels_of_odd_weights(tmp_path: Path) -> None:
    odd = np.array([[np.nan, 1.0, -3.0], [np.inf, -np.inf, np.nan]], np.float32)
    text = onnx.helper.make_tensor("s", onnx.TensorProto.STRING, [1], [b"a"])
    model = saved(tmp_path, odd, np.array(2.5, np.float32), np.zeros((0, 3), np.float32), tensors=(text,))
    found = finished(channels.ranges, model, "w0", 0)
    assert (found.low[0], found.high[0], found.absmax[0]) == (-3.0, 1.0, 3.0)
    assert np.isnan(found.absmax[1])
    assert finished(channels.ranges, model, "w1", 0).high.tolist() == [2.5]
    assert len(finished(channels.ranges, model, "w2", 0).low) == 0
    with pytest.raises(UsageError):
        channels.ranges(model, "w0", 2, None, Job())
    with pytest.raises(UsageError, match="holds text"):
        channels.ranges(model, "s", 0, None, Job())


# ---- 2:4 ----
def brute(array: np.ndarray, axis: int) -> list[int]:
    counts = [0] * 5
    lines = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
    for line in lines:
        for start in range(0, len(line), 4):
            counts[sum(bool(value != 0) for value in line[start : start + 4])] += 1
    return counts


@each_dtype
@pytest.mark.parametrize("size", [16, 1 << 20])
@pytest.mark.parametrize("shape", [(6, 10, 3), (9, 8), (13,), (1, 4, 1, 1)])
def test_groups_of_four(dtype: Any, size: int, shape: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", size)
    array = made(dtype, shape)
    model = saved(tmp_path, array)
    for axis in range(len(shape)):
        found = finished(two_four.pattern, model, "w0", axis)
        assert list(found.counts) == brute(plain(array), axis)
        assert found.compliance == sum(found.counts[:3]) / found.groups
        assert (found.kept.sum(), found.whole.sum()) == (sum(found.counts[:3]), found.groups)
        assert (found.kept <= found.whole).all()


def test_the_map_shows_where(tmp_path: Path) -> None:
    array = np.ones((400, 1024), np.float32)
    array[:200, ::2] = 0.0  # the upper half complies along its columns
    array[200:, :512] = 0.0  # and the left half of the lower one
    found = finished(two_four.pattern, saved(tmp_path, array), "w0", 1)
    assert found.lines == (400, 256)
    assert found.kept.shape == (two_four.HIGH, two_four.WIDE)
    share = found.kept / found.whole
    assert share[:47].min() == 1.0
    assert share[49:, :95].min() == 1.0
    assert share[49:, 97:].max() == 0.0
    assert found.compliance == 0.75


def test_not_a_number_is_no_zero(tmp_path: Path) -> None:
    array = np.array([[np.nan, 0, 0, np.inf, np.nan, np.nan, np.nan, 0]], np.float32)
    assert finished(two_four.pattern, saved(tmp_path, array), "w0", 1).counts == (0, 0, 1, 1, 0)


# ---- tables ----
@each_dtype
def test_values_of_a_cut(dtype: Any, tmp_path: Path) -> None:
    array = made(dtype, (3, 5, 4, 6))
    model = saved(tmp_path, array)
    found = slices.texts(model, "w0", Cut(3, 1, (2, 0, 1, 0)), (1, 4), (2, 99), Job())
    wanted = array[2, :, 1, :].T[1:4, 2:]
    assert (found.row, found.column) == (1, 2)
    assert [[float(text) if text not in ("True", "False") else text == "True" for text in row] for row in found.texts] == plain(
        wanted
    ).tolist()
    picture = finished(slices.plane, model, "w0", Cut(3, 1, (2, 0, 1, 0)))
    assert np.array_equal(picture.values, array[2, :, 1, :].T.astype(np.float32))
    assert (picture.down, picture.right) == (1, 1)
    assert picture.limit == float(np.abs(array[2, :, 1, :].astype(np.float32)).max())


def test_lines_of_a_weight_of_one_dim(tmp_path: Path) -> None:
    array = np.arange(37, dtype=np.int64)
    model = saved(tmp_path, array, np.array(7.5, np.float32))
    assert slices.matrix((37,), Cut()).rows == 3
    found = slices.texts(model, "w0", Cut(), (2, 9), (0, 16), Job())
    assert found.texts == (("32", "33", "34", "35", "36", *[""] * 11),)
    picture = finished(slices.plane, model, "w0", Cut())
    assert picture.values.shape == (3, 16)
    assert np.isnan(picture.values[2, 5:]).all()
    assert slices.texts(model, "w1", Cut(), (0, 1), (0, 1), Job()).texts == (("7.5",),)
    assert slices.matrix((1 << 28,), Cut()).rows <= slices.LINES


def test_a_large_picture_is_thinned_out(tmp_path: Path) -> None:
    array = np.random.default_rng(3).standard_normal((1300, 700)).astype(np.float32)
    picture = finished(slices.plane, saved(tmp_path, array), "w0", Cut())
    assert (picture.down, picture.right) == (3, 2)
    assert np.array_equal(picture.values, array[::3, ::2])
    assert picture.usual == pytest.approx(np.percentile(np.abs(array[::3, ::2]), 99), rel=1e-5)
    assert picture.usual < picture.limit


def test_text_and_odd_values_are_written(tmp_path: Path) -> None:
    text = onnx.helper.make_tensor("s", onnx.TensorProto.STRING, [2, 1], ["ä".encode(), b"\xff"])
    model = saved(tmp_path, np.array([[np.nan, np.inf, -0.0, 0.1]], np.float32), tensors=(text,))
    assert slices.texts(model, "w0", Cut(), (0, 1), (0, 4), Job()).texts == (("nan", "inf", "-0.0", "0.1"),)
    assert slices.texts(model, "s", Cut(), (0, 2), (0, 1), Job()).texts == (("ä",), ("\\xff",))
    with pytest.raises(UsageError):
        slices.plane(model, "s", Cut(), None, Job())


def test_cuts_that_cannot_be(tmp_path: Path) -> None:
    model = saved(tmp_path, np.zeros((2, 3, 4), np.float32), np.zeros((0, 4), np.float32))
    for cut in (Cut(0, 0), Cut(0, 3), Cut(0, 1, (0, 0, 4))):
        with pytest.raises(UsageError):
            slices.texts(model, "w0", cut, (0, 1), (0, 1), Job())
    assert slices.texts(model, "w1", Cut(), (0, 5), (0, 4), Job()).texts == ()
    assert finished(slices.plane, model, "w1", Cut()).values.size == 0
    with pytest.raises(UsageError, match="too many"):
        slices.texts(saved(tmp_path / "x", np.zeros((600, 600), np.int8)), "w0", Cut(), (0, 600), (0, 600), Job())


# ---- .npy ----
@each_dtype
def test_an_npy_file_holds_the_same(dtype: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 16)
    array = made(dtype, (5, 3, 7))
    done = npy.export(saved(tmp_path, array), "w0", tmp_path / "w.npy", Job())
    found = np.load(tmp_path / "w.npy")
    assert found.shape == (5, 3, 7)
    assert done.dtype == found.dtype.name
    if array.dtype.kind in "fiub" and array.dtype.isbuiltin == 1:
        assert found.dtype == array.dtype
        assert found.tobytes() == array.tobytes()
    else:
        assert np.array_equal(found.astype(np.float32), array.astype(np.float32))
    assert not list(tmp_path.glob(".*"))


def test_npy_of_scalars_text_and_nothing(tmp_path: Path) -> None:
    text = onnx.helper.make_tensor("s", onnx.TensorProto.STRING, [2], ["änne".encode(), b"b"])
    model = saved(tmp_path, np.array(2.5, np.float32), np.zeros((0, 3), np.float32), tensors=(text,))
    for name, wanted in (("w0", np.float32(2.5)), ("w1", np.zeros((0, 3), np.float32)), ("s", np.array(["änne", "b"]))):
        npy.export(model, name, tmp_path / f"{name}.npy", Job())
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), wanted)


def test_npy_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 16)
    model = saved(tmp_path, made(np.float32, (50, 3)))
    target = tmp_path / "w.npy"
    target.write_bytes(b"what was there before")
    seen: list[float] = []
    with pytest.raises(Cancelled):
        npy.export(model, "w0", target, Job(on_step=lambda share, _: seen.append(share), is_cancelled=lambda: len(seen) > 3))
    assert target.read_bytes() == b"what was there before"
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(UsageError):
        npy.export(model, "w0", model.path, Job())
    with pytest.raises(ModelError, match="could not be written"):
        npy.export(model, "w0", tmp_path / "nowhere" / "w.npy", Job())
    (tmp_path / ".w.npy.1.ab.part").write_bytes(b"")
    npy.clear(target)
    assert not list(tmp_path.glob(".*"))


# ---- what there is ----
def test_the_list_names_every_weight_once(tmp_path: Path) -> None:
    model = document.snapshot(models.save(models.with_if(), tmp_path / "if.onnx"))
    found = weight_page.weight_list(model, Job())
    assert dict(zip(found.names, found.kinds, strict=True)) == {"zero": "initializer", "inner.weight": "inside"}
    constants = weight_page.weight_list(document.snapshot(models.save(models.with_constants(), tmp_path / "c.onnx")), Job())
    assert set(constants.kinds) <= {"Constant", "initializer"}
    assert "w" in constants.names
    assert "" not in constants.names
    assert constants.readers[constants.names.index("w")] == 1


def test_axes_come_from_who_reads(tmp_path: Path) -> None:
    mlp = document.snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    page = weight_page.weight_page(mlp, "fc1.weight", Job())
    assert (page.channel_axis, page.group_axis) == (0, 1)  # Gemm with transB
    assert [(each.node, each.op, each.slot) for each in page.readers] == [("/fc1/Gemm", "Gemm", "B")]
    dynamic = document.snapshot(models.save(models.dynamic(), tmp_path / "d.onnx"))
    page = weight_page.weight_page(dynamic, "q.weight", Job())
    assert (page.channel_axis, page.group_axis) == (1, 0)  # MatMul
    quantized = document.snapshot(models.save(models.int8_qdq(), tmp_path / "q.onnx"))
    page = weight_page.weight_page(quantized, "conv.weight_quantized", Job())
    assert (page.channel_axis, page.group_axis) == (0, 1)  # a Conv behind a DequantizeLinear
    assert weight_page.weight_page(quantized, "x_scale", Job()).channel_axis is None


def test_missing_data_is_told(tmp_path: Path) -> None:
    path = models.with_external(tmp_path)
    model = document.snapshot(path)
    page = weight_page.weight_page(model, "fc1.weight", Job())
    assert page.file
    data = tmp_path / page.file
    read(model.path).regions.files()[0]._map = None
    data.unlink()
    with pytest.raises(ModelError) as caught:
        weight_page.weight_page(model, "fc1.weight", Job())
    assert "put it back" in caught.value.hint

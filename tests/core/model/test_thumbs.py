"""Pictures of weights: right cells for every dtype and shape, and next to nothing read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.job import Job
from core.model import Model, source, thumbs
from core.model.tensors import Region
from core.model.thumbs import LOOK, NONE, SIDE, Thumb, thumbnails
from tests import models


def of(path: Path, *nodes: str) -> tuple[Thumb, ...]:
    return thumbnails(Model(path, "f" * 64, path.stat().st_size), nodes, Job())


def with_weight(weight: onnx.TensorProto, path: Path) -> Path:
    node = helper.make_node("MyOwnOp", ["x", weight.name], ["y"], name="node", domain="my.own")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [weight])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.own", 1)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())
    return path


def cells(thumb: Thumb) -> np.ndarray:
    return np.frombuffer(thumb.cells, np.int8).reshape(thumb.rows, thumb.columns)


def test_a_small_weight_is_shown_value_by_value(tmp_path: Path) -> None:
    values = np.linspace(-2, 1, 20, dtype=np.float32).reshape(4, 5)
    (thumb,) = of(with_weight(numpy_helper.from_array(values, "w"), tmp_path / "m.onnx"), "node")
    assert (thumb.node, thumb.weight, thumb.rows, thumb.columns, thumb.limit) == ("node", "w", 4, 5, 2.0)
    assert np.array_equal(cells(thumb), np.round(values * 63.5).astype(np.int8))


def test_a_large_one_keeps_its_structure(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 0.01, (480, 96, 4)).astype(np.float32)
    values[:240] = 0.0  # dead channels
    values[:, 0, 0] = 5.0  # an outlier in the first column
    (thumb,) = of(with_weight(numpy_helper.from_array(values, "w"), tmp_path / "m.onnx"), "node")
    found = cells(thumb)
    assert found.shape == (SIDE, SIDE)
    assert np.all(found[:, 0] == 127)
    assert not found[: SIDE // 2, 1:].any()
    assert thumb.limit == 5.0


TYPES: list[Any] = [
    np.float16, np.float64, np.int8, np.uint8, np.int64, np.bool_, np.complex64,
    ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.float4_e2m1fn,
]  # fmt: skip


@pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: np.dtype(dtype).name)
@pytest.mark.parametrize("across", [27, 2001])
def test_every_dtype_is_read_in_place(dtype: Any, across: int, tmp_path: Path) -> None:
    """Odd lengths: packed elements begin in the middle of a byte."""
    rng = np.random.default_rng(3)
    values = rng.integers(0, 2, (30, across)).astype(np.float32).astype(dtype)
    (thumb,) = of(with_weight(numpy_helper.from_array(values, "w"), tmp_path / "m.onnx"), "node")
    wide = np.abs(values) if np.dtype(dtype).kind == "c" else values.astype(np.float32)
    starts = np.arange(SIDE) * across // SIDE
    wanted = np.zeros((SIDE, SIDE))
    for row in range(SIDE):
        line = wide[(2 * row + 1) * 30 // (2 * SIDE)]
        for column in range(SIDE):
            wanted[row, column] = line[starts[column] : min(starts[column] + LOOK, (column + 1) * across // SIDE)].max()
    assert np.array_equal(cells(thumb), wanted * 127)


def test_what_is_no_number_is_marked(tmp_path: Path) -> None:
    values = np.full((3, 4), np.nan, np.float32)
    values[1] = (1, -np.inf, 0, -4)
    (thumb,) = of(with_weight(numpy_helper.from_array(values, "w"), tmp_path / "m.onnx"), "node")
    assert cells(thumb).tolist() == [[NONE] * 4, [32, NONE, 0, -127], [NONE] * 4]
    (thumb,) = of(with_weight(numpy_helper.from_array(np.zeros(9, np.float32), "w"), tmp_path / "z.onnx"), "node")
    assert (thumb.rows, thumb.columns, thumb.limit) == (1, 9, 0.0)


def test_values_in_the_typed_fields_are_read_too(tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2, 4], [float(n) for n in range(8)])
    (thumb,) = of(with_weight(weight, tmp_path / "m.onnx"), "node")
    assert cells(thumb)[1].tolist() == [73, 91, 109, 127]


def test_nodes_without_a_weight_to_see_are_left_out(tmp_path: Path) -> None:
    path = models.save(models.residual_cnn(), tmp_path / "m.onnx")
    graph = onnx.load(path).graph
    names = [node.name or f"{node.op_type}_{place}" for place, node in enumerate(graph.node)]
    found = of(path, *names, "no such node", graph.input[0].name)
    assert {thumb.node for thumb in found} >= {name for name, node in zip(names, graph.node, strict=True) if node.op_type == "Conv"}
    assert all(node.op_type != "Relu" for name, node in zip(names, graph.node, strict=True) if name in {t.node for t in found})
    text = helper.make_tensor("w", TensorProto.STRING, [9], [b"x"] * 9)
    assert of(with_weight(text, tmp_path / "s.onnx"), "node") == ()
    assert of(with_weight(numpy_helper.from_array(np.zeros((0, 4), np.float32), "w"), tmp_path / "e.onnx"), "node") == ()


def test_of_a_large_weight_little_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """256 MB of external data: the file is sparse, and only what is asked for is counted."""
    rows, across = 8192, 8192
    (tmp_path / "w.bin").touch()
    with (tmp_path / "w.bin").open("r+b") as file:
        file.truncate(rows * across * 4)
    weight = TensorProto(name="w", data_type=1, dims=[rows, across])
    models.external(weight, "w.bin", 0, rows * across * 4)
    path = with_weight(weight, tmp_path / "m.onnx")
    asked: list[int] = []
    whole = thumbs.unpack

    def counted(raw: Any, data_type: int, dims: Any) -> Any:
        asked.append(len(raw))
        return whole(raw, data_type, dims)

    monkeypatch.setattr(thumbs, "unpack", counted)
    assert isinstance(source.read(path).regions.place(source.read(path).proto.graph.initializer[0])[0], Region)
    (thumb,) = of(path, "node")
    assert (thumb.rows, thumb.columns) == (SIDE, SIDE)
    assert sum(asked) <= SIDE * SIDE * (LOOK + 8) * 4

"""2:4 pruning in numbers: two of every four along the axis that is summed over, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core import history
from core.errors import PassError
from core.job import Job
from core.model import document, two_four
from core.passes.prune_two_four import PruneTwoFour
from tests import models

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample" / "digits.onnx"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(scratch=scratch)


def one(
    op: str, weight: np.ndarray, *, left: bool = False, turned: bool = False, more: tuple[str, ...] = (), **attributes: int
) -> onnx.ModelProto:
    """A model of one op that reads a weight, through a Transpose when `turned`."""
    shape = [None] * (4 if op == "Conv" else 2)
    read = "w_t" if turned else "w"
    nodes = [helper.make_node("Transpose", ["w"], ["w_t"])] if turned else []
    nodes.append(helper.make_node(op, [read, "x"] if left else ["x", read], ["y"], name="layer", **attributes))
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)]
    for name in more:
        nodes.append(helper.make_node("MatMul", ["w", "x"], [name], name=f"layer_{name}"))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "one", [given], outputs, [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def pruned(proto: onnx.ModelProto, folder: Path, job: Job, **values: object) -> tuple[history.Step, np.ndarray]:
    model = document.snapshot(models.save(proto, folder / "m.onnx"))
    done = history.apply(model, PruneTwoFour(**{"least": 4, **values}), folder, job)  # type: ignore[arg-type]
    return done, numpy_helper.to_array(onnx.load(done.after.path).graph.initializer[0])


def groups(array: np.ndarray, axis: int) -> np.ndarray:
    """Every group of four along the axis as a row, the last ones filled up with zeros."""
    moved = np.moveaxis(array, axis, -1)
    moved = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(0, -moved.shape[-1] % 4)])
    return moved.reshape(-1, 4)


@pytest.mark.parametrize(
    ("op", "shape", "axis", "more"),
    [
        ("Conv", (6, 8, 3, 3), 1, {}),
        ("Conv", (6, 10, 1, 1), 1, {}),
        ("Gemm", (12, 5), 0, {}),
        ("Gemm", (5, 12), 1, {"transB": 1}),
        ("MatMul", (16, 7), 0, {}),
        ("MatMul", (7, 16), 1, {"left": True}),
        ("MatMul", (7, 16), 1, {"turned": True}),
        ("Gemm", (12, 5), 0, {"turned": True, "transB": 1}),
    ],
)
def test_the_two_smallest_of_four_go(op: str, shape: tuple[int, ...], axis: int, more: dict[str, int], tmp_path: Path, job: Job) -> None:
    weight = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    done, after = pruned(one(op, weight, **more), tmp_path, job)  # type: ignore[arg-type]
    assert np.array_equal(after[after != 0], weight[after != 0])
    old, new = groups(weight, axis), groups(after, axis)
    kept = np.sort(np.abs(old), axis=1)[:, 2:]
    assert np.array_equal(np.sort(np.abs(new), axis=1)[:, 2:], kept)
    assert np.count_nonzero(new, axis=1).max() == 2
    assert done.notes[0].startswith(f"1 tensor of {weight.size:,} weights keeps two of every four; {np.count_nonzero(after == 0):,} ")
    told = two_four.pattern(done.after, "w", axis, None, job)
    while not told.over:
        told = two_four.pattern(done.after, "w", axis, told, job)
    assert told.compliance == 1.0


def test_equal_and_zero_weights(tmp_path: Path, job: Job) -> None:
    weight = np.array([[1, 1, 1, 1, 0, 0, 0, 5, np.nan, -2, np.inf, 1]], np.float32)
    _, after = pruned(one("Gemm", weight, transB=1), tmp_path, job)
    assert np.array_equal(after, np.array([[0, 0, 1, 1, 0, 0, 0, 5, np.nan, 0, np.inf, 0]], np.float32), equal_nan=True)
    done = history.apply(
        document.snapshot(models.save(one("Gemm", np.nan_to_num(after, posinf=3.0), transB=1), tmp_path / "again.onnx")),
        PruneTwoFour(least=4), tmp_path, job,
    )  # fmt: skip
    assert not done.modified


def test_readers_that_sum_over_different_axes(tmp_path: Path, job: Job) -> None:
    weight = np.random.default_rng(3).standard_normal((8, 8)).astype(np.float32)
    with pytest.raises(PassError, match="different axes"):
        pruned(one("MatMul", weight, more=("z",)), tmp_path, job)


def test_narrow_layers_stay_and_are_told(tmp_path: Path, job: Job) -> None:
    model = document.snapshot(SAMPLE)
    done = history.apply(model, PruneTwoFour(least=16), tmp_path, job)
    before = {item.name: numpy_helper.to_array(item) for item in onnx.load(SAMPLE).graph.initializer}
    after = {item.name: numpy_helper.to_array(item) for item in onnx.load(done.after.path).graph.initializer}
    cut = {name for name in before if not np.array_equal(before[name], after[name])}
    assert cut
    for node in onnx.load(SAMPLE).graph.node:
        if node.op_type == "Conv":
            wide = before[node.input[1]].shape[1] >= 16
            assert (node.input[1] in cut) == wide, node.name
            if wide:
                assert np.count_nonzero(groups(after[node.input[1]], 1), axis=1).max() == 2
    assert any("fewer than 16 input channels" in note for note in done.notes)
    shown = history.preview(model, PruneTwoFour(least=16), job)
    assert len(shown.nodes) == len(cut)
    with pytest.raises(PassError, match="none sums over 60000 input channels"):
        history.apply(model, PruneTwoFour(least=60000), tmp_path, job)

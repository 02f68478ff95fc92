"""Magnitude pruning in numbers: exact fractions, ties, scope, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from core import history
from core.errors import PassError, UsageError
from core.job import Job
from core.model import Model, document
from core.passes.prune_magnitude import PruneMagnitude
from tests import models

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample" / "digits.onnx"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(scratch=scratch)


def saved(proto: onnx.ModelProto, folder: Path) -> Model:
    return document.snapshot(models.save(proto, folder / "m.onnx"))


def arrays(path: Path) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def pruned(model: Model, folder: Path, job: Job, **values: object) -> tuple[history.Step, dict[str, np.ndarray], dict[str, np.ndarray]]:
    done = history.apply(model, PruneMagnitude(**values), folder, job)  # type: ignore[arg-type]
    return done, arrays(model.path), arrays(done.after.path)


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.333, 0.99])
def test_the_fraction_is_exact_and_the_smallest_go(sparsity: float, tmp_path: Path, job: Job) -> None:
    done, before, after = pruned(saved(models.residual_cnn(), tmp_path), tmp_path, job, sparsity=sparsity)
    names = ("stem.weight", "block.dw.weight", "block.pw.weight", "down.weight", "fc.weight")
    old = np.concatenate([before[name].ravel() for name in names])
    new = np.concatenate([after[name].ravel() for name in names])
    assert np.count_nonzero(new == 0) == round(sparsity * old.size)
    assert np.abs(old[new == 0]).max() <= np.abs(new[new != 0]).min()
    assert np.array_equal(new[new != 0], old[new != 0])
    for name in set(before) - set(names):
        assert before[name].tobytes() == after[name].tobytes(), f"{name} is no weight"
    assert done.notes[0].startswith(f"{round(sparsity * old.size):,} of {old.size:,} weights")


def test_half_of_the_sample_s_weights(tmp_path: Path, job: Job) -> None:
    _, before, after = pruned(document.snapshot(SAMPLE), tmp_path, job, sparsity=0.5)
    weights = [name for name, array in before.items() if array.ndim >= 2]
    total = sum(before[name].size for name in weights)
    zeros = sum(int(np.count_nonzero(after[name] == 0)) for name in weights)
    assert total > 30_000
    assert zeros == total // 2
    assert all(before[name].tobytes() == after[name].tobytes() for name in set(before) - set(weights))


def test_each_layer_for_itself(tmp_path: Path, job: Job) -> None:
    _, before, after = pruned(saved(models.residual_cnn(), tmp_path), tmp_path, job, sparsity=0.25, scope="layer")
    for name, array in before.items():
        if name.endswith("weight"):
            assert np.count_nonzero(after[name] == 0) == round(0.25 * array.size), name
    _, _, everywhere = pruned(saved(models.residual_cnn(), tmp_path), tmp_path, job, sparsity=0.25)
    shares = [np.mean(everywhere[name] == 0) for name in before if name.endswith("weight")]
    assert max(shares) - min(shares) > 0.05


def test_ties_do_not_change_the_count(tmp_path: Path, job: Job) -> None:
    proto = models.mlp()
    for tensor in proto.graph.initializer:
        if tensor.name.endswith("weight"):
            shape = tuple(tensor.dims)
            signs = np.where(np.arange(np.prod(shape)).reshape(shape) % 2, 1, -1).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(signs, tensor.name))
    done, _, after = pruned(saved(proto, tmp_path), tmp_path, job, sparsity=0.4)
    zeros = sum(int(np.count_nonzero(after[name] == 0)) for name in ("fc1.weight", "fc2.weight"))
    assert zeros == round(0.4 * (16 * 32 + 32 * 10))
    again, _, other = pruned(saved(proto, tmp_path), tmp_path, job, sparsity=0.4)
    assert again.after.fingerprint == done.after.fingerprint
    assert np.array_equal(after["fc1.weight"], other["fc1.weight"])


def test_zeros_that_are_there_count(tmp_path: Path, job: Job) -> None:
    model = saved(models.mlp(), tmp_path)
    once, _, first = pruned(model, tmp_path, job, sparsity=0.5)
    twice, _, _ = pruned(once.after, tmp_path, job, sparsity=0.5)
    assert not twice.modified
    assert twice.after == once.after
    less, _, _ = pruned(once.after, tmp_path, job, sparsity=0.2)
    assert not less.modified
    more, _, second = pruned(once.after, tmp_path, job, sparsity=0.75)
    assert more.modified
    assert np.all(second["fc1.weight"][first["fc1.weight"] == 0] == 0)
    none, _, _ = pruned(model, tmp_path, job, sparsity=0.0)
    assert not none.modified


def test_ops_and_nodes_may_be_left_out(tmp_path: Path, job: Job) -> None:
    model = saved(models.residual_cnn(), tmp_path)
    _, before, after = pruned(model, tmp_path, job, ops=("Conv",), exclude=("/stem/Conv",))
    assert after["fc.weight"].tobytes() == before["fc.weight"].tobytes()
    assert after["stem.weight"].tobytes() == before["stem.weight"].tobytes()
    zeros = sum(int(np.count_nonzero(array == 0)) for name, array in after.items() if name.endswith("weight"))
    assert zeros == (8 * 9 + 64 + 16 * 72) // 2
    with pytest.raises(UsageError, match="no node '/stem/Con'") as caught:
        pruned(model, tmp_path, job, exclude=("/stem/Con",))
    assert "/stem/Conv" in caught.value.hint


def test_half_precision_and_nan(tmp_path: Path, job: Job) -> None:
    proto = models.mlp()
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor).astype(np.float16)
        if tensor.name == "fc1.weight":
            array[0, 0] = np.nan
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    _, _, after = pruned(saved(proto, tmp_path), tmp_path, job, sparsity=0.5)
    weights = np.concatenate([after[name].ravel() for name in ("fc1.weight", "fc2.weight")])
    assert weights.dtype == np.float16
    assert np.count_nonzero(weights == 0) == weights.size // 2
    assert np.isnan(after["fc1.weight"][0, 0])


def test_weights_in_constant_nodes_and_subgraphs(tmp_path: Path, job: Job) -> None:
    done = history.apply(saved(models.with_constants(), tmp_path), PruneMagnitude(), tmp_path, job)
    node = next(node for node in onnx.load(done.after.path).graph.node if node.name == "weight")
    assert np.count_nonzero(numpy_helper.to_array(node.attribute[0].t) == 0) == 16
    done = history.apply(saved(models.with_if(), tmp_path), PruneMagnitude(), tmp_path, job)
    branch = next(node for node in onnx.load(done.after.path).graph.node if node.op_type == "If")
    inner = [tensor for attribute in branch.attribute for tensor in attribute.g.initializer]
    assert np.count_nonzero(numpy_helper.to_array(inner[0]) == 0) == 8


def test_weights_that_others_read_are_left_alone(tmp_path: Path, job: Job) -> None:
    """An embedding tied to the last MatMul, through a Transpose."""
    info = helper.make_tensor_value_info
    rng = np.random.default_rng(0)
    table = numpy_helper.from_array(rng.standard_normal((20, 8)).astype(np.float32), "table")
    other = numpy_helper.from_array(rng.standard_normal((8, 8)).astype(np.float32), "other")
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"], name="embed"),
        helper.make_node("MatMul", ["e", "other"], ["h"], name="middle"),
        helper.make_node("Transpose", ["table"], ["t"], name="turn", perm=[1, 0]),
        helper.make_node("MatMul", ["h", "t"], ["y"], name="head"),
    ]
    graph = helper.make_graph(nodes, "tied", [info("ids", 7, ["N"])], [info("y", 1, ["N", 20])], [table, other])
    model = saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path)
    done, before, after = pruned(model, tmp_path, job)
    assert after["table"].tobytes() == before["table"].tobytes()
    assert np.count_nonzero(after["other"] == 0) == 32
    assert done.notes[1] == "Left alone, for other operators read the same weights: head."
    assert history.preview(model, PruneMagnitude(), job).nodes == ("middle",)


def test_nothing_to_prune_is_told(tmp_path: Path, job: Job) -> None:
    with pytest.raises(PassError, match="no weights to prune") as caught:
        history.apply(saved(models.int8_qdq(), tmp_path), PruneMagnitude(), tmp_path, job)
    assert "quantized" in caught.value.hint

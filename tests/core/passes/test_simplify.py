"""Simplify in numbers, and what it does when the library's result is not equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxslim
import pytest
from onnx import helper, numpy_helper

from core import history
from core.job import Job
from core.model import Model, document
from core.onnxrt.session import Session
from core.passes.simplify import Simplify
from tests import models


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(scratch=scratch)


def saved(proto: onnx.ModelProto, folder: Path) -> Model:
    return document.snapshot(models.save(proto, folder / "m.onnx"))


def test_batch_norm_is_folded_into_the_convolution(tmp_path: Path, job: Job) -> None:
    model = saved(models.residual_cnn(), tmp_path)
    done = history.apply(model, Simplify(), tmp_path, job)
    assert done.notes[0] == "12 nodes became 11. Removed: 1 BatchNormalization."
    assert done.notes[1].startswith("Verified: outputs ")
    x = {"image": np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)}
    before, after = Session(model.path).run(x)["logits"], Session(done.after.path).run(x)["logits"]
    assert np.abs(before - after).max() < 1e-5
    shown = history.preview(model, Simplify(), job)
    assert shown.figures["nodes"] == "12 → 11"
    assert "/stem/BatchNormalization" in shown.nodes


def test_shape_arithmetic_and_identities_go(tmp_path: Path, job: Job) -> None:
    nodes = [
        helper.make_node("Identity", ["x"], ["i"], name="identity"),
        helper.make_node("Shape", ["w"], ["s"], name="shape"),
        helper.make_node("Gather", ["s", "zero"], ["rows"], name="gather"),
        helper.make_node("Concat", ["minus", "rows"], ["target"], name="concat", axis=0),
        helper.make_node("Reshape", ["i", "target"], ["r"], name="reshape"),
        helper.make_node("Abs", ["x"], ["unused"], name="dead"),
        helper.make_node("MatMul", ["r", "w"], ["y"], name="matmul"),
    ]
    weights = [
        numpy_helper.from_array(np.eye(4, dtype=np.float32), "w"),
        numpy_helper.from_array(np.array([0], np.int64), "zero"),
        numpy_helper.from_array(np.array([-1], np.int64), "minus"),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [info("x", 1, ["N", 2, 2])], [info("y", 1, ["N", 4])], weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    done = history.apply(saved(proto, tmp_path), Simplify(), tmp_path, job)
    assert sorted(done.summary.ops) == ["MatMul", "Reshape"]
    assert "Verified: outputs are equal bit by bit." in done.notes
    skipped = history.apply(saved(proto, tmp_path), Simplify(skip=("constant_folding", "dead_node_elimination")), tmp_path, job)
    assert skipped.summary.nodes > done.summary.nodes


def test_what_surrounds_the_graph_is_kept(tmp_path: Path, job: Job) -> None:
    proto = models.residual_cnn("batch")
    proto.graph.input.append(helper.make_tensor_value_info("unused", 1, ["batch", 7]))
    proto.metadata_props.add(key="labels", value="a,b")
    proto.opset_import.add(domain="ai.onnx.ml", version=3)
    proto.doc_string, proto.graph.doc_string, proto.model_version, proto.domain = "m", "g", 7, "org"
    done = history.apply(saved(proto, tmp_path), Simplify(), tmp_path, job)
    assert done.modified
    made = onnx.load(done.after.path)
    assert [value.name for value in made.graph.input] == ["image", "unused"]
    assert [value.SerializeToString() for value in made.graph.input] == [value.SerializeToString() for value in proto.graph.input]
    assert [value.SerializeToString() for value in made.graph.output] == [value.SerializeToString() for value in proto.graph.output]
    assert {(item.domain, item.version) for item in made.opset_import} == {("", 17), ("ai.onnx.ml", 3)}
    assert {item.key: item.value for item in made.metadata_props}["labels"] == "a,b"
    assert (made.doc_string, made.graph.doc_string, made.model_version, made.domain) == ("m", "g", 7, "org")
    assert made.graph.name == proto.graph.name
    assert (made.ir_version, made.producer_name) == (proto.ir_version, proto.producer_name)


def test_quantized_weights_stay_integers(tmp_path: Path, job: Job) -> None:
    model = saved(models.int8_qdq(), tmp_path)
    proto = onnx.load(model.path)
    proto.graph.node.insert(0, helper.make_node("Identity", ["x"], ["x_same"], name="idle"))
    proto.graph.node[1].input[0] = "x_same"
    model = saved(proto, tmp_path)
    done = history.apply(model, Simplify(), tmp_path, job)
    dtypes = {tensor.name: tensor.data_type for tensor in onnx.load(done.after.path).graph.initializer}
    assert dtypes["conv.weight_quantized"] == onnx.TensorProto.INT8
    assert done.summary.ops["DequantizeLinear"] == 3
    assert "Identity" not in done.summary.ops


def test_a_spoiled_result_is_made_again_with_less(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is made to miscompile whenever it fuses: what is kept is what it does without."""
    real = onnxslim.slim

    def spoiling(model: onnx.ModelProto, **options: Any) -> onnx.ModelProto:
        made = real(model, **options)
        if "graph_fusion" not in (options["skip_optimizations"] or ()):
            tensor = next(item for item in made.graph.initializer if item.name == "fc.weight")
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 1.01, tensor.name))
        return made

    monkeypatch.setattr(onnxslim, "slim", spoiling)
    proto = models.residual_cnn()
    proto.graph.node.insert(0, helper.make_node("Identity", ["image"], ["same"], name="idle"))
    proto.graph.node[1].input[0] = "same"
    model = saved(proto, tmp_path)
    done = history.apply(model, Simplify(), tmp_path, job)
    assert "Warning: graph fusion was left out. The outputs of the simplified model were off by " in " ".join(done.notes)
    assert "Identity" not in done.summary.ops
    assert done.summary.ops["BatchNormalization"] == 1
    blind = history.apply(model, Simplify(verify=False), tmp_path, job)
    assert "BatchNormalization" not in blind.summary.ops, "unverified, it is taken as it comes"


def test_a_library_that_fails_leaves_the_model_as_it_was(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(model: onnx.ModelProto, **options: Any) -> onnx.ModelProto:
        raise KeyError("tensor_7")

    monkeypatch.setattr(onnxslim, "slim", failing)
    model = saved(models.residual_cnn(), tmp_path)
    done = history.apply(model, Simplify(), tmp_path, job)
    assert not done.modified
    assert done.after == model
    assert done.notes[0] == "Warning: the model was left as it was. OnnxSlim could not work on it: 'tensor_7'"
    assert "cannot be simplified" in history.preview(model, Simplify(), job).text


def test_random_outputs_cannot_be_verified_and_that_is_told(tmp_path: Path, job: Job) -> None:
    proto = models.residual_cnn()
    proto.graph.node.append(helper.make_node("RandomNormalLike", ["logits"], ["noise"], name="noise"))
    proto.graph.output.append(helper.make_tensor_value_info("noise", 1, [1, 10]))
    done = history.apply(saved(proto, tmp_path), Simplify(), tmp_path, job)
    assert done.modified
    assert any(note.startswith("Warning: not verified: the model gives other outputs each time") for note in done.notes)

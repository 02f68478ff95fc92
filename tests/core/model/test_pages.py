"""The page of one node."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from core.errors import ModelError
from core.job import Job
from core.model import Model, attributes, document, opening, pages
from tests import models


def _save(folder: Path, model: onnx.ModelProto) -> Model:
    return document.snapshot(models.save(model, folder / "m.onnx"))


def test_a_convolution(tmp_path: Path) -> None:
    page = pages.node_page(_save(tmp_path, models.residual_cnn()), "/down/Conv", Job())
    assert (page.name, page.op, page.domain, page.since) == ("/down/Conv", "Conv", "", 11)
    assert dict(page.attributes) == {"kernel_shape": "[3, 3]", "pads": "[1, 1, 1, 1]", "strides": "[2, 2]"}
    assert page.inputs == (
        pages.TensorRow("X", "sum", "float32[1, 8, 8, 8]", ("/block/Add",)),
        pages.TensorRow("W", "down.weight", "float32[16, 8, 3, 3]", (), is_initializer=True),
    )
    assert page.outputs == (pages.TensorRow("Y", "down", "float32[1, 16, 4, 4]", ("/down/Relu",)),)
    assert page.macs == 16 * 16 * 72
    assert page.parameters == 16 * 72
    assert page.doc == "The convolution operator consumes an input tensor and a filter, and computes the output."


def test_every_row_of_every_model_has_a_page(tmp_path: Path) -> None:
    for build in (models.with_if, models.with_loop, models.with_function, models.with_constants, models.int8_qdq, models.empty_graph):
        model = _save(tmp_path / build.__name__, build())
        for name in opening.read_index(model, Job()).names:
            assert pages.node_page(model, name, Job()).name == name


def test_subgraphs_captured_tensors_and_consumers(tmp_path: Path) -> None:
    page = pages.node_page(_save(tmp_path, models.with_loop()), "loop", Job())
    assert dict(page.attributes) == {"body": "graph, 2 nodes"}
    assert [(row.slot, row.name, row.others) for row in page.inputs] == [
        ("M", "count", ()),
        ("cond", "go", ()),
        ("v_initial", "x", ("x",)),
        ("captured", "step", ("abs",)),
    ]
    start = pages.node_page(_save(tmp_path, models.residual_cnn()), "/stem/Relu", Job())
    assert start.outputs[0].others == ("/block/dw/Conv", "/block/Add")


def test_ends_functions_and_strangers(tmp_path: Path) -> None:
    model = _save(tmp_path / "mlp", models.mlp())
    first, last = pages.node_page(model, "x", Job()), pages.node_page(model, "probabilities", Job())
    assert (first.op, first.outputs[0].others, first.inputs) == ("Input", ("/fc1/Gemm",), ())
    assert (last.op, last.inputs[0].others) == ("Output", ("/Softmax",))
    function = pages.node_page(_save(tmp_path, models.with_function()), "first", Job())
    assert (function.domain, function.doc) == ("local", "A function of this model, 2 nodes.")
    stranger = pages.node_page(_save(tmp_path, models.unknown_domain()), "frob", Job())
    assert (stranger.since, stranger.doc) == (0, "")
    with pytest.raises(ModelError) as caught:
        pages.node_page(model, "/fc1/Gem", Job())
    assert "/fc1/Gemm" in caught.value.hint


def test_prepared_pages_are_the_same(tmp_path: Path) -> None:
    model = _save(tmp_path, models.mlp())
    pages.prepare(model, Job())
    assert pages.node_page(model, "/fc1/Gemm", Job()).parameters == 544


def test_variadic_slots_are_numbered(tmp_path: Path) -> None:
    model = models.mlp()
    model.graph.node[1].CopyFrom(helper.make_node("Sum", ["h", "h", "h"], ["a"], name="sum"))
    page = pages.node_page(_save(tmp_path, model), "sum", Job())
    assert [row.slot for row in page.inputs] == ["data_0", "data_0 2", "data_0 3"]


def test_attributes_in_words() -> None:
    def text(**value: object) -> str:
        return attributes.attribute_text(helper.make_node("Op", [], [], **value).attribute[0])

    assert text(alpha=0.1) == "0.1"
    assert text(axis=3) == "3"
    assert text(to=onnx.TensorProto.FLOAT16) == "float16"
    assert text(mode="linear") == "linear"
    assert text(pads=[1, 2]) == "[1, 2]"
    assert text(scales=[0.5, 2.0]) == "[0.5, 2]"
    assert text(names=["a", "b"]) == "[a, b]"
    assert text(many=list(range(100))).endswith("23, … 100 in all]")
    assert text(value=helper.make_tensor("t", 1, [2], [1.0, 2.5])) == "float32[2]: 1, 2.5"
    assert text(value=helper.make_tensor("t", 1, [50], [0.0] * 50)) == "float32[50]"
    assert text(value=helper.make_tensor("t", 8, [1], [b"word"])) == "string[1]: [word]"
    assert text(body=models.with_if().graph) == "graph, 4 nodes"
    assert text(long="x" * 1000).endswith("…")
    reference = onnx.AttributeProto(name="axis", type=2, ref_attr_name="outer_axis")
    assert attributes.attribute_text(reference) == "the function's outer_axis"

"""The page of one tensor."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from core.errors import ModelError
from core.job import Job
from core.model import Model, document
from core.model.readers import End
from core.model.tensor_page import TensorPage, tensor_page
from tests import models


def page(folder: Path, model: onnx.ModelProto, name: str) -> TensorPage:
    saved: Model = document.snapshot(models.save(model, folder / "m.onnx"))
    return tensor_page(saved, name, Job())


def test_in_the_middle(tmp_path: Path) -> None:
    found = page(tmp_path, models.mlp(), "h")
    assert (found.type, found.kind, found.bytes, found.symbolic) == ("float32[N, 32]", "made", 128, ("N",))
    assert found.maker == End("/fc1/Gemm", "Gemm", "Y")
    assert found.readers == (End("/act/Relu", "Relu", "X"),)
    assert (found.is_output, found.input_box, found.output_box) == (False, "", "")


def test_ends_of_the_graph(tmp_path: Path) -> None:
    first = page(tmp_path, models.mlp(), "x")
    assert (first.kind, first.maker, first.input_box) == ("input", None, "x")
    last = page(tmp_path / "2", models.mlp(), "probabilities")
    assert last.maker == End("/Softmax", "Softmax", "output")
    assert (last.is_output, last.output_box) == (True, "probabilities")
    both = page(tmp_path / "3", models.empty_graph(), "x")
    assert (both.kind, both.is_output, both.bytes) == ("input", True, 16)


def test_weights_and_captured_tensors(tmp_path: Path) -> None:
    weight = page(tmp_path, models.mlp(), "fc1.weight")
    assert (weight.kind, weight.type, weight.bytes) == ("initializer", "float32[32, 16]", 2048)
    constant = page(tmp_path / "2", models.with_constants(), "w")
    assert (constant.kind, constant.maker) == ("Constant", None)
    captured = page(tmp_path / "3", models.with_loop(), "step")
    assert captured.readers == (End("loop", "Loop", "captured"),)


def test_nothing_known_and_not_there(tmp_path: Path) -> None:
    assert page(tmp_path, models.unknown_domain(), "a").bytes == 16
    model = models.unknown_domain()
    model.graph.node[1].input[0], model.graph.node[0].input[0] = "x", "b"
    model.graph.node[1].output[0], model.graph.node[0].output[0] = "b", "y"
    assert page(tmp_path / "2", model, "b").bytes is None
    with pytest.raises(ModelError) as caught:
        page(tmp_path / "3", models.mlp(), "hh")
    assert "h" in caught.value.hint

"""Pages of nodes inside of nodes."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from core.errors import ModelError
from core.job import Job
from core.model import document, opening
from core.model.pages import NodePage, node_page
from core.model.source import read
from tests import models
from tests.core.model.test_bodies import nested


def page(path: Path, name: str) -> NodePage:
    return node_page(document.snapshot(path), name, Job())


def test_a_node_in_a_branch(tmp_path: Path) -> None:
    path = models.save(models.with_if(), tmp_path / "if.onnx")
    found = page(path, "choose/else_branch/else_matmul")
    assert (found.op, found.parameters) == ("MatMul", 16)
    assert [(row.slot, row.name, row.others, row.is_initializer) for row in found.inputs] == [
        ("A", "a", ("neg",), False),
        ("B", "inner.weight", (), True),
    ]
    assert found.inputs[1].type == "float32[4, 4]"
    assert found.outputs[0].others == ("choose",)
    assert found.macs == 2 * 4 * 4
    assert found.manual is not None


def test_what_a_loop_is_given_and_an_if_in_it(tmp_path: Path) -> None:
    path = models.save(nested(), tmp_path / "nested.onnx")
    given = page(path, "loop/body/v")
    assert given.op == "Input"
    assert "loop" in given.doc
    assert [row.others for row in given.inputs] == [("x",)]
    assert given.outputs[0].others == ("loop/body/pick/else_branch/neg",)
    inner = page(path, "loop/body/pick/then_branch/relu")
    assert inner.inputs[0].others == ("abs",)
    assert inner.outputs[0].others == ("loop/body/pick",)
    assert page(path, "loop/body/pick").outputs[0].others == ("loop/body/add",)


@pytest.mark.parametrize("build", [models.with_if, models.with_loop, models.with_function, nested])
def test_every_row_has_a_page(build: object, tmp_path: Path) -> None:
    model: onnx.ModelProto = build()  # type: ignore[operator]
    path = models.save(model, tmp_path / "model.onnx")
    for name in opening.deep_of(read(path)).names:
        assert page(path, name).name == name
    with pytest.raises(ModelError, match="There is no node"):
        page(path, "nobody/at/home")

"""Nodes as text: everything of each, a block each, tabs between the fields."""

from __future__ import annotations

from pathlib import Path

import onnx

from core.job import Job
from core.model import Model, copying
from tests import models


def test_a_block_for_each_node(tmp_path: Path) -> None:
    path = models.save(models.residual_cnn(), tmp_path / "m.onnx")
    graph = onnx.load(path).graph
    conv = next(node for node in graph.node if node.op_type == "Conv")
    text = copying.nodes_text(Model(path, "f" * 64, path.stat().st_size), (conv.name, "a group", graph.input[0].name), Job())
    first, group, given = text.split("\n\n")
    lines = [line.split("\t") for line in first.split("\n")]
    assert lines[0] == [conv.name]
    assert lines[1] == ["op", "Conv"]
    assert lines[2][:2] == ["input X", conv.input[0]]
    assert lines[3][:2] == ["input W", conv.input[1]]
    assert lines[3][2].startswith("float32[")
    assert ["output Y", conv.output[0]] == next(line[:2] for line in lines if line[0].startswith("output"))
    assert ["kernel_shape", "[3, 3]"] in lines
    assert group == "a group"
    assert given.split("\n")[1] == "op\tInput"


def test_names_with_tabs_and_line_breaks_keep_the_table_whole(tmp_path: Path) -> None:
    model = models.mlp()
    model.graph.node[0].name = "a\tb\nc"
    path = models.save(model, tmp_path / "m.onnx")
    text = copying.nodes_text(Model(path, "f" * 64, path.stat().st_size), ("a\tb\nc",), Job())
    assert text.split("\n")[0] == "a b c"

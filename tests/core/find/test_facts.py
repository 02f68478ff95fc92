"""What stands in the inputs of nodes, and their attributes, against what the file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from core.find import facts
from core.job import Job
from core.model import bodies, identity, index, shapes
from core.model.index import NODE
from tests import models


@pytest.mark.parametrize(
    "build",
    [models.residual_cnn, models.mlp, models.with_constants, models.int8_qdq, models.with_if, models.unsorted, models.unknown_domain],
)
def test_inputs_are_those_of_the_file(build: Callable[[], onnx.ModelProto]) -> None:
    light = shapes.infer(build())
    columns = index.build(light)
    found = facts.gather(columns, light)
    values = [*columns.tensors, *found.weights]
    nodes = np.flatnonzero(columns.kind == NODE).tolist()
    assert nodes
    for row in nodes:
        node = light.graph.node[int(columns.file_index[row])]
        assert [values[value] if value >= 0 else "" for value in found.of(row)] == list(node.input)
    maker = dict(zip(columns.tensor.tolist(), columns.src.tolist(), strict=True))
    for tensor, row in maker.items():
        if columns.kind[row] == NODE:
            assert light.graph.node[int(columns.file_index[row])].output[int(found.made[tensor])] == columns.tensors[tensor]


@pytest.mark.parametrize("build", [models.with_if, models.with_loop, models.with_function])
def test_inputs_inside_of_bodies_are_found(build: Callable[[], onnx.ModelProto]) -> None:
    light = shapes.infer(build())
    deep = bodies.deepen(index.build(light), light)
    assert deep.holder is not None
    found = facts.gather(deep, light)
    holders = set(deep.holder.tolist())
    inner = [row for row in range(len(deep)) if deep.holder[row] >= 0 and deep.kind[row] == NODE and row not in holders]
    assert inner
    for row in inner:
        node, _ = bodies.node_of(deep, light, row)
        values = found.of(row)
        assert len(values) == len(node.input)
        assert all((value >= 0) == bool(name) for value, name in zip(values, node.input, strict=True))
        arriving = sorted(deep.tensor[deep.dst == row].tolist())
        assert sorted(value for value in values if 0 <= value < len(deep.tensors)) == arriving


def test_a_function_reads_the_weights_that_it_is_called_with() -> None:
    light = shapes.infer(models.with_function())
    deep = bodies.deepen(index.build(light), light)
    found = facts.gather(deep, light)
    rows = {name: row for row, name in enumerate(deep.names)}
    read = [found.weights[value - len(deep.tensors)] for value in found.of(rows["second/Dense/dense_matmul"]) if value >= len(deep.tensors)]
    assert read == ["w2"]


def test_attributes_of_every_kind_and_equal_sets_once() -> None:
    info = helper.make_tensor_value_info
    long = list(range(200))
    nodes = [
        helper.make_node("A", ["x"], ["a"], domain="d", f=0.5, i=3, s="word", fs=[0.25, 1.0], ints=[1, 2], ss=["p", "q"]),
        helper.make_node("A", ["a"], ["b"], domain="d", ss=["p", "q"], ints=[1, 2], fs=[0.25, 1.0], s="word", i=3, f=0.5),
        helper.make_node("Cast", ["b"], ["c"], to=TensorProto.FLOAT16),
        helper.make_node("A", ["c"], ["d"], domain="d", ints=long),
        helper.make_node("Relu", ["d"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [info("x", 1, [1])], [info("y", 10, [1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("d", 1)])
    columns = index.build(model)
    found = facts.gather(columns, model)
    sets = found.attributes.tolist()
    assert found.distinct[0] == ()
    assert sets[0] == sets[5] == sets[6] == 0
    assert sets[1] == sets[2]
    assert dict(found.distinct[sets[1]]) == {"f": 0.5, "fs": (0.25, 1.0), "i": 3, "ints": (1, 2), "s": "word", "ss": ("p", "q")}
    assert found.distinct[sets[3]] == (("to", "float16"),)
    assert found.distinct[sets[4]] == (("ints", tuple(long)),)


def test_the_task_keeps_what_it_read(tmp_path: Path) -> None:
    model = identity.snapshot(models.save(models.with_function(), tmp_path / "f.onnx"), Job())
    plain, deep = facts.read_facts(model, False, Job()), facts.read_facts(model, True, Job())
    assert len(plain.attributes) < len(deep.attributes)
    assert facts.read_facts(model, True, Job()) is deep

"""The hierarchy of a graph: scopes, bodies, repeated blocks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.layout.tree import BLOCK, BODY, HOLDER, SCOPE, STACK, Tree, grow
from core.model import bodies, index, shapes
from core.model.index import GraphIndex
from tests import models

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def deep(model: onnx.ModelProto) -> GraphIndex:
    light = shapes.infer(model)
    return bodies.deepen(index.build(light), light)


def layers(count: int, *, named: bool = True, extra: int = 0) -> onnx.ModelProto:
    """`count` equal attention-like layers that all read one mask; without names when not `named`."""
    nodes: list[onnx.NodeProto] = []

    def op(kind: str, inputs: list[str], name: str) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"t{len(nodes)}"], name=name if named else ""))
        return f"t{len(nodes) - 1}"

    mask = op("Neg", ["mask"], "/model/mask/Neg")
    mask = op("Exp", [mask], "/model/mask/Exp")
    x = op("Relu", ["x"], "/model/stem/Relu")
    for number in range(count):
        at = f"/model/layers.{number}"
        q, k, v = (op("MatMul", [x, "w"], f"{at}/attn/{part}/MatMul") for part in "qkv")
        scores = op("Softmax", [op("Add", [op("MatMul", [q, op("Transpose", [k], f"{at}/attn/T")], f"{at}/attn/s"), mask], f"{at}/attn/m")], f"{at}/attn/S")  # fmt: skip  # noqa: E501
        x = op("Add", [x, op("MatMul", [scores, v], f"{at}/attn/o")], f"{at}/Add")
        x = op("Mul", [x, op("Sigmoid", [x], f"{at}/mlp/Sigmoid")], f"{at}/mlp/Mul")
    for number in range(extra):
        x = op("Abs", [x], f"/model/head/Abs_{number}")
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [info("x", TensorProto.FLOAT, [8, 8]), info("mask", TensorProto.FLOAT, [8, 8])],
        [info(x, TensorProto.FLOAT, [8, 8])], [numpy_helper.from_array(np.ones((8, 8), np.float32), "w")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def stacks(tree: Tree) -> dict[str, int]:
    return {tree.names[group]: int(tree.times[group]) for group in np.flatnonzero(tree.kind == STACK)}


def check(tree: Tree, columns: GraphIndex) -> None:
    """What holds for every tree."""
    groups = len(tree)
    assert tree.parent[0] == -1
    assert (tree.parent[1:] >= 0).all()
    assert len(set(tree.paths)) == groups
    assert tree.rows[0] == (columns.kind == 0).sum()
    for group in range(1, groups):
        assert tree.depth[group] == tree.depth[tree.parent[group]] + 1
    inside = tree.sums(np.ones(len(columns)))
    assert inside[0] == len(columns)
    assert (inside > 0).all()
    for group in np.flatnonzero(tree.kind == STACK).tolist():
        members = len(tree.children(group)) or int((tree.home == group).sum())
        assert members == tree.times[group]
    assert (tree.node[tree.kind == HOLDER] >= 0).all()
    assert (tree.home[tree.node[tree.kind == HOLDER]] == np.flatnonzero(tree.kind == HOLDER)).all()


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("path", sorted(LIGHT.glob("*.onnx")), ids=lambda path: path.stem)
def test_holds_for_real_topologies(path: Path, flat: bool) -> None:
    columns = deep(onnx.load(path))
    tree = grow(columns, flat=flat)
    check(tree, columns)
    assert not flat or len(tree) == 1


@pytest.mark.parametrize("build", [models.with_if, models.with_loop, models.with_function, models.empty_graph, models.residual_cnn])
def test_holds_for_small_models(build: object) -> None:
    columns = deep(build())  # type: ignore[operator]
    check(grow(columns), columns)
    check(grow(columns, flat=True), columns)


def test_scopes_and_a_stack_of_layers() -> None:
    columns = deep(layers(12))
    tree = grow(columns)
    check(tree, columns)
    assert stacks(tree) == {"layers.0…11": 12}
    assert "model/layers.3/attn/" in tree.paths
    # a scope of one node only is none
    assert "model/layers.3/attn/q/" not in tree.paths
    assert "model/stem/" not in tree.paths


@pytest.mark.parametrize("count", [3, 12, 65])
def test_equal_layers_are_found_without_names(count: int) -> None:
    columns = deep(layers(count, named=False, extra=3))
    tree = grow(columns)
    check(tree, columns)
    found = {group: int(tree.rows[group]) for group in np.flatnonzero(tree.kind == BLOCK)}
    assert Counter(found.values())[11] == count
    (stack,) = (group for group in np.flatnonzero(tree.kind == STACK) if tree.times[group] == count)
    members = tree.children(int(stack))
    # every block holds the nodes of one layer: three of its products come first
    for member in members.tolist():
        rows = np.flatnonzero(tree.home == member)
        assert [columns.op_names[op] for op in columns.op[rows]].count("MatMul") == 5


def test_growing_layers_are_blocks_as_well() -> None:
    tree = grow(deep(onnx.load(LIGHT / "light_densenet121.onnx")))
    # 58 dense layers: 6 + 12 + 24 + 16
    dense = [group for group in np.flatnonzero(tree.kind == BLOCK) if tree.rows[group] == 15]
    assert len(dense) >= 56


def test_residual_blocks_of_resnet() -> None:
    columns = deep(onnx.load(LIGHT / "light_resnet50.onnx"))
    tree = grow(columns)
    adds = {int(tree.home[row]) for row in np.flatnonzero(columns.op == columns.op_names.index("Sum"))}
    assert len(adds) == 16
    assert all(tree.kind[group] == BLOCK for group in adds)


def test_bodies_are_groups_in_their_node() -> None:
    columns = deep(models.with_if())
    tree = grow(columns)
    (holder,) = np.flatnonzero(tree.kind == HOLDER)
    inner = tree.children(int(holder))
    assert [tree.names[group] for group in inner] == ["then_branch", "else_branch"] or len(inner) == 2
    assert (tree.kind[inner] == BODY).all()
    assert tree.node[holder] == columns.holder[columns.holder >= 0][0]  # type: ignore[index]


def test_many_inputs_stand_with_their_readers() -> None:
    model = layers(12)
    for number in range(12):
        node = next(node for node in model.graph.node if node.name == f"/model/layers.{number}/attn/S")
        node.op_type = "Add"
        node.input.append(f"past_{number}")
        model.graph.input.append(helper.make_tensor_value_info(f"past_{number}", TensorProto.FLOAT, [8, 8]))
    columns = deep(model)
    tree = grow(columns)
    rows = {name: row for row, name in enumerate(columns.names)}
    assert tree.paths[tree.home[rows["past_3"]]] == "model/layers.3/attn/"
    assert tree.kind[tree.home[rows["past_3"]]] == SCOPE


def test_deterministic() -> None:
    columns = deep(layers(9))
    one, other = grow(columns), grow(columns)
    assert one.paths == other.paths
    assert (one.home == other.home).all()

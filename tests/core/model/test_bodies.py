"""What is inside of nodes, as rows of the index."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.model import bodies, index, shapes
from core.model.index import INPUT, NODE, GraphIndex
from tests import models


def _deep(model: onnx.ModelProto) -> tuple[GraphIndex, GraphIndex, onnx.ModelProto]:
    light = shapes.infer(model)
    plain = index.build(light)
    return plain, bodies.deepen(plain, light), light


def _edges(columns: GraphIndex) -> set[tuple[str, str]]:
    return {(columns.names[src], columns.names[dst]) for src, dst in zip(columns.src.tolist(), columns.dst.tolist(), strict=True)}


def nested() -> onnx.ModelProto:
    """An If in a Loop: the If captures a tensor of the main graph, the Loop carries one, and counts with a weight of its own."""
    info = helper.make_tensor_value_info
    then = helper.make_graph([helper.make_node("Relu", ["a"], ["t"], name="relu")], "then", [], [info("t", 1, [2])])
    other = helper.make_graph([helper.make_node("Neg", ["v"], ["t"], name="neg")], "else", [], [info("t", 1, [2])])
    body = helper.make_graph(
        [
            helper.make_node("If", ["go"], ["chosen"], name="pick", then_branch=then, else_branch=other),
            helper.make_node("Add", ["chosen", "w"], ["next"], name="add"),
            helper.make_node("Identity", ["go"], ["stay"], name="stay"),
        ],
        "body",
        [info("i", 7, []), info("go", 9, []), info("v", 1, [2])],
        [info("stay", 9, []), info("next", 1, [2])],
        [numpy_helper.from_array(np.ones(2, np.float32), "w")],
    )
    nodes = [
        helper.make_node("Abs", ["x"], ["a"], name="abs"),
        helper.make_node("Loop", ["n", "", "x"], ["y"], name="loop", body=body),
        helper.make_node("Neg", ["y"], ["z"], name="last"),
    ]
    graph = helper.make_graph(nodes, "g", [info("x", 1, [2]), info("n", 7, [])], [info("z", 1, [2])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_graph_without_bodies_is_itself() -> None:
    plain, deep, _ = _deep(models.residual_cnn())
    assert deep is plain


@pytest.mark.parametrize("build", [models.with_if, models.with_loop, models.with_function, nested])
def test_what_holds_for_every_deep_index(build: Callable[[], onnx.ModelProto]) -> None:
    plain, deep, light = _deep(build())
    assert len(deep) > len(plain)
    assert len(set(deep.names)) == len(deep)
    assert (deep.src < deep.dst).all()
    assert [name for name in deep.names if name in set(plain.names)] == plain.names
    assert deep.holder is not None
    assert deep.body is not None
    inner = deep.holder >= 0
    assert (deep.holder[inner] > np.flatnonzero(inner)).all()
    assert (deep.kind[deep.holder[inner]] == NODE).all()
    assert ((deep.body > 0) == inner).all()
    assert deep.parameters.sum() == plain.parameters.sum() or build is models.with_function
    for row in np.flatnonzero(deep.kind == NODE).tolist():
        node, _ = bodies.node_of(deep, light, row)
        assert node.op_type == deep.op_names[deep.op[row]]
        assert not node.name or deep.names[row].endswith(node.name.lstrip("/"))


def test_captures_carried_values_and_joins() -> None:
    _, deep, _ = _deep(nested())
    pick = "loop/body/pick"
    assert _edges(deep) == {
        ("x", "abs"),
        ("x", "loop/body/v"),
        ("n", "loop/body/i"),
        ("loop/body/go", pick),
        ("abs", f"{pick}/then_branch/relu"),
        ("loop/body/v", f"{pick}/else_branch/neg"),
        (f"{pick}/then_branch/relu", pick),
        (f"{pick}/else_branch/neg", pick),
        (pick, "loop/body/add"),
        ("loop/body/go", "loop/body/stay"),
        ("loop/body/add", "loop"),
        ("loop/body/stay", "loop"),
        ("loop", "last"),
        ("last", "z"),
    }
    rows = {name: row for row, name in enumerate(deep.names)}
    assert deep.kind[rows["loop/body/v"]] == INPUT
    assert deep.parameters[rows["loop/body/add"]] == 2
    assert deep.parameters[rows["loop"]] == 0
    # both branches call their tensor `t`: the second goes by its path
    assert {"t", f"{pick}/then_branch/t"} <= set(deep.tensors)


def test_every_call_of_a_function_has_rows_of_its_own() -> None:
    info = helper.make_tensor_value_info
    function = helper.make_function(
        "own", "Twice", ["p"], ["q"], [helper.make_node("Add", ["p", "p"], ["s"]), helper.make_node("Relu", ["s"], ["q"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [helper.make_node("Twice", ["x"], ["h"], domain="own", name="one"), helper.make_node("Twice", ["h"], ["y"], domain="own")]
    graph = helper.make_graph(nodes, "g", [info("x", TensorProto.FLOAT, [2])], [info("y", TensorProto.FLOAT, [2])])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=8)
    _, deep, _ = _deep(model)
    assert [name for name in deep.names if "/" in name] == [
        "one/Twice/Add_0", "one/Twice/Relu_1", "Twice_1/Twice/Add_0", "Twice_1/Twice/Relu_1",
    ]  # fmt: skip
    assert ("x", "one/Twice/Add_0") in _edges(deep)
    assert ("one", "Twice_1/Twice/Add_0") in _edges(deep)
    assert ("one/Twice/Relu_1", "one") in _edges(deep)


def test_too_many_rows_stay_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST", 2)
    plain, deep, _ = _deep(nested())
    assert deep is plain

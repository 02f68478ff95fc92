"""Patterns: what they find in small models, and in random ones against trying everything."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from core.errors import UsageError
from core.find import facts
from core.find.catalogue import Catalogue
from core.find.grammar import QueryError
from core.find.match import find
from core.find.pattern import Pattern, like, parse
from core.model import bodies, index
from tests import models


def catalogue(model: onnx.ModelProto, *, deep: bool = False) -> Catalogue:
    columns = index.build(model)
    if deep:
        columns = bodies.deepen(columns, model)
    return Catalogue(columns, facts.gather(columns, model))


def graph(*nodes: onnx.NodeProto, inputs: str = "x y", outputs: str = "out", weights: dict[str, float] | None = None) -> onnx.ModelProto:
    info = [helper.make_tensor_value_info(name, 1, None) for name in inputs.split()]
    made = [helper.make_tensor_value_info(name, 1, None) for name in outputs.split()]
    tensors = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in (weights or {}).items()]
    return helper.make_model(helper.make_graph(list(nodes), "g", info, made, tensors), opset_imports=[helper.make_opsetid("", 17)])


def node(op: str, inputs: str, outputs: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(
        op, [name if name != "-" else "" for name in inputs.split()], outputs.split(), name=outputs.split()[0], **attributes
    )


def swish() -> Catalogue:
    """Two Swish, the second with Mul's inputs swapped, and a Sigmoid that is read twice."""
    return catalogue(
        graph(
            node("Sigmoid", "x", "s1"), node("Mul", "x s1", "m1"), node("Sigmoid", "m1", "s2"), node("Mul", "s2 m1", "m2"),
            node("Mul", "m2 y", "m3"), node("Add", "m3 s2", "out"),
        )
    )  # fmt: skip


def names(text: str, where: Catalogue, *, overlap: bool = False) -> list[list[str]]:
    return [[where.index.names[row] for row in match.rows] for match in find(parse(text), where, overlap=overlap).found]


def test_inputs_of_a_product_stand_in_any_order() -> None:
    where = swish()
    assert names("Mul(x, Sigmoid(x))", where) == [["s1", "m1"], ["s2", "m2"]]
    assert names("Mul(Sigmoid(x), x)", where) == [["s1", "m1"], ["s2", "m2"]]
    found = find(parse("y = Mul(x, s: Sigmoid(x))"), where).found[1]
    assert found.tensors == {"y": "m2", "x": "m1", "s": "s2"}


def test_what_nothing_else_reads() -> None:
    where = swish()
    assert names("Mul(x, Sigmoid(x)!)", where) == [["s1", "m1"]]
    assert names("Mul(Sigmoid(_)!, _)", where) == [["s1", "m1"]]
    assert names("Mul(Sigmoid(_)!, _)!", where) == []  # the product is read by both nodes of the second Swish
    assert names("Add(_, _)!", where) == []  # the graph's output is somebody who reads


def test_statements_share_names_in_whichever_order() -> None:
    where = swish()
    assert names("y = Mul(x, s); s = Sigmoid(x)", where) == [["m1", "s1"], ["m2", "s2"]]
    assert names("s = Sigmoid(x)\ny = Mul(s, x)", where) == [["s1", "m1"], ["s2", "m2"]]
    assert names("Add(s, Mul(Mul(x, s), _)); s = Sigmoid(x)", where) == [["m2", "m3", "out", "s2"]]
    assert names("Mul(s: Sigmoid(x), s)", where) == []


def test_alternatives_stars_and_conditions() -> None:
    cnn = catalogue(models.residual_cnn())
    assert names("Relu|Clip(Conv|BatchNormalization(_))", cnn) == [
        ["/stem/BatchNormalization", "/stem/Relu"], ["/block/dw/Conv", "/block/Clip"], ["/down/Conv", "/down/Relu"],
    ]  # fmt: skip
    assert names("Conv{k=1}(Clip(x))", cnn) == [["/block/Clip", "/block/pw/Conv"]]
    assert names("Conv{kernel_shape=[3, 3], group>1}(_)", cnn) == [["/block/dw/Conv"]]
    assert names("Conv{nonsense=1}(_)", cnn) == []
    assert names("Global*(*(x))", cnn) == [["/down/Relu", "/pool/GlobalAveragePool"]]
    found = find(parse("Add(Conv(a, w: const), skip)"), cnn).found
    assert [match.tensors for match in found] == [{"a": "dw_out", "w": "block.pw.weight", "skip": "stem_out"}]
    assert names("Conv(_, const, const)", cnn) == [["/stem/Conv"], ["/block/dw/Conv"], ["/block/pw/Conv"]]
    assert names("Conv(_, _, none)", cnn) == [["/down/Conv"]]
    assert names("Clip(_, 0, 6)", cnn) == [["/block/Clip"]]
    assert names("Clip(_, 0, 6.1)", cnn) == []
    assert names("Clip(_, scalar, scalar)", cnn) == [["/block/Clip"]]
    assert names("Conv(_, scalar)", cnn) == []


def test_outputs_have_their_order() -> None:
    where = catalogue(graph(node("Split", "x", "a b"), node("Sub", "b a", "out")))
    assert names("a, b = Split(x); Sub(a, b)", where) == []
    assert names("a, b = Split(x); Sub(b, a)", where) == [["a", "out"]]
    assert names("_, b = Split(x); Sub(b, _)", where) == [["a", "out"]]


def test_what_nothing_reads_has_no_tensor() -> None:
    where = catalogue(graph(node("Relu", "x", "dead"), node("Abs", "x", "out")))
    assert find(parse("y = Relu(x)"), where).found[0].tensors == {"y": "", "x": "x"}
    assert names("Abs(Relu(x))", where) == []


def test_matches_do_not_overlap_unless_they_may() -> None:
    chain = catalogue(graph(*(node("Relu", f"r{place - 1}" if place else "x", f"r{place}" if place < 4 else "out") for place in range(5))))
    assert names("Relu(Relu(x))", chain) == [["r0", "r1"], ["r2", "r3"]]
    assert len(names("Relu(Relu(x))", chain, overlap=True)) == 4


def test_inside_of_bodies_and_functions() -> None:
    where = catalogue(models.with_function(), deep=True)
    assert names("Add(MatMul(_, w: const), const)", where) == [
        ["first/Dense/dense_matmul", "first/Dense/dense_add"], ["second/Dense/dense_matmul", "second/Dense/dense_add"],
    ]  # fmt: skip


def test_a_search_that_takes_too_long_says_that_it_is_not_complete() -> None:
    wide = catalogue(graph(*(node("Relu", "x", f"r{place}" if place else "out") for place in range(60))))
    assert find(parse("; ".join(["Relu(x)"] * 4)), wide, overlap=True, patience=500).complete is False
    assert find(parse("; ".join(["Relu(x)"] * 4)), wide).complete


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 0, "at least one node"),
        ("x", 0, "A statement is a node"),
        ("Relu(x", 6, r"A \) is missing"),
        ("Relu(x))", 7, "A ; is missing"),
        ("Relu(,)", 5, "missing before ','"),
        ("Relu(x); Abs(y)", 0, "share no tensor"),
        ("y = Relu(x); y = Abs(x)", 13, "already the name"),
        ("Conv{}(x)", 5, "condition"),
        ("Conv{k>a}(x)", 5, "no number"),
        ("Conv(a.b)", 5, "no name"),
        ("Add(1: Relu(x))", 5, "A \\) is missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, at: int, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        parse(text)
    assert caught.value.at == at


# ---- from a selection ----
def test_more_like_what_is_selected() -> None:
    where = swish()
    rows = {name: row for row, name in enumerate(where.index.names)}
    pattern = like(where, [rows["m1"], rows["s1"]])
    assert [[where.index.names[row] for row in match.rows] for match in find(pattern, where).found] == [["s1", "m1"], ["s2", "m2"]]
    cnn = catalogue(models.residual_cnn())
    rows = {name: row for row, name in enumerate(cnn.index.names)}
    alike = find(like(cnn, [rows["/stem/Conv"]], attributes=True), cnn).found
    assert [cnn.index.names[match.rows[0]] for match in alike] == ["/stem/Conv"]
    alike = find(like(cnn, [rows["/stem/Conv"]]), cnn).found
    assert len(alike) == 4
    with pytest.raises(UsageError, match="share no tensor"):
        like(cnn, [rows["/stem/Conv"], rows["/fc/Gemm"]])
    with pytest.raises(UsageError, match="nothing to look for"):
        like(cnn, [rows["image"]])
    with pytest.raises(UsageError, match="too many"):
        like(catalogue(graph(*(node("Relu", "x", f"r{place}") for place in range(70)), outputs="r0")), range(71))


# ---- against trying everything ----
def tried(pattern: Pattern, model: onnx.ModelProto, where: Catalogue) -> set[tuple[int, ...]]:
    """Rows of all matches, found by trying every choice of nodes and every order of inputs."""
    rows = {name: row for row, name in enumerate(where.index.names)}
    nodes = list(model.graph.node)
    weights = {tensor.name: float(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}
    readers: dict[str, list[int]] = {}
    for place, each in enumerate(nodes):
        for name in each.input:
            readers.setdefault(name, []).append(place)
    for value in model.graph.output:
        readers.setdefault(value.name, []).append(-1)
    found = set()
    choices = [[place for place, each in enumerate(nodes) if each.op_type in wanted.ops] for wanted in pattern.nodes]
    for chosen in itertools.product(*choices):
        if len(set(chosen)) == len(chosen) and any(_bound(pattern, [nodes[place] for place in chosen], weights)):
            alone = all(
                set(readers.get(name, ())) <= set(chosen)
                for place, wanted in zip(chosen, pattern.nodes, strict=True) if wanted.alone for name in nodes[place].output
            )  # fmt: skip
            if alone:
                found.add(tuple(rows[nodes[place].name] for place in chosen))
    return found


def _bound(pattern: Pattern, nodes: list[onnx.NodeProto], weights: dict[str, float]) -> Iterator[bool]:
    orders = []
    for each, wanted in zip(nodes, pattern.nodes, strict=True):
        count = len(wanted.inputs)
        orders.append(list(itertools.permutations(range(len(each.input)), count)) if wanted.commutative else [tuple(range(count))])
    for order in itertools.product(*orders):
        values: dict[int, str] = {}
        good = True
        for each, wanted, slots in zip(nodes, pattern.nodes, order, strict=True):
            outputs, inputs = [*each.output, "?1", "?2"], [*each.input, "", "", ""]
            pairs = [(variable, outputs[place]) for place, variable in enumerate(wanted.outputs)]
            pairs += [(variable, inputs[slot]) for variable, slot in zip(wanted.inputs, slots, strict=True)]
            good = good and all(values.setdefault(variable, name) == name for variable, name in pairs)
        for variable, name in values.items():
            kind = pattern.variables[variable].kind
            good = good and not (kind == "any" and not name) and not (kind == "none" and name)
            good = good and not (kind in ("const", "scalar", "number") and name not in weights)
            good = good and not (kind == "number" and abs(weights.get(name, 9e9) - pattern.variables[variable].value) > 1e-3)
        if good:
            yield True


def random_graph(rng: random.Random) -> onnx.ModelProto:
    known, nodes = ["x", "y", "w", "half"], []
    for place in range(rng.randint(4, 9)):
        op = rng.choice(["Add", "Mul", "Sub", "Relu", "Split", "Clip"])
        count = {"Relu": 1, "Split": 1, "Clip": 3}.get(op, 2)
        inputs = " ".join("-" if op == "Clip" and slot == 1 and rng.random() < 0.4 else rng.choice(known[-5:]) for slot in range(count))
        made = [f"n{place}", f"n{place}b"][: 2 if op == "Split" else 1]
        nodes.append(node(op, inputs, " ".join(made)))
        known += made
    return graph(*nodes, outputs=known[-1], weights={"w": 3.0, "half": 0.5})


def random_pattern(rng: random.Random) -> str:
    def leaf() -> str:
        return rng.choice(["a", "a", "b", "_", "const", "0.5", "none" if rng.random() < 0.3 else "a"])

    def tree(depth: int) -> str:
        op = rng.choice(["Add", "Mul", "Sub", "Relu", "Clip", "Add|Sub"])
        count = {"Relu": 1, "Clip": rng.randint(1, 3)}.get(op, 2)
        parts = [tree(depth - 1) if depth and rng.random() < 0.6 else leaf() for _ in range(count)]
        return f"{op}({', '.join(parts)}){'!' if rng.random() < 0.15 else ''}"

    if rng.random() < 0.3:
        return f"p, q = Split(a); {rng.choice(['Add', 'Sub'])}({rng.choice(['p', 'q'])}, {rng.choice(['p', 'q', 'a', '_'])})"
    return tree(rng.randint(0, 2))


@pytest.mark.parametrize("seed", range(60))
def test_it_finds_what_trying_everything_finds(seed: int) -> None:
    rng = random.Random(seed)
    model = random_graph(rng)
    where = catalogue(model)
    for _ in range(25):
        pattern = parse(random_pattern(rng))
        if len(pattern.nodes) > 4:
            continue
        every = tried(pattern, model, where)
        found = find(pattern, where, overlap=True)
        assert {match.rows for match in found.found} == every, pattern.text
        assert len(found.found) == len(every)
        apart = [match.rows for match in find(pattern, where).found]
        used = [row for rows in apart for row in rows]
        assert len(used) == len(set(used))
        assert set(apart) <= every
        assert all(not set(rows).isdisjoint(used) for rows in every), "one more would have had room"


@pytest.mark.parametrize("seed", range(20))
def test_a_selection_is_found_by_its_own_pattern(seed: int) -> None:
    rng = random.Random(1000 + seed)
    where = catalogue(random_graph(rng))
    rows = [row for row in range(len(where)) if where.index.kind[row] == 0]
    for size in (1, 2, 3):
        chosen = sorted(rng.sample(rows, min(size, len(rows))))
        try:
            pattern = like(where, chosen, attributes=True)
        except UsageError:
            continue
        assert tuple(chosen) in {tuple(sorted(match.rows)) for match in find(pattern, where, overlap=True).found}, pattern.text


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_typed_is_found_or_explained(seed: int) -> None:
    rng = random.Random(seed)
    parts = [*"(),xy=;:!{}*?_|", "Mul", "k>1", "const", "0.5", '"', "é", "\n", "none", "::"]
    where = swish()
    for _ in range(300):
        text = "".join(rng.choice(parts) + rng.choice(["", " "]) for _ in range(rng.randint(1, 12)))
        at = 0
        try:
            find(parse(text), where, patience=10_000)
        except QueryError as error:
            at = error.at
        assert 0 <= at <= len(text), text
    with pytest.raises(QueryError, match="too many brackets"):
        parse("Mul(" * 3000)

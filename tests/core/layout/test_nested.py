"""Folded graphs, placed: boxes in frames, lines that meet at the frames' sides, every edge there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from core.errors import Cancelled
from core.job import Job
from core.layout import folding
from core.layout.group import ordered
from core.layout.nested import Nest, NestedPlaced, Shown, Unfolder, nest
from core.layout.through import route
from core.layout.tree import STACK, grow
from core.model.index import GROUP
from tests import models
from tests.core.layout.test_tree import LIGHT, deep, layers


def folded(model: onnx.ModelProto, *, flat: bool = False) -> Nest:
    columns = deep(model)
    return nest(columns, grow(columns, flat=flat))


def ancestor(shown: Shown, row: int) -> int:
    """The item that shows a row, found the slow way."""
    tree, n = shown.nest.tree, len(shown.nest.index)
    chain = tree.chain(int(tree.home[row]))
    for group in chain:
        if group not in shown.unfolded:
            return n + group
    return row


def check(shown: Shown) -> None:
    """What holds for every picture of a folded graph."""
    whole, placed, frames, n = shown.nest, shown.placed, shown.frames, len(shown.nest.index)
    boxes = len(shown.index)
    assert len(placed) == boxes == len(shown.group)
    assert len(set(shown.index.names)) == boxes
    # every row of the graph is shown by the box that stands for it
    items = np.where(shown.group >= 0, n + shown.group, 0)
    for row in range(0, n, max(1, n // 200)):
        box = int(shown.row[row])
        item = ancestor(shown, row)
        assert shown.index.names[box] == (whole.index.names[row] if item == row else whole.tree.paths[item - n])
        assert item == row or items[box] == item
    # everything that is in no group stays in the picture, within its frame
    left, top = placed.x - placed.w / 2, placed.y - placed.h / 2
    right, low = placed.x + placed.w / 2, placed.y + placed.h / 2
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= placed.width + 0.5).all()
    assert (low <= placed.height + 0.5).all()
    frame = {int(group): place for place, group in enumerate(frames.group)}
    for box in range(boxes):
        group = int(shown.group[box])
        home = int(whole.tree.parent[group]) if group >= 0 else int(whole.tree.home[whole.index.names.index(shown.index.names[box])])
        if home:
            place = frame[home]
            assert frames.x[place] <= left[box]
            assert right[box] <= frames.x[place] + frames.w[place]
            assert frames.y[place] <= top[box]
            assert low[box] <= frames.y[place] + frames.h[place]
    # boxes do not lie on one another
    for one in range(boxes):
        over = (left < right[one] - 0.5) & (right > left[one] + 0.5) & (top < low[one] - 0.5) & (low > top[one] + 0.5)
        assert over.sum() == 1
    # sums
    assert shown.index.parameters.sum() == whole.index.parameters.sum()
    # every edge of the graph between two boxes is an edge of the picture, and no other
    wanted = {(int(shown.row[a]), int(shown.row[b])) for a, b in zip(whole.index.src, whole.index.dst, strict=True)}
    found = set(zip(shown.index.src.tolist(), shown.index.dst.tolist(), strict=True))
    assert found == {(a, b) for a, b in wanted if a != b}
    _lines(shown)


def _lines(shown: Shown) -> None:
    """Every edge has a route that begins and ends at its boxes (or at a tag), without gaps, and its tensor has lines."""
    placed, index = shown.placed, shown.index
    drawn = set(placed.link_tensor.tolist())
    tags = np.stack((placed.ports.x, placed.ports.y), 1) if len(placed.ports) else np.zeros((0, 2))
    for edge in range(len(index.src)):
        line = route(placed, index, edge) if isinstance(placed, NestedPlaced) else placed.route(edge)
        assert len(line) >= 2
        assert int(index.tensor[edge]) in drawn
        for end, box in ((line[0], int(index.src[edge])), (line[-1], int(index.dst[edge]))):
            at_box = abs(abs(end[1] - placed.y[box]) - placed.h[box] / 2) < 0.6 and abs(end[0] - placed.x[box]) <= placed.w[box] / 2 + 0.5
            at_tag = len(tags) and (np.abs(tags - end).max(axis=1) <= 120).any()
            assert at_box or at_tag


def foldings(whole: Nest) -> list[set[int]]:
    tree = whole.tree
    some = np.random.default_rng(0).random(len(tree)) < 0.5
    return [{0}, folding.first(whole), folding.to_level(tree, 1), folding.every(tree), set(np.flatnonzero(some).tolist())]


@pytest.mark.parametrize("build", [models.with_if, models.with_loop, models.with_function, models.empty_graph, models.residual_cnn])
def test_small_models(build: object) -> None:
    for flat in (False, True):
        whole = folded(build(), flat=flat)  # type: ignore[operator]
        for unfolded in foldings(whole):
            check(Unfolder(whole).show(unfolded))


@pytest.mark.parametrize("name", ["light_squeezenet", "light_shufflenet", "light_inception_v1"])
def test_real_topologies(name: str) -> None:
    whole = folded(onnx.load(Path(LIGHT, f"{name}.onnx")))
    for unfolded in foldings(whole):
        check(Unfolder(whole).show(unfolded))


def test_a_decoder_folds_to_a_few_boxes_and_opens_one_by_one() -> None:
    whole = folded(layers(24))
    tree = whole.tree
    unfolder = Unfolder(whole)
    opened = folding.first(whole)
    first = unfolder.show(opened)
    check(first)
    (stack,) = np.flatnonzero(tree.kind == STACK)
    assert int(stack) in first.group
    assert f"{tree.names[stack]} ×24" in first.index.op_names
    wide = unfolder.show({*opened, int(stack)})
    check(wide)
    assert len(wide.index) == len(first.index) + 23
    inner = int(tree.children(int(stack))[5])
    one = unfolder.show({*opened, inner})
    check(one)
    assert int(stack) in one.unfolded


def test_equal_groups_are_laid_out_once() -> None:
    unfolder = Unfolder(folded(layers(24)))
    shown = unfolder.show(folding.every(unfolder.nest.tree))
    check(shown)
    assert len(shown.frames) > 48
    assert len(unfolder._kept) <= 10


def test_tensors_between_the_same_boxes_are_one_line() -> None:
    whole = folded(_parallel(40))
    shown = Unfolder(whole).show({0})
    check(shown)
    assert max(shown.bundles.values()) == 40
    assert len(shown.placed.links) < 30


def _parallel(count: int) -> onnx.ModelProto:
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Relu", ["x"], [f"r{k}"], name=f"/tables/table.{k}/Relu") for k in range(count)]
    nodes += [helper.make_node("Neg", [f"r{k}"], [f"n{k}"], name=f"/tables/table.{k}/Neg") for k in range(count)]
    nodes.append(helper.make_node("Concat", [f"n{k}" for k in range(count)], ["y"], name="/join/Concat", axis=0))
    nodes.append(helper.make_node("Abs", ["y"], ["z"], name="/join/Abs"))
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [info("x", TensorProto.FLOAT, [4])], [info("z", TensorProto.FLOAT, [4 * count])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_deterministic() -> None:
    whole = folded(layers(9))
    one, other = (Unfolder(whole).show(folding.first(whole)) for _ in range(2))
    assert (one.placed.x == other.placed.x).all()
    assert (one.placed.links == other.placed.links).all()


def test_rings_between_groups_are_ordered_and_drawn() -> None:
    assert ordered(3, np.array([0, 2, 1]), np.array([1, 1, 2])).tolist() in ([0, 1, 2], [0, 2, 1])
    assert ordered(3, np.array([2, 1]), np.array([0, 0])).tolist() == [2, 0, 1]
    assert ordered(0, np.zeros(0), np.zeros(0)).tolist() == []


def test_first_view_levels_and_counts() -> None:
    whole = folded(layers(24))
    opened = folding.first(whole)
    assert folding.boxes_of(whole, opened) == len(Unfolder(whole).show(opened).index)
    every = folding.every(whole.tree)
    assert folding.boxes_of(whole, every) == len(Unfolder(whole).show(every).index)
    assert folding.to_level(whole.tree, 0) == {0}


def test_the_tasks(tmp_path: Path) -> None:
    from core.model import document

    path = tmp_path / "layers.onnx"
    onnx.save(layers(60), path)
    model = document.snapshot(path)
    assert len(folding.open_folded(model, None, True, Job()).index) < 80
    assert len(folding.open_folded(model, True, True, Job()).index) > 600
    with pytest.raises(Cancelled):
        folding.open_folded(model, None, True, Job(is_cancelled=lambda: True))


def test_folded_boxes_say_what_they_hold() -> None:
    shown = Unfolder(folded(layers(24))).show({0})
    groups = np.flatnonzero(shown.index.kind == GROUP)
    assert len(groups)
    assert any("nodes" in shown.index.details[group] for group in groups)

"""Shapes on links: they say what the tensor is, touch nothing, and are the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, shape_inference

from core.job import Job
from core.layout import Placed
from core.layout.labels import HEIGHT, Labels, place_labels, text_of
from core.layout.layered import arrange
from core.model.index import GraphIndex, build
from tests import models


def laid_out(model: Any) -> tuple[GraphIndex, Placed]:
    index = build(shape_inference.infer_shapes(model))
    return index, arrange(index, Job())


def wide(branches: int) -> Any:
    """One Split with many outputs, all of them cast and put together again: its lines start at one point."""
    outputs = [f"part_{n}" for n in range(branches)]
    nodes = [helper.make_node("Split", ["x"], outputs, name="split", num_outputs=branches)]
    nodes += [helper.make_node("Cast", [name], [f"{name}_c"], to=TensorProto.INT64, name=f"cast_{name}") for name in outputs]
    nodes.append(helper.make_node("Concat", [f"{name}_c" for name in outputs], ["y"], axis=0, name="join"))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1234567, 7]) for name in outputs]
    values += [helper.make_tensor_value_info(f"{name}_c", TensorProto.INT64, [1, 1234567, 7]) for name in outputs]
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [branches, 7]),
        helper.make_tensor_value_info("y", TensorProto.INT64, None),
    ]
    return helper.make_model(helper.make_graph(nodes, "wide", ends[:1], ends[1:], value_info=values))


def touch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Brute force: which rectangles of a and b (x, y, w, h) overlap."""
    p, q = a[:, None], b[None, :]
    across = (p[..., 0] < q[..., 0] + q[..., 2]) & (q[..., 0] < p[..., 0] + p[..., 2])
    return across & (p[..., 1] < q[..., 1] + q[..., 3]) & (q[..., 1] < p[..., 1] + p[..., 3])


def check(index: GraphIndex, placed: Placed) -> Labels:
    """What must hold for every graph."""
    found = place_labels(index, placed)
    boxes = np.stack((placed.x - placed.w / 2, placed.y - placed.h / 2, placed.w, placed.h), 1)
    ports = placed.ports
    tags = np.stack((ports.x - ports.w / 2, ports.y - ports.h / 2, ports.w, ports.h), 1)
    assert not touch(found.rects, boxes).any()
    assert not touch(found.rects, tags).any()
    assert not np.triu(touch(found.rects, found.rects), 1).any()
    assert len(set(found.tensor.tolist())) == len(found)
    assert np.all(np.diff(found.rects[:, 1]) >= 0)
    middles = found.rects[:, :2] + found.rects[:, 2:] / 2
    for (x, y), tensor, text in zip(middles.tolist(), found.tensor.tolist(), found.texts, strict=True):
        assert text == text_of(index.tensor_types[tensor])
        own = placed.links[placed.link_tensor == tensor]
        left, right = np.minimum(own[:, 0], own[:, 2]) - 1, np.maximum(own[:, 0], own[:, 2]) + 1
        assert ((own[:, 1] < y) & (own[:, 3] > y) & (left <= x) & (right >= x)).any()
    return found


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("float32[1, 32, 112, 112]", "1×32×112×112"),
        ("int64[N, L]", "int64 N×L"),
        ("float32[]", "scalar"),
        ("bool[]", "bool scalar"),
        ("float16[…]", "float16"),
        ("", ""),
    ],
)
def test_a_label_says_the_shape_and_unusual_dtypes(kind: str, text: str) -> None:
    assert text_of(kind) == text


KINDS = [models.mlp, models.residual_cnn, models.int8_qdq, models.with_if, models.with_constants, models.empty_graph]


@pytest.mark.parametrize("make", KINDS)
def test_labels_touch_nothing_and_lie_on_their_line(make: Any) -> None:
    check(*laid_out(make()))


@pytest.mark.parametrize("branches", [3, 40, 300])
def test_lines_that_start_at_one_point_are_labelled_where_there_is_room(branches: int) -> None:
    index, placed = laid_out(wide(branches))
    found = check(index, placed)
    assert len(found) >= branches * 2 // 3, "most Casts are far enough from the next for the shape above or below it"


def test_what_the_box_above_says_is_not_said_again() -> None:
    index, placed = laid_out(models.residual_cnn())
    found = check(index, placed)
    assert len(found)
    sources = dict(zip(index.tensor.tolist(), index.src.tolist(), strict=True))
    assert all(index.details[sources[tensor]] != text for tensor, text in zip(found.tensor.tolist(), found.texts, strict=True))


def test_the_same_graph_is_labelled_alike() -> None:
    index, placed = laid_out(wide(60))
    one, two = place_labels(index, placed), place_labels(index, placed)
    assert np.array_equal(one.rects, two.rects)
    assert one.texts == two.texts


def test_what_a_view_shows_is_what_brute_force_finds() -> None:
    found = place_labels(*laid_out(wide(60)))
    rng = np.random.default_rng(1)
    for x, y in rng.uniform((0, 0), (4000, 400), (40, 2)):
        rect = (float(x), float(y), float(x) + 500.0, float(y) + HEIGHT)
        view = np.array([[rect[0], rect[1], rect[2] - rect[0], rect[3] - rect[1]]])
        assert found.inside(rect).tolist() == np.flatnonzero(touch(found.rects, view)[:, 0]).tolist()


def test_sisters_are_labelled_each_on_its_own_line() -> None:
    names = ("a", "b", "c")
    nodes = [helper.make_node("Three", ["x"], names, name="three", domain="my.own")]
    nodes += [helper.make_node("Relu", [name], [f"{name}_r"], name=f"relu_{name}") for name in names]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, place + 5]) for place, name in enumerate(names)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "a_r")]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.own", 1)]
    graph = helper.make_graph(nodes, "sisters", ends[:1], ends[1:], value_info=values)
    index, placed = laid_out(helper.make_model(graph, opset_imports=opsets))
    found = check(index, placed)
    parts = {int(tensor) for tensor in index.tensor[index.src == index.names.index("three")].tolist()}
    own = [tensor for tensor in found.tensor.tolist() if tensor in parts]
    assert len(own) == len(set(own)) == 2, "the box itself tells the first one's shape"

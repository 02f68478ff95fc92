"""What a view shows is what brute force would find; what is under the pointer is what is drawn there."""

from __future__ import annotations

import numpy as np
import pytest

from core.layout import Placed
from core.layout.lines import curve
from core.model.index import GraphIndex
from gui.graph.paths import neighbour
from gui.graph.scene import Scene
from gui.graph.tips import READERS, bytes_of, tip
from tests.gui.graph.conftest import laid_out

Graph = tuple[GraphIndex, Placed]


@pytest.mark.parametrize("seed", range(8))
def test_culling_finds_exactly_what_touches(masked: Graph, seed: int) -> None:
    scene = Scene(*masked)
    rng = np.random.default_rng(seed)
    x0, x1 = np.sort(rng.uniform(-50, scene.width + 50, 2))
    y0, y1 = np.sort(rng.uniform(-50, scene.height + 50, 2))
    r = scene.rects
    wanted = np.flatnonzero((r[:, 0] < x1) & (r[:, 0] + r[:, 2] > x0) & (r[:, 1] < y1) & (r[:, 1] + r[:, 3] > y0))
    found = scene.boxes_in((x0, y0, x1, y1))
    assert sorted(found.tolist()) == wanted.tolist()
    links = scene.links
    left, right = np.minimum(links[:, 0], links[:, 2]), np.maximum(links[:, 0], links[:, 2])
    wanted = np.flatnonzero((left < x1) & (right > x0) & (links[:, 1] < y1) & (links[:, 3] > y0))
    assert sorted(scene.links_in((x0, y0, x1, y1)).tolist()) == wanted.tolist()


def test_boxes_are_found_at_their_middle(scene: Scene) -> None:
    for row in range(len(scene)):
        assert scene.box_at(float(scene.placed.x[row]), float(scene.placed.y[row])) == row
    assert scene.box_at(-10.0, -10.0) is None


def test_a_tensor_is_found_along_its_drawn_curve(scene: Scene) -> None:
    for place in np.flatnonzero(scene.slanted)[:20].tolist():
        x, y = curve(scene.links[place : place + 1], np.array([0.3]))
        found = scene.tensor_at(float(x[0, 0]) + 1.0, float(y[0, 0]), 4.0)
        assert found is not None
        own = scene.index.src[scene.edges_of(int(scene.placed.link_tensor[place]))[0]]
        assert scene.index.src[scene.edges_of(found)[0]] == own
    assert scene.tensor_at(-500.0, -500.0, 4.0) is None


def test_curves_begin_and_end_where_links_do() -> None:
    links = np.array([[10.0, 20.0, 90.0, 60.0]])
    x, y = curve(links, np.array([0.0, 0.5, 1.0]))
    assert x[0].tolist() == [10.0, 50.0, 90.0]
    assert y[0].tolist() == [20.0, 40.0, 60.0]


def test_find_needs_every_word(scene: Scene) -> None:
    convs = scene.find("conv")
    assert convs
    assert all("conv" in (scene.index.names[row] + scene.titles[row]).lower() for row in convs)
    assert scene.find("conv nonsense") == []
    assert scene.find("  ") == []
    assert scene.find("CONV") == convs


def test_arrows_lead_along_links(scene: Scene) -> None:
    index = scene.index
    row = scene.find("relu")[0]
    below, above = neighbour(scene, row, 0, 1), neighbour(scene, row, 0, -1)
    assert below in index.dst[scene.edges_out(row)].tolist()
    assert above in index.src[scene.edges_in(row)].tolist()
    last = int(np.flatnonzero(index.kind == 2)[0])
    assert neighbour(scene, last, 0, 1) is None
    for other in range(len(scene)):
        right = neighbour(scene, other, 1, 0)
        if right is not None:
            assert scene.placed.rank[right] == scene.placed.rank[other]
            assert neighbour(scene, right, -1, 0) == other


def test_tips_say_what_a_thing_is(scene: Scene) -> None:
    row = scene.find("conv")[0]
    assert scene.index.names[row] in tip(scene, row, None, None)
    tensor = int(scene.index.tensor[0])
    text = tip(scene, None, tensor, None)
    assert scene.index.tensors[tensor] in text
    consumers = sorted(set(scene.index.dst[scene.edges_of(tensor)].tolist()))
    assert f"from {scene.index.names[int(scene.index.src[scene.edges_of(tensor)[0]])]}" in text
    assert all(f"to {scene.index.names[row]}" in text for row in consumers)
    assert tip(scene, None, None, None) == ""


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("float32[2, 3]", 24),
        ("int4[3]", 2),
        ("float32[]", 4),
        ("float32[N, 3]", None),
        ("float32[…]", None),
        ("string[2]", None),
        ("", None),
    ],
)
def test_the_size_of_a_tensor_is_told_where_it_is_known(kind: str, size: int | None) -> None:
    assert bytes_of(kind) == size


def test_many_consumers_are_counted(qapp: object) -> None:
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Relu", ["x"], [f"y{n}"], name=f"relu_{n}") for n in range(9)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y0")]
    scene = Scene(*laid_out(helper.make_model(helper.make_graph(nodes, "fan", ends[:1], ends[1:]))))
    text = tip(scene, None, scene.index.tensors.index("x"), None)
    assert "8\u202fB" in text
    assert text.count("to relu_") == READERS
    assert "and 5 nodes more" in text


def test_a_tag_stands_for_its_tensor(masked: Graph) -> None:
    scene = Scene(*masked)
    ports = scene.placed.ports
    assert len(ports)
    for tag in range(len(ports)):
        assert scene.line_at(float(ports.x[tag]), float(ports.y[tag]), 1.0) == int(ports.tensor[tag])

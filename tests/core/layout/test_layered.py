"""What every drawing must hold, on graphs of all shapes: made at random (seeded), and the awkward ones by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.layout import Placed
from core.layout.layered import lay

Graph = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def graph(n: int, edges: list[tuple[int, int]], tensors: list[int] | None = None, seed: int = 0) -> Graph:
    """Boxes of mixed sizes; without `tensors` every node makes one."""
    rng = np.random.default_rng(seed)
    src = np.array([a for a, _ in edges], np.int32)
    dst = np.array([b for _, b in edges], np.int32)
    tensor = np.array(tensors, np.int32) if tensors is not None else src.copy()
    return rng.choice([112.0, 144.0, 232.0], n), rng.choice([30.0, 42.0], n), src, dst, tensor


def scatter(n: int, per_node: float, reach: int, seed: int) -> Graph:
    """A random graph whose edges jump at most `reach` places."""
    rng = np.random.default_rng(seed)
    m = int(n * per_node)
    dst = rng.integers(1, n, m)
    src = np.maximum(0, dst - rng.integers(1, reach + 1, m))
    keep = src < dst
    edges = list(zip(src[keep].tolist(), dst[keep].tolist(), strict=True))
    return graph(n, edges, seed=seed)


def residual(blocks: int) -> Graph:
    """Conv, relu, conv, add; each block with its skip."""
    edges, last = [], 0
    for _ in range(blocks):
        a = last
        edges += [(a, a + 1), (a + 1, a + 2), (a + 2, a + 3), (a, a + 3)]
        last = a + 3
    return graph(last + 1, edges)


def masked(layers: int) -> Graph:
    """A chain of layers that all read one mask: the fan-out that needs tags."""
    edges, tensors = [], []
    for layer in range(layers):
        node = 2 + 3 * layer
        edges += [(node - 1, node), (node, node + 1), (0, node + 1), (node + 1, node + 2)]
        tensors += [node - 1, node, 0, node + 1]
    return graph(2 + 3 * layers, edges, tensors)


def branches(count: int) -> Graph:
    """Branches of one to three nodes that all end in one node, which leads to a path; one branch is long."""
    edges, ends, node = [], [], 0
    for number in range(count):
        length = 30 if number == 40 else number % 3
        edges += [(node + a, node + a + 1) for a in range(length)]
        node += length + 1
        ends.append(node - 1)
    return graph(node + 3, edges + [(end, node) for end in ends] + [(node, node + 1), (node + 1, node + 2)])


def pieces_beside_a_path(count: int) -> Graph:
    """A path with a skip, and pieces of one to four nodes without a link to it."""
    edges = [(a, a + 1) for a in range(29)] + [(3, 20)]
    node = 30
    for number in range(count):
        edges += [(node + a, node + a + 1) for a in range(number % 4)]
        node += number % 4 + 1
    return graph(node, edges)


GRAPHS: dict[str, Callable[[], Graph]] = {
    "nothing": lambda: graph(0, []),
    "one": lambda: graph(1, []),
    "two": lambda: graph(2, [(0, 1)]),
    "twice the same input": lambda: graph(2, [(0, 1), (0, 1)]),
    "no edges": lambda: graph(40, []),
    "islands": lambda: graph(30, [(a, a + 1) for a in range(29) if a % 5 != 4]),
    "residual": lambda: residual(20),
    "wide": lambda: graph(702, [(a, 700) for a in range(700)] + [(700, 701)]),
    "branches": lambda: branches(90),
    "two wide ones": lambda: graph(102, [(a, 50 if a < 50 else 101) for a in range(50)] + [(50, 101)] + [(a, 101) for a in range(51, 101)]),
    "pieces": lambda: pieces_beside_a_path(60),
    "fan": lambda: graph(302, [(0, a) for a in range(1, 301)] + [(a, 301) for a in range(1, 301)]),
    "masked": lambda: masked(60),
    "two outputs": lambda: graph(4, [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)], [0, 1, 0, 2, 3]),
    "sparse": lambda: scatter(300, 1.2, 12, 1),
    "dense": lambda: scatter(200, 4.0, 40, 2),
    "far": lambda: scatter(400, 1.5, 400, 3),
    "knot": lambda: scatter(60, 8.0, 60, 4),
}


@pytest.fixture(params=GRAPHS, scope="module")
def drawn(request: pytest.FixtureRequest) -> tuple[Graph, Placed]:
    made = GRAPHS[request.param]()
    return made, lay(*made)


def boxes(placed: Placed) -> np.ndarray:
    """x0, y0, x1, y1 of all boxes and tags."""
    x, y = np.concatenate((placed.x, placed.ports.x)), np.concatenate((placed.y, placed.ports.y))
    w, h = np.concatenate((placed.w, placed.ports.w)), np.concatenate((placed.h, placed.ports.h))
    return np.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), 1)


def through(lines: np.ndarray, rect: np.ndarray) -> np.ndarray:
    """For each line (s, 4), whether it enters the inside of any of `rect` (b, 4): clipped against each (Liang and Barsky)."""
    hit = np.zeros(len(lines), bool)
    for x0, y0, x1, y1 in rect + np.array([0.6, 0.6, -0.6, -0.6]):
        low, high = np.zeros(len(lines)), np.ones(len(lines))
        inside = np.ones(len(lines), bool)
        for start, delta, least, most in (
            (lines[:, 0], lines[:, 2] - lines[:, 0], x0, x1),
            (lines[:, 1], lines[:, 3] - lines[:, 1], y0, y1),
        ):
            still = np.abs(delta) < 1e-9
            inside &= ~still | ((start > least) & (start < most))
            safe = np.where(still, 1.0, delta)
            one, two = (least - start) / safe, (most - start) / safe
            low = np.where(still, low, np.maximum(low, np.minimum(one, two)))
            high = np.where(still, high, np.minimum(high, np.maximum(one, two)))
        hit |= inside & (low < high)
    return hit


def pieces(placed: Placed) -> np.ndarray:
    """All routes cut into straight lines, float64 (s, 4)."""
    lines = np.concatenate((placed.points[:-1], placed.points[1:]), 1) if len(placed.points) else np.zeros((0, 4))
    joint = np.zeros(max(0, len(placed.points) - 1), bool)
    joint[placed.offsets[1:-1] - 1] = True
    return lines[~joint]


def test_boxes_and_tags_do_not_overlap(drawn: tuple[Graph, Placed]) -> None:
    rect = boxes(drawn[1])
    for i in range(len(rect)):
        others = rect[i + 1 :]
        over = (others[:, 0] < rect[i, 2]) & (others[:, 2] > rect[i, 0]) & (others[:, 1] < rect[i, 3]) & (others[:, 3] > rect[i, 1])
        assert not over.any()


def test_every_edge_goes_down(drawn: tuple[Graph, Placed]) -> None:
    (_, _, src, dst, _), placed = drawn
    assert (placed.rank[dst] > placed.rank[src]).all()
    assert (placed.y[dst] > placed.y[src]).all()


def test_everything_lies_inside(drawn: tuple[Graph, Placed]) -> None:
    placed = drawn[1]
    rect = boxes(placed)
    assert (rect[:, :2] >= 0).all()
    assert (rect[:, 2] <= placed.width).all()
    assert (rect[:, 3] <= placed.height).all()
    for values in (placed.points, placed.links[:, :2], placed.links[:, 2:]):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert (values <= [placed.width, placed.height]).all()


def test_each_edge_is_drawn_once_from_its_producer_to_its_consumer(drawn: tuple[Graph, Placed]) -> None:
    (_, _, src, dst, tensor), placed = drawn
    assert len(placed.offsets) == len(src) + 1
    assert placed.offsets[0] == 0
    assert placed.offsets[-1] == len(placed.points)
    for edge in range(len(src)):
        route = placed.route(edge)
        assert len(route) >= 2
        assert (np.diff(route[:, 1]) >= 0).all()
        assert abs(route[-1, 1] - (placed.y[dst[edge]] - placed.h[dst[edge]] / 2)) < 1e-6
        assert abs(route[-1, 0] - placed.x[dst[edge]]) < placed.w[dst[edge]] / 2
        if not placed.ported[edge]:
            assert abs(route[0, 1] - (placed.y[src[edge]] + placed.h[src[edge]] / 2)) < 1e-6
            assert abs(route[0, 0] - placed.x[src[edge]]) < placed.w[src[edge]] / 2
        else:
            tags = np.flatnonzero((placed.ports.node == dst[edge]) & (placed.ports.tensor == tensor[edge]) & ~placed.ports.out)
            assert len(tags) == 1
            assert np.allclose(route[0], (placed.ports.x[tags[0]], placed.ports.y[tags[0]] + placed.ports.h[tags[0]] / 2))


def test_edges_cross_no_box(drawn: tuple[Graph, Placed]) -> None:
    placed = drawn[1]
    rect = boxes(placed)
    assert not through(pieces(placed), rect).any()
    assert not through(placed.links, rect).any()


def test_links_are_the_routes_drawn_once(drawn: tuple[Graph, Placed]) -> None:
    (_, _, _, _, tensor), placed = drawn
    assert set(placed.link_tensor.tolist()) == set(tensor.tolist())
    unique = np.unique(np.concatenate((placed.links, placed.link_tensor[:, None]), 1), axis=0)
    assert len(unique) == len(placed.links)
    slanted = pieces(placed)
    slanted = np.unique(slanted[np.abs(slanted[:, 0] - slanted[:, 2]) > 0.25], axis=0)
    links = placed.links[np.abs(placed.links[:, 0] - placed.links[:, 2]) > 0.25]
    known = {tuple(line) for line in links.tolist()}
    assert all(tuple(line) in known for line in slanted.tolist())


def test_the_same_graph_is_drawn_the_same() -> None:
    for make in (GRAPHS["dense"], GRAPHS["masked"]):
        one, two = lay(*make()), lay(*make())
        for name in ("x", "y", "points", "offsets", "links", "rank"):
            assert np.array_equal(getattr(one, name), getattr(two, name))


def test_a_mask_read_everywhere_becomes_tags() -> None:
    _, _, _, _, tensor = made = masked(60)
    placed = lay(*made)
    assert placed.ported.sum() > 50
    assert set(tensor[placed.ported].tolist()) == {0}
    assert placed.ports.out.sum() == 1
    assert placed.ports.consumers[placed.ports.out][0] == placed.ported.sum()
    assert placed.width < 1200
    assert not lay(*masked(10)).ported.any()


def test_the_longest_of_many_nested_links_become_tags() -> None:
    half = 400
    placed = lay(*graph(2 * half, [(a, a + 1) for a in range(2 * half - 1)] + [(a, 2 * half - 1 - a) for a in range(half - 2)]))
    skips = np.arange(half - 2) + 2 * half - 1
    assert 0 < placed.ported.sum() < half - 2
    assert not placed.ported[: 2 * half - 1].any()
    assert (np.diff(placed.ported[skips].astype(int)) <= 0).all(), "the longest"


def test_edges_that_are_tagged_get_tags() -> None:
    made = residual(20)
    tagged = np.zeros(len(made[2]), bool)
    tagged[[0, 3]] = True  # the second skips two rows only: too near for two tags
    assert not lay(*made, tagged=tagged).ported.any()
    chain = graph(30, [(a, a + 1) for a in range(29)] + [(2, 25)])
    tagged = np.arange(30) == 29
    placed = lay(*chain, tagged=tagged)
    assert np.array_equal(placed.ported, tagged)
    assert len(placed.ports) == 2


def test_what_measures_a_state_sinks_to_where_the_state_is_read() -> None:
    # 0 the state, 1..3 what is computed from it, 4..13 the main path; both end in 14.
    edges = [(0, 1), (1, 2), (2, 3)] + [(a, a + 1) for a in range(4, 14)] + [(3, 14), (0, 14)]
    placed = lay(*graph(15, edges))
    assert placed.rank[14] - placed.rank[3] == 1
    assert placed.rank[14] - placed.rank[0] == 4


def test_many_branches_of_one_node_are_stacked() -> None:
    made = branches(90)
    placed = lay(*made)
    assert placed.crossings == 0
    assert placed.width < 5000
    src, dst = made[2], made[3]
    wide = int(np.bincount(dst).argmax())
    assert len(np.unique(placed.rank[src[dst == wide]])) > 4


def test_weights_stand_on_both_sides_of_the_main_path() -> None:
    edges, last = [], 0
    for _ in range(6):
        edges += [(last, last + 3), (last + 1, last + 3), (last + 2, last + 3)]
        last += 3
    placed = lay(*graph(last + 1, edges))
    # The first node reads three inputs alike; from the second on there is a main path, straight between its weights.
    main, one, other = placed.x[3:-1:3], placed.x[4::3], placed.x[5::3]
    assert np.ptp(main) < 1
    assert ((one - main) * (other - main) < 0).all()


def test_a_residual_backbone_is_straight() -> None:
    placed = lay(*residual(20))
    assert placed.crossings == 0
    slanted = np.abs(placed.links[:, 0] - placed.links[:, 2])
    assert not ((slanted > 0) & (slanted < 8)).any()
    assert np.ptp(placed.x) < 400


def test_rows_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="topological"):
        lay(*graph(2, [(1, 0)]))


def test_it_stops_when_told() -> None:
    class StopError(Exception):
        pass

    def step(fraction: float, text: str) -> None:
        if fraction > 0.3:
            raise StopError

    with pytest.raises(StopError):
        lay(*scatter(200, 4.0, 40, 2), step=step)


def test_the_test_for_crossed_boxes_can_fail() -> None:
    rect = np.array([[10.0, 10.0, 50.0, 30.0]])
    lines = np.array([[0.0, 20.0, 60.0, 20.0], [30.0, 0.0, 30.0, 9.0], [0.0, 0.0, 60.0, 40.0], [60.0, 0.0, 60.0, 40.0]])
    assert through(lines, rect).tolist() == [True, False, True, False]

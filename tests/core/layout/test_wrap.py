"""A wrapped picture is the same picture in columns: same boxes, same links, nothing on top of anything."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from core.layout import Placed
from core.layout.layered import lay
from core.layout.wrap import wrap, wrapped
from core.model.index import GraphIndex
from tests.bench.crossings import Drawn
from tests.core.layout.test_layered import Graph, boxes, graph, masked, pieces, residual, through

ASPECT = 1.6


def nested(nodes: int) -> Graph:
    """A chain in which every node of the first half has a skip to its mirror image."""
    return graph(nodes, [(a, a + 1) for a in range(nodes - 1)] + [(a, nodes - 1 - a) for a in range(0, nodes // 2 - 2, 3)])


def grid(steps: int, wide: int) -> Graph:
    """Many parallel chains with rungs: every cut passes many links."""
    edges = [(step * wide + a, (step + 1) * wide + a) for step in range(steps) for a in range(wide)]
    edges += [(step * wide + a, (step + 1) * wide + a + 1) for step in range(steps) for a in range(wide - 1)]
    return graph((steps + 1) * wide, edges)


def fed(branches: int, nodes: int) -> Graph:
    """A path that begins where many branches end: it has a stack beside which no cut may go."""
    edges = [(a, branches) for a in range(branches)] + [(branches + a, branches + a + 1) for a in range(nodes)]
    return graph(branches + nodes + 1, edges)


TALL: dict[str, Callable[[], Graph]] = {
    "chain": lambda: graph(60, [(a, a + 1) for a in range(59)]),
    "residual": lambda: residual(40),
    "masked": lambda: masked(60),
    "nested": lambda: nested(90),
    "grid": lambda: grid(80, 4),
    "shelves": lambda: fed(40, 60),
}


def index_of(made: Graph) -> GraphIndex:
    _, _, src, dst, tensor = made
    names = [f"t{i}" for i in range(int(tensor.max()) + 1)]
    return cast(GraphIndex, SimpleNamespace(src=src, dst=dst, tensor=tensor, tensors=names))


@pytest.fixture(params=[(name, way) for name in TALL for way in ("wrap", "wrapped")], ids=str, scope="module")
def both(request: pytest.FixtureRequest) -> tuple[Graph, Placed, Placed]:
    name, way = request.param
    made = TALL[name]()
    flat = lay(*made)
    return made, flat, (wrap if way == "wrap" else wrapped)(flat, index_of(made), ASPECT)


def column_starts(placed: Placed) -> np.ndarray:
    """The ranks at which a new column starts: where y goes back up."""
    y = np.full(int(placed.rank.max()) + 1, np.nan)
    y[placed.rank] = placed.y
    ranks = np.flatnonzero(~np.isnan(y))
    return np.asarray(ranks[1:][np.diff(y[ranks]) < 0])


def test_it_has_about_the_shape_that_was_asked_for(both: tuple[Graph, Placed, Placed]) -> None:
    _, flat, placed = both
    assert ASPECT / 1.5 < placed.width / placed.height < ASPECT * 1.5
    assert flat.height / flat.width > placed.height / placed.width


def test_boxes_are_the_same_and_do_not_overlap(both: tuple[Graph, Placed, Placed]) -> None:
    _, flat, placed = both
    assert np.array_equal(placed.w, flat.w)
    assert np.array_equal(placed.h, flat.h)
    rect = boxes(placed)
    for i in range(len(rect)):
        others = rect[i + 1 :]
        over = (others[:, 0] < rect[i, 2]) & (others[:, 2] > rect[i, 0]) & (others[:, 1] < rect[i, 3]) & (others[:, 3] > rect[i, 1])
        assert not over.any()
    assert (rect[:, :2] >= 0).all()
    assert (rect[:, 2:] <= [placed.width, placed.height]).all()


def test_columns_go_from_left_to_right(both: tuple[Graph, Placed, Placed]) -> None:
    placed = both[2]
    starts = column_starts(placed)
    assert len(starts) >= 1
    column = np.searchsorted(starts, placed.rank, side="right")
    ends = [
        (float((placed.x - placed.w / 2)[column == c].min()), float((placed.x + placed.w / 2)[column == c].max()))
        for c in range(len(starts) + 1)
    ]
    assert all(before[1] < after[0] for before, after in pairwise(ends))


def test_every_edge_still_joins_its_boxes(both: tuple[Graph, Placed, Placed]) -> None:
    (_, _, src, dst, tensor), _, placed = both
    for edge in range(len(src)):
        route = placed.route(edge)
        if placed.ported[edge]:
            tag = np.flatnonzero((placed.ports.node == dst[edge]) & (placed.ports.tensor == tensor[edge]) & ~placed.ports.out)[0]
            x, y, half = placed.ports.x[tag], placed.ports.y[tag] + placed.ports.h[tag] / 2, placed.ports.w[tag] / 2
        else:
            x, y, half = placed.x[src[edge]], placed.y[src[edge]] + placed.h[src[edge]] / 2, placed.w[src[edge]] / 2
        assert abs(route[0, 0] - x) < half
        assert abs(route[0, 1] - y) < 1e-6
        assert abs(route[-1, 0] - placed.x[dst[edge]]) < placed.w[dst[edge]] / 2
        assert abs(route[-1, 1] - (placed.y[dst[edge]] - placed.h[dst[edge]] / 2)) < 1e-6
        up = np.diff(route[:, 1]) < -1e-6
        assert (np.abs(np.diff(route[:, 0]))[up] < 1e-6).all(), "upwards only straight, in a gutter"


def test_nothing_crosses_a_box(both: tuple[Graph, Placed, Placed]) -> None:
    placed = both[2]
    rect = boxes(placed)
    assert not through(pieces(placed), rect).any()
    assert not through(placed.links, rect).any()
    ends = np.concatenate((placed.links[:, :2], placed.links[:, 2:], placed.points))
    assert (ends >= 0).all()
    assert (ends <= [placed.width, placed.height]).all()
    assert (placed.links[:, 1] <= placed.links[:, 3]).all()


def test_links_are_the_routes(both: tuple[Graph, Placed, Placed]) -> None:
    (_, _, _, _, tensor), _, placed = both
    assert set(placed.link_tensor.tolist()) == set(tensor.tolist())
    known = {tuple(line) for line in np.round(placed.links, 3).tolist()}
    assert len(known) == len(placed.links)
    lines = pieces(placed)
    down = lines[:, 1] <= lines[:, 3]
    lines = np.round(np.where(down[:, None], lines, lines[:, [2, 3, 0, 1]]), 3)
    aside = np.abs(lines[:, 0] - lines[:, 2]) > 0.25
    assert all(tuple(line) in known for line in lines[aside | ~down].tolist())


def test_the_ways_around_cross_nothing() -> None:
    made = TALL["grid"]()
    flat = lay(*made)
    placed = wrap(flat, index_of(made), ASPECT)
    before, after = (Drawn(p.links, p.link_tensor, p.width, p.height, 0.0).crossings() for p in (flat, placed))
    assert after == before


def test_many_links_past_whole_columns_become_tags() -> None:
    made = nested(150)
    flat = lay(*made)
    lines, tags = wrap(flat, index_of(made), ASPECT), wrapped(flat, index_of(made), ASPECT)
    assert not len(lines.ports)
    assert len(tags.ports) > 20
    assert tags.width * tags.height < 0.7 * lines.width * lines.height


def test_what_is_wide_enough_stays_as_it_is() -> None:
    for made in (graph(0, []), graph(1, []), graph(40, []), graph(50, [(0, a) for a in range(1, 50)])):
        flat = lay(*made)
        assert wrap(flat, cast(GraphIndex, SimpleNamespace(tensor=made[4])), ASPECT) is flat


def test_it_is_pure_and_deterministic() -> None:
    made = TALL["residual"]()
    flat = lay(*made)
    kept = flat.points.copy(), flat.links.copy(), flat.x.copy()
    one, two = wrap(flat, index_of(made), ASPECT), wrap(flat, index_of(made), ASPECT)
    assert np.array_equal(one.points, two.points)
    assert np.array_equal(one.links, two.links)
    assert all(np.array_equal(a, b) for a, b in zip(kept, (flat.points, flat.links, flat.x), strict=True))

"""Ways along links, against breadth first search written out."""

from __future__ import annotations

import itertools
import random
from collections import deque

import numpy as np
import pytest

from core.find.trace import FAR, Ways
from core.model.index import GraphIndex, build
from tests import models


def wired(count: int, edges: list[tuple[int, int]]) -> GraphIndex:
    """An index of `count` rows of one op with these links; every row makes one tensor."""
    edges = sorted(edges, key=lambda edge: edge[1])
    src, dst = (np.array([edge[side] for edge in edges], np.int32) for side in (0, 1))
    zeros = np.zeros(count, np.int64)
    return GraphIndex(
        names=[f"n{row}" for row in range(count)], op=zeros.astype(np.int32), op_names=["Relu"], kind=zeros.astype(np.uint8),
        file_index=np.arange(count, dtype=np.int32), parameters=zeros, weight_bytes=zeros, macs=zeros.astype(np.float64),
        details=[""] * count, src=src, dst=dst, tensor=src.copy(), tensors=[f"t{row}" for row in range(count)],
        tensor_types=[""] * count, initializers={},
    )  # fmt: skip


def steps(count: int, edges: list[tuple[int, int]], start: list[int]) -> list[int]:
    """Breadth first, the plain way."""
    found = [FAR] * count
    waiting = deque(start)
    for row in start:
        found[row] = 0
    while waiting:
        row = waiting.popleft()
        for source, target in edges:
            if source == row and found[target] == FAR:
                found[target] = found[row] + 1
                waiting.append(target)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_steps_are_those_of_a_breadth_first_search(seed: int) -> None:
    rng = random.Random(seed)
    count = rng.randint(2, 24)
    edges = [(a, b) for a in range(count) for b in range(a + 1, count) if rng.random() < 0.18]
    ways = Ways(wired(count, edges))
    start = rng.sample(range(count), min(count, rng.randint(1, 3)))
    back = [(b, a) for a, b in edges]
    down, up = steps(count, edges, start), steps(count, back, start)
    assert ways.steps_down(start).tolist() == down
    assert ways.steps_up(start).tolist() == up
    for depth in (0, 1, 2):
        assert ways.downstream(start, depth).tolist() == [row for row in range(count) if 0 < down[row] <= depth]
        assert ways.upstream(start, depth).tolist() == [row for row in range(count) if 0 < up[row] <= depth]
    assert ways.producers(start).tolist() == sorted({a for a, b in edges if b in start})
    assert ways.consumers(start).tolist() == sorted({b for a, b in edges if a in start})
    one, other = 0, count - 1
    from_one, to_other = steps(count, edges, [one]), steps(count, back, [other])
    assert ways.between([one], [other]).tolist() == [r for r in range(count) if from_one[r] >= 0 and to_other[r] >= 0]
    way = ways.shortest(one, other)
    assert (not way) == (from_one[other] == FAR)
    if way:
        assert len(way) == from_one[other] + 1
        assert way[0] == one
        assert way[-1] == other
        assert all(pair in edges for pair in itertools.pairwise(way))


def test_a_tensor_has_one_producer_and_its_consumers() -> None:
    index = build(models.residual_cnn())
    ways = Ways(index)
    tensor = index.tensors.index("stem_out")
    assert index.names[ways.producer_of(tensor) or 0] == "/stem/Relu"
    assert [index.names[row] for row in ways.consumers_of(tensor)] == ["/block/dw/Conv", "/block/Add"]


def test_nothing_leads_nowhere() -> None:
    ways = Ways(wired(3, []))
    assert ways.downstream([]).tolist() == ways.producers([]).tolist() == ways.between([0], [2]).tolist() == []
    assert ways.shortest(0, 2) == []
    assert ways.shortest(1, 1) == [1]

"""Links touch their boxes in order, inside their sides, straight where they can be."""

from __future__ import annotations

import numpy as np
import pytest

from core.layout.ends import CORNER, Ends, ends, reaches
from core.layout.nets import weave


def touched(src: list[int], dst: list[int], rank: list[int], x: list[float], w: list[float], exits: list[float] | None = None) -> Ends:
    """Every edge its own tensor; all ranks next to each other."""
    nets = weave(np.array(rank), np.array(src), np.array(dst), np.arange(len(src)))
    wide = np.array(w)
    return ends(nets, np.array(x), reaches(nets, wide), None if exits is None else np.array(exits))


def test_boxes_that_overlap_are_joined_by_a_straight_line() -> None:
    found = touched([0], [1], [0, 1], [100.0, 160.0], [120.0, 120.0])
    assert found.start[0] == found.end[0] == 130.0


def test_a_link_to_the_side_leaves_and_arrives_by_the_near_corners() -> None:
    found = touched([0], [1], [0, 1], [100.0, 400.0], [120.0, 120.0])
    assert found.start[0] == 160.0 - CORNER
    assert found.end[0] == 340.0 + CORNER


def test_the_line_runs_through_the_middle_of_the_box_that_has_no_other() -> None:
    # 0 leads to 1, straight below to the right, and to 2 on the left.
    found = touched([0, 0], [1, 2], [0, 1, 1], [100.0, 130.0, -200.0], [120.0, 120.0, 120.0])
    assert found.start[0] == found.end[0] == 130.0
    assert found.start[1] == 40.0 + CORNER


@pytest.mark.parametrize("count", [3, 12, 200])
def test_many_links_keep_order_and_stay_on_their_side(count: int) -> None:
    x = [0.0, *np.random.default_rng(count).permutation(np.arange(count) * 150.0 - count * 60.0).tolist()]
    found = touched([0] * count, list(range(1, count + 1)), [0] + [1] * count, x, [160.0] + [120.0] * count)
    order = np.argsort(x[1:])
    assert (np.diff(found.start[order]) > 0).all()
    assert (np.abs(found.start) <= 80.0 - CORNER + 1e-9).all()
    assert (np.abs(found.end - np.array(x[1:])) <= 60.0 - CORNER + 1e-9).all()


def test_given_exits_are_kept() -> None:
    found = touched([0, 0], [1, 1], [0, 1], [100.0, 500.0], [400.0, 120.0], [-150.0, 20.0])
    assert found.start.tolist() == [-50.0, 120.0]
    assert found.end[0] < found.end[1]

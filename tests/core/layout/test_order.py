"""Crossings are counted exactly, and never become more than in program order."""

from __future__ import annotations

import numpy as np
import pytest

from core.layout.order import PAIRWISE, Rows, crossings, order


def rows(upper: int, lower: int, hops: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    src, dst = rng.integers(0, upper, hops), upper + rng.integers(0, lower, hops)
    rank = np.repeat([0, 1], [upper, lower])
    return Rows(rank=rank, start=np.array([0, upper, upper + lower]), hop_src=src, hop_dst=dst)


def counted(made: Rows, place: np.ndarray) -> int:
    a, b = place[made.hop_src], place[made.hop_dst]
    return int(((a[:, None] < a) & (b[:, None] > b)).sum())


@pytest.mark.parametrize("hops", [0, 1, 30, PAIRWISE, PAIRWISE + 200])
def test_the_count_is_exact(hops: int) -> None:
    made = rows(40, 50, hops, seed=hops)
    rng = np.random.default_rng(1)
    for place in (np.arange(90), np.concatenate((rng.permutation(40), 40 + rng.permutation(50)))):
        assert crossings(made, place) == counted(made, place)


@pytest.mark.parametrize("seed", range(5))
def test_ordering_keeps_rows_and_never_adds_crossings(seed: int) -> None:
    made = rows(12, 14, 25, seed)
    before = crossings(made, np.arange(26))
    place, after = order(made)
    assert after == crossings(made, place) <= before
    assert sorted(place[:12].tolist()) == list(range(12))
    assert sorted(place[12:].tolist()) == list(range(12, 26))


def test_a_tangle_that_can_be_undone_is_undone() -> None:
    made = Rows(rank=np.repeat([0, 1], 6), start=np.array([0, 6, 12]), hop_src=np.arange(6), hop_dst=np.array([11, 10, 9, 8, 7, 6]))
    assert order(made)[1] == 0

"""Many rows as one, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from core.overlays.combine import combine

NAN = np.nan


@pytest.mark.parametrize("how", ["sum", "max", "weighted mean", "none"])
def test_against_loops(how: str) -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(-3, 4, 200).astype(float)
    values[rng.random(200) < 0.2] = NAN
    group, weights = rng.integers(-1, 60, 200), rng.random(200)
    found = combine(values, group, 62, how, weights)  # type: ignore[arg-type]
    assert found.shape == (62,)
    for g in range(62):
        rows = [r for r in range(200) if group[r] == g and values[r] == values[r]]
        inside = values[rows]
        if not rows or (how == "none" and len(set(inside.tolist())) > 1):
            assert np.isnan(found[g])
            continue
        expected = {
            "sum": inside.sum(),
            "max": inside.max(),
            "weighted mean": (inside * weights[rows]).sum() / weights[rows].sum(),
            "none": inside[0],
        }[how]
        assert found[g] == pytest.approx(expected)


def test_weights_that_say_nothing_weigh_the_same() -> None:
    values, group = np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1])
    assert combine(values, group, 2, "weighted mean").tolist() == [2.0, 5.0]
    assert combine(values, group, 2, "weighted mean", np.zeros(3)).tolist() == [2.0, 5.0]
    assert combine(values, group, 2, "weighted mean", np.array([1.0, NAN, 1.0])).tolist() == [1.0, 5.0]


def test_nothing_at_all() -> None:
    assert np.isnan(combine(np.zeros(0), np.zeros(0, int), 3)).all()
    assert combine(np.array([1.0]), np.array([-1]), 0).shape == (0,)

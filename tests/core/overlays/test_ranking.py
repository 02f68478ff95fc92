"""The top of a list and what lies above a threshold, against sorting in Python."""

from __future__ import annotations

import numpy as np
import pytest

from core.overlays.ranking import above, top


@pytest.mark.parametrize("smallest", [False, True])
@pytest.mark.parametrize("k", [0, 1, 5, 300])
def test_against_sorting(k: int, smallest: bool) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 20, 200).astype(float)
    values[rng.random(200) < 0.3] = np.nan
    known = [row for row in range(200) if values[row] == values[row]]
    expected = sorted(known, key=lambda row: (values[row] if smallest else -values[row], row))[:k]
    found = top(values, k, smallest=smallest)
    assert found.rows.tolist() == expected
    total = np.nansum(values)
    assert found.share == pytest.approx(values[expected] / total)
    assert found.running == pytest.approx(np.cumsum(values[expected]) / total)


def test_above_a_threshold() -> None:
    values = np.array([1.0, 2.0, np.nan, 3.0, 4.0])
    assert above(values, 3.0) == (2, 4, 0.7)
    assert above(values, 0.0) == (4, 4, 1.0)
    count, known, share = above(np.array([-1.0, np.nan]), 5.0)
    assert (count, known) == (0, 1)
    assert np.isnan(share)

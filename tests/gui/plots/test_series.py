"""The pyramid keeps every extreme; counts answer percentiles as numpy does."""

from __future__ import annotations

import numpy as np
import pytest

from gui.plots.series import Counts, Series


def filled(n: int, batch: int = 777) -> Series:
    rng = np.random.default_rng(1)
    series = Series(capacity=16)
    x, y = np.arange(n) * 0.001, rng.exponential(1.0, n)
    for start in range(0, n, batch):
        series.append(x[start : start + batch], y[start : start + batch])
    return series


@pytest.mark.parametrize("n", [0, 1, 3, 16, 17, 1000, 4097, 65_536, 100_001])
def test_growing_keeps_every_sample_and_every_extreme(n: int) -> None:
    series = filled(n)
    assert series.count == n
    x, y = series.peaks(-1.0, 1e9, 100)
    assert len(x) == len(y) <= max(n, 808)
    if n:
        assert y.min() == series.y.min()
        assert y.max() == series.y.max()
        assert np.all(np.diff(x) >= 0)


def test_a_single_stall_among_a_million_is_drawn() -> None:
    series = Series()
    y = np.full(1_000_000, 0.5)
    y[654_321] = 42.0
    series.append(np.arange(1_000_000.0), y)
    x, drawn = series.peaks(0.0, 1e6, 500)
    assert len(x) <= 4100
    assert drawn.max() == 42.0
    at = x[int(drawn.argmax())]
    assert abs(at - 654_321) < 1_000_000 / 250


def test_a_part_shows_its_own_samples_only() -> None:
    series = filled(100_000)
    x, y = series.peaks(10.0, 10.05, 400)
    inside = (series.x >= 9.99) & (series.x <= 10.06)
    assert np.isin(y, series.y[inside]).all()
    assert np.count_nonzero((x >= 10.0) & (x <= 10.05)) == np.count_nonzero((series.x >= 10.0) & (series.x <= 10.05))


def test_percentiles_agree_with_numpy() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(0.7, 0.01, 50_000) + rng.exponential(0.01, 50_000)
    counts = Counts()
    for part in np.array_split(values, 17):
        counts.add(part)
    assert counts.total == 50_000
    assert counts.low == values.min()
    assert counts.high == values.max()
    for share in (0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0):
        assert counts.quantile(share) == pytest.approx(np.quantile(values, share), rel=1.2e-3)
    assert counts.above(0.72) == pytest.approx(np.count_nonzero(values > 0.72), rel=0.02)


def test_bad_values_are_left_out() -> None:
    counts = Counts()
    counts.add(np.array([np.nan, -1.0, 0.0, np.inf]))
    assert counts.total == 0
    assert np.isnan(counts.quantile(0.5))


def test_histogram_shares_sum_to_all() -> None:
    counts = Counts()
    counts.add(np.random.default_rng(3).lognormal(0.0, 0.3, 10_000))
    edges, share = counts.histogram(counts.low * 0.99, counts.high * 1.01, 90)
    assert len(edges) == len(share) + 1
    assert np.all(np.diff(edges) > 0)
    assert share.sum() == pytest.approx(1.0)
    assert 60 <= len(share) <= 130

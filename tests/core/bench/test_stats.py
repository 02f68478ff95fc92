"""Statistics against numpy and against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from core.bench import stats as room
from core.bench.stats import quantile, ratio, resampled_medians, stats

SIZES = [1, 2, 3, 4, 5, 10, 99, 100, 1001]


def sample(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(9.0, 0.3, size)


@pytest.mark.parametrize("size", SIZES)
def test_every_figure_is_numpys(size: int) -> None:
    values = sample(size)
    found = stats(values, 2.5)
    assert found.count == size
    assert found.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert found.std == pytest.approx(np.std(values, ddof=1) if size > 1 else 0.0, rel=1e-12)
    assert (found.min, found.max) == (values.min(), values.max())
    names = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9}
    for name, percent in names.items():
        assert getattr(found, name) == pytest.approx(np.percentile(values, percent), rel=1e-12)
    assert found.throughput == pytest.approx(size / 2.5)
    assert found.min <= found.p50_low <= found.p50 <= found.p50_high <= found.max


def test_percentiles_interpolate_as_written() -> None:
    assert quantile(np.array([1.0, 2.0, 4.0, 8.0]), 0.5) == 3.0
    assert quantile(np.array([1.0, 2.0, 4.0, 8.0]), 0.9) == pytest.approx(4.0 + 0.7 * 4.0)
    assert quantile(np.array([5.0]), 0.999) == 5.0


@pytest.mark.parametrize("size", [3, 8, 25, 60])
def test_resampled_medians_are_those_of_resampling(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortcut has the distribution of the long way: draw n of n, take the median, again and again."""
    monkeypatch.setattr(room, "RESAMPLES", 200_000)
    values = np.sort(sample(size))
    rng = np.random.default_rng(1)
    long_way = np.median(values[rng.integers(0, size, (200_000, size))], axis=1)
    short_way = resampled_medians(values)
    # two samples of 200,000: Kolmogorov-Smirnov at p = 1e-6 is 2.7 / sqrt(100,000)
    grid = np.unique(np.concatenate([long_way, short_way]))
    distance = np.abs(
        np.searchsorted(np.sort(long_way), grid, "right") / long_way.size
        - np.searchsorted(np.sort(short_way), grid, "right") / short_way.size
    ).max()
    assert distance < 2.7 / np.sqrt(100_000)


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    truth = np.median(sample(2_000_000, seed=99))
    hits = 0
    for seed in range(400):
        found = stats(sample(60, seed), 1.0)
        hits += found.p50_low <= truth <= found.p50_high
    # 95 % of 400 is 380 with a standard deviation of 4.4
    assert 360 <= hits <= 397


def test_the_same_latencies_give_the_same_interval() -> None:
    assert stats(sample(50), 1.0) == stats(sample(50)[::-1], 1.0)


def test_a_million_latencies_are_no_more_work() -> None:
    found = stats(sample(1_000_000), 1.0)
    assert found.p50_low < found.p50 < found.p50_high
    assert found.p50_high - found.p50_low < 0.01 * found.p50


@pytest.mark.parametrize("bad", [[], [1.0, float("nan")], [1.0, float("inf")], [-1.0, 2.0]])
def test_what_is_no_latency_is_a_bug(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="latenc"):
        stats(bad, 1.0)


def test_no_time_is_no_throughput() -> None:
    assert stats([1.0], 0.0).throughput == 0.0


def test_ratio_of_medians() -> None:
    slow, fast = sample(1000) * 2.0, sample(1000, seed=5)
    found = ratio(slow, fast)
    assert found.value == pytest.approx(np.median(slow) / np.median(fast))
    assert found.low < found.value < found.high
    assert found.low < 2.0 < found.high
    assert found.sure
    back = ratio(fast, slow)
    assert back.value == pytest.approx(1 / found.value)


def test_equal_variants_are_not_called_different() -> None:
    wrong = sum(ratio(sample(200, seed), sample(200, seed + 1000)).sure for seed in range(200))
    # 5 % of 200 is 10 with a standard deviation of 3.1
    assert wrong <= 22


def test_ratio_of_nothing_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no latencies"):
        ratio([], [1.0])

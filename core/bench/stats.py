"""Latency statistics: percentiles, and how sure the median is.

Percentiles interpolate linearly between order statistics (Hyndman and Fan 1996, type 7; numpy's default): with the
samples sorted as x[0..n-1] and h = (n - 1) p, the p quantile is x[floor h] + (h - floor h) (x[floor h + 1] - x[floor h]).

The interval of the median is a percentile bootstrap (Efron and Tibshirani 1993, chapter 13) over `RESAMPLES` resamples,
without resampling: the k-th smallest of n draws from the samples is x[floor n U], where U, the k-th smallest of n uniform
numbers, is Beta(k, n + 1 - k) distributed. So a million latencies cost as much as a hundred. It takes inferences as independent;
drift during a run makes the true interval wider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.bench import Stats

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

RESAMPLES = 2000
CONFIDENCE = 0.95
_SEED = 20061  # any; fixed, so that the same latencies always give the same interval


@dataclass(frozen=True)
class Ratio:
    """A's median over B's: above 1, B is that many times faster. `low` and `high` bound it with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out 1: one of the two is faster beyond chance."""
        return not self.low <= 1.0 <= self.high


def stats(latencies_ms: ArrayLike, seconds: float) -> Stats:
    """Statistics of at least one latency in milliseconds; `seconds` is the time that all of them took together.

    `std` is the sample standard deviation (n - 1 in the denominator), 0 for a single sample; throughput is count / seconds.
    """
    import numpy as np

    values = np.sort(np.asarray(latencies_ms, np.float64).ravel())
    if values.size == 0:
        raise ValueError("no latencies")
    if not np.isfinite(values[-1]) or values[0] < 0:
        raise ValueError("a latency is negative or not finite")
    p50, p90, p95, p99, p999 = (quantile(values, p) for p in (0.5, 0.9, 0.95, 0.99, 0.999))
    low, high = interval(resampled_medians(values))
    return Stats(
        count=int(values.size),
        mean=float(values.mean()),
        std=float(values.std(ddof=1)) if values.size > 1 else 0.0,
        min=float(values[0]),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        p999=p999,
        max=float(values[-1]),
        throughput=values.size / seconds if seconds > 0 else 0.0,
        p50_low=low,
        p50_high=high,
    )


def ratio(a: ArrayLike, b: ArrayLike) -> Ratio:
    """The median of `a` over the median of `b`, with a bootstrap interval; the two are resampled independently."""
    import numpy as np

    first, second = (np.sort(np.asarray(values, np.float64).ravel()) for values in (a, b))
    if first.size == 0 or second.size == 0:
        raise ValueError("no latencies")
    low, high = interval(resampled_medians(first, seed=_SEED) / resampled_medians(second, seed=_SEED + 1))
    return Ratio(quantile(first, 0.5) / quantile(second, 0.5), low, high)


def quantile(ordered: np.ndarray, p: float) -> float:
    """The `p` quantile of sorted values by linear interpolation."""
    place = (ordered.size - 1) * p
    below = int(place)
    above = min(below + 1, ordered.size - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def resampled_medians(ordered: np.ndarray, *, seed: int = _SEED) -> np.ndarray:
    """`RESAMPLES` medians of resamples of sorted values, drawn from their exact distribution."""
    import numpy as np

    rng = np.random.default_rng(seed)
    n = ordered.size
    k = (n + 1) // 2
    uniform = rng.beta(k, n + 1 - k, RESAMPLES)
    lower = ordered[_place(uniform, n)]
    if n % 2:
        return np.asarray(lower)
    # the next uniform number is the smallest of n - k on what is left above
    following = 1.0 - (1.0 - uniform) * rng.random(RESAMPLES) ** (1.0 / (n - k))
    return np.asarray((lower + ordered[_place(following, n)]) / 2)


def _place(uniform: np.ndarray, n: int) -> np.ndarray:
    import numpy as np

    return np.asarray(np.minimum((uniform * n).astype(np.int64), n - 1))


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of bootstrap values."""
    import numpy as np

    ordered = np.sort(values)
    tail = (1 - CONFIDENCE) / 2
    return quantile(ordered, tail), quantile(ordered, 1 - tail)

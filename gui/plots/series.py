"""Samples of one contestant, kept so that a picture of a million of them costs no more than one of a thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FACTOR = 4
#: Neighbouring latency bins differ by this ratio, so percentiles read from counts are right within 0.025 %.
RATIO = 1.0005
LOWEST_MS = 1e-5
HIGHEST_MS = 1e7


class Series:
    """A growing line: x ascending, y any. `peaks` draws a part of it with its true extremes.

    Level k of the pyramid holds minimum and maximum of each `FACTOR**k` samples; appending n samples costs O(n).
    """

    def __init__(self, capacity: int = 8192) -> None:
        import numpy as np

        self.count = 0
        self._x = np.empty(capacity)
        self._y = np.empty(capacity)
        self._low: list[np.ndarray] = []
        self._high: list[np.ndarray] = []
        self._done: list[int] = []

    @property
    def x(self) -> np.ndarray:
        """The x of every sample, a view."""
        return self._x[: self.count]

    @property
    def y(self) -> np.ndarray:
        """The y of every sample, a view."""
        return self._y[: self.count]

    def append(self, x: np.ndarray, y: np.ndarray) -> None:
        """Add samples; their x must not lie before those that are there."""
        end = self.count + len(x)
        if end > len(self._x):
            size = max(end, 2 * len(self._x))
            self._x, self._y = _grown(self._x, size), _grown(self._y, size)
        self._x[self.count : end] = x
        self._y[self.count : end] = y
        self.count = end
        self._raise_levels()

    def _raise_levels(self) -> None:
        import numpy as np

        level = 0
        low, high, below = self._y, self._y, self.count
        while below >= FACTOR:
            full = below // FACTOR
            if level == len(self._done):
                self._low.append(np.empty(max(1024, full)))
                self._high.append(np.empty(max(1024, full)))
                self._done.append(0)
            if full > len(self._low[level]):
                self._low[level] = _grown(self._low[level], 2 * full)
                self._high[level] = _grown(self._high[level], 2 * full)
            done = self._done[level]
            if full > done:
                part = slice(done * FACTOR, full * FACTOR)
                self._low[level][done:full] = low[part].reshape(-1, FACTOR).min(axis=1)
                self._high[level][done:full] = high[part].reshape(-1, FACTOR).max(axis=1)
                self._done[level] = full
            low, high, below = self._low[level], self._high[level], full
            level += 1

    def peaks(self, left: float, right: float, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """x and y of a line over `[left, right]` (and one sample beyond at each side) of at most about `8 * columns` points.

        Every extreme of the samples is among the points: a single slow inference among a million is still drawn.
        """
        import numpy as np

        x = self.x
        first = max(0, int(np.searchsorted(x, left)) - 1)
        last = min(self.count, int(np.searchsorted(x, right, side="right")) + 1)
        level, block = 0, 1
        while level < len(self._done) and (last - first) / block > 4 * max(1, columns):
            level += 1
            block *= FACTOR
        if level == 0:
            return x[first:last], self.y[first:last]
        start, stop = first // block, min(self._done[level - 1], -(-last // block))
        lows, highs = self._low[level - 1][start:stop], self._high[level - 1][start:stop]
        at = x[start * block : stop * block : block]
        tail = self.y[stop * block : last]
        if len(tail):
            lows, highs = np.append(lows, tail.min()), np.append(highs, tail.max())
            at = np.append(at, x[stop * block])
        xs = np.repeat(at, 2)
        ys = np.empty(2 * len(at))
        ys[0::2], ys[1::2] = lows, highs
        return xs, ys


class Counts:
    """Latencies in milliseconds counted in logarithmic bins: percentiles and histograms of any number of samples."""

    def __init__(self) -> None:
        import numpy as np

        self._log_ratio = float(np.log(RATIO))
        self._bins = int(np.log(HIGHEST_MS / LOWEST_MS) / self._log_ratio) + 1
        self._counts = np.zeros(self._bins, np.int64)
        self._first, self._last = self._bins, 0
        self.total = 0
        self.low = float("inf")
        self.high = 0.0

    def add(self, latencies_ms: np.ndarray) -> None:
        """Count a batch; values that are not positive and finite are left out."""
        import numpy as np

        values = latencies_ms[np.isfinite(latencies_ms) & (latencies_ms > 0)]
        if not len(values):
            return
        at = (np.log(np.clip(values, LOWEST_MS, HIGHEST_MS) / LOWEST_MS) / self._log_ratio).astype(np.int64)
        first = int(at.min())
        found = np.bincount(at - first)
        self._counts[first : first + len(found)] += found
        self._first, self._last = min(self._first, first), max(self._last, first + len(found))
        self.total += len(values)
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))

    def quantile(self, share: float) -> float:
        """The latency in ms below which `share` (0 to 1) of the samples lie; nan without samples."""
        import numpy as np

        if not self.total:
            return float("nan")
        first = self._first
        running = np.cumsum(self._counts[first : self._last])
        at = int(np.searchsorted(running, share * self.total, side="left"))
        value = LOWEST_MS * float(np.exp((first + min(at, len(running) - 1) + 0.5) * self._log_ratio))
        return min(max(value, self.low), self.high)

    def above(self, value_ms: float) -> int:
        """How many samples are slower than `value_ms` (to the width of a bin)."""
        import numpy as np

        if value_ms <= LOWEST_MS:
            return self.total
        at = int(np.log(value_ms / LOWEST_MS) / self._log_ratio) + 1
        return int(self._counts[at:].sum())

    def histogram(self, left: float, right: float, bins: int) -> tuple[np.ndarray, np.ndarray]:
        """About `bins` logarithmic bins over `[left, right]` ms: their edges (n + 1) and the share of all samples in each (n)."""
        import numpy as np

        first = max(0, int(np.log(left / LOWEST_MS) / self._log_ratio))
        last = min(self._bins, max(first + 1, int(np.log(right / LOWEST_MS) / self._log_ratio) + 1))
        wide = max(1, round((last - first) / bins))
        n = -(-(last - first) // wide)
        padded = np.zeros(n * wide)
        taken = self._counts[first : first + n * wide]
        padded[: len(taken)] = taken
        edges = LOWEST_MS * np.exp((first + wide * np.arange(n + 1)) * self._log_ratio)
        return edges, padded.reshape(n, wide).sum(axis=1) / max(1, self.total)


def _grown(array: np.ndarray, size: int) -> np.ndarray:
    import numpy as np

    grown = np.empty(size)
    grown[: len(array)] = array
    return grown

"""The largest values first: what a list of the top nodes shows, and how much lies above a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Ranking:
    """`rows` int64 (k), the first being the top; of each its `values`, its `share` (0 to 1) of the sum of all values, and the
    share of it and those before it, `running`; float64 (k) each. Shares are nan where the sum is not positive."""

    rows: np.ndarray
    values: np.ndarray
    share: np.ndarray
    running: np.ndarray


def top(values: np.ndarray, k: int, *, smallest: bool = False) -> Ranking:
    """The `k` rows with the largest values (the smallest ones when asked); of equal ones the earlier row comes first."""
    import numpy as np

    rows = np.flatnonzero(np.isfinite(values))
    found = values[rows]
    sign = 1.0 if smallest else -1.0
    if len(rows) > 4 * k:  # all that could be among them, ties included
        edge = np.partition(sign * found, k - 1)[k - 1] if k else -np.inf
        rows = rows[sign * found <= edge]
    rows = rows[np.argsort(sign * values[rows], kind="stable")][:k]
    total = float(found.sum())
    share = values[rows] / total if total > 0 else np.full(len(rows), np.nan)
    return Ranking(rows=rows, values=values[rows], share=share, running=np.cumsum(share))


def above(values: np.ndarray, threshold: float) -> tuple[int, int, float]:
    """(rows whose value is at least `threshold`, rows with a value, share of the sum (0 to 1) that the former hold, nan
    where the sum is not positive)."""
    import numpy as np

    found = values[np.isfinite(values)]
    kept = found[found >= threshold]
    total = float(found.sum())
    return len(kept), len(found), float(kept.sum()) / total if total > 0 else float("nan")

"""Many rows as one: what a collapsed group says of the nodes inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.overlays.base import Combine

if TYPE_CHECKING:
    import numpy as np


def combine(
    values: np.ndarray, group_of_row: np.ndarray, groups: int, how: Combine = "sum", weights: np.ndarray | None = None
) -> np.ndarray:
    """float64 (groups): the rows of each group as one number, nan where none of them says anything.

    `values` float64 (n), nan ignored; `group_of_row` int (n), -1 for a row in no group. `weighted mean` weighs with
    `weights` float64 (n), equally where they are left out or not known; `none`, for categories, keeps what all rows of
    a group agree on and is nan where they do not.
    """
    import numpy as np

    values = np.asarray(values, np.float64)
    taken = np.isfinite(values) & (np.asarray(group_of_row) >= 0)
    found, group = values[taken], np.asarray(group_of_row)[taken]
    any_there = np.bincount(group, minlength=groups) > 0
    out = np.full(groups, np.nan)
    if how == "sum":
        out[any_there] = np.bincount(group, found, minlength=groups)[any_there]
    elif how == "max":
        most = np.full(groups, -np.inf)
        np.maximum.at(most, group, found)
        out[any_there] = most[any_there]
    elif how == "weighted mean":
        weight = np.ones(len(found)) if weights is None else np.nan_to_num(np.asarray(weights, np.float64)[taken], nan=0.0)
        total = np.bincount(group, weight, minlength=groups)
        weight = np.where(total[group] > 0, weight, 1.0)  # a group whose weights are all zero
        total = np.bincount(group, weight, minlength=groups)
        out[any_there] = (np.bincount(group, weight * found, minlength=groups)[any_there]) / total[any_there]
    else:
        low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
        np.minimum.at(low, group, found)
        np.maximum.at(high, group, found)
        agreed = any_there & (low == high)
        out[agreed] = low[agreed]
    return out

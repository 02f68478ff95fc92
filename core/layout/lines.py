"""What a link looks like between its two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def curve(links: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on links (s, 4) at each `share` of their way: x and y, (s, k) each.

    A cubic Bezier curve that leaves and arrives straight down, its handles half the height long.
    """
    t = share[None, :]
    ease = t * t * (3.0 - 2.0 * t)
    down = 1.5 * t * (1.0 - t) * (1.0 - t) + 1.5 * t * t * (1.0 - t) + t * t * t
    x0, y0, x1, y1 = (links[:, k : k + 1] for k in range(4))
    return x0 + (x1 - x0) * ease, y0 + (y1 - y0) * down

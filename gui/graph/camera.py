"""Where one looks at the graph, and how one gets from one view to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

#: The largest zoom, and how much smaller than the whole graph one may zoom out.
MAX_SCALE, OUT = 4.0, 0.7
#: How much of the view's size must still show graph when one travels to its rim.
RIM = 0.25
#: A graph opens in whole when that leaves it at least this readable, else at its beginning with `READABLE`.
OPEN_WHOLE, READABLE = 0.3, 0.9


@dataclass(frozen=True)
class View:
    """A view: the point of the graph in the middle of the widget, and pixels per graph pixel."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def to_screen(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """Where a point of the graph is in a widget of this size."""
        return (x - self.x) * self.scale + width / 2, (y - self.y) * self.scale + height / 2

    def to_graph(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """Which point of the graph is at a point of the widget."""
        return (x - width / 2) / self.scale + self.x, (y - height / 2) / self.scale + self.y

    def rect(self, width: float, height: float) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the graph that a widget of this size shows."""
        half_w, half_h = width / 2 / self.scale, height / 2 / self.scale
        return self.x - half_w, self.y - half_h, self.x + half_w, self.y + half_h

    def moved(self, dx: float, dy: float) -> View:
        """The view after dragging the graph by `dx`, `dy` pixels."""
        return replace(self, x=self.x - dx / self.scale, y=self.y - dy / self.scale)

    def zoomed(self, factor: float, at_x: float, at_y: float, width: float, height: float, least: float) -> View:
        """Zoomed by `factor` so that the point under (`at_x`, `at_y`) stays there."""
        scale = min(MAX_SCALE, max(least, self.scale * factor))
        graph_x, graph_y = self.to_graph(at_x, at_y, width, height)
        return View(graph_x - (at_x - width / 2) / scale, graph_y - (at_y - height / 2) / scale, scale)

    def between(self, other: View, share: float) -> View:
        """On the way to `other`: the scale changes evenly to the eye, and the point that both views share stands still."""
        if share >= 1.0:
            return other
        scale = math.exp(math.log(self.scale) * (1 - share) + math.log(other.scale) * share)
        # Screen positions of a fixed point are linear in 1/scale; without a change of scale in the share itself.
        if abs(self.scale - other.scale) < 1e-9 * self.scale:
            t = share
        else:
            t = (1 / scale - 1 / self.scale) / (1 / other.scale - 1 / self.scale)
        return View(self.x + (other.x - self.x) * t, self.y + (other.y - self.y) * t, scale)


def fit(x0: float, y0: float, x1: float, y1: float, width: float, height: float, most: float = 1.0) -> View:
    """The view that shows all of a rectangle of the graph, at most at scale `most`."""
    span_x, span_y = max(1e-6, x1 - x0), max(1e-6, y1 - y0)
    scale = min(most, max(1.0, width) / span_x, max(1.0, height) / span_y)
    return View((x0 + x1) / 2, (y0 + y1) / 2, scale)


def clamp(view: View, graph_width: float, graph_height: float, width: float, height: float) -> View:
    """The nearest view that still shows some of the graph."""
    rim_x, rim_y = (0.5 - RIM) * width / view.scale, (0.5 - RIM) * height / view.scale
    x = min(max(view.x, -rim_x), graph_width + rim_x)
    y = min(max(view.y, -rim_y), graph_height + rim_y)
    return view if (x, y) == (view.x, view.y) else replace(view, x=x, y=y)


def least_scale(graph_width: float, graph_height: float, width: float, height: float) -> float:
    """How far one may zoom out."""
    return min(1.0, fit(0, 0, graph_width, graph_height, width, height).scale * OUT)

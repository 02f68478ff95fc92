"""How long one frame of the live plot takes with a million samples: `python tests/bench/plot.py`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from PySide6.QtWidgets import QApplication

from gui.plots.live import LivePlot
from gui.theme import Theme

SAMPLES, BATCH, FRAMES = 1_000_000, 1_000, 100


def main() -> None:
    """Fill the plot, then measure adding a batch and drawing it, with two widths."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme = Theme("dark")
    theme.apply(app)
    rng = np.random.default_rng(0)
    latencies = rng.normal(0.7, 0.01, SAMPLES) + (rng.random(SAMPLES) < 1e-4) * 3
    times = np.arange(SAMPLES) * 0.0007
    for width, height in ((900, 220), (3600, 500)):
        plot = LivePlot(theme)
        plot.resize(width, height)
        plot.furnish()
        plot.show()
        plot.start("a", "fp32", 0)
        first = SAMPLES - FRAMES * BATCH
        plot.add("a", times[:first], latencies[:first])
        app.processEvents()
        adding, drawing = [], []
        for start in range(first, SAMPLES, BATCH):
            begin = time.perf_counter()
            plot.add("a", times[start : start + BATCH], latencies[start : start + BATCH])
            middle = time.perf_counter()
            plot._frame()
            plot.canvas.viewport().repaint()
            adding.append(middle - begin)
            drawing.append(time.perf_counter() - middle)
        for name, seconds in (("add a batch", adding), ("draw a frame", drawing)):
            ms = 1e3 * np.array(seconds)
            print(
                f"{width}x{height}, {SAMPLES:,} samples, {name}: median {np.median(ms):.2f} ms, "
                f"p95 {np.quantile(ms, 0.95):.2f} ms, worst {ms.max():.2f} ms"
            )
        plot.release()
        plot.close()


if __name__ == "__main__":
    main()

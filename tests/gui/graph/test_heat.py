"""Numbers as colours: scales, gaps, and figures that fit a badge."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from gui.graph.heat import SHADES, Heat, figure, shades


def test_values_become_shades_and_gaps_stay_gaps() -> None:
    heat = Heat.of(np.array([1.0, 2.0, np.nan, 3.0]), "time", "ms")
    assert heat is not None
    assert not heat.log
    assert heat.shade.tolist() == [0, 12, -1, SHADES - 1]


def test_wide_ranges_are_logarithmic() -> None:
    heat = Heat.of(np.array([0.0, 0.001, 0.1, 10.0]), "time", "ms")
    assert heat is not None
    assert heat.log
    assert heat.shade[0] == heat.shade[1] == 0
    assert heat.shade[2] == pytest.approx(SHADES / 2, abs=1)
    assert Heat.of(np.array([-1.0, 1000.0]), "", "").log is False  # type: ignore[union-attr]


def test_equal_values_and_none_at_all() -> None:
    same = Heat.of(np.array([2.0, 2.0]), "", "")
    assert same is not None
    assert same.shade.tolist() == [0, 0]
    assert Heat.of(np.array([np.nan, np.inf]), "", "") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.042, "0.042"),
        (12.345, "12.3"),
        (999.6, "1000"),
        (1234, "1234"),
        (12345, "12.3k"),
        (3.4e6, "3.4M"),
        (2e-5, "2e-5"),
        (-0.5, "-0.500"),
    ],
)  # fmt: skip
def test_figures_fit_a_badge(value: float, text: str) -> None:
    assert figure(value) == text
    assert len(text.lstrip("-")) <= 5


def test_shades_run_from_cold_to_hot() -> None:
    scale = shades(QColor("#000000"), QColor("#ffffff"))
    assert scale[0] == QColor("#000000")
    assert scale[-1] == QColor("#ffffff")
    assert len(scale) == SHADES

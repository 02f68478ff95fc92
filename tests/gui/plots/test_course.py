"""A course of steps: its peak, what is read and picked where, also when there are more steps than columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.plots.course import COLUMNS, CoursePlot, _scaled
from gui.theme import Theme


@pytest.fixture
def make(qtbot: QtBot) -> Callable[[], CoursePlot]:
    def made() -> CoursePlot:
        plot = CoursePlot(Theme("dark"), title="Memory", empty="nothing")
        qtbot.addWidget(plot, before_close_func=lambda each: each.release())
        plot.resize(500, 240)
        return plot

    return made


def test_peak_pick_and_text(make: Callable[[], CoursePlot]) -> None:
    plot = make()
    picked: list[int] = []
    plot.on_pick = picked.append
    plot.furnish()
    assert plot.peak == -1
    plot.set_course(np.array([1e3, 5e3, 2e3, 5e3]), ["a", "b", "c", "d"], "B")
    assert plot.peak == 1
    for x in (-3.0, 0.2, 2.99, 99.0):
        plot.pick(x)
    assert picked == [0, 0, 2, 3]
    assert plot._read(1.5, 0.0) == "5.00\u202fkB"
    assert plot.csv() == "step,name,value_B\n0,a,1000\n1,b,5000\n2,c,2000\n3,d,5000\n"
    assert plot.picture().width() > 100
    plot.set_course(None, [], "")
    assert not plot.has_data()
    plot.pick(0.0)
    assert len(picked) == 4


def test_of_many_steps_the_highest_are_drawn_and_picked(make: Callable[[], CoursePlot]) -> None:
    plot = make()
    plot.furnish()
    picked: list[int] = []
    plot.on_pick = picked.append
    values = np.ones(10 * COLUMNS)
    values[4321] = 9.0
    plot.set_course(values, [f"n{number}" for number in range(len(values))], "")
    curve = plot._items[0]
    assert len(curve.yData) == COLUMNS
    assert curve.yData.max() == 9.0
    plot.pick(4325.0)
    assert picked == [4321]
    plot.pick(float(len(values)))
    assert picked[1] // 10 == COLUMNS - 1


def test_units_keep_numbers_short() -> None:
    assert _scaled(5e9, "B") == (1e9, "GB")
    assert _scaled(12.0, "B") == (1.0, "B")
    assert _scaled(1e7, "steps") == (1.0, "steps")

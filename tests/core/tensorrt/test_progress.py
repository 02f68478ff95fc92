"""Nested phases as one fraction that never goes back."""

from __future__ import annotations

import pytest

from core.errors import Cancelled
from core.job import Job
from core.tensorrt import progress
from core.tensorrt.progress import Phases


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_BETWEEN", 0.0)


def test_a_phase_inside_another_fills_one_step_of_it() -> None:
    told: list[tuple[float, str]] = []
    phases = Phases(Job(on_step=lambda fraction, text: told.append((round(fraction, 4), text))))
    phases.start("build", None, 4)
    phases.step("build", 0)
    phases.start("graph", "build", 10)
    for number in range(5):
        assert phases.step("graph", number)
    assert phases.share() == pytest.approx((1 + 0.5) / 4)
    phases.start("node", "graph", 2)
    phases.step("node", 0)
    assert phases.share() == pytest.approx((1 + (5 + 0.5) / 10) / 4)
    phases.finish("node")
    phases.finish("graph")
    assert phases.share() == pytest.approx((1 + 0.55) / 4), "it does not go back while the outer step is not yet told"
    phases.step("build", 1)
    assert phases.share() == 0.5
    assert told[0] == (0.0, "build")
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)


def test_phases_side_by_side_and_names_unknown() -> None:
    phases = Phases(Job())
    phases.start("build", None, 2)
    phases.start("left", "build", 2)
    phases.start("right", "build", 4)
    phases.step("right", 2)
    assert phases.share() == pytest.approx(0.75 / 2)
    assert phases.step("never begun", 3)
    phases.finish("never begun")


def test_cancel_stops_the_builder_and_is_kept() -> None:
    wanted = False
    phases = Phases(Job(is_cancelled=lambda: wanted))
    phases.start("build", None, 3)
    assert phases.step("build", 0)
    wanted = True
    assert not phases.step("build", 1)
    assert isinstance(phases.stopped, Cancelled)


def test_cancel_is_seen_between_two_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_BETWEEN", 3600.0)
    wanted = False
    phases = Phases(Job(is_cancelled=lambda: wanted))
    phases.start("build", None, 3)
    wanted = True
    assert not phases.step("build", 1)


def test_an_error_in_a_report_stops_the_builder_and_is_kept() -> None:
    def burst(fraction: float, text: str) -> None:
        raise ZeroDivisionError

    phases = Phases(Job(on_step=burst))
    phases.start("build", None, 3)
    assert not phases.step("build", 0)
    assert isinstance(phases.stopped, ZeroDivisionError)

"""The race: one click is enough, samples are drawn live, who fails does not end it, and the sentence is honest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.backends import tasks as backend_tasks
from core.backends.base import Availability
from core.errors import UsageError
from core.job import Job
from core.session import Session
from gui.panels.bench import BenchPanel
from gui.race import verdict
from gui.race.results import RaceResults
from gui.window import MainWindow
from tests.gui.panels.results import measured
from tests.gui.panels.test_variants import grow

SOON = 60_000


@pytest.fixture
def panel(window: MainWindow, session: Session) -> BenchPanel:
    found = window.show_panel("bench")
    assert isinstance(found, BenchPanel)
    found.form.put("seconds", 0.3)
    found.form.put("warmup", 0.1)
    return found


def fake(session: Session, variant: str, **options: object) -> None:
    """An engine of the fake backend, built on the spot."""
    path = session.engines / f"{variant}-{len(session.engines_of(variant))}.fake"
    session.engines.mkdir(exist_ok=True)
    job = Job()
    engine = backend_tasks.build(session.history[variant].model, "fake", dict(options), path, job)
    job.close()
    session.add_engine(variant, engine)


def finished(panel: BenchPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not panel.racing, timeout=SOON)


def test_without_a_model_nothing_can_start(window: MainWindow) -> None:
    with pytest.raises(UsageError, match="Open a model first"):
        window.act("bench.start")


def test_one_click_builds_measures_and_says_it(
    window: MainWindow, panel: BenchPanel, session: Session, qtbot: QtBot, picture: Callable[..., None]
) -> None:
    assert [each.engine for each in panel.list.checked()] == [None], "the easy default"
    panel.start_button.click()
    assert panel.racing
    assert panel.start_button.text() == "Stop"
    assert panel.blocked() == "A race is running."
    qtbot.waitUntil(lambda: panel.live.has_data() and panel.live.frames > 0, timeout=SOON)
    finished(panel, qtbot)
    result = session.results.benches["v0"][0]
    assert session.engines_of("v0")[0].backend == "onnxruntime"
    assert panel.sentence.text().startswith("tiny · ONNX Runtime: median ")
    assert panel.results.table.value(0, "p50") == result.stats.p50
    key = next(iter(panel.results.results))
    drawn = panel.live.counts(key)
    assert drawn.total == result.stats.count, "every sample that was measured is drawn, and no warm-up is counted"
    assert drawn.quantile(0.5) == pytest.approx(result.stats.p50, rel=0.01)
    assert panel.live.series(key).x[0] < 0 <= panel.live.series(key).x[-1]
    assert panel.place.text()
    assert panel.start_button.text() == "Start"
    picture("bench")
    for index, name in enumerate(("histogram", "bars", "pareto", "past"), 1):
        panel.results.setCurrentIndex(index)
        picture("bench", f"bench-{name}", ("dark",))


def test_two_contestants_one_after_the_other(window: MainWindow, panel: BenchPanel, session: Session, qtbot: QtBot) -> None:
    grow(session, "faster")
    fake(session, "v0", latency_ms=2.0, outputs="zeros")
    fake(session, "v1", latency_ms=1.0, outputs="zeros")
    assert {each.title for each in panel.list.checked()} == {"tiny · Fake (latency ms 2.0, outputs zeros)", "faster · Fake (outputs zeros)"}
    window.act("bench.start")
    finished(panel, qtbot)
    assert panel.sentence.text().startswith("faster · Fake")
    assert "is faster than tiny · Fake" in panel.sentence.text()
    assert panel.sentence.property("role") == "ok"
    assert len(panel.results.bars.bars) == 2
    assert {point.key for point in panel.results.scatter.points} == {"v0", "v1"}
    assert panel.results.tabText(panel.results.indexOf(panel.results.past)) == "Past (2)"


def test_who_fails_is_told_and_the_race_goes_on(panel: BenchPanel, session: Session, qtbot: QtBot) -> None:
    fake(session, "v0", fail_at="run")
    fake(session, "v0", outputs="zeros")
    panel.list.check({"v0:v0-0.fake", "v0:v0-1.fake"})
    panel.start()
    finished(panel, qtbot)
    assert "The fake backend refused to run." in panel.line.message.text()
    assert panel.line.isVisible()
    assert len(session.results.benches["v0"]) == 1
    assert "median" in panel.sentence.text()


def test_a_worker_that_dies_ends_one_contestant_only(panel: BenchPanel, session: Session, qtbot: QtBot) -> None:
    fake(session, "v0", crash="kill", crash_at="run")
    fake(session, "v0", outputs="zeros")
    panel.list.check({"v0:v0-0.fake", "v0:v0-1.fake"})
    panel.start()
    finished(panel, qtbot)
    assert "SIGKILL" in panel.line.message.text()
    assert len(session.results.benches["v0"]) == 1


def test_stop_ends_it_and_keeps_what_was_measured(window: MainWindow, panel: BenchPanel, session: Session, qtbot: QtBot) -> None:
    fake(session, "v0", outputs="zeros")
    fake(session, "v0", latency_ms=5.0, outputs="zeros")
    panel.list.check({"v0:v0-0.fake", "v0:v0-1.fake"})
    panel.start()
    qtbot.waitUntil(lambda: panel.live.has("v0:v0-1.fake") and panel.live.series("v0:v0-1.fake").count > 0, timeout=SOON)
    window.act("bench.stop")
    finished(panel, qtbot)
    assert len(session.results.benches["v0"]) == 1
    assert not window.ctx.jobs.active()
    assert panel.start_button.isEnabled()
    with pytest.raises(UsageError, match="No race is running"):
        window.act("bench.stop")


def test_another_model_ends_the_race(
    window: MainWindow, panel: BenchPanel, session: Session, qtbot: QtBot, open_model: Callable[..., None]
) -> None:
    fake(session, "v0", outputs="zeros")
    panel.form.put("seconds", 600.0)
    panel.list.check({"v0:v0-0.fake"})
    panel.start()
    qtbot.waitUntil(lambda: panel.live.has_data(), timeout=SOON)
    window.close_model()
    assert not panel.racing
    assert not panel.live.has_data()
    qtbot.waitUntil(lambda: not window.ctx.jobs.active(), timeout=SOON)
    assert not session.results.benches


def test_nobody_checked_cannot_start(panel: BenchPanel) -> None:
    panel.list.check(set())
    assert panel.blocked() == "Check at least one contestant."
    assert not panel.start_button.isEnabled()
    assert panel.start_button.toolTip() == panel.blocked()


def test_an_engine_that_cannot_run_here_is_greyed_with_the_reason(window: MainWindow, panel: BenchPanel, session: Session) -> None:
    window.ctx.services["availability"] = {"fake": Availability(True, False, reason="no GPU was found", hint="Use another machine.")}
    fake(session, "v0")
    item = panel.list.item(1)
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled
    assert "no GPU was found" in item.toolTip()
    assert [each.engine for each in panel.list.checked()] == [None]


def test_a_choice_stays_when_the_list_is_made_anew(panel: BenchPanel, session: Session) -> None:
    panel.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    session.add_bench("v0", measured(session.history["v0"].model, 1.0))
    assert not panel.list.checked()


def test_past_results_come_back_side_by_side(panel: BenchPanel, session: Session) -> None:
    session.add_bench("v0", measured(session.history["v0"].model, 1.0, "2026-11-22T10:00:00+00:00"))
    session.add_bench("v0", measured(session.history["v0"].model, 0.5, "2026-11-22T11:00:00+00:00"))
    results: RaceResults = panel.results
    results.setCurrentWidget(results.past)
    results.past.selectAll()
    assert results.table.rows.total == 2
    assert "2.00×" in panel.sentence.text()
    assert results.histogram.has_data()


def test_the_sentence_is_honest(session: Session) -> None:
    model = session.history["v0"].model
    fast, slow = measured(model, 0.5), measured(model, 1.0)
    text, role = verdict.sentence([("a", slow), ("b", fast)])
    assert text.startswith("b is faster than a: 2.00× (95 % interval 2.00 – 2.00)")
    assert role == "ok"
    text, role = verdict.sentence([("a", slow), ("b", measured(model, 1.0))])
    assert text.startswith("Cannot tell")
    assert role == "warn"
    import dataclasses

    other = dataclasses.replace(fast, shapes={"x": (8, 3, 8, 8)})
    assert verdict.sentence([("a", slow), ("b", other)])[0].endswith("they cannot be compared.")
    assert verdict.sentence([]) == ("", "muted")


def test_names_leave_out_what_all_share(session: Session) -> None:
    grow(session, "int8")
    found = verdict.contestants(session)
    assert list(verdict.names(session, found).values()) == ["int8", "tiny"]
    assert list(verdict.names(session, found[:1]).values()) == ["int8 · ONNX Runtime"]

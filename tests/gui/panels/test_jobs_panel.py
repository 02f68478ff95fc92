"""The jobs panel: rows come, move and stay; cancel cancels; an error can be read whole."""

from __future__ import annotations

import time

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from core.errors import PassError
from core.job import Job
from gui.panels.jobs import JobsPanel
from gui.window import MainWindow


def quick(job: Job) -> int:
    """Ends at once."""
    job.step(0.5, "Half way")
    return 7


def slow(job: Job) -> None:
    """Runs until it is cancelled."""
    while True:
        job.step(0.25, "Counting")
        time.sleep(0.01)


def failing(job: Job) -> None:
    """Fails with a hint."""
    raise PassError("Gemm_3 cannot be quantized.", hint="Leave it out.", detail="its weight is not constant")


@pytest.fixture
def panel(window: MainWindow) -> JobsPanel:
    made = window.show_panel("jobs")
    assert isinstance(made, JobsPanel)
    return made


def test_it_is_empty_at_first(panel: JobsPanel) -> None:
    assert panel.pages.currentIndex() == 0


def test_a_job_that_ends_stays_listed(panel: JobsPanel, qtbot: QtBot) -> None:
    handle = panel.ctx.jobs.start(quick, title="A quick job")
    assert panel.pages.currentIndex() == 1
    qtbot.waitUntil(lambda: handle.over, timeout=60_000)
    row = panel.entries[0]
    assert (row.title.text(), row.text.text(), row.bar.isHidden()) == ("A quick job", "Done", True)
    panel.ctx.window.act("jobs.clear")  # type: ignore[union-attr]
    assert panel.entries == []
    assert panel.pages.currentIndex() == 0


def test_progress_is_seen_and_cancel_cancels(panel: JobsPanel, window: MainWindow, qtbot: QtBot) -> None:
    handle = panel.ctx.jobs.start(slow, title="A slow job")
    row = panel.entries[0]
    qtbot.waitUntil(lambda: row.text.text() == "Counting", timeout=60_000)
    assert row.bar.value() == 250
    assert window.status.job.text() == "A slow job"
    row.button.click()
    qtbot.waitUntil(lambda: handle.over, timeout=60_000)
    assert row.text.text() == "Cancelled"
    assert not [m for m in panel.ctx.notify.messages if m.severity == "error"]


def test_cancel_all(panel: JobsPanel, window: MainWindow, qtbot: QtBot) -> None:
    assert not window.action("jobs.cancel_all").isEnabled()
    handles = [panel.ctx.jobs.start(slow, title=f"Slow {n}") for n in range(3)]
    window.act("jobs.cancel_all")
    qtbot.waitUntil(lambda: all(handle.over for handle in handles), timeout=60_000)
    assert [handle.state for handle in handles] == ["cancelled"] * 3


def test_an_error_is_shown_once_with_its_hint_and_can_be_read_whole(panel: JobsPanel, window: MainWindow, qtbot: QtBot) -> None:
    handle = panel.ctx.jobs.start(failing, title="Quantize INT8")
    qtbot.waitUntil(lambda: handle.over, timeout=60_000)
    row = panel.entries[0]
    assert row.text.text() == "Gemm_3 cannot be quantized."
    assert "Leave it out." in row.text.toolTip()
    assert len([m for m in panel.ctx.notify.messages if m.severity == "error"]) == 1
    row.more.click()
    dialog = next(each for each in window.findChildren(QDialog) if each.isVisible())
    assert dialog.windowTitle() == "Quantize INT8"
    dialog.close()

"""Comparing: original against head by default, real outputs in a worker, warnings kept in sight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.compare import Comparison, OutputError
from core.errors import UsageError
from core.session import Session
from gui.panels.compare import ComparePanel, decibel, error_text, summary
from gui.window import MainWindow

SOON = 60_000


@pytest.fixture
def panel(window: MainWindow, session: Session) -> ComparePanel:
    found = window.show_panel("compare")
    assert isinstance(found, ComparePanel)
    return found


@pytest.fixture
def half(window: MainWindow, session: Session, qtbot: QtBot) -> str:
    """The head is the model in FP16."""
    window.act("pass.fp16")
    window.act("passes.apply")
    qtbot.waitUntil(lambda: len(session.history) == 2, timeout=SOON)
    return "v1"


def test_one_variant_has_nothing_to_compare_with(window: MainWindow, panel: ComparePanel) -> None:
    assert "same variant" in panel.blocked()
    assert panel.sentence.text() == panel.blocked()
    with pytest.raises(UsageError, match="same variant"):
        window.act("compare.start")


def test_original_against_head_on_random_inputs(
    window: MainWindow, panel: ComparePanel, session: Session, half: str, qtbot: QtBot, picture: Callable[..., None]
) -> None:
    assert (panel.a.currentData(), panel.b.currentData()) == ("v0", half)
    panel.form.put("limit", 4)
    window.act("compare.start")
    assert panel.blocked() == "A comparison is running."
    qtbot.waitUntil(lambda: bool(session.results.comparisons), timeout=SOON)
    comparison = session.results.comparisons[half][0]
    assert comparison.samples == 4
    assert "SQNR" in panel.sentence.text()
    assert "random" in panel.notes.text()
    assert panel.notes.isVisible()
    assert panel.table.rows.total == len(comparison.outputs)
    assert panel.tabs.tabText(1) == "Past (1)"
    picture("compare")
    panel.tabs.setCurrentIndex(1)
    picture("compare", "compare-past", ("dark",))


def test_labels_give_accuracies(panel: ComparePanel, session: Session, half: str, qtbot: QtBot, tmp_path: Path) -> None:
    root = session.history["v0"].summary
    shape = [dim if isinstance(dim, int) else 8 for dim in root.inputs[0].shape or ()]
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", **{root.inputs[0].name: rng.standard_normal(shape).astype(np.float32), "labels": np.arange(8) % 4})
    panel.form.put("path", str(tmp_path / "data.npz"))
    panel.compare()
    qtbot.waitUntil(lambda: bool(session.results.comparisons) or panel.line.error is not None, timeout=SOON)
    assert panel.line.error is None
    comparison = session.results.comparisons[half][0]
    assert comparison.accuracy_a is not None
    assert "Accuracy" in panel.sentence.text()
    assert session.accuracy(half) == comparison.accuracy_b


def test_data_that_does_not_fit_is_told_in_place(panel: ComparePanel, session: Session, half: str, qtbot: QtBot, tmp_path: Path) -> None:
    panel.form.put("path", str(tmp_path / "missing.npz"))
    panel.compare()
    qtbot.waitUntil(lambda: panel.line.error is not None, timeout=SOON)
    assert "missing.npz" in panel.line.message.text()
    assert panel.line.hint.text()
    qtbot.waitUntil(lambda: panel.button.isEnabled())


def test_the_choice_stays_until_a_variant_is_gone(panel: ComparePanel, session: Session, half: str) -> None:
    panel.offer(half, "v0")
    session.history.rename("v0", "renamed")
    assert (panel.a.currentData(), panel.b.currentData()) == (half, "v0")
    session.history.remove(half)
    assert (panel.a.currentData(), panel.b.currentData()) == ("v0", "v0")


def made(sqnr: float, *, equal: bool = False, finite: bool = True, before: float | None = None, after: float | None = None) -> Comparison:
    output = OutputError("y", 0.1, 0.01, 0.99, sqnr, 0.995, equal, finite)
    return Comparison("a", "b", 8, (output,), before, after, "digits.npz", 0.1)


def test_the_sentence() -> None:
    assert summary("a", "b", made(float("inf"), equal=True)) == ("b computes exactly what a does.", "ok")
    assert summary("a", "b", made(20.0, finite=False))[1] == "error"
    text, role = summary("a", "b", made(20.0, before=0.99, after=0.98))
    assert text == (
        "SQNR 20.0\u202fdB; same top-1 in 99.5\u202f% of rows. Accuracy 99.0\u202f% before, 98.0\u202f% after (\u22121.0 points)."
    )
    assert role == "warn"
    assert summary("a", "b", made(20.0, before=0.98, after=0.98))[1] == "ok"


def test_figures() -> None:
    assert [error_text(value) for value in (0.0, 2.326, 1.5e-7)] == ["0", "2.326", "1.50e-07"]
    assert decibel(float("inf")) == "∞"

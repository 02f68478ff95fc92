"""Passes: listed with what is broken, previewed by themselves, applied in a worker, refused in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.errors import PassError, UsageError
from core.passes import PASSES
from core.session import Session
from gui.context import Context
from gui.panels.passes import PassesPanel
from gui.window import MainWindow

SOON = 60_000


@pytest.fixture
def panel(window: MainWindow, session: Session) -> PassesPanel:
    found = window.show_panel("passes")
    assert isinstance(found, PassesPanel)
    return found


def test_every_pass_has_a_row_and_an_action(window: MainWindow) -> None:
    panel = window.panel("passes")
    assert isinstance(panel, PassesPanel)
    assert list(panel.rows) == list(PASSES.ids())
    assert panel.pages.currentIndex() == 0, "no model yet"
    for id in PASSES.ids():
        with pytest.raises(UsageError, match="Open a model first"):
            window.act(f"pass.{id}")


def test_a_broken_pass_is_shown_with_its_reason(ctx: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    PASSES.ids()
    monkeypatch.setitem(PASSES._broken, "wobbly", "ImportError: no module named 'wobble'")
    panel = PassesPanel(ctx)
    qtbot.addWidget(panel)
    said = [label.text() for label in panel.findChildren(QLabel)]
    assert any("wobbly could not be loaded. ImportError: no module named 'wobble'" in text for text in said)
    panel.release()


def test_choosing_unfolds_one_and_previews_it(window: MainWindow, panel: PassesPanel, qtbot: QtBot, picture: Callable[..., None]) -> None:
    window.act("pass.simplify")
    assert panel.detail is not None
    assert panel.chosen == "simplify"
    qtbot.waitUntil(lambda: panel.detail is not None and panel.detail.said.isVisible(), timeout=SOON)
    assert "nodes" in panel.detail.said.text.text()
    first = panel.detail
    window.act("pass.fp16")
    assert not first.isVisible()
    window.act("pass.simplify")
    qtbot.waitUntil(lambda: panel.detail is not None and panel.detail.said.isVisible(), timeout=SOON)
    picture("passes")


def test_an_edit_is_previewed_again(panel: PassesPanel, qtbot: QtBot) -> None:
    panel.choose("prune_magnitude")
    detail = panel.detail
    assert detail is not None
    qtbot.waitUntil(lambda: detail.said.isVisible(), timeout=SOON)
    before = detail.said.text.text()
    name = next(spec.name for spec in detail.form.specs if spec.type is float)
    detail.form.put(name, 0.9)
    assert not detail.said.show_button.isEnabled(), "what was said does not hold any more"
    qtbot.waitUntil(lambda: detail.said.text.text() != before, timeout=SOON)


def test_options_stay_when_another_pass_was_looked_at(panel: PassesPanel) -> None:
    panel.choose("prune_magnitude")
    assert panel.detail is not None
    name = next(spec.name for spec in panel.detail.form.specs if spec.type is float)
    panel.detail.form.put(name, 0.25)
    panel.choose("simplify")
    panel.choose("prune_magnitude")
    assert panel.detail.form.values()[name] == 0.25


def test_applying_makes_a_variant_and_says_what_was_done(
    window: MainWindow, panel: PassesPanel, session: Session, qtbot: QtBot, picture: Callable[..., None]
) -> None:
    window.act("pass.simplify")
    detail = panel.detail
    assert detail is not None
    window.act("passes.apply")
    assert detail.line.busy
    assert not detail.apply_button.isEnabled()
    assert "being applied" in detail.apply_button.toolTip()
    qtbot.waitUntil(lambda: len(session.history) == 2, timeout=SOON)
    made = session.history["v1"]
    assert made.parent == "v0"
    assert made.summary.nodes < session.history["v0"].summary.nodes
    assert session.history.head == "v1"
    qtbot.waitUntil(lambda: detail.apply_button.isEnabled())
    assert detail.notes.isVisible()
    assert "Made in" in detail.notes.text()
    assert panel.rows["simplify"].chip.isVisible()
    assert not detail.line.isVisible()
    picture("passes", "passes-applied", ("dark",))


def test_a_pass_that_finds_nothing_makes_no_variant(panel: PassesPanel, session: Session, qtbot: QtBot) -> None:
    panel.choose("simplify")
    panel.apply()
    qtbot.waitUntil(lambda: len(session.history) == 2, timeout=SOON)
    detail = panel.detail
    assert detail is not None
    qtbot.waitUntil(lambda: not detail.line.busy)
    panel.apply()
    qtbot.waitUntil(lambda: "found nothing to change" in detail.notes.text(), timeout=SOON)
    assert len(session.history) == 2


def test_a_refusal_is_told_in_place_with_what_to_do(
    window: MainWindow, panel: PassesPanel, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    window.act("pass.quantize_int8")
    detail = panel.detail
    assert detail is not None
    detail.form.put("data", str(tmp_path / "nothing.npz"))
    window.act("passes.apply")
    qtbot.waitUntil(lambda: detail.line.error is not None, timeout=SOON)
    assert "nothing.npz" in detail.line.message.text()
    assert detail.line.hint.text()
    assert detail.line.isVisible()
    assert len(session.history) == 1
    shown = [message for message in window.ctx.notify.messages if message.severity == "error"]
    assert [message.toast for message in shown] == [False], "told once, in the panel; the log has it too"
    assert detail.apply_button.isEnabled()
    detail.line.clear()
    assert not detail.line.isVisible()


def test_cancel_leaves_everything_as_it_was(panel: PassesPanel, session: Session, qtbot: QtBot) -> None:
    panel.choose("simplify")
    detail = panel.detail
    assert detail is not None
    panel.apply()
    detail.line.cancel.click()
    qtbot.waitUntil(lambda: not detail.line.busy, timeout=SOON)
    assert detail.line.handle is not None
    if detail.line.handle.state == "cancelled":  # else it was faster than the click
        assert len(session.history) == 1
        assert not detail.line.isVisible()
    assert detail.apply_button.isEnabled()


def test_invalid_options_cannot_be_applied(panel: PassesPanel, window: MainWindow) -> None:
    panel.choose("quantize_int8")
    assert panel.detail is not None
    panel.detail.form.fields["samples"].put(0)
    panel.detail.form.changed.emit()
    if not panel.detail.form.valid:  # a field may clamp what is typed
        assert panel.blocked() == "Some options are out of range."
        with pytest.raises(UsageError, match="out of range"):
            window.act("passes.apply")


def test_affected_nodes_are_shown_in_the_graph(window: MainWindow, panel: PassesPanel, qtbot: QtBot) -> None:
    panel.choose("simplify")
    detail = panel.detail
    assert detail is not None
    qtbot.waitUntil(lambda: detail.said.isVisible() and detail.said.show_button.isVisible(), timeout=SOON)
    went: list[str] = []
    stop = window.ctx.selection.reveal.connect(went.append)
    detail.said.show_button.click()
    stop()
    assert window.ctx.selection.nodes
    assert went == [window.ctx.selection.nodes[0]]


def test_a_preview_that_cannot_be_made_says_why(panel: PassesPanel) -> None:
    panel.choose("simplify")
    assert panel.detail is not None
    panel.detail._not_previewed(PassError("This cannot be done.", hint="Do that."))
    assert panel.detail.said.text.text() == "This cannot be done. Do that."

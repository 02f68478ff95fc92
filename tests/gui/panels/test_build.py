"""Building: backends with their reasons, engines with what they cost, refusals with a way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from core.backends.base import Availability
from core.errors import BackendError
from core.session import Session
from gui.panels.build import BuildPanel, suggested_pass
from gui.window import MainWindow

SOON = 60_000
STATES = {
    "onnxruntime": Availability(True, True, version="1.31", device="CPU"),
    "tensorrt_rtx": Availability(False, False, reason="it is not installed", hint="pip install 'sardonyx[rtx]'"),
}


@pytest.fixture
def panel(window: MainWindow, session: Session) -> BuildPanel:
    window.ctx.services["availability"] = STATES
    found = window.show_panel("build")
    assert isinstance(found, BuildPanel)
    return found


def test_a_backend_that_cannot_build_says_why(panel: BuildPanel, window: MainWindow) -> None:
    off = panel.choices["tensorrt_rtx"]
    assert not off.button.isEnabled()
    assert off.why.text() == "It is not installed. pip install 'sardonyx[rtx]'"
    assert panel.choices["onnxruntime"].state.text() == "ready"
    assert "fake" not in panel.choices
    panel.choose("tensorrt_rtx")
    assert panel.blocked() == "TensorRT-RTX cannot build here: it is not installed."
    assert not panel.button.isEnabled()
    assert panel.button.toolTip() == panel.blocked()
    panel.choose("onnxruntime")
    assert panel.button.isEnabled()


def test_what_the_machine_can_do_is_asked_in_a_worker(window: MainWindow, session: Session, qtbot: QtBot) -> None:
    panel = window.show_panel("build")
    assert isinstance(panel, BuildPanel)
    panel.look()
    qtbot.waitUntil(lambda: bool(panel.states), timeout=SOON)
    assert panel.states["onnxruntime"].can_run
    assert panel.choices["onnxruntime"].state.text() == "ready"


def test_an_engine_is_built_and_listed(
    panel: BuildPanel, window: MainWindow, session: Session, qtbot: QtBot, picture: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    window.act("build.start")
    assert panel.line.busy
    assert panel.blocked() == "An engine is being built."
    qtbot.waitUntil(lambda: bool(session.engines_of("v0")), timeout=SOON)
    engine = session.engines_of("v0")[0]
    assert engine.path.is_file()
    assert engine.path.parent == session.engines
    assert panel.list.engine() == engine
    assert "built in" in panel.list.facts.text()
    assert not panel.line.isVisible()
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    panel.list.open_button.click()
    assert opened == [str(session.engines)]
    picture("build")
    qtbot.waitUntil(lambda: not panel.line.busy)
    panel.build()
    qtbot.waitUntil(lambda: session.engines_of("v0")[0] is not engine, timeout=SOON)
    assert len(session.engines_of("v0")) == 1, "the same options take the same place"
    qtbot.waitUntil(lambda: not panel.line.busy)
    assert panel.form is not None
    panel.form.put("threads", 1)
    panel.build()
    qtbot.waitUntil(lambda: len(session.engines_of("v0")) == 2, timeout=SOON)
    assert panel.list.table.value(1, "backend") == "ONNX Runtime (threads 1)"


def test_racing_an_engine_checks_it_in_the_race(panel: BuildPanel, window: MainWindow, session: Session, qtbot: QtBot) -> None:
    panel.build()
    qtbot.waitUntil(lambda: bool(session.engines_of("v0")), timeout=SOON)
    panel.list.race_button.click()
    bench = window.panel("bench")
    assert [each.engine for each in bench.list.checked()] == [session.engines_of("v0")[0]]  # type: ignore[attr-defined]


def test_a_refusal_offers_the_pass_that_helps(panel: BuildPanel, session: Session) -> None:
    panel._failed(BackendError("TensorRT-RTX cannot read the model.", hint="Run Simplify first, or check the model.", detail="no"))
    assert panel.line.message.text() == "TensorRT-RTX cannot read the model."
    assert panel.line.help.text() == "Open Simplify"
    assert panel.line.isVisible()
    panel.line.help.click()
    passes = panel.ctx.services["passes"]
    assert passes.chosen == "simplify"


def test_which_pass_a_hint_speaks_of() -> None:
    assert suggested_pass(BackendError("x", hint="Apply quantize_int8 with profile=tensorrt.")) == "quantize_int8"
    assert suggested_pass(BackendError("x", hint="Use another GPU.")) == ""
    assert suggested_pass(ValueError("x")) == ""

"""A person at the window: does things by their actions, and waits for what they would wait for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from core.history import Variant
    from core.session import Session
    from gui.window import MainWindow

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample"
OUTPUT = Path(os.environ.get("SARDONYX_TEST_OUTPUT", Path(__file__).resolve().parents[1] / "output"))
PATIENCE = 90_000


class Person:
    """Drives `window` by action ids and the values of forms, never by what lies behind them."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window, self.qtbot = window, qtbot

    @property
    def session(self) -> Session:
        assert self.window.ctx.session is not None
        return self.window.ctx.session

    @property
    def head(self) -> Variant:
        current = self.session.history.current
        assert current is not None
        return current

    def wait(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE)

    def idle(self) -> None:
        """Until no job runs or waits."""
        self.wait(lambda: not self.window.ctx.jobs.active() and not self.window.opening.busy)

    def open(self, path: Path) -> None:
        before = self.window.ctx.session
        self.window.open_path(path)
        self.wait(lambda: self.window.ctx.session is not before and not self.window.opening.busy)

    def panel(self, id: str) -> Any:
        return self.window.show_panel(id)

    def choose_pass(self, id: str, **values: object) -> Any:
        """Unfold a pass and fill its form."""
        panel = self.panel("passes")
        panel.choose(id)
        panel.detail.form.set_values({**panel.detail.form.values(), **values})
        return panel

    def apply(self, id: str, **values: object) -> Variant:
        """Apply a pass to the head and wait for what it made."""
        before = self.head.id
        self.choose_pass(id, **values)
        self.window.act("passes.apply")
        self.idle()
        assert self.head.id != before, [message.text for message in self.window.ctx.notify.messages]
        return self.head

    def build(self, backend: str, **values: object) -> Any:
        """Build an engine of the head; returns it."""
        panel = self.panel("build")
        self.wait(lambda: backend in panel.states)
        panel.choose(backend)
        panel.form.set_values({**panel.form.values(), **values})
        before = len(self.session.engines_of(self.head.id))
        self.window.act("build.start")
        self.idle()
        engines = self.session.engines_of(self.head.id)
        assert len(engines) == before + 1, panel.line
        return engines[-1]

    def picture(self, name: str) -> Path:
        """A screenshot of the window, kept among the test's output."""
        OUTPUT.mkdir(parents=True, exist_ok=True)
        path = OUTPUT / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png"
        self.qtbot.wait(60)
        assert self.window.grab().save(str(path))
        return path

"""A window for tests: private settings and data, real workers from the shared pool, closed in order afterwards.

`window` is a shown MainWindow, `ctx` its context, `open_model(path)` opens a model and waits until it is there.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from core.workers import Pool
    from gui.context import Context
    from gui.window import MainWindow

#: Milliseconds that a worker may take on a busy machine.
PATIENCE = 60_000


@pytest.fixture(autouse=True)
def _garbage() -> Iterator[None]:
    """As in the app: Qt objects in reference cycles die on the main thread, see `gui.garbage`."""
    from gui import garbage

    was = gc.isenabled()
    gc.disable()
    yield
    garbage.sweep()
    if was:
        gc.enable()


@pytest.fixture
def ctx(qapp: object, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """A context without a window: settings and data in the test's own folder, jobs in the shared pool, dark theme."""
    from core.settings import Settings
    from gui import app

    monkeypatch.setenv("SARDONYX_DATA_DIR", str(tmp_path / "data"))
    settings = Settings.load(tmp_path / "settings.toml")
    made = app.make_context(settings=settings, pool=pool)
    made.theme.choose("dark")
    made.theme.apply(app.application())
    yield made
    app.close(made)


@pytest.fixture
def window(ctx: Context, qtbot: QtBot) -> Iterator[MainWindow]:
    """A shown main window of 1280 x 800."""
    from gui.window import MainWindow

    made = MainWindow(ctx)
    made.resize(1280, 800)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    for handle in ctx.jobs.active():
        handle.cancel()  # a running job would have the window ask before it closes, and nobody is there to answer
    qtbot.waitUntil(lambda: not ctx.jobs.active(), timeout=PATIENCE)
    made.release()
    made.close()
    made.deleteLater()
    _flush()


@pytest.fixture
def open_model(window: MainWindow, qtbot: QtBot) -> Callable[[Path], None]:
    """Opens a model in `window` and waits for it."""

    def open_(path: Path) -> None:
        before = window.ctx.session
        window.open_path(path)
        qtbot.waitUntil(lambda: window.ctx.session is not before and not window.opening.busy, timeout=PATIENCE)

    return open_


def _flush() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()

"""What panel tests share: a window with a small model open, and pictures of panels in both themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import models

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from core.session import Session
    from gui.window import MainWindow

PICTURES = Path(__file__).parents[2] / "output"


@pytest.fixture
def session(window: MainWindow, open_model: Callable[[Path], None], tmp_path: Path, qtbot: QtBot) -> Iterator[Session]:
    """A window's session with a residual CNN of some nodes, symbolic batch; its jobs are ended afterwards."""
    open_model(models.save(models.residual_cnn(batch="N"), tmp_path / "tiny.onnx"))
    assert window.ctx.session is not None
    yield window.ctx.session
    for handle in window.ctx.jobs.active():
        handle.cancel()
    qtbot.waitUntil(lambda: not window.ctx.jobs.active(), timeout=30_000)


@pytest.fixture
def picture(window: MainWindow, qtbot: QtBot) -> Callable[[str], None]:
    """Saves a panel, dark and light, under tests/output for people to look at, and checks that something is drawn."""

    def save(id: str, name: str = "", themes: tuple[str, ...] = ("light", "dark")) -> None:
        from PySide6.QtCore import QCoreApplication

        PICTURES.mkdir(exist_ok=True)
        panel = window.show_panel(id)
        for theme in themes:
            window.ctx.theme.choose(theme)  # type: ignore[arg-type]
            QCoreApplication.processEvents()
            image = panel.grab().toImage()
            image.save(str(PICTURES / f"{name or id}-{theme}.png"))
            sampled = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
            assert len(sampled) > 4, f"{id} is blank in {theme}"

    return save

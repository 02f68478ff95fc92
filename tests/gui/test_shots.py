"""Pictures of the shell for people to look at, light and dark, in two sizes, and a check that each shows something.

They are written to tests/output (not kept in the repository).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog, QWidget
from pytestqt.qtbot import QtBot

from core.errors import ModelError
from gui.shell import commands
from gui.window import MainWindow

OUT = Path(__file__).parents[1] / "output"
SIZES = ((1280, 800), (1600, 1000))


def shoot(widget: QWidget, name: str) -> None:
    """Save a picture; one of a single colour is a failure."""
    OUT.mkdir(exist_ok=True)
    picture = widget.grab()
    assert picture.save(str(OUT / f"{name}.png"))
    image = picture.toImage()
    step = max(1, image.width() // 97)
    hues = {image.pixel(x, y) for x in range(0, image.width(), step) for y in range(0, image.height(), step)}
    assert len(hues) > 3, f"{name} is empty"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_start_page(window: MainWindow, theme: str, tmp_path: Path) -> None:
    path = commands.sample()
    window.ctx.settings.update(theme=theme, recent=(str(path), str(tmp_path / "efficientnet-lite0-with-a-long-name-int8-tensorrt.onnx")))
    window.build()
    for width, height in SIZES:
        window.resize(width, height)
        shoot(window, f"start-{theme}-{width}x{height}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_window_with_a_model(window: MainWindow, open_model: Callable[[Path], None], qtbot: QtBot, theme: str) -> None:
    path = commands.sample()
    assert path is not None
    open_model(path)
    window.act(f"view.theme.{theme}")
    qtbot.waitUntil(lambda: not window.ctx.jobs.active(), timeout=60_000)
    for width, height in SIZES:
        window.resize(width, height)
        window.act("view.reset_layout")
        qtbot.wait(50)
        shoot(window, f"window-{theme}-{width}x{height}")
    for id in ("summary", "log", "jobs"):
        panel = window.show_panel(id)
        qtbot.wait(30)
        shoot(panel, f"panel-{id}-{theme}")
    window.palette_.open("conv")
    shoot(window, f"palette-{theme}")
    window.palette_.close_()
    window.ctx.notify.info("The session is saved.", str(path.parent))
    window.ctx.notify.warn("INT8 was calibrated with seeded random inputs.", "Choose a folder of images for accuracy that holds.")
    window.ctx.notify.error(ModelError("bert.onnx ends in the middle of a tensor.", hint="Copy it again.", detail="at byte 12"))
    qtbot.wait(30)
    shoot(window, f"toasts-{theme}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_dialogs_and_menus(window: MainWindow, qtbot: QtBot, theme: str) -> None:
    window.ctx.settings.update(theme=theme)
    window.build()
    for action in ("file.settings", "help.about", "help.shortcuts"):
        window.act(action)
        dialog = next(each for each in window.findChildren(QDialog) if each.isVisible())
        shoot(dialog, f"dialog-{action.partition('.')[2]}-{theme}")
        dialog.close()
        dialog.deleteLater()
    try:
        {}["conv_3"]
    except KeyError as error:
        window.ctx.notify.error(error)
    dialog = next(each for each in window.findChildren(QDialog) if each.isVisible())
    shoot(dialog, f"dialog-crash-{theme}")
    dialog.close()
    for name in ("File", "View", "View/Panels", "Model"):
        menu = window.menus.menus[name]
        menu.popup(window.mapToGlobal(QPoint(40, 40)))
        shoot(menu, f"menu-{name.replace('/', '-').lower()}-{theme}")
        menu.close()

"""Icons: every name that the house uses is there, is drawn, follows the theme."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui import icons
from gui.theme import Theme

PROMISED = [
    "open",
    "save",
    "undo",
    "redo",
    "branch",
    "build",
    "play",
    "stop",
    "search",
    "settings",
    "cut",
    "compare",
    "chart",
    "graph",
    "table",
    "layers",
    "info",
    "warning",
    "error",
    "ok",
    "close",
    "copy",
    "export",
    "jobs",
    "log",
    "history",
    "eye",
    "fit",
    "zoom-in",
    "zoom-out",
    "filter",
    "refresh",
    "globe",
    "chip",
    "trash",
    "folder",
    "star",
]


def ink(name: str, theme: Theme, size: int) -> tuple[int, QColor]:
    """How many pixels are drawn, and the strongest colour."""
    picture = icons.pixmap(name, theme, size).toImage()
    pixels = [picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())]
    return sum(pixel.alpha() > 96 for pixel in pixels), max(pixels, key=QColor.alpha)


@pytest.mark.parametrize("name", PROMISED)
def test_promised_icons_are_there(name: str) -> None:
    assert name in icons.names()


def test_every_icon_is_drawn_at_16_pixels_in_the_colour_of_the_theme(qapp: QApplication) -> None:
    for scheme in ("light", "dark"):
        theme = Theme(scheme)
        for name in icons.names():
            count, colour = ink(name, theme, 16)
            assert count >= 8, f"{name} is hardly seen"
            wanted = theme.color("text")
            assert abs(colour.lightnessF() - wanted.lightnessF()) < 0.2, name


def test_names_used_in_the_code_exist() -> None:
    """The string after `icon=`, or given to `icons.icon`, `icons.dress`, `icons.pixmap`, is a file."""
    used: dict[str, str] = {}
    for path in (Path(__file__).parents[2] / "gui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "icon" and isinstance(node.value, ast.Constant) and node.value.value:
                used[str(node.value.value)] = path.name
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("icon", "dress", "pixmap"):
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id == "icons":
                    for argument in node.args[:2]:
                        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                            used[argument.value] = path.name
    assert used
    assert not {name: where for name, where in used.items() if name not in icons.names()}


def test_dressed_buttons_follow_the_theme(qtbot: QtBot) -> None:
    theme = Theme("light")
    root = QWidget()
    qtbot.addWidget(root)
    button = QPushButton()
    QVBoxLayout(root).addWidget(button)
    icons.dress(button, "play", theme)
    before = button.icon().pixmap(16, 16).toImage()
    theme.choose("dark")
    icons.redress(root, theme)
    assert button.icon().pixmap(16, 16).toImage() != before


def test_an_unknown_name_gives_no_icon(qapp: QApplication) -> None:
    assert icons.icon("no-such-thing", Theme("light")).isNull()


def test_the_app_icon_has_bands(qapp: QApplication) -> None:
    picture = icons.app_icon().pixmap(32, 32).toImage()
    column = {picture.pixelColor(16, y).name() for y in range(4, 28)}
    assert len(column) > 8


def test_a_disabled_icon_keeps_its_shape(qapp: object) -> None:
    theme = Theme("light")
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled):
        image = icons.icon("undo", theme).pixmap(QSize(16, 16), 1.0, mode).toImage()
        alphas = {image.pixelColor(x, y).alpha() for x in range(16) for y in range(16)}
        assert min(alphas) == 0, mode
        assert max(alphas) > 200, mode

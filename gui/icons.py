"""One set of line icons (Phosphor, in `resources/icons`), drawn in the theme's colours.

`dress(target, name, theme)` gives a button or action an icon that follows the theme; `icon` makes one that does not.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractButton, QWidget

from gui.theme import Theme

#: Sizes in device pixels that an icon is drawn at: 16 px, and the same at 200 %.
SIZES = (16, 32)
_icons: dict[tuple[str, str, str], QIcon] = {}


@cache
def folder() -> Path:
    """Where the files are."""
    import resources.icons

    return Path(next(iter(resources.icons.__path__)))


@cache
def names() -> tuple[str, ...]:
    """Every icon there is."""
    files = (os.path.splitext(name) for name in os.listdir(folder()))
    return tuple(sorted(stem for stem, suffix in files if suffix == ".svg" and stem != "sardonyx"))


@cache
def _source(name: str) -> str:
    return (folder() / f"{name}.svg").read_text(encoding="utf-8")


def draw(painter: QPainter, name: str, rect: QRectF, colour: QColor) -> None:
    """Paint an icon into `rect`."""
    from PySide6.QtSvg import QSvgRenderer

    text = _source(name).replace("currentColor", colour.name())
    QSvgRenderer(QByteArray(text.encode())).render(painter, rect)


def pixmap(name: str, theme: Theme, size: int = 16, token: str = "text", ratio: float = 1.0) -> QPixmap:
    """An icon as a picture of `size` device-independent pixels in the colour of `token`."""
    made = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw(painter, name, QRectF(0, 0, made.width(), made.height()), theme.color(token))
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def icon(name: str, theme: Theme, token: str = "text") -> QIcon:
    """An icon in the colours that hold now (kept: asking again is free); a name that is not there gives an empty one."""
    if not name or name not in names():
        return QIcon()
    key = (name, theme.name, token)
    if key not in _icons:
        made = QIcon()
        for size in SIZES:
            picture = pixmap(name, theme, size, token)
            made.addPixmap(picture, QIcon.Mode.Normal)
            made.addPixmap(_tinted(picture, theme.color("disabled")), QIcon.Mode.Disabled)
        _icons[key] = made
    return _icons[key]


def _tinted(picture: QPixmap, colour: QColor) -> QPixmap:
    """The same shape in another colour: cheaper than drawing it again."""
    made = QImage(picture.size(), QImage.Format.Format_ARGB32_Premultiplied)  # a pixmap filled with a colour has no alpha left
    made.fill(colour)
    painter = QPainter(made)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    painter.drawPixmap(0, 0, picture)
    painter.end()
    return QPixmap.fromImage(made)


def app_icon() -> QIcon:
    """The stone."""
    made = QIcon()
    from PySide6.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(str(folder() / "sardonyx.svg"))
    for size in (16, 32, 48, 128):
        picture = QPixmap(size, size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        renderer.render(painter)
        painter.end()
        made.addPixmap(picture)
    return made


def stone(size: int, ratio: float = 1.0) -> QPixmap:
    """The stone as a picture of `size` device-independent pixels."""
    from PySide6.QtSvg import QSvgRenderer

    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(str(folder() / "sardonyx.svg")).render(painter)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def dress(target: QAbstractButton | QAction, name: str, theme: Theme, token: str = "text") -> None:
    """Give `target` an icon that `redress` draws anew when the theme changes."""
    target.setProperty("icon_name", name)
    target.setProperty("icon_token", token)
    target.setIcon(icon(name, theme, token))


def redress(root: QWidget, theme: Theme) -> None:
    """Draw every dressed icon below `root` in the colours that hold now; the window calls it after a switch."""
    targets: list[QObject] = [*root.findChildren(QAbstractButton), *root.findChildren(QAction)]
    for target in targets:
        name = target.property("icon_name")
        if name and isinstance(target, QAbstractButton | QAction):
            target.setIcon(icon(name, theme, target.property("icon_token") or "text"))

"""Light and dark: colour tokens, fonts, the palette and the style sheet, switched live when the system's scheme does."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from core.events import Event

Name = Literal["light", "dark"]
Choice = Literal["system", "light", "dark"]
#: Text size in pixels where the system's own is outside of what the 24-26 px rows take.
TEXT_PX = (12, 15)


@cache
def folder() -> Path:
    """Where the themes' files are."""
    import resources.themes

    return Path(next(iter(resources.themes.__path__)))


@cache
def tokens(name: Name) -> dict[str, str]:
    """Token -> `#rrggbb` of one theme; `family.conv` and `series.0` are flattened."""
    found: dict[str, str] = {}
    for key, value in tomllib.loads((folder() / f"{name}.toml").read_text(encoding="utf-8")).items():
        if isinstance(value, dict):
            found.update({f"{key}.{inner}": colour for inner, colour in value.items()})
        else:
            found[key] = value
    return found


class Theme(QObject):
    """The colours and fonts of one window.

    `choice` is what the person wants: `system` follows the desktop, live. Nothing is applied to the application before
    `apply`, so a Theme alone serves for drawing. `changed` fires after a switch, when the new colours hold.
    """

    def __init__(self, choice: Choice = "system") -> None:
        super().__init__()
        self.changed: Event[[]] = Event()
        self._choice: Choice = choice
        self._app: QApplication | None = None
        self.name: Name = self._resolve()

    @property
    def choice(self) -> Choice:
        """What the person wants."""
        return self._choice

    @property
    def dark(self) -> bool:
        """Whether the dark one holds."""
        return self.name == "dark"

    def color(self, token: str) -> QColor:
        """The colour of a token: `text`, `family.conv`, `series.3`; a KeyError names a token that does not exist."""
        return QColor(tokens(self.name)[token])

    def hex(self, token: str) -> str:
        """The same as `#rrggbb`."""
        return tokens(self.name)[token]

    def series(self, number: int) -> QColor:
        """The colour of the n-th contestant; they repeat after eight."""
        return self.color(f"series.{number % 8}")

    def font(self) -> QFont:
        """The text font: the system's, at 12 to 15 px, with tabular figures."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        font.setPixelSize(self.px)
        return _tabular(font)

    def mono(self) -> QFont:
        """The monospace font, for values, names of tensors and logs."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        if not QFontInfo(font).fixedPitch():
            font.setFamilies(["DejaVu Sans Mono", "Menlo", "Consolas", "monospace"])
        font.setPixelSize(self.px - 1)
        return font

    def small(self) -> QFont:
        """The text font a step smaller, for captions and chips."""
        font = self.font()
        font.setPixelSize(self.px - 1)
        return font

    @property
    def px(self) -> int:
        """The height of text in (device-independent) pixels."""
        size = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)).pixelSize()
        return min(max(size, TEXT_PX[0] + 1), TEXT_PX[1])

    def choose(self, choice: Choice) -> None:
        """Follow the system, or hold light or dark; applied at once."""
        self._choice = choice
        self._refresh()

    def apply(self, app: QApplication) -> None:
        """Dress the application, and follow the system's scheme from now on."""
        self._app = app
        if app.property("style") != "Fusion":
            app.setStyle("Fusion")
        app.setFont(self.font())
        app.styleHints().colorSchemeChanged.connect(self._refresh)
        self.name = self._resolve()
        self._dress()

    def release(self) -> None:
        """Stop following the system."""
        if self._app is not None:
            self._app.styleHints().colorSchemeChanged.disconnect(self._refresh)
            self._app = None

    def _resolve(self) -> Name:
        if self._choice != "system":
            return self._choice
        return "dark" if system_is_dark() else "light"

    def _refresh(self) -> None:
        name = self._resolve()
        if name == self.name:
            return
        self.name = name
        self._dress()
        self.changed.emit()

    def _dress(self) -> None:
        if self._app is not None:
            self._app.setPalette(palette(self.name))
            self._app.setStyleSheet(sheet(self.name, self.px))


def system_is_dark() -> bool:
    """Whether the desktop asks for dark windows."""
    app = QApplication.instance()
    return isinstance(app, QApplication) and app.styleHints().colorScheme() == Qt.ColorScheme.Dark


def _tabular(font: QFont) -> QFont:
    """Figures of one width, where the font has them, so that columns of numbers stand still."""
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def sheet(name: Name, px: int) -> str:
    """The style sheet of one theme at one text size."""
    words = {
        **tokens(name),
        "folder": (folder() / name).as_posix(),
        "px": f"{px}px",
        "smallpx": f"{px - 1}px",
        "bigpx": f"{px + 2}px",
        "heropx": f"{px + 9}px",
    }
    template = (folder() / "base.qss").read_text(encoding="utf-8")
    return re.sub(r"@([a-z_]+)", lambda match: words[match[1]], template)


def palette(name: Name) -> QPalette:
    """The palette of one theme, for what style sheets do not reach."""
    hues = {token: QColor(value) for token, value in tokens(name).items()}
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    made = QPalette()
    for where, token in (
        (role.Window, "panel"),
        (role.WindowText, "text"),
        (role.Base, "panel"),
        (role.AlternateBase, "raised"),
        (role.Text, "text"),
        (role.Button, "raised"),
        (role.ButtonText, "text"),
        (role.BrightText, "bad"),
        (role.PlaceholderText, "muted"),
        (role.Highlight, "accent"),
        (role.HighlightedText, "accent_text"),
        (role.Accent, "accent"),
        (role.Link, "accent"),
        (role.LinkVisited, "accent"),
        (role.ToolTipBase, "raised"),
        (role.ToolTipText, "text"),
        (role.Light, "raised"),
        (role.Midlight, "hover"),
        (role.Mid, "line"),
        (role.Dark, "edge"),
        (role.Shadow, "shadow"),
    ):
        made.setColor(where, hues[token])
    for where in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(group.Disabled, where, hues["disabled"])
    made.setColor(group.Disabled, role.Highlight, hues["line"])
    made.setColor(group.Disabled, role.HighlightedText, hues["disabled"])
    return made

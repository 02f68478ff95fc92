"""What an empty panel shows: what it is for, and the first step as a button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui import icons
from gui.theme import Theme


class EmptyState(QWidget):
    """An icon, a title, a sentence and perhaps a button, in the middle of an empty panel.

    `icon` is a name in `gui.icons`. The colours follow `theme` when it is given, else the application's palette says
    whether they are dark.
    """

    def __init__(
        self,
        icon: str = "",
        title: str = "",
        text: str = "",
        button_text: str = "",
        on_click: Callable[[], object] | None = None,
        *,
        theme: Theme | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon = icon
        self._theme = theme
        self._drawn = ("", 0.0)
        self.picture = QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.picture.setFixedHeight(36)
        self.picture.setVisible(bool(icon))
        self.title = QLabel(title)
        self.title.setProperty("role", "strong")
        self.title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.title.setWordWrap(True)
        self.title.setVisible(bool(title))
        self.text = QLabel(text)
        self.text.setProperty("role", "muted")
        self.text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.text.setWordWrap(True)
        self.text.setMaximumWidth(340)
        self.text.setVisible(bool(text))
        self.button = QPushButton(button_text)
        self.button.setVisible(bool(button_text))
        if on_click is not None:
            self.button.clicked.connect(lambda *_: on_click())

        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(self.picture)
        column.addWidget(self.title)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.text, 100)
        middle.addStretch(1)
        column.addLayout(middle)
        below = QHBoxLayout()
        below.setContentsMargins(0, 8, 0, 0)
        below.addStretch(1)
        below.addWidget(self.button)
        below.addStretch(1)
        column.addLayout(below)
        column.addStretch(3)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)

    def say(self, title: str, text: str = "", button_text: str | None = None) -> None:
        """Change the words; a button text of None leaves the button."""
        self.title.setText(title)
        self.title.setVisible(bool(title))
        self.text.setText(text)
        self.text.setVisible(bool(text))
        if button_text is not None:
            self.button.setText(button_text)
            self.button.setVisible(bool(button_text))
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)

    def paintEvent(self, event: object) -> None:
        """Draw the icon in the colours that hold now, once for each theme and screen."""
        theme = self._theme or Theme("dark" if self.palette().window().color().lightness() < 128 else "light")
        key = (theme.name, self.devicePixelRatioF())
        if self._icon and key != self._drawn:
            self._drawn = key
            self.picture.setPixmap(icons.pixmap(self._icon, theme, 32, "muted", key[1]))

"""The bar on top: the menus, the field that searches everything, and the buttons for what is done most."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QIcon, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenuBar, QPushButton, QSizePolicy, QWidget

from gui import icons
from gui.theme import Theme

#: From this width on every button has its words.
ROOMY = 1180
SEARCH = "Search nodes, tensors, actions…"


class ActionButton(QPushButton):
    """A button that is an action: its state, and its tooltip with the reason when it is blocked."""

    def __init__(self, text: str, action: QAction, role: str = "") -> None:
        super().__init__(text)
        self.words = text
        self.action = action
        self.setAccessibleName(text.rstrip("…"))
        if role:
            self.setProperty("role", role)
        self.clicked.connect(lambda *_: action.trigger())
        action.changed.connect(self.follow)
        self.follow()

    def compact(self, on: bool, theme: Theme) -> None:
        """Only the icon, where there is no room for words (undo and redo: arrows that everybody knows)."""
        name = str(self.action.property("icon_name") or "")
        if name not in ("undo", "redo") or on == (not self.text()):
            return
        self.setText("" if on else self.words)
        if on:
            icons.dress(self, name, theme)
        else:
            self.setProperty("icon_name", "")
            self.setIcon(QIcon())

    def follow(self) -> None:
        """Take the action's state."""
        self.setEnabled(self.action.isEnabled())
        self.setToolTip(self.action.toolTip())
        self.setAccessibleDescription(self.action.toolTip())


class SearchButton(QPushButton):
    """Looks like a field and opens the palette; says as much as there is room for."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(SEARCH)
        self.setObjectName("search")
        icons.dress(self, "search", theme, "muted")
        self.setMinimumWidth(120)
        self.setMaximumWidth(420)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Search nodes, tensors and actions")
        self.keys = QLabel("Ctrl+K", self)
        self.keys.setProperty("role", "key")
        self.keys.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 26)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setText(SEARCH if self.width() > 310 else "Search…")
        self.keys.setVisible(self.width() > 160)
        size = self.keys.sizeHint()
        self.keys.setGeometry(self.width() - size.width() - 6, (self.height() - 18) // 2, size.width(), 18)


class TopBar(QWidget):
    """Brand, menus, search, buttons, in one row of 40 px."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(41)
        self.theme = theme
        self.brand = QLabel("Sardonyx")
        self.brand.setObjectName("brand")
        self.stone = QLabel()
        self.stone.setPixmap(icons.stone(18, self.devicePixelRatioF()))
        self.bar = QMenuBar()
        self.bar.setNativeMenuBar(False)
        self.bar.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.bar.setAccessibleName("Menus")
        self.search = SearchButton(theme)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 1)
        row.setSpacing(8)
        row.addWidget(self.stone)
        row.addWidget(self.brand)
        row.addWidget(self.bar)
        row.addStretch(1)
        row.addWidget(self.search, 6)
        row.addStretch(1)
        row.addLayout(self.buttons)

    def add(self, text: str, action: QAction, role: str = "") -> ActionButton:
        """A button for an action at the right end."""
        button = ActionButton(text, action, role)
        self.buttons.addWidget(button)
        button.compact(self.width() < ROOMY, self.theme)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for button in self.findChildren(ActionButton):
            button.compact(self.width() < ROOMY, self.theme)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        window = self.window()
        window.showNormal() if window.isMaximized() else window.showMaximized()

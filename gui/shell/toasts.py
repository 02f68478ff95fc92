"""Messages that appear in a corner of the window: news goes by itself, errors stay until they are read."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from gui import icons
from gui.notify import Message, Notify
from gui.theme import Theme
from gui.widgets.rows import Wrapped

WIDTH = 380
MOST = 4
#: Milliseconds that a toast stays; errors stay until they are closed.
STAYS = {"debug": 3000, "info": 5000, "warning": 12000}
_LOOKS = {"info": ("info", "accent"), "warning": ("warning", "warn"), "error": ("error", "bad"), "debug": ("info", "muted")}


class Toast(QFrame):
    """One message with its hint, a button that acts on it, one for the details, and one that closes it."""

    def __init__(
        self,
        message: Message,
        theme: Theme,
        on_details: Callable[[Message], object],
        on_close: Callable[[Toast], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.message = message
        self._on_close = on_close
        self.setObjectName("toast")
        self.setProperty("severity", message.severity)
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(f"{message.severity}: {message.text}")
        self.setFrameShape(QFrame.Shape.NoFrame)
        name, token = _LOOKS[message.severity]
        picture = QLabel()
        picture.setPixmap(icons.pixmap(name, theme, 18, token, parent.devicePixelRatioF()))
        text = Wrapped(_short(message.text))
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(text)
        if message.hint:
            hint = Wrapped(_short(message.hint))
            hint.setWordWrap(True)
            hint.setTextFormat(Qt.TextFormat.PlainText)
            hint.setProperty("role", "muted")
            words.addWidget(hint)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        if message.action is not None:
            label, run = message.action
            act = QPushButton(label)
            act.clicked.connect(lambda *_: self._act(run))
            buttons.addWidget(act)
        if message.detail or len(message.text) > 300:
            more = QPushButton("Details…")
            more.setProperty("role", "link")
            more.clicked.connect(lambda *_: on_details(message))
            buttons.addWidget(more)
        if buttons.count():
            buttons.addStretch(1)
            words.addSpacing(2)
            words.addLayout(buttons)
        close = QToolButton()
        icons.dress(close, "close", theme, "muted")
        close.setToolTip("Close")
        close.setAccessibleName("Close message")
        close.clicked.connect(lambda *_: self.dismiss())
        self.row = row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 8, 10)
        row.setSpacing(10)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        if message.severity in STAYS:
            self._timer.start(STAYS[message.severity])

    def enterEvent(self, event: object) -> None:
        """What is being read does not go away."""
        self._timer.stop()

    def leaveEvent(self, event: object) -> None:
        if self.message.severity in STAYS:
            self._timer.start(STAYS[self.message.severity])

    def _act(self, run: Callable[[], object]) -> None:
        self.dismiss()
        run()

    def dismiss(self) -> None:
        """Go away."""
        self._timer.stop()
        self.hide()
        self.deleteLater()
        self._on_close(self)


class Toasts(QObject):
    """Keeps the toasts of one window in its lower right corner, newest at the bottom."""

    def __init__(self, window: QWidget, notify: Notify, theme: Theme, on_details: Callable[[Message], object]) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._details = on_details
        self._toasts: list[Toast] = []
        self._disconnect = notify.added.connect(self._show)
        window.installEventFilter(self)

    def shown(self) -> list[Toast]:
        """The toasts on screen."""
        return list(self._toasts)

    def clear(self) -> None:
        """Take all of them away."""
        for toast in self.shown():
            toast.dismiss()

    def release(self) -> None:
        """Stop listening."""
        self._disconnect()

    def _show(self, message: Message) -> None:
        if not message.toast or message.bug:
            return
        for toast in self.shown():  # the same words twice are one toast
            if (toast.message.text, toast.message.hint) == (message.text, message.hint):
                toast.dismiss()
        for toast in self.shown()[: max(0, len(self._toasts) - MOST + 1)]:
            toast.dismiss()
        self._toasts.append(Toast(message, self._theme, self._details, self._gone, self._window))
        self._arrange()  # before it is seen: one that appears under the mouse for a moment would stay
        self._toasts[-1].show()

    def _gone(self, toast: Toast) -> None:
        if toast in self._toasts:
            self._toasts.remove(toast)
        self._arrange()

    def _arrange(self) -> None:
        """From the bottom up, the newest lowest."""
        bottom = self._window.height() - 40
        for toast in reversed(self._toasts):
            toast.setFixedHeight(max(44, toast.row.totalHeightForWidth(WIDTH)))
            bottom -= toast.height() + 8
            toast.move(self._window.width() - WIDTH - 16, bottom)
            toast.raise_()

    def eventFilter(self, target: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._arrange()
        return False


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:299]}…"

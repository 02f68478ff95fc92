"""Opening: a job loads the file, a thread lays the session's folder out, and only then does the window change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QThread
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.errors import UsageError
from gui.context import Context
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from core.layout.folding import OpenedShown
    from core.session import Session
    from gui.jobs import JobHandle


class Aside(QThread):
    """Runs one function off the main thread and hands its outcome back to it."""

    def __init__(
        self, work: Callable[[], Any], on_done: Callable[[Any], object], on_error: Callable[[Exception], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._work, self._on_done, self._on_error = work, on_done, on_error
        self._result: Any = None
        self._error: Exception | None = None
        self.finished.connect(self._back)

    def run(self) -> None:
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - the runner: whatever happened goes to the main thread
            self._error = error

    def _back(self) -> None:
        self.wait()  # it tells that it ends, and ends
        if self._error is not None:
            self._on_error(self._error)
        else:
            self._on_done(self._result)
        self.deleteLater()


class Opening(QObject):
    """Opens models and sessions one at a time; the model that is open stays until the next one is ready.

    `ready(session, shown)` is called on the main thread with the new session and the first picture of its graph, which is None for
    a restored one. `early(shown)` is called before that with a picture of a large graph, as soon as there is one, and with None if
    the model is not opened in the end.
    """

    def __init__(
        self, ctx: Context, parent: QWidget, ready: Callable[[Session, Any], object], early: Callable[[Any], object] = lambda shown: None
    ) -> None:
        super().__init__(parent)
        self.ctx = ctx
        self.ready, self.early = ready, early
        self.handle: JobHandle | None = None
        self.card = Card(parent)
        self.card.cancel.clicked.connect(lambda *_: self.cancel())
        self._thread: Aside | None = None
        self._seen = False

    @property
    def busy(self) -> bool:
        """Whether something is being opened."""
        return self.handle is not None or self._thread is not None

    def open(self, path: Path) -> None:
        """Open a model file, or a session's folder; what fails is told and changes nothing."""
        if self.busy:
            raise UsageError("Another model is being opened.", hint="Wait for it, or cancel it.")
        path = path.expanduser().absolute()
        if path.is_dir():
            self._restore(path)
        else:
            self._load(path)

    def cancel(self) -> None:
        """Stop opening."""
        if self.handle is not None:
            self.handle.cancel()

    def _load(self, path: Path) -> None:
        from core.layout import folding

        self.card.begin(f"Opening {path.name}")
        self._seen = False
        self.handle = self.ctx.jobs.start(folding.open_shown, path, title=f"Open {path.name}", on_done=self._loaded, on_emit=self._sketched)
        self.handle.changed.connect(self._progress)
        self.handle.ended.connect(self._ended)

    def _progress(self) -> None:
        if self.handle is not None:
            self.card.progress(self.handle.fraction, self.handle.text)

    def _sketched(self, shown: Any) -> None:
        self._seen = True
        self.card.aside()
        self.early(shown)

    def _ended(self) -> None:
        self.handle = None
        if self._thread is None:
            self.card.end()
            self.early(None)

    def _loaded(self, found: OpenedShown) -> None:
        def begin() -> Any:
            from core.session import Session

            return Session.start(found.opened)

        self.card.progress(1.0, "Laying out the session")
        if not self._seen:  # the panels come in one turn, what they show of the session in later ones
            self._sketched(found.shown.slim())
        self._aside(begin, lambda session: self.ready(session, found.shown))

    def _restore(self, folder: Path) -> None:
        def restore() -> Any:
            from core.session import Session

            return Session.restore(folder)

        self.card.begin(f"Opening session {folder.name}")
        self._aside(restore, lambda session: self.ready(session, None))

    def _aside(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        def over(result: Any) -> None:
            self._thread = None
            self.card.end()
            done(result)

        def failed(error: Exception) -> None:
            self._thread = None
            self.card.end()
            self.early(None)
            self.ctx.notify.error(error)

        self._thread = Aside(work, over, failed, self)
        self._thread.start()

    def release(self) -> None:
        """Stop, and wait for the thread."""
        self.cancel()
        if self._thread is not None:
            self._thread.wait(8000)


class Card(QFrame):
    """What is being opened, how far it is, and a way out, in the middle of the window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._aside = False
        self.setObjectName("opening")
        self.setFixedSize(420, 112)
        self.title = Elided("", "strong")
        self.text = QLabel()
        self.text.setProperty("role", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of opening")
        self.cancel = QPushButton("Cancel")
        foot = QHBoxLayout()
        foot.addWidget(self.text, 1)
        foot.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 14)
        column.setSpacing(10)
        column.addWidget(self.title)
        column.addWidget(self.bar)
        column.addLayout(foot)
        self.hide()

    def begin(self, title: str) -> None:
        """Appear."""
        self.title.setText(title)
        self.setAccessibleName(title)
        self.text.setText("")
        self.bar.setRange(0, 0)
        self.place()
        self.show()
        self.raise_()

    def progress(self, fraction: float, text: str) -> None:
        """Show how far it is."""
        self.bar.setRange(0, 0 if fraction <= 0 else 1000)
        self.bar.setValue(round(fraction * 1000))
        self.text.setText(text)

    def end(self) -> None:
        """Go away."""
        self._aside = False
        self.hide()

    def aside(self) -> None:
        """Make room for what can be seen already."""
        self._aside = True
        self.place()

    def place(self) -> None:
        """Stand in the middle of the window, or aside near its foot."""
        window = self._window
        down = window.height() - self.height()
        self.move((window.width() - self.width()) // 2, down - 48 if self._aside else down // 2)

"""The main window: one bar on top, docks in the middle, the state at the foot; it opens models and closes in order."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QDialog, QFrame, QLabel, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from core.errors import UsageError
from gui import icons
from gui.actions import Action
from gui.context import Context
from gui.dialogs.welcome import Welcome
from gui.notify import Message
from gui.shell import commands
from gui.shell.keeping import Keeping
from gui.shell.menus import Menus
from gui.shell.opening import Card, Opening
from gui.shell.statusbar import StatusBar
from gui.shell.toasts import Toasts
from gui.shell.topbar import TopBar

if TYPE_CHECKING:
    from core.session import Session
    from gui.palette import Palette
    from gui.panels.base import Panel
    from gui.shell.docks import Docks

SIZE = (1440, 900)
LEAST = (960, 600)
#: The order of panels in the View menu.
AREAS = ("center", "left", "right", "bottom")
#: Buttons at the right of the top bar: text, action, role; those whose action does not exist are left out.
BUTTONS = (
    ("Undo", "edit.undo", ""),
    ("Redo", "edit.redo", ""),
    ("Branch", "variant.branch", ""),
    ("Save as…", "variant.save", ""),
    ("Build engine", "build.start", "primary"),
)


#: What panels import most of, each in a turn of its own.
FIRST = (
    "core.history", "core.session", "core.model.pages", "core.overlays.base", "core.layout.picture", "gui.graph.painter",
    "gui.graph.canvas", "gui.graph.finder", "gui.graph.overlays", "gui.graph.export", "gui.race.race", "gui.weights",
)  # fmt: skip
#: Imported ahead of the first model, one in a turn.
AHEAD = (
    "numpy", "core.layout.shown", "core.layout.folding", "gui.graph.scene", "gui.graph.frames", "core.model.opening", "core.session",
    "core.layout.layered", "core.layout.ranks", "core.layout.order", "core.layout.columns", "core.layout.slide", "core.layout.routes",
    "core.layout.nets", "core.layout.ends", "core.layout.shelves", "numpy.ma",
)  # fmt: skip


class MainWindow(QMainWindow):
    """One window over one context.

    The docks, and with them the panels and their actions, are made at the first need: after the first paint, or when
    a model is opened, a panel asked for, or an action run.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__()
        self.ctx = ctx
        ctx.window = self
        self.docks: Docks | None = None
        self._off: list[Callable[[], object]] = []
        self._session_off: Callable[[], object] = lambda: None
        self._theme = ctx.settings.theme
        self._prepared = ""
        self._known: dict[str, Any] | None = None
        self._over = False
        self._leaving = False
        self.setObjectName("shell")
        self.setWindowTitle("Sardonyx")
        self.setAcceptDrops(True)
        self.setMinimumSize(*LEAST)

        self.opening = Opening(ctx, self, self._ready, self._early)
        self.keeping = Keeping(ctx, self)
        self.saving = Card(self)
        self.top = TopBar(ctx.theme)
        self.menus = Menus(ctx, self, self.top.bar)
        self.menus.add(commands.ACTIONS)
        self._recent = self.menus.submenu("File/Open recent", 20)
        self._recent.aboutToShow.connect(self._fill_recent)
        self.menus.add(())
        self.welcome = Welcome(ctx, self.menus)
        self.status = StatusBar(ctx)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)
        self.setCentralWidget(whole)

        self.toasts = Toasts(self, ctx.notify, ctx.theme, self.show_message)
        self._palette: Palette | None = None
        self.top.search.clicked.connect(lambda *_: self.palette_.open())
        self.hint = _DropHint(self)
        self._listen()
        self._restore_geometry()

    def _listen(self) -> None:
        ctx = self.ctx
        later = self.menus.later
        self.keeping.changed.connect(self.status.show_model)
        self._off += [
            ctx.notify.added.connect(self._crashed),
            ctx.theme.changed.connect(self._redress),
            ctx.settings.changed.connect(self._settings),
            ctx.selection.changed.connect(later),
            ctx.session_changed.connect(self._model),
        ]
        for signal in (ctx.jobs.added, ctx.jobs.ended):
            signal.connect(later)
            signal.connect(self._jobs)
        ctx.jobs.ended.connect(self._ended)
        ctx.jobs.failed.connect(self._failed)
        ctx.document.failed.connect(ctx.notify.error)

    @property
    def palette_(self) -> Palette:
        """The command palette; made when it is first asked for."""
        if self._palette is None:
            from gui.palette import Palette

            self._palette = Palette(self.ctx, self.menus, self)
            self._palette.place()
        return self._palette

    # ---- the tests' and the palette's way in ----
    def build(self) -> Docks:
        """The docks with every panel's place and actions; made at the first call."""
        if self.docks is None:
            from gui.panels import PANELS
            from gui.shell.docks import Docks

            self.menus.dress()
            self.docks = Docks(self.ctx, self)
            self.docks.on_change = self.menus.later
            self.pages.addWidget(self.docks)
            self.menus.add([action for cls in PANELS for action in cls.ACTIONS])
            self.menus.add([_panel_action(cls) for cls in sorted(PANELS, key=lambda cls: (AREAS.index(cls.area), cls.order))])
            for text, id, role in BUTTONS:
                if id in self.menus.actions:
                    self.top.add(text, self.menus.actions[id], role)
            for name, reason in PANELS.broken.items():
                self.ctx.notify.warn(f"The panel '{name}' could not be loaded.", reason)
        return self.docks

    def act(self, id: str) -> bool:
        """Run an action by its id, as its menu entry would, and return True; a `UsageError` says why it cannot be run."""
        if id not in self.menus.table:
            self.build()
        self.menus.run(id)
        return True

    def action(self, id: str) -> QAction:
        """The QAction of an id, with its state brought up to date."""
        if id not in self.menus.table:
            self.build()
        if id not in self.menus.table:
            raise UsageError(f"There is no action '{id}'.")
        self.menus.refresh()
        return self.menus.actions[id]

    def panel(self, id: str) -> Panel:
        """A panel by its id, made if it was never shown."""
        docks = self.build()
        if id not in docks.slots:
            raise UsageError(f"There is no panel '{id}'.", hint=f"Known: {', '.join(docks.slots)}.")
        return docks.panel(id)

    def show_panel(self, id: str) -> Panel:
        """Bring a panel to the front."""
        docks = self.build()
        if id not in docks.slots:
            raise UsageError(f"There is no panel '{id}'.", hint=f"Known: {', '.join(docks.slots)}.")
        self.pages.setCurrentWidget(docks)
        return docks.show_panel(id)

    # ---- opening ----
    def open_path(self, path: Path | str) -> None:
        """Open a model file or a session's folder; returns at once, `ctx.session_changed` tells when it is there.

        Raises `UsageError` while another one is being opened.
        """
        self.build()
        if self.keeping.busy and not self.opening.busy:  # what is opened may be what is being saved
            self.keeping.after(lambda: self._over or self._offer(Path(path)))
            return
        self.opening.open(Path(path))
        self.menus.refresh()

    def _offer(self, path: Path, *_: object) -> None:
        """Open what was dropped or picked; what does not go is told."""
        try:
            self.open_path(path)
        except UsageError as error:
            self.ctx.notify.error(error)

    def _early(self, shown: Any) -> None:
        """A graph can be seen before its model is open; or (None) it will not be open."""
        if self.ctx.session is not None or self._over:
            return
        panel = self.ctx.services.get("graph.view")
        if shown is not None:
            panel = self.show_panel("graph")
        else:
            self.pages.setCurrentWidget(self.welcome)
        if panel is not None:
            panel.layouts.preview(shown)  # type: ignore[attr-defined]

    def _ready(self, session: Session, shown: Any) -> None:
        """Another session takes the place of the one that is open."""
        old, self.ctx.session = self.ctx.session, session
        self.ctx.selection.set((), self)
        self.ctx.services.pop("index", None)
        if shown is not None and session.history.head is not None:
            self.ctx.services["opened.shown"] = (session.history[session.history.head].model.fingerprint, shown)
        if self._over:
            return
        self._remember(session)
        self.ctx.session_changed.emit()
        if old is not None:
            self.keeping.leave(old)
        for problem in session.problems:
            self.ctx.notify.warn(problem.message, problem.hint, detail=problem.detail)
        head = session.history.head
        if shown is not None and head is not None:  # opened just now, not restored: what is odd about it is news
            for warning in session.history[head].summary.warnings:
                self.ctx.notify.warn(f"{session.source.name}: {warning}")

    def _remember(self, session: Session) -> None:
        from core import folders

        ours = session.folder.is_relative_to(folders.data())
        self.ctx.settings.remember(session.source if ours else session.folder)

    def close_model(self) -> None:
        """Save the session, and go back to the start page."""
        session, self.ctx.session = self.ctx.session, None
        if session is not None:
            self.ctx.selection.set((), self)
            self.ctx.services.pop("index", None)
            self.ctx.services.pop("opened.shown", None)
            self.ctx.session_changed.emit()
            self.keeping.leave(session)

    def _model(self) -> None:
        self._session_off()
        self._session_off = lambda: None
        session = self.ctx.session
        if session is not None:
            offs = [session.history.changed.connect(self._head), session.results_changed.connect(self._head)]
            self._session_off = lambda: [off() for off in offs]
            self.pages.setCurrentWidget(self.build())
        else:
            self.welcome.refresh()
            self.pages.setCurrentWidget(self.welcome)
        self._head()

    def _head(self) -> None:
        session = self.ctx.session
        title = "Sardonyx"
        if session is not None and session.history.head is not None:
            head = session.history[session.history.head]
            title = f"{session.source.name} · {head.title} – Sardonyx" if head.parent is not None else f"{session.source.name} – Sardonyx"
        self.setWindowTitle(title)
        if session is not None and session.dirty:
            self.keeping.soon()
        self._prepare()
        self.status.show_model()
        self.menus.later()

    def _prepare(self) -> None:
        """Let the document's process load the head, so that the first question about a node is answered at once."""
        session = self.ctx.session
        model = session.history[session.history.head].model if session is not None and session.history.head is not None else None
        fingerprint = model.fingerprint if model is not None else ""
        if model is not None and fingerprint != self._prepared:
            from core.model import pages

            self.ctx.document.ask(pages.prepare, model, on_done=lambda _: None, key="window.head")
        self._prepared = fingerprint

    # ---- after the first paint ----
    def warm_up(self) -> None:
        """What can wait until the window is seen: docks, the spare worker, and what this machine can build and run."""
        self.setWindowIcon(icons.app_icon())
        self.ctx.jobs.warm_up()
        for problem in self.ctx.settings.problems:
            self.ctx.notify.warn(problem)
        QTimer.singleShot(300, self, self._ask_backends)
        self._import_panels(["PySide6QtAds", "gui.shell.docks", *FIRST, *_panel_modules()])

    def _import_panels(self, left: list[str]) -> None:
        """Import what the docks need, one module in a turn of the event loop, then make them (unless somebody did before)."""
        if self._over:
            return
        if left and self.docks is None:
            with contextlib.suppress(ImportError):  # the registry tells which panel is broken, and why
                importlib.import_module(left[0])
            QTimer.singleShot(0, self, lambda: self._import_panels(left[1:]))
        else:
            docks = self.build()
            docks.prepare()
            self._import_rest(list(AHEAD))

    def _import_rest(self, left: list[str]) -> None:
        """What a model and its first unfolding will need, imported in turns once the panels are made, and slower beside a model."""
        if self._over or not left:
            return
        if self.docks is not None and not self.docks.preparing:
            importlib.import_module(left.pop(0))
        QTimer.singleShot(20 if self.ctx.session is None else 100, self, lambda: self._import_rest(left))

    def _ask_backends(self) -> None:
        from core.backends import tasks

        self.ctx.document.ask(tasks.availability, on_done=self._backends, on_error=self.ctx.notify.error, key="availability")

    def _backends(self, found: dict[str, Any]) -> None:
        self.ctx.services["availability"] = found
        self._show_backends()

    def _show_backends(self) -> None:
        """What is known, whoever found it out (the build panel asks too)."""
        found = self.ctx.services.get("availability")
        if found is not None and found is not self._known:
            self._known = found
            self.status.show_backends(found)

    # ---- jobs and messages ----
    def _ended(self, handle: Any) -> None:
        if handle.state in ("done", "cancelled") and not handle.background:
            words = f"{handle.title}: {handle.state} after {handle.elapsed():.2f} s"
            self.ctx.notify.put(Message("info", words, source="jobs", toast=False))

    def _jobs(self, *_: object) -> None:
        self.status.show_jobs()
        self.status.show_model()
        self._show_backends()

    def _failed(self, handle: Any) -> None:
        if handle.error is not None:
            self.ctx.notify.error(handle.error)

    def show_message(self, message: Message) -> None:
        """A message whole, in a dialog."""
        from gui.dialogs.message import MessageDialog

        self.show_dialog(MessageDialog(message, self.ctx.theme.mono(), self, log=self.ctx.notify.path))

    def _crashed(self, message: Message) -> None:
        from gui.dialogs.message import MessageDialog

        if message.bug and not any(isinstance(each, MessageDialog) and each.message.bug for each in self.findChildren(QDialog)):
            self.show_message(message)

    def show_dialog(self, dialog: QDialog) -> None:
        """Open a dialog over the window; the window stays awake."""
        dialog.setModal(True)
        dialog.open()

    # ---- looks ----
    def _redress(self) -> None:
        icons.redress(self, self.ctx.theme)
        self.welcome.refresh()

    def _settings(self) -> None:
        if self.ctx.settings.theme != self._theme:  # a theme given on the command line holds until another is chosen
            self._theme = self.ctx.settings.theme
            self.ctx.theme.choose(self._theme)  # type: ignore[arg-type]
        if self.ctx.session is None:
            self.welcome.refresh()
        self.menus.later()

    def reset_layout(self) -> None:
        """Every panel back to where it was at first."""
        self.pages.setCurrentWidget(self.build())
        self.build().reset()

    def _restore_geometry(self) -> None:
        data = self.ctx.settings.geometry
        if data and self.restoreGeometry(QByteArray.fromBase64(data.encode())):
            return
        room = self.screen().availableSize()
        self.resize(
            min(max(SIZE[0], round(room.width() * 0.75)), room.width()), min(max(SIZE[1], round(room.height() * 0.8)), room.height())
        )

    def _fill_recent(self) -> None:
        menu = self._recent
        menu.clear()
        menu.setToolTipsVisible(True)
        for number, name in enumerate(self.ctx.settings.recent):
            path = Path(name)
            mark = f"&{number + 1}  " if number < 9 else ""
            action = menu.addAction(f"{mark}{path.name.replace('&', '&&')}")
            action.setToolTip(str(path) if path.exists() else f"{path}\nThe file is no longer there.")
            action.setEnabled(path.exists())
            action.triggered.connect(partial(self._offer, path))
        if not self.ctx.settings.recent:
            none = menu.addAction("No model was opened yet")
            none.setEnabled(False)
        menu.addSeparator()
        menu.addAction(self.menus.actions["file.clear_recent"])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._palette is not None:
            self._palette.place()
        self.opening.card.place()

    # ---- dropping ----
    def _dropped(self, event: QDragEnterEvent | QDropEvent) -> Path | None:
        urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
        return Path(urls[0].toLocalFile()) if len(urls) == 1 else None

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        path = self._dropped(event)
        if path is None or self.opening.busy:
            return
        event.acceptProposedAction()
        self.welcome.hot(True)
        if self.pages.currentWidget() is not self.welcome:
            self.hint.show_for(path)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._undrop()

    def dropEvent(self, event: QDropEvent) -> None:
        self._undrop()
        path = self._dropped(event)
        if path is not None:
            event.acceptProposedAction()
            QTimer.singleShot(0, self, partial(self._offer, path))

    def _undrop(self) -> None:
        self.welcome.hot(False)
        self.hint.hide()

    # ---- the end ----
    def closeEvent(self, event: QCloseEvent) -> None:
        running = [handle.title for handle in self.ctx.jobs.active()]
        if running and not self._over and not self._leaving and self.ctx.settings.confirm_close and not self._may_stop(running):
            event.ignore()
            return
        session = self.ctx.session
        if session is not None and session.dirty and not self._over and not self._leaving:
            event.ignore()
            self._leaving = True
            self._save_and_close(session)
            return
        self.release()
        event.accept()

    def hold(self, words: str) -> Callable[[], None]:
        """Say what is going on in the middle of the window, which takes no input until the function returned is called."""
        self.saving.begin(words)
        self.saving.cancel.hide()
        self.pages.setEnabled(False)
        self.top.setEnabled(False)

        def free() -> None:
            self.saving.end()
            self.pages.setEnabled(True)
            self.top.setEnabled(True)

        return free

    def _save_and_close(self, session: Session) -> None:
        """The window stays, and says why, until the session is saved; a session that cannot be saved does not hold it."""
        for handle in self.ctx.jobs.active():
            handle.cancel()
        free = self.hold("Saving the session")

        def leave() -> None:
            free()
            self.close()

        self.keeping.save(session)
        self.keeping.after(leave)

    def _may_stop(self, running: list[str]) -> bool:
        from PySide6.QtWidgets import QMessageBox

        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle("Quit Sardonyx")
        many = len(running) > 1
        box.setText(f"{len(running)} jobs are still running." if many else f"“{running[0]}” is still running.")
        box.setInformativeText("Quitting cancels " + ("them" if many else "it") + "; everything that is finished is kept.")
        stop = box.addButton("Cancel jobs and quit" if many else "Cancel it and quit", QMessageBox.ButtonRole.DestructiveRole)
        stop.setProperty("role", "danger")
        stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.exec()
        chosen = box.clickedButton()
        box.deleteLater()
        return chosen is stop

    def release(self) -> None:
        """Keep the arrangement, save the session, let everything go; calling it twice is harmless."""
        if self._over:
            return
        self._over = True
        self._keep_arrangement()
        self.opening.release()
        for handle in self.ctx.jobs.active():
            handle.cancel()
        for off in self._off:
            off()
        for signal in (self.ctx.jobs.added, self.ctx.jobs.ended):
            signal.disconnect(self.menus.later)
            signal.disconnect(self._jobs)
        self.ctx.jobs.ended.disconnect(self._ended)
        self.ctx.jobs.failed.disconnect(self._failed)
        self._session_off()
        if self.docks is not None:
            self.docks.release()
        self.toasts.release()
        session, self.ctx.session = self.ctx.session, None
        if session is not None:
            self.keeping.leave(session)
        self.keeping.wait()
        self.keeping.release()

    def _keep_arrangement(self) -> None:
        from core.errors import AppError

        try:
            self.ctx.settings.update(
                geometry=bytes(self.saveGeometry().toBase64().data()).decode(),
                arrangement=self.docks.state() if self.docks is not None else self.ctx.settings.arrangement,
            )
        except AppError as error:
            self.ctx.notify.error(error)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.menus.later()


class _DropHint(QFrame):
    """Over the docks while a file hovers: what letting it go will do."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("drophint")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label = QLabel()
        self.label.setProperty("role", "title")
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.addWidget(self.label)
        self.hide()

    def show_for(self, path: Path) -> None:
        """Cover the middle of the window."""
        self.label.setText(f"Drop to open {path.name}")
        self.setGeometry(self._window.rect().adjusted(24, 64, -24, -50))
        self.show()
        self.raise_()


def _panel_action(cls: type[Panel]) -> Action:
    def toggle(ctx: Context) -> None:
        assert ctx.window is not None
        docks = ctx.window.build()
        if docks.is_open(cls.id) and ctx.window.pages.currentWidget() is docks and docks.panel(cls.id).isVisible():
            docks.toggle(cls.id)
        else:
            ctx.window.show_panel(cls.id)

    def is_open(ctx: Context) -> bool:
        return ctx.window is not None and ctx.window.docks is not None and ctx.window.docks.is_open(cls.id)

    return Action(f"view.panel.{cls.id}", cls.title, toggle, "View/Panels", 20, "", "", cls.tip, checked=is_open)


def _panel_modules() -> list[str]:
    """The modules that the panel registry is going to look into, by name alone."""
    from gui import panels

    return [f"gui.panels.{info.name}" for info in pkgutil.iter_modules(panels.__path__)]

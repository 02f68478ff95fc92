"""Actions of the table become menus, shortcuts and tooltips; what is blocked says why."""

from __future__ import annotations

import time
from collections.abc import Iterable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from core.errors import AppError, Cancelled, UsageError
from gui import icons
from gui.actions import Action
from gui.context import Context

#: Seconds of drawing icons in one turn of the event loop.
TURN = 0.004
#: The menu bar, in order.
BAR = ("File", "Edit", "View", "Model", "Build", "Race", "Help")


class Menus(QObject):
    """The QActions of one window, by id, and the menus that they stand in."""

    def __init__(self, ctx: Context, owner: QWidget, bar: QMenuBar) -> None:
        super().__init__(owner)
        self.ctx = ctx
        self.table: dict[str, Action] = {}
        self.actions: dict[str, QAction] = {}
        self.menus: dict[str, QMenu] = {}
        self._owner = owner
        self._bar = bar
        self._filled: dict[str, list[tuple[int, int, str]]] = {}
        self._fixed: dict[str, list[tuple[int, QMenu]]] = {}
        #: actions whose icons are not drawn yet
        self._bare: list[str] = []
        self._dressed = False
        self._dressing = QTimer(self)
        self._dressing.setInterval(0)
        self._dressing.timeout.connect(self._dress_some)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(0)
        self._late.timeout.connect(self.refresh)
        for name in BAR:
            self._menu(name)

    # ---- filling ----
    def add(self, actions: Iterable[Action]) -> None:
        """Take more actions; their menus are laid out anew."""
        touched = set()
        for action in actions:
            if action.id in self.table:
                raise ValueError(f"two actions are called {action.id}")
            self.table[action.id] = action
            self.actions[action.id] = self._make(action)
            if action.menu:
                place = self._filled.setdefault(action.menu, [])
                place.append((action.group, len(place), action.id))
                touched.add(action.menu)
        if self._dressed:
            self._dressing.start()
        for menu in touched:
            self._menu(menu)
        for menu in self._filled if touched else ():
            self._lay_out(menu)
        self.refresh()

    def submenu(self, path: str, group: int) -> QMenu:
        """A menu that its owner fills by itself, such as `File/Open recent`."""
        menu = self._menu(path)
        parent = path.rpartition("/")[0]
        self._fixed.setdefault(parent, []).append((group, menu))
        return menu

    def _menu(self, path: str) -> QMenu:
        if path in self.menus:
            return self.menus[path]
        parent, _, title = path.rpartition("/")
        menu = QMenu(title, self._menu(parent) if parent else self._bar)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._dress_all)
        menu.aboutToShow.connect(self.refresh)
        self.menus[path] = menu
        if not parent:
            place = self._bar.addMenu(menu)
            place.setText(f"&{title}")
        return menu

    def _make(self, action: Action) -> QAction:
        made = QAction(action.title, self._owner)
        made.setObjectName(action.id)
        if action.icon:
            self._bare.append(action.id)
        if action.shortcut:
            made.setShortcuts([QKeySequence(each.strip()) for each in action.shortcut.split("|")])
            self._owner.addAction(made)
        made.setCheckable(action.checked is not None)
        made.triggered.connect(lambda *_: self._trigger(action))
        return made

    def _lay_out(self, path: str) -> None:
        """Groups between separators, submenus where their first action stands, a letter for each entry."""
        menu = self.menus[path]
        menu.clear()
        entries: list[tuple[int, int, QAction]] = [(g, n, self.actions[i]) for g, n, i in self._filled.get(path, [])]
        for other, rows in self._filled.items():
            if other.rpartition("/")[0] == path and rows:
                entries.append((min(rows)[0], 1000, self.menus[other].menuAction()))
        entries += [(group, 1000, fixed.menuAction()) for group, fixed in self._fixed.get(path, [])]
        entries.sort(key=lambda entry: entry[:2])
        before = entries[0][0] // 10 if entries else 0
        for group, _, action in entries:
            if group // 10 != before:
                menu.addSeparator()
                before = group // 10
            menu.addAction(action)
        _letters([action for _, _, action in entries])

    def dress(self) -> None:
        """Draw the icons from now on, a few in a turn: not before the first paint, where nobody sees them."""
        self._dressed = True
        self._dressing.start()

    def _dress_some(self) -> None:
        until = time.perf_counter() + TURN
        while self._bare and time.perf_counter() < until:
            id = self._bare.pop(0)
            icons.dress(self.actions[id], self.table[id].icon, self.ctx.theme)
        if not self._bare:
            self._dressing.stop()

    def _dress_all(self) -> None:
        """A menu is about to be seen."""
        while self._bare:
            self._dress_some()

    # ---- state ----
    def later(self, *_: object) -> None:
        """Refresh once, when the events of now are through."""
        self._late.start()

    def refresh(self) -> None:
        """Enable, disable and check every action as things are now."""
        for id, action in self.table.items():
            made = self.actions[id]
            reason = action.blocked(self.ctx) if action.blocked is not None else ""
            made.setEnabled(not reason)
            made.setToolTip(_tip(action, made, reason))
            made.setStatusTip(reason or action.tip)
            if action.checked is not None:
                made.setChecked(action.checked(self.ctx))

    def reason(self, id: str) -> str:
        """Why an action cannot be run now; empty when it can."""
        action = self.table[id]
        return action.blocked(self.ctx) if action.blocked is not None else ""

    # ---- running ----
    def run(self, id: str) -> None:
        """Run an action by its id; a `UsageError` says when it does not exist or is blocked."""
        if id not in self.table:
            raise UsageError(f"There is no action '{id}'.", hint=f"Known: {', '.join(sorted(self.table))}.")
        reason = self.reason(id)
        if reason:
            raise UsageError(f"{self.table[id].title.rstrip('…')} is not possible now: {reason}", hint=reason)
        self._trigger(self.table[id])

    def _trigger(self, action: Action) -> None:
        try:
            action.run(self.ctx)
        except Cancelled:
            pass
        except AppError as error:
            self.ctx.notify.error(error)
        self.later()


def _tip(action: Action, made: QAction, reason: str) -> str:
    keys = made.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    parts = [f"{action.title.rstrip('…')}  {keys}".rstrip(), action.tip, reason]
    return "\n".join(part for part in parts if part)


def _letters(actions: list[QAction]) -> None:
    """Give each entry of a menu a letter of its own, the first of a word where it is free."""
    taken: set[str] = set()
    for action in actions:
        title = action.text().replace("&", "")
        starts = [at for at, char in enumerate(title) if char.isalnum() and (at == 0 or not title[at - 1].isalnum())]
        rest = [at for at, char in enumerate(title) if char.isalnum() and at not in starts]
        for at in (*starts, *rest):
            if title[at].lower() not in taken:
                taken.add(title[at].lower())
                title = f"{title[:at]}&{title[at:]}"
                break
        action.setText(title)

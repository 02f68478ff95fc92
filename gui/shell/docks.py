"""Where the panels stand: docks that can be moved, tabbed, floated and closed, and an arrangement that is good at first.

A panel is made when its dock is first seen. The docking is Qt Advanced Docking, loaded after the first paint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.context import Context
from gui.panels import PANELS
from gui.panels.base import Panel

#: Areas in which panels stand under one another instead of all behind tabs: rows of ids; a panel that no row names
#: joins the last one.
STACKED: dict[str, tuple[tuple[str, ...], ...]] = {"left": (("variants",), ("passes", "build"), ("jobs",))}
#: Shares of the height for those rows.
HEIGHTS: dict[str, tuple[int, ...]] = {"left": (36, 46, 18)}
#: Panels that are made with the docks, not when first seen: they listen to what would be missed.
EAGER = ("jobs",)
#: Seconds that getting ready may take at once.
TURN = 0.006
#: The first line of a kept arrangement; another number and the default one is used.
VERSION = "2"


class Slot(QWidget):
    """The place of a panel in its dock; tells `seen` when there is no panel yet, and one should be made."""

    seen = Signal(str)

    def __init__(self, cls: type[Panel], ctx: Context) -> None:
        super().__init__()
        self.cls = cls
        self.panel: Panel | None = None
        self._ctx = ctx
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def fill(self) -> Panel:
        """The panel, made now if it was not yet."""
        if self.panel is None:
            self.panel = self.cls(self._ctx)
            self._column.addWidget(self.panel)
            self.panel.show()  # now, and not when the event loop comes round to it
        return self.panel

    def showEvent(self, event: QShowEvent) -> None:
        if self.panel is None:
            self.seen.emit(self.cls.id)
        super().showEvent(event)


class Docks(QWidget):
    """All docks of one window."""

    def __init__(self, ctx: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ctx = ctx
        self.slots: dict[str, Slot] = {}
        self.docks: dict[str, Any] = {}
        self.on_change: Callable[[], object] = lambda: None
        self._sized = False
        self._seen: list[str] = []
        self._ahead: list[Slot] = []
        self._bare: list[QWidget] = []
        self._idle = QTimer(self)
        self._idle.setInterval(10)
        self._idle.timeout.connect(self._prepare_one)
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._fill_one)
        self._build()

    # ---- building ----
    def _build(self) -> None:
        import PySide6QtAds as ads  # type: ignore[import-untyped]  # noqa: N813 - the name that its own documentation gives it

        flag = ads.CDockManager.eConfigFlag
        for name, on in (
            ("DisableStylesheet", True),  # the house has its own, see resources/themes/base.qss
            ("ActiveTabHasCloseButton", True),
            ("AllTabsHaveCloseButton", False),
            ("DockAreaHasCloseButton", False),
            ("DockAreaHasUndockButton", False),
            ("DockAreaHasTabsMenuButton", True),
            ("DockAreaDynamicTabsMenuButtonVisibility", True),
            ("OpaqueSplitterResize", True),
            ("FocusHighlighting", False),
            ("AlwaysShowTabs", True),
            ("EqualSplitOnInsertion", False),
            ("DisableTabTextEliding", False),
        ):
            ads.CDockManager.setConfigFlag(getattr(flag, name), on)
        self.manager = ads.CDockManager(self)
        self._ads = ads
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.manager)
        for cls in PANELS:
            self._dock(cls)
        self._place()
        self._default = self.manager.saveState()
        for id in EAGER:
            if id in self.slots:
                self.slots[id].fill()

    def _dock(self, cls: type[Panel]) -> None:
        ads = self._ads
        dock = ads.CDockWidget(self.manager, cls.title)
        dock.setObjectName(f"dock.{cls.id}")
        slot = Slot(cls, self.ctx)
        slot.seen.connect(self._fill_soon)
        dock.setWidget(slot, ads.CDockWidget.eInsertMode.ForceNoScrollArea)
        dock.setMinimumSizeHintMode(ads.CDockWidget.eMinimumSizeHintMode.MinimumSizeHintFromDockWidget)
        dock.setTabToolTip(cls.tip or cls.title)
        dock.tabWidget().setAccessibleName(f"{cls.title} tab")
        dock.viewToggled.connect(lambda *_: self.on_change())
        self.slots[cls.id] = slot
        self.docks[cls.id] = dock

    def _fill_soon(self, id: str) -> None:
        """Make a panel that is seen, one in a turn of the event loop: many at once would hold the window."""
        self._seen.append(id)
        self._turn.start()

    def _fill_one(self) -> None:
        if self._seen:
            slot = self.slots[self._seen.pop(0)]
            if slot.isVisible():
                slot.fill()
        if self._seen:
            self._turn.start()

    def _place(self) -> None:
        """Centre first, then the sides along the whole height, then what stands below the centre."""
        areas = self._ads
        centre = self._tabs("center", areas.CenterDockWidgetArea, None)
        self._side("left", areas.LeftDockWidgetArea)
        self._tabs("right", areas.RightDockWidgetArea, None)
        self._tabs("bottom", areas.BottomDockWidgetArea, centre)
        for id, slot in self.slots.items():
            if not slot.cls.shown:
                self.docks[id].toggleView(False)
        for ids in (*(self._ids(area) for area in ("center", "right", "bottom")), *self._rows("left")):
            shown = [id for id in ids if self.slots[id].cls.shown]
            if shown:
                self.docks[shown[0]].setAsCurrentTab()

    def _ids(self, area: str) -> list[str]:
        return [id for id, slot in self.slots.items() if slot.cls.area == area]

    def _rows(self, area: str) -> list[list[str]]:
        ids = self._ids(area)
        rows = [[id for id in row if id in ids] for row in STACKED.get(area, ())]
        rest = [id for id in ids if not any(id in row for row in rows)]
        rows = [row for row in rows if row]
        if rest and rows:
            rows[-1].extend(rest)
        elif rest:
            rows.append(rest)
        return rows

    def _tabs(self, area: str, where: Any, beside: Any, ids: list[str] | None = None) -> Any:
        made = None
        for id in self._ids(area) if ids is None else ids:
            if made is None:
                made = self.manager.addDockWidget(where, self.docks[id], beside) if beside is not None else None
                made = made or self.manager.addDockWidget(where, self.docks[id])
            else:
                self.manager.addDockWidgetTabToArea(self.docks[id], made)
        return made

    def _side(self, area: str, where: Any) -> None:
        above = None
        for row in self._rows(area):
            place = where if above is None else self._ads.BottomDockWidgetArea
            above = self._tabs(area, place, above, row)

    def _size(self) -> None:
        """Widths and heights that suit the window: sides of 264 to 440 px, a good third for what is below."""
        width, height = max(self.width(), 900), max(self.height(), 500)
        left = min(420, max(264, round(width * 0.16)))
        right = min(440, max(312, round(width * 0.17)))
        low = min(620, max(286, round(height * 0.34)))
        for ids, sizes in (
            (self._ids("center"), [height - low, low]),
            (self._ids("left"), [share * height // 100 for share in HEIGHTS["left"]]),
        ):
            shown = [id for id in ids if not self.docks[id].isClosed()]
            if shown:
                self.manager.setSplitterSizes(self.docks[shown[0]].dockAreaWidget(), sizes)
        root = self.manager.rootSplitter()
        sizes = [left, width - left - right, right]
        root.setSizes(sizes[: root.count()] if root.count() == 3 else [width // max(1, root.count())] * root.count())

    def prepare(self) -> None:
        """Make the panels and dress them, in small turns while nobody waits, those that are seen first before those behind
        tabs: what is left for the moment in which a model is there, or a tab is clicked, is to lay them out."""
        there = [id for id in self.slots if not self.docks[id].isClosed()]
        there.sort(key=lambda id: not self.docks[id].isCurrentTab())
        self._ahead = [self.slots[id] for id in there]
        self._bare = [self, *self.findChildren(QWidget)]
        self._idle.start()

    @property
    def preparing(self) -> bool:
        """Whether panels are still being made ahead of their need."""
        return self._idle.isActive()

    def _prepare_one(self) -> None:
        from shiboken6 import Shiboken

        until = time.perf_counter() + TURN
        while self._bare and time.perf_counter() < until:
            widget = self._bare.pop()
            if Shiboken.isValid(widget):
                widget.ensurePolished()
        if self._bare:
            return
        if not self._ahead:
            self._idle.stop()
            return
        slot = self._ahead.pop(0)
        if slot.panel is None:
            slot.fill()
            self._bare = slot.findChildren(QWidget)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._sized:
            self._sized = True
            if not self._restore(self.ctx.settings.arrangement):
                QTimer.singleShot(0, self, self._size)

    # ---- panels ----
    def panel(self, id: str) -> Panel:
        """A panel by its id, made now if it was never seen; KeyError where there is none."""
        return self.slots[id].fill()

    def show_panel(self, id: str) -> Panel:
        """Open, raise and focus a panel."""
        dock = self.docks[id]
        if dock.isClosed():
            dock.toggleView(True)
        dock.setAsCurrentTab()
        dock.raise_()
        panel = self.panel(id)
        into(panel)
        return panel

    def cycle(self, step: int) -> None:
        """Move the focus to the next panel that is seen (or the one before), from left to right, from top to bottom."""
        while self._seen:
            self._fill_one()
        seen = [slot for slot in self.slots.values() if slot.isVisible() and slot.panel is not None]
        seen.sort(key=lambda slot: (slot.mapTo(self, slot.rect().topLeft()).x(), slot.mapTo(self, slot.rect().topLeft()).y()))
        if not seen:
            return
        here = next(
            (place for place, slot in enumerate(seen) if slot.isAncestorOf(self.window().focusWidget() or self)), -step if step < 0 else -1
        )
        for far in range(1, len(seen)):  # one in which nothing takes the keyboard is passed over
            if into(seen[(here + far * step) % len(seen)].fill()):
                return

    def toggle(self, id: str) -> None:
        """Close a panel that is open, open one that is closed."""
        if self.docks[id].isClosed():
            self.show_panel(id)
        else:
            self.docks[id].toggleView(False)

    def is_open(self, id: str) -> bool:
        """Whether a panel has a place in the window."""
        return not self.docks[id].isClosed()

    # ---- the arrangement ----
    def state(self) -> str:
        """The arrangement as text, for the settings."""
        return f"{VERSION}:{bytes(self.manager.saveState().toBase64().data()).decode()}" if self._sized else self.ctx.settings.arrangement

    def _restore(self, text: str) -> bool:
        version, _, data = text.partition(":")
        if version != VERSION or not data:
            return False
        return bool(self.manager.restoreState(QByteArray.fromBase64(data.encode())))

    def reset(self) -> None:
        """The arrangement of the first start."""
        self.manager.restoreState(self._default)
        self._size()

    def release(self) -> None:
        """Let every panel go."""
        self._turn.stop()
        self._idle.stop()
        self._seen.clear()
        for slot in self.slots.values():
            if slot.panel is not None:
                slot.panel.release()


def into(panel: Panel) -> bool:
    """Give a panel the focus: itself or its focus proxy if it takes it, else the first part of it that does; whether one did."""
    if panel.focusPolicy() != Qt.FocusPolicy.NoFocus or panel.focusProxy() is not None:
        panel.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True
    part = panel.nextInFocusChain()
    while part is not None and part is not panel:
        if panel.isAncestorOf(part) and part.isVisible() and part.isEnabled() and part.focusPolicy() & Qt.FocusPolicy.TabFocus:
            part.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return True
        part = part.nextInFocusChain()
    return False

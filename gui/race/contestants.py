"""Who takes part in a race: a list to check, each contestant with the colour that it has in every plot."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from core.backends.base import Availability, Engine
from core.session import Session
from gui.race import verdict
from gui.race.race import DEFAULT_BACKEND, Contestant
from gui.theme import Theme

KEY = Qt.ItemDataRole.UserRole


class ContestantList(QListWidget):
    """What a person checked stays; until then the current variant and the original are checked, each with its newest engine
    that can run here (or to be built when the race starts)."""

    #: Another choice was made.
    chosen = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._contestants: dict[str, Contestant] = {}
        self._checked: dict[str, bool] = {}
        self._colors: dict[str, int] = {}
        self._filling = False
        self.setAccessibleName("Contestants")
        self.setIconSize(QSize(12, 12))
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemChanged.connect(self._toggled)

    def forget(self) -> None:
        """Another session: nothing was chosen yet."""
        self._checked.clear()
        self._colors.clear()

    def fill(self, session: Session, states: Mapping[str, Availability], backend: str = DEFAULT_BACKEND) -> None:
        """List the contestants that there are; one that cannot run here is greyed, with the reason."""
        found = verdict.contestants(session, backend)
        self._contestants = {each.key: each for each in found}
        self._inherit(found, backend)
        short = verdict.names(session, found)
        usual = self._usual(session, found, states)
        self._filling = True
        self.clear()
        for each in found:
            item = QListWidgetItem(short[each.key])
            item.setData(KEY, each.key)
            item.setIcon(self.swatch(each.key))
            state = _state(each, states)
            if state is None or state.can_run:
                checked = self._checked.get(each.key, each.key in usual)
                item.setCheckState(Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)
                item.setToolTip(each.title if each.engine is not None else f"{each.title}\nIt is built when the race starts.")
            else:
                item.setCheckState(Qt.CheckState.Unchecked)
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                item.setToolTip(f"{each.title}\nCannot run here: {state.reason}. {state.hint}")
            self.addItem(item)
        self._filling = False

    def _usual(self, session: Session, found: list[Contestant], states: Mapping[str, Availability]) -> set[str]:
        """Of the current variant and of the original, the newest that can run."""
        root = session.history.root
        latest: dict[str, str] = {}
        for each in found:
            state = _state(each, states)
            if each.variant in (session.history.head, root.id if root else "") and (state is None or state.can_run):
                latest[each.variant] = each.key
        return set(latest.values())

    def _inherit(self, found: list[Contestant], backend: str) -> None:
        """An engine that was just built for the race keeps the colour and the check of its contestant before."""
        for each in found:
            before = f"{each.variant}:default"
            if each.engine is None or each.engine.backend != backend or each.key in self._colors or before not in self._colors:
                continue
            self._colors[each.key] = self._colors[before]
            if before in self._checked:
                self._checked.setdefault(each.key, self._checked[before])

    def color(self, key: str) -> int:
        """The place of a contestant among the colours."""
        return self._colors.setdefault(key, len(self._colors))

    def swatch(self, key: str) -> QIcon:
        """Its colour as a small square."""
        picture = QPixmap(24, 24)
        picture.setDevicePixelRatio(2.0)
        picture.fill(self._theme.series(self.color(key)))
        return QIcon(picture)

    def _toggled(self, item: QListWidgetItem) -> None:
        if not self._filling:
            self._checked[str(item.data(KEY))] = item.checkState() == Qt.CheckState.Checked
            self.chosen.emit()

    def check(self, keys: set[str]) -> None:
        """Check these, and no others."""
        for row in range(self.count()):
            item = self.item(row)
            on = str(item.data(KEY)) in keys and bool(item.flags() & Qt.ItemFlag.ItemIsEnabled)
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def check_engine(self, engine: Engine) -> None:
        """Check this engine, and no other."""
        self.check({key for key, each in self._contestants.items() if each.engine is not None and each.engine.path == engine.path})

    def checked(self) -> tuple[Contestant, ...]:
        """Who takes part, from the top."""
        items = [self.item(row) for row in range(self.count())]
        return tuple(self._contestants[str(item.data(KEY))] for item in items if item.checkState() == Qt.CheckState.Checked)


def _state(contestant: Contestant, states: Mapping[str, Availability]) -> Availability | None:
    return states.get(contestant.engine.backend) if contestant.engine is not None else None

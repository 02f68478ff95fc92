"""Where one is in a folded graph: the open groups around the middle of the view, each a way back, and buttons that fold all at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QToolButton, QWidget

from gui.graph.bars import Bar, button
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.graph.scene import Scene

#: A name in the path is cut to this many pixels.
NAME = 150
#: More groups than this are left out in the middle.
MOST = 5


class Crumbs(Bar):
    """A bar over the graph; `travel` asks to look at an open group."""

    #: Show this group (0: all of the graph).
    travel = Signal(int)

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        *,
        fold_all: Callable[[], object],
        less: Callable[[], object],
        more: Callable[[], object],
        unfold_all: Callable[[], object],
        flat: Callable[[], object],
    ) -> None:
        super().__init__(parent)
        self.flat = button(theme, "flat", "Without scopes and blocks", flat)
        self.flat.setCheckable(True)
        self.folds = [
            button(theme, "fold", "Fold everything", fold_all),
            button(theme, "fold-one", "Fold one level", less),
            button(theme, "unfold-one", "Unfold one level", more),
            button(theme, "unfold", "Unfold everything", unfold_all),
        ]
        for each in (self.flat, *self.folds):
            self.row.addWidget(each)
        self.line = QFrame()
        self.line.setProperty("role", "separator")
        self.row.addWidget(self.line)
        self._path: tuple[int, ...] | None = None
        self._parts: list[QWidget] = []
        self.setAccessibleName("Groups around the middle of the view")
        self.hide()

    def follow(self, scene: Scene | None, x: float, y: float, flat: bool) -> None:
        """Show the path to a point of the graph."""
        shown = scene.shown if scene is not None else None
        if scene is None or shown is None or not len(scene):
            self._path = None
            self.hide()
            return
        foldable = len(shown.nest.tree) > 1
        self.flat.setChecked(flat)
        for each in self.folds:
            each.setVisible(foldable)
        frame = scene.frame_at(x, y)
        path = tuple(shown.nest.tree.chain(int(shown.frames.group[frame]))[1:]) if frame is not None else ()
        if path != self._path or not self.isVisible():
            self._path = path
            self._fill(shown.nest.tree.names, path)
        self.show()

    def _fill(self, names: list[str], path: tuple[int, ...]) -> None:
        for part in self._parts:
            self.row.removeWidget(part)
            part.hide()
            part.deleteLater()
        self._parts = []
        self.line.setVisible(bool(path))
        shown: list[int | None] = list(path)
        if len(path) > MOST:
            shown = [path[0], None, *path[-(MOST - 2) :]]
        for place, group in enumerate([0, *shown] if path else []):
            if place:
                self._add(QLabel("›"))
            if group is None:
                self._add(QLabel("…"))
                continue
            name = names[group] if group else "All"
            crumb = QToolButton()
            crumb.setAutoRaise(True)
            crumb.setFixedHeight(24)
            crumb.setText(crumb.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, NAME))
            crumb.setToolTip(f"Show {name}" if group else "Show the whole graph")
            crumb.setAccessibleName(crumb.toolTip())
            crumb.clicked.connect(lambda _=False, group=group: self.travel.emit(group))
            self._add(crumb)
        self.adjustSize()

    def _add(self, part: QWidget) -> None:
        if isinstance(part, QLabel):
            part.setProperty("role", "muted")
        self._parts.append(part)
        self.row.addWidget(part)
        part.show()

"""Which overlay colours the graph, and which stand on its boxes as badges."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QMenu, QPushButton, QSizePolicy, QWidget

from gui.graph.badges import MOST
from gui.graph.offers import Offer

NONE = "Op family"


class Choice(QWidget):
    """A list for the colour, and a menu with ticks for at most three badges."""

    #: The id of the overlay that colours; empty for none.
    coloured = Signal(str)
    #: The ids of the badges, a tuple.
    badged = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.offers: tuple[Offer, ...] = ()
        self._badges: tuple[str, ...] = ()
        self.colour = QComboBox()
        self.colour.setAccessibleName("Overlay that colours the graph")
        self.colour.setToolTip("What colours the boxes of the graph (F7 next, Shift+F7 previous, Ctrl+F7 none)")
        self.colour.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.colour.setMinimumContentsLength(10)
        self.colour.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.colour.installEventFilter(self)
        self.colour.currentIndexChanged.connect(lambda *_: self.coloured.emit(str(self.colour.currentData() or "")))
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.group = QActionGroup(self)
        self.group.setExclusionPolicy(QActionGroup.ExclusionPolicy.None_)
        self.group.triggered.connect(self._toggled)
        self.badges = QPushButton("None")
        self.badges.setAccessibleName("Overlays that stand on the boxes as badges")
        self.badges.setMenu(self.menu)
        self.badges.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # a long name is cut, not the panel
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        for line, (word, editor) in enumerate((("Colour", self.colour), ("Badges", self.badges))):
            label = QLabel(word)
            label.setProperty("role", "muted")
            label.setBuddy(editor)
            grid.addWidget(label, line, 0)
            grid.addWidget(editor, line, 1)
        grid.setColumnStretch(1, 1)

    def show_offers(self, offers: Sequence[Offer], colour: str, badges: tuple[str, ...]) -> None:
        """Offer these, with what is chosen now."""
        if tuple(offers) != self.offers:
            self.offers = tuple(offers)
            self._fill()
        self.colour.blockSignals(True)
        self.colour.setCurrentIndex(max(0, self.colour.findData(colour)))
        self.colour.blockSignals(False)
        self.colour.setAccessibleDescription(next((each.tip for each in offers if each.id == colour), ""))
        self._badges = badges
        titles = [each.title for id in badges for each in offers if each.id == id]
        self.badges.setText(f"{titles[0]} + {len(titles) - 1}" if len(titles) > 1 else titles[0] if titles else "None")
        self.badges.setToolTip(f"{', '.join(titles) or 'Nothing'} on the boxes beside the colour; at most {MOST}")
        for action in self.group.actions():
            on = action.data() in badges
            action.setChecked(on)
            full = not on and len(badges) >= MOST
            action.setEnabled(not full)
            action.setToolTip(f"There is room for {MOST} badges: take another one off first." if full else str(action.property("tip")))

    def _fill(self) -> None:
        self.colour.blockSignals(True)
        self.colour.clear()
        self.colour.addItem(NONE, "")
        self.colour.setItemData(0, "Boxes are coloured by what kind of work their op does.", Qt.ItemDataRole.ToolTipRole)
        for place, each in enumerate(self.offers, 1):
            self.colour.addItem(each.title, each.id)
            self.colour.setItemData(place, each.tip, Qt.ItemDataRole.ToolTipRole)
        self.colour.blockSignals(False)
        for action in self.group.actions():
            self.group.removeAction(action)
            self.menu.removeAction(action)
            action.deleteLater()
        for each in self.offers:
            action = QAction(f"{each.title} ({each.unit})" if each.unit else each.title, self.menu)
            action.setCheckable(True)
            action.setData(each.id)
            action.setProperty("tip", each.tip)
            self.group.addAction(action)
            self.menu.addAction(action)

    def _toggled(self, action: QAction) -> None:
        id = str(action.data())
        self.badged.emit(tuple(one for one in self._badges if one != id) if id in self._badges else (*self._badges, id))

    def eventFilter(self, target: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and target is self.colour and not self.colour.hasFocus():
            event.ignore()  # a turn of the wheel scrolls the panel
            return True
        return False

"""Choosing axes of a weight: one of them, or two for a table and a place along each of the others."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSpinBox, QWidget

from core.model.slices import Cut
from gui.weights.view import Looking


class AxisBox(QWidget):
    """One axis, shown with its length: `[0] 1280`, as its index stands in brackets elsewhere."""

    chosen = Signal(int)

    def __init__(self, words: str, tip: str) -> None:
        super().__init__()
        self.combo = QComboBox()
        self.combo.setAccessibleName(words)
        self.combo.setToolTip(tip)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.combo.currentIndexChanged.connect(lambda place: place >= 0 and self.chosen.emit(place))
        label = QLabel(words)
        label.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(label)
        row.addWidget(self.combo)

    @property
    def axis(self) -> int:
        """The axis, counted from 0."""
        return max(0, self.combo.currentIndex())

    def put(self, shape: Sequence[int], axis: int) -> None:
        """Offer the axes of another weight, without telling."""
        self.combo.blockSignals(True)
        self.combo.clear()
        for place, dim in enumerate(shape):
            self.combo.addItem(f"[{place}] {dim}")
        self.combo.setCurrentIndex(min(axis, len(shape) - 1))
        self.combo.blockSignals(False)
        self.combo.setMinimumWidth(self.combo.sizeHint().width())
        self.setVisible(len(shape) > 1)

    def choose(self, axis: int) -> None:
        """Choose without telling."""
        self.combo.blockSignals(True)
        self.combo.setCurrentIndex(axis)
        self.combo.blockSignals(False)


class CutBar(QWidget):
    """Rows, columns, and an index for each other axis; every bar of a panel shows the same cut."""

    def __init__(self, looking: Looking) -> None:
        super().__init__()
        self._looking = looking
        self.rows = AxisBox("Rows", "The axis whose indices are the rows")
        self.columns = AxisBox("Columns", "The axis whose indices are the columns")
        self.rows.chosen.connect(lambda axis: self._choose(axis, True))
        self.columns.chosen.connect(lambda axis: self._choose(axis, False))
        self.spins: dict[int, QSpinBox] = {}
        self._others = QWidget()
        self._along = QHBoxLayout(self._others)
        self._along.setContentsMargins(0, 0, 0, 0)
        self._along.setSpacing(8)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self._grid.addWidget(self.rows, 0, 0)
        self._grid.addWidget(self.columns, 0, 1)
        self._grid.addWidget(self._others, 0, 2)
        looking.on_cut.append(self.refresh)

    def fit(self, width: int) -> None:
        """With less than `width` pixels' room, the indices stand in a line of their own."""
        wanted = sum(part.sizeHint().width() + 8 for part in (self.rows, self.columns, self._others))
        below = bool(self.spins) and wanted > width
        if below != (self._grid.itemAtPosition(1, 0) is not None):
            self._grid.removeWidget(self._others)
            self._grid.addWidget(self._others, *((1, 0, 1, 2) if below else (0, 2)), Qt.AlignmentFlag.AlignLeft)

    def refresh(self) -> None:
        """Show the cut that holds now."""
        page, cut = self._looking.page, self._looking.cut
        shape = page.shape if page is not None else ()
        for spin in self.spins.values():
            self._along.removeWidget(spin)
            spin.hide()
            spin.deleteLater()
        self.spins.clear()
        self.rows.put(shape, cut.rows)
        self.columns.put(shape, cut.columns)
        for axis, dim in enumerate(shape):
            if len(shape) > 2 and axis not in (cut.rows, cut.columns) and dim > 1:
                spin = QSpinBox()
                spin.setRange(0, dim - 1)
                spin.setValue(cut.at[axis])
                spin.setPrefix(f"[{axis}] ")
                spin.setAccessibleName(f"Index along axis {axis}")
                spin.setToolTip(f"Which index of axis {axis} is shown, of {dim}")
                spin.valueChanged.connect(lambda value, axis=axis: self._move(axis, value))
                self._along.addWidget(spin)
                self.spins[axis] = spin
        self._others.setVisible(bool(self.spins))

    def _choose(self, axis: int, is_row: bool) -> None:
        cut = self._looking.cut
        rows, columns = (axis, cut.columns) if is_row else (cut.rows, axis)
        if rows == columns:  # the other one takes the place that this one leaves
            rows, columns = (axis, cut.rows) if is_row else (cut.columns, axis)
        self._looking.set_cut(Cut(rows, columns, cut.at))

    def _move(self, axis: int, value: int) -> None:
        cut = self._looking.cut
        at = (*cut.at[:axis], value, *cut.at[axis + 1 :])
        self._looking.cut = Cut(cut.rows, cut.columns, at)
        for each in self._looking.on_cut:
            if each != self.refresh:  # the field that is typed into stays
                each()


def index_text(shape: Sequence[int], cut: Cut, row: int, column: int, line: int) -> str:
    """The index of a cell as numpy writes it: `[12, 340, 0, 0]`; `line` is how many values a line of one dim holds."""
    if len(shape) < 2:
        return f"[{row * line + column}]" if shape else "[]"
    places = list(cut.at) + [0] * (len(shape) - len(cut.at))
    places[cut.rows], places[cut.columns] = row, column
    return f"[{', '.join(map(str, places))}]"

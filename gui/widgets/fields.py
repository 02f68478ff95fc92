"""One editor for each kind of parameter; a form is made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QLocale, QObject, QRect, Qt, Signal
from PySide6.QtGui import QDoubleValidator, QPainter, QPaintEvent, QPalette, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QStyle,
    QStyleOptionFrame,
    QWidget,
)

from core import params
from core.errors import UsageError
from core.params import Spec, Value

INT_LIMIT = 2**31 - 1


class _NoWheel(QObject):
    """Keeps the wheel for scrolling the form until a field has the focus: a page turned must not change a value."""

    def eventFilter(self, target: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(target, QWidget) and not target.hasFocus():
            event.ignore()
            return True
        return False


class Field(QWidget):
    """An editor for one parameter: `get` returns the value as typed (checked by the form), `put` shows one."""

    changed = Signal()

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def hold(self, editor: QWidget, stretch: int = 1) -> None:
        """Put an editor into the row, named for those who cannot see it."""
        editor.setAccessibleName(self.spec.title)
        editor.setAccessibleDescription(self.spec.help)
        self.row.addWidget(editor, stretch)
        if self.focusProxy() is None:
            self.setFocusProxy(editor)

    def get(self) -> Value:
        """The value as it stands; raises `UsageError` where the text cannot be read."""
        raise NotImplementedError

    def put(self, value: Value) -> None:
        """Show a value without telling."""
        raise NotImplementedError

    def mark(self, invalid: bool) -> None:
        """Draw the editor as wrong, or as right again."""
        editor = self.focusProxy()
        if editor is not None and bool(editor.property("invalid")) != invalid:
            editor.setProperty("invalid", invalid)
            editor.style().unpolish(editor)
            editor.style().polish(editor)


class BoolField(Field):
    """A check box; the words stand in the form's own column."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.box = QCheckBox()
        self.hold(self.box)
        self.box.toggled.connect(self._say)
        self._say(False)

    def _say(self, on: bool) -> None:
        self.box.setText("On" if on else "Off")
        self.changed.emit()

    def get(self) -> Value:
        return self.box.isChecked()

    def put(self, value: Value) -> None:
        self.box.blockSignals(True)
        self.box.setChecked(bool(value))
        self.box.setText("On" if value else "Off")
        self.box.blockSignals(False)


class ChoiceField(Field):
    """One of a few words."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.combo = QComboBox()
        for choice in spec.choices:
            self.combo.addItem(spoken(choice), choice)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(6)
        self.combo.installEventFilter(_NoWheel(self.combo))
        self.combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hold(self.combo)
        self.combo.currentTextChanged.connect(lambda *_: self.changed.emit())

    def get(self) -> Value:
        return str(self.combo.currentData() or "")

    def put(self, value: Value) -> None:
        self.combo.blockSignals(True)
        if self.combo.findData(str(value)) < 0:
            self.combo.addItem(spoken(str(value)), str(value))
        self.combo.setCurrentIndex(self.combo.findData(str(value)))
        self.combo.blockSignals(False)

    def offer(self, choices: Mapping[str, str]) -> None:
        """Other choices than the declared ones: value -> what it is called."""
        chosen = self.get()
        self.combo.blockSignals(True)
        self.combo.clear()
        for value, title in choices.items():
            self.combo.addItem(title, value)
        self.combo.blockSignals(False)
        self.put(chosen)


def spoken(choice: str) -> str:
    """A choice as a word: `layer names` for `layer_names`."""
    return choice.replace("_", " ")


class NumberField(Field):
    """A spin box with unit, step and range; a value outside of the range can be typed, and is then marked."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        whole = spec.type is int
        self.spin: QSpinBox | QDoubleSpinBox = QSpinBox() if whole else _Real()
        low = -INT_LIMIT if spec.min is None else spec.min
        high = INT_LIMIT if spec.max is None else spec.max
        step = spec.step if spec.step is not None else (1 if whole else _step(spec))
        if isinstance(self.spin, QSpinBox):
            self.spin.setRange(max(int(low), -INT_LIMIT), min(int(high), INT_LIMIT))
            self.spin.setSingleStep(max(1, int(step)))
        else:
            self.spin.setDecimals(10)
            self.spin.setRange(low, high)
            self.spin.setSingleStep(step)
        if spec.unit:
            self.spin.setSuffix(f" {spec.unit}")
        if meaning := zero(spec):
            self.spin.setSpecialValueText(meaning)
        self.spin.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
        self.spin.setKeyboardTracking(False)
        self.spin.installEventFilter(_NoWheel(self.spin))
        self.spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.spin.setMinimumWidth(72)
        self.hold(self.spin)
        self.spin.valueChanged.connect(lambda *_: self.changed.emit())

    def get(self) -> Value:
        return self.spin.value()

    def put(self, value: Value) -> None:
        self.spin.blockSignals(True)
        self.spin.setValue(value)  # type: ignore[arg-type]
        self.spin.blockSignals(False)


class _Real(QDoubleSpinBox):
    """Shows 0.05 and not 0.0500000000, and a point in every language (values are copied into commands)."""

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())

    def textFromValue(self, value: float) -> str:
        return f"{value:.10g}"

    def valueFromText(self, text: str) -> float:
        words = text.removesuffix(self.suffix()).strip()
        try:
            return float(words)
        except ValueError:
            return self.value()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        words = text.removesuffix(self.suffix()).strip()
        check = QDoubleValidator(self.minimum(), self.maximum(), 10)
        check.setLocale(QLocale.c())
        found: Any = check.validate(words, position)
        state: QValidator.State = found[0] if isinstance(found, tuple) else found
        return state, text, position


def zero(spec: Spec) -> str:
    """What 0 means where the help says it, `(0: no limit)` or `; 0: never`, and it is the least value: `No limit`."""
    found = re.search(r"\b0: ([^();,]{1,20})\)?$", spec.help) if spec.min == 0 and spec.default is not None else None
    return found[1][:1].upper() + found[1][1:] if found else ""


def _step(spec: Spec) -> float:
    if spec.min is not None and spec.max is not None and spec.max - spec.min <= 10:
        return (spec.max - spec.min) / 20
    return 1.0


class TextField(Field):
    """A line of text."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.edit = self.line()
        self.edit.setPlaceholderText(_hint(spec))
        self.hold(self.edit)
        self.edit.textChanged.connect(lambda *_: self.changed.emit())

    def line(self) -> QLineEdit:
        """The editor itself."""
        return QLineEdit()

    def get(self) -> Value:
        return self.edit.text()

    def put(self, value: Value) -> None:
        self.edit.blockSignals(True)
        self.edit.setText(str(value))
        self.edit.setCursorPosition(0)
        self.edit.blockSignals(False)


class _PathEdit(QLineEdit):
    """Shows the end of a path that is too long, where the name stands, until somebody edits it."""

    def shown(self) -> str:
        """What is painted while it has no focus."""
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideLeft, self._room().width())

    def _room(self) -> QRect:
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        return self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self).adjusted(2, 0, -2, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus() or self.shown() == self.text():
            super().paintEvent(event)
            return
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        painter = QPainter(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelLineEdit, option, painter, self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.setFont(self.font())
        painter.drawText(self._room(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self.shown())


class LongTextField(Field):
    """Several lines of text."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.edit = QPlainTextEdit()
        self.edit.setFixedHeight(84)
        self.edit.setTabChangesFocus(True)
        self.hold(self.edit)
        self.edit.textChanged.connect(lambda *_: self.changed.emit())

    def get(self) -> Value:
        return self.edit.toPlainText()

    def put(self, value: Value) -> None:
        self.edit.blockSignals(True)
        self.edit.setPlainText(str(value))
        self.edit.blockSignals(False)


class PathField(TextField):
    """A line for a path that shows its end, with a button that browses; a file or folder may be dropped on it."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.button = button = QPushButton("Browse…")
        button.setAccessibleName(f"{spec.title}: browse")
        if spec.kind == "path":
            menu = QMenu(button)
            menu.addAction("File…", self._file)
            menu.addAction("Folder…", self._folder)
            button.clicked.connect(lambda *_: menu.popup(button.mapToGlobal(button.rect().bottomLeft())))
            button.setToolTip("Choose a file or a folder")
        else:
            run = self._folder if spec.kind == "folder" else self._file
            button.clicked.connect(lambda *_: run())
            button.setToolTip("Choose a folder" if spec.kind == "folder" else "Choose a file")
        self.row.addWidget(button)
        self.setAcceptDrops(True)
        self.edit.setAcceptDrops(False)
        self.edit.textChanged.connect(self._tell)

    def line(self) -> QLineEdit:
        return _PathEdit()

    def put(self, value: Value) -> None:
        super().put(value)
        self._tell()

    def _tell(self) -> None:
        self.edit.setToolTip(self.edit.text() or self.spec.help)

    def _start(self) -> str:
        here = Path(self.edit.text()).expanduser() if self.edit.text() else Path.home()
        return str(here if here.exists() else Path.home())

    def _file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.spec.title, self._start())
        if name:
            self.edit.setText(name)

    def _folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.spec.title, self._start())
        if name:
            self.edit.setText(name)

    def dragEnterEvent(self, event: Any) -> None:
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        self.edit.setText(event.mimeData().urls()[0].toLocalFile())


class ListField(TextField):
    """Several names in one line, separated by `;`."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.edit.textChanged.connect(self.edit.setToolTip)

    def get(self) -> Value:
        return params.parse(self.spec, self.edit.text())

    def put(self, value: Value) -> None:
        super().put("; ".join(value) if isinstance(value, tuple | list) else str(value))


class NodesField(ListField):
    """Names of nodes; a button takes those that are selected in the model."""

    #: The form connects this to whoever knows the selection.
    wanted = Signal()

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.button = QPushButton("Use selection")
        self.button.setAccessibleName(f"{spec.title}: use selection")
        self.button.setToolTip("Take the nodes that are selected in the graph or the node table.")
        self.button.clicked.connect(lambda *_: self.wanted.emit())
        self.row.addWidget(self.button)


def _hint(spec: Spec) -> str:
    if spec.kind == "nodes":
        return "node; node; …"
    if spec.type is tuple:
        return "; ".join((*spec.choices[:2], "…")) if spec.choices else "one; another; …"
    return {"file": "file", "folder": "folder", "path": "file or folder"}.get(spec.kind, "")


def field(spec: Spec, *, choose: bool = False) -> Field:
    """The editor that suits a parameter; `choose`: one of what the caller offers."""
    if choose:
        return ChoiceField(spec)
    if spec.type is bool:
        return BoolField(spec)
    if spec.type in (int, float):
        return NumberField(spec)
    if spec.type is tuple:
        return NodesField(spec) if spec.kind == "nodes" else ListField(spec)
    if spec.choices:
        return ChoiceField(spec)
    if spec.kind in ("file", "folder", "path"):
        return PathField(spec)
    return LongTextField(spec) if spec.kind == "text" else TextField(spec)


def checked(spec: Spec, value: Value) -> Value:
    """`value` if the parameter takes it, else a `UsageError`; a list with choices is held to them, name by name."""
    value = params.check(spec, value)
    if spec.type is tuple and spec.choices and isinstance(value, tuple):
        for item in value:
            if item not in spec.choices:
                raise UsageError(f"'{item}' is not one of the choices.", hint=f"Choose from: {', '.join(spec.choices)}.")
    return value

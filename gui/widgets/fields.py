"""One editor for each kind of parameter; a form is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QLocale, QObject, Qt, Signal
from PySide6.QtGui import QDoubleValidator, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
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
        self.combo.addItems(list(spec.choices))
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(6)
        self.combo.installEventFilter(_NoWheel(self.combo))
        self.combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hold(self.combo)
        self.combo.currentTextChanged.connect(lambda *_: self.changed.emit())

    def get(self) -> Value:
        return self.combo.currentText()

    def put(self, value: Value) -> None:
        self.combo.blockSignals(True)
        if self.combo.findText(str(value)) < 0:
            self.combo.addItem(str(value))
        self.combo.setCurrentText(str(value))
        self.combo.blockSignals(False)


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


def _step(spec: Spec) -> float:
    if spec.min is not None and spec.max is not None and spec.max - spec.min <= 10:
        return (spec.max - spec.min) / 20
    return 1.0


class TextField(Field):
    """A line of text."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.edit = QLineEdit()
        self.edit.setPlaceholderText(_hint(spec))
        self.hold(self.edit)
        self.edit.textChanged.connect(lambda *_: self.changed.emit())

    def get(self) -> Value:
        return self.edit.text()

    def put(self, value: Value) -> None:
        self.edit.blockSignals(True)
        self.edit.setText(str(value))
        self.edit.setCursorPosition(0)
        self.edit.blockSignals(False)


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
    """A line for a path, with buttons that browse; a file or folder may be dropped on it."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        if spec.kind in ("file", "path"):
            self._button("File…" if spec.kind == "path" else "Browse…", self._file)
        if spec.kind in ("folder", "path"):
            self._button("Folder…" if spec.kind == "path" else "Browse…", self._folder)
        self.setAcceptDrops(True)
        self.edit.setAcceptDrops(False)
        self.edit.textChanged.connect(self.edit.setToolTip)

    def _button(self, text: str, run: Any) -> None:
        button = QPushButton(text)
        button.setAccessibleName(f"{self.spec.title}: {text.rstrip('…').lower()}")
        button.clicked.connect(lambda *_: run())
        self.row.addWidget(button)

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


def field(spec: Spec) -> Field:
    """The editor that suits a parameter."""
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

"""A form made from a params class: one row a parameter, checked as it is typed, advanced ones folded away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from core import params
from core.errors import UsageError
from core.params import Spec, Value
from gui.widgets.fields import Field, NodesField, checked, field

T = TypeVar("T")


class Form(QWidget, Generic[T]):
    """Editors for the parameters of `cls`.

    `changed` fires at every edit, also an invalid one; `valid` says which. `value` raises `UsageError` as long as
    something is wrong. `selection` gives the names for parameters of kind `nodes` (the "Use selection" button; it is
    left out without one).
    A row's context menu resets it to its default. `chosen` names text parameters whose choices the caller offers later.
    """

    changed = Signal()

    def __init__(
        self,
        cls: type[T],
        values: Mapping[str, Any] | None = None,
        exclude: Iterable[str] = (),
        *,
        selection: Callable[[], Iterable[str]] | None = None,
        chosen: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.cls = cls
        left_out = set(exclude)
        self.specs = tuple(spec for spec in params.specs(cls) if spec.name not in left_out)
        self.fields: dict[str, Field] = {}
        self.labels: dict[str, QLabel] = {}
        self._errors: dict[str, QLabel] = {}
        self._fixed: dict[str, Any] = {}
        self._selection = selection
        self._chosen = frozenset(chosen)

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._rows([spec for spec in self.specs if not spec.advanced]))
        advanced = [spec for spec in self.specs if spec.advanced]
        self.disclosure: QPushButton | None = None
        if advanced:
            below = self._rows(advanced)
            below.hide()
            self.disclosure = self._disclose(below, len(advanced))
            column.addWidget(self.disclosure)
            column.addWidget(below)
        self.set_values(dict(values or {}))

    def _rows(self, specs: list[Spec]) -> QWidget:
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)
        for row, spec in enumerate(specs):
            self._row(grid, row * 2, spec)
        return page

    def _row(self, grid: QGridLayout, row: int, spec: Spec) -> None:
        editor = field(spec, choose=spec.name in self._chosen)
        label = QLabel(spec.title)
        label.setProperty("role", "muted")
        label.setBuddy(editor)
        label.setMinimumHeight(26)
        label.setMinimumWidth(60)
        label.setWordWrap(True)
        for part in (label, editor):
            part.setToolTip(_tip(spec))
            part.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            part.customContextMenuRequested.connect(lambda at, part=part: self._menu(spec.name, part, at))
        error = QLabel()
        error.setProperty("role", "error")
        error.setWordWrap(True)
        error.hide()
        if isinstance(editor, NodesField):
            editor.wanted.connect(lambda: self._take(spec.name))
            editor.button.setVisible(self._selection is not None)
        wide = spec.kind in ("file", "folder", "path", "nodes", "text") or spec.type is tuple
        if wide:  # a narrow dock has no room for a path beside its label
            inner = QVBoxLayout()
            inner.setSpacing(0)
            inner.addWidget(label)
            inner.addWidget(editor)
            grid.addLayout(inner, row, 0, 1, 2)
            grid.addWidget(error, row + 1, 0, 1, 2)
        else:
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(editor, row, 1)
            grid.addWidget(error, row + 1, 0, 1, 2)
        editor.changed.connect(self._edited)
        self.fields[spec.name] = editor
        self.labels[spec.name] = label
        self._errors[spec.name] = error

    def _disclose(self, below: QWidget, count: int) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "link")
        button.setCheckable(True)
        button.setCursor(Qt.CursorShape.PointingHandCursor)

        def toggle(on: bool) -> None:
            below.setVisible(on)
            button.setText("Hide advanced" if on else f"Show {count} advanced")

        button.toggled.connect(toggle)
        button.setText(f"Show {count} advanced")
        return button

    def _take(self, name: str) -> None:
        if self._selection is not None:
            self.fields[name].put(tuple(self._selection()))
            self._edited()

    def _menu(self, name: str, part: QWidget, at: Any) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        reset = QAction("Reset to default", menu)
        reset.triggered.connect(lambda *_: self.reset(name))
        every = QAction("Reset all", menu)
        every.triggered.connect(lambda *_: self.reset())
        menu.addAction(reset)
        menu.addAction(every)
        menu.popup(part.mapToGlobal(at))

    def _edited(self) -> None:
        self._check()
        self.changed.emit()

    def _check(self) -> list[UsageError]:
        wrong = []
        for spec in self.specs:
            editor, label = self.fields[spec.name], self._errors[spec.name]
            try:
                checked(spec, editor.get())
            except UsageError as error:
                wrong.append(error)
                said = error.message.removeprefix(f"{spec.name}: ")
                label.setText(f"{said} {error.hint}".strip())
                label.show()
                editor.mark(True)
            else:
                if not label.isHidden():
                    label.hide()
                editor.mark(False)
        return wrong

    @property
    def valid(self) -> bool:
        """Whether every value is one that its parameter takes."""
        return not self._check()

    def values(self) -> dict[str, Value]:
        """Parameter name -> value as it stands, excluded ones as they were given; may be invalid."""
        found: dict[str, Any] = dict(self._fixed)
        for spec in self.specs:
            found[spec.name] = self.fields[spec.name].get()
        return found

    def value(self) -> T:
        """An instance of the class; raises `UsageError` at the first value that is wrong."""
        wrong = self._check()
        if wrong:
            raise wrong[0]
        return params.from_dict(self.cls, self.values())

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show `values`; parameters that are not named go to their defaults."""
        self._fixed = {name: value for name, value in values.items() if name not in self.fields}
        for spec in self.specs:
            self.fields[spec.name].put(values.get(spec.name, spec.default))
        self._check()

    def put(self, name: str, value: Any) -> None:
        """Change one value, as a person would."""
        self.fields[name].put(value)
        self._edited()

    def reset(self, name: str = "") -> None:
        """One parameter, or all, back to the default."""
        for spec in self.specs:
            if name in ("", spec.name):
                self.fields[spec.name].put(spec.default)
        self._edited()


def _tip(spec: Spec) -> str:
    """The help as a tooltip, with range and default."""
    parts = [f"{spec.help}."] if not spec.help.endswith((".", ")")) else [spec.help]
    unit = f" {spec.unit}" if spec.unit else ""
    if spec.min is not None and spec.max is not None:
        parts.append(f"From {spec.min:g} to {spec.max:g}{unit}.")
    if spec.type is tuple:
        parts.append("Separate with ;")
    elif spec.default not in ("", None) and spec.type is not bool:
        shown = f"{spec.default:g}" if isinstance(spec.default, float) else str(spec.default)
        parts.append(f"Default: {shown}{unit}.")
    return "\n".join(parts)

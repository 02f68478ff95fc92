"""The model's metadata: entries with edit and remove beside them, and a way to add one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from gui import icons
from gui.context import Context
from gui.inspect.draft import Draft
from gui.inspect.parts import button, text
from gui.widgets.rows import Elided, Sections

#: Signs of a value that are shown.
_SHOWN = 400
#: Keys of this kind are the workbench's own.
_OURS = "sardonyx."


def fill(
    ctx: Context,
    sections: Sections,
    entries: tuple[tuple[str, str], ...],
    draft: Draft,
    again: Callable[[str | None], object],
    asked: str | None,
) -> None:
    """The rows; `asked` is the key that is being edited (empty: a new one), `again` draws anew with another."""
    sections.group("Metadata")
    known = dict(entries)
    keys = [key for key, _ in entries] + [key for key in draft.metadata if key not in known]
    if not keys and asked is None:
        sections.add(text("There is none.", "muted"))
    for key in keys:
        if key == asked:
            sections.add(Editor(key, draft.metadata.get(key, known.get(key, "")), known, draft, again))
        else:
            sections.add(_row(ctx, key, known.get(key), draft, again))
    if asked == "":
        sections.add(Editor("", "", known, draft, again))
    elif asked is None:
        sections.add(button("Add metadata…", lambda: again(""), "Add a key and a value"))


def _row(ctx: Context, key: str, value: str | None, draft: Draft, again: Callable[[str | None], object]) -> QWidget:
    new = draft.metadata.get(key)
    shown = (value or "") if new is None else new or "taken away"
    row = QWidget()
    row.setFixedHeight(26)
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(4)
    left = Elided(key, "muted")
    left.setMaximumWidth(max(60, left.fontMetrics().horizontalAdvance(key) + 4))
    right = Elided(" ".join(shown[:_SHOWN].split()), "accent" if new is not None else "", right=True)
    right.setToolTip(shown[: 4 * _SHOWN])
    right.setProperty("tip", True)
    right.setAccessibleName(f"{key}: {shown[:_SHOWN]}")
    box.addWidget(left, 1)
    box.addWidget(right, 1)
    if key.startswith(_OURS):
        return row
    for icon, tip, run in (
        ("edit", f"Edit {key}", lambda: again(key)),
        ("trash", f"Take {key} away", lambda: draft.entry(key, "", "" if value is None else value)),
    ):
        tool = QToolButton()
        icons.dress(tool, icon, ctx.theme, "muted")
        tool.setToolTip(tip)
        tool.setAccessibleName(tip)
        tool.clicked.connect(lambda *_, run=run: run())
        box.addWidget(tool)
    return row


class Editor(QWidget):
    """A key (fixed where there is one) and a value of any number of lines; Ctrl+Enter takes it, Escape leaves it."""

    def __init__(self, key: str, value: str, known: dict[str, str], draft: Draft, again: Callable[[str | None], object]) -> None:
        super().__init__()
        self._known, self._draft, self._again = known, draft, again
        self.key = QLineEdit(key)
        self.key.setPlaceholderText("Key")
        self.key.setAccessibleName("Key of the metadata")
        self.key.setReadOnly(bool(key))
        self.value = QPlainTextEdit(value)
        self.value.setProperty("role", "field")
        self.value.setPlaceholderText("Value")
        self.value.setAccessibleName("Value of the metadata")
        self.value.setFixedHeight(70)
        self.value.setTabChangesFocus(True)
        self.set_button = QPushButton("Set")
        self.set_button.setToolTip("Note this entry for the next variant (Ctrl+Enter)")
        self.set_button.clicked.connect(lambda *_: self.take())
        leave = QPushButton("Cancel")
        leave.setProperty("role", "plain")
        leave.clicked.connect(lambda *_: self._again(None))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.set_button)
        row.addWidget(leave)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 6)
        column.setSpacing(6)
        for each in (self.key, self.value):
            column.addWidget(each)
            each.textChanged.connect(lambda *_: self._enable())
        column.addLayout(row)
        self._enable()

    def blocked(self) -> str:
        """Why the entry cannot be taken."""
        key = self.key.text().strip()
        if not key:
            return "Write a key."
        if key.startswith(_OURS):
            return "Keys that begin so are the workbench's own."
        if not self.value.toPlainText().strip():
            return "Write a value; an entry is taken away by its button."
        return ""

    def _enable(self) -> None:
        reason = self.blocked()
        self.set_button.setEnabled(not reason)
        self.set_button.setToolTip(reason or "Note this entry for the next variant (Ctrl+Enter)")

    def take(self) -> None:
        """Into the draft."""
        if not self.blocked():
            key = self.key.text().strip()
            self._again(None)
            self._draft.entry(key, self.value.toPlainText().strip(), self._known.get(key, ""))

    def keyPressEvent(self, event: object) -> None:
        from PySide6.QtGui import QKeyEvent

        assert isinstance(event, QKeyEvent)
        if event.key() == Qt.Key.Key_Escape:
            self._again(None)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.take()
        else:
            super().keyPressEvent(event)

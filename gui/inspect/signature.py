"""One input or output as a row whose name and dims can be edited where they stand."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QToolTip, QWidget

from core.model import TensorType
from gui.inspect.draft import Draft
from gui.theme import Theme

HIGH, LINE, INDENT = 46, 22, 15


@dataclass(frozen=True)
class Part:
    """What can be edited: the name (axis -1) or a dim, where it stands, and what is written there."""

    axis: int
    text: str
    box: QRectF
    edited: bool


class Signature(QWidget):
    """Double click, Enter or F2 edits; the arrow keys go from part to part. An edit goes into the draft."""

    def __init__(self, theme: Theme, tensor: TensorType, draft: Draft, places: dict[str, int]) -> None:
        super().__init__()
        self._theme, self.tensor, self._draft = theme, tensor, draft
        self._places = places
        self.part = 0
        self._hover = -1
        self.editor: QLineEdit | None = None
        self.setFixedHeight(HIGH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(f"{tensor.name}: {tensor.text()}")
        self.setAccessibleDescription("Arrow keys go to the name and each dim, Enter edits.")

    def sizeHint(self) -> QSize:
        return QSize(220, HIGH)

    # ---- what stands where ----
    def dims(self) -> list[str]:
        """The dims as they are written, edits included."""
        found = []
        for axis, dim in enumerate(self.tensor.shape or ()):
            new = self._draft.dim_of(self.tensor.name, axis, dim)
            found.append(("?" if dim is None else str(dim)) if new is None else new or "?")
        return found

    def parts(self) -> list[Part]:
        """Name and dims, from left to right, over as many lines as they need."""
        metrics = QFontMetricsF(self.font())
        tensor = self.tensor
        name = self._draft.names.get(tensor.name, tensor.name)
        found = [
            Part(
                -1, name, QRectF(0, 1, min(self.width(), metrics.horizontalAdvance(name) + 10), LINE - 2), tensor.name in self._draft.names
            )
        ]
        x, y = metrics.horizontalAdvance(f"{tensor.dtype} [") + 5, float(LINE)
        for axis, text in enumerate(self.dims()):
            width = metrics.horizontalAdvance(text)
            if x + width + 10 > self.width() and x > INDENT:  # on to the next line
                x, y = float(INDENT), y + LINE
            edited = self._draft.dim_of(tensor.name, axis, (tensor.shape or ())[axis]) is not None
            found.append(Part(axis, text, QRectF(x - 3, y, min(width + 6, self.width() - x), LINE - 1), edited))
            x += width + metrics.horizontalAdvance(", ")
        return found

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def _grow(self) -> None:
        """As many lines as the dims need."""
        self.setFixedHeight(max(HIGH, int(self.parts()[-1].box.bottom()) + 3))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, metrics = self._theme, QFontMetricsF(self.font())
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        parts = self.parts()
        for place, part in enumerate(parts):
            if place == self._hover or (place == self.part and self.hasFocus()):
                painter.setPen(QPen(theme.color("accent"), 1.0) if place == self.part and self.hasFocus() else Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("hover"))
                painter.drawRoundedRect(part.box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
            painter.setPen(theme.color("accent" if part.edited else "text"))
            room = part.box.adjusted(3, 0, -3, 0)
            text = metrics.elidedText(part.text, Qt.TextElideMode.ElideMiddle, room.width() + 2)
            painter.drawText(QRectF(room.left(), room.top(), room.width() + 4, room.height()), middle, text)
        painter.setPen(theme.color("muted"))
        shape = self.tensor.shape
        painter.drawText(
            QPointF(3, LINE + metrics.ascent() + (LINE - metrics.height()) / 2), self.tensor.dtype + (" […]" if shape is None else " [")
        )
        if shape is not None:
            for part in parts[1:]:
                painter.drawText(QRectF(part.box.right() - 3, part.box.top(), 20, LINE - 1), middle, "]" if part is parts[-1] else ",")
            if not shape:
                x = metrics.horizontalAdvance(f"{self.tensor.dtype} [") + 4
                painter.drawText(QRectF(x, LINE, 20, LINE - 1), middle, "]")
        painter.end()

    # ---- choosing a part ----
    def _at(self, at: QPointF) -> int:
        return next((place for place, part in enumerate(self.parts()) if part.box.contains(at)), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position())
        self.setCursor(Qt.CursorShape.IBeamCursor if place >= 0 else Qt.CursorShape.ArrowCursor)
        if place != self._hover:
            self._hover = place
            self.update()

    def leaveEvent(self, event: object) -> None:
        self._hover = -1
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position())
        if place >= 0:
            self.part = place
        self.setFocus()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position())
        if place >= 0:
            self.edit(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self.parts()) - 1
        key = event.key()
        if key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            self.part = min(last, max(0, self.part + (1 if key == Qt.Key.Key_Right else -1)))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.edit(self.part)
        elif key == Qt.Key.Key_Delete and self.part > 0:
            self._set(self.part, "?")
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        self.update()

    def focusOutEvent(self, event: object) -> None:
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip(self._at(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def tip(self, place: int) -> str:
        """What a part is, and how it is edited."""
        tensor = self.tensor
        if place < 1:
            return f"{tensor.name}\n{tensor.text()}\nDouble click the name or a dim to edit it (Enter)"
        dim = (tensor.shape or ())[place - 1]
        if isinstance(dim, str):
            count = self._places.get(dim, 1)
            stands = f"stands in {count} places: all of them change" if count > 1 else "is a free dim"
            return f"'{dim}' {stands}.\nDouble click to give it a number or another name; ? frees it (Enter, Delete)"
        word = "free, without a name" if dim is None else f"fixed to {dim}"
        return f"Dim {place - 1} is {word}.\nDouble click for a number, or a name to free it (Enter)"

    # ---- editing ----
    def edit(self, place: int) -> QLineEdit:
        """Open a field over a part."""
        part = self.parts()[place]
        self.part = place
        editor = self.editor = QLineEdit(part.text, self)
        editor.setAccessibleName(f"Name of {self.tensor.name}" if part.axis < 0 else f"Dim {part.axis} of {self.tensor.name}")
        editor.setTextMargins(0, 0, 0, 0)
        editor.selectAll()
        width = self.width() if part.axis < 0 else max(84, int(part.box.width()) + 28)
        left = min(int(part.box.left()), max(0, self.width() - width))
        editor.setGeometry(left, 0 if part.axis < 0 else int(part.box.top()) - 2, min(width, self.width()), 26)
        editor.editingFinished.connect(lambda: self._finish(place, editor))
        editor.installEventFilter(self)
        editor.show()
        editor.setFocus()
        return editor

    def eventFilter(self, target: object, event: QEvent) -> bool:
        """Escape leaves the field; Return takes it, and goes no further: here it would open the field again."""
        editor = self.editor
        if target is editor and editor is not None and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self._close()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._finish(self.part, editor)
                return True
        return False

    def _close(self) -> None:
        editor, self.editor = self.editor, None
        if editor is not None:
            editor.hide()
            editor.deleteLater()
            self.setFocus()

    def _finish(self, place: int, editor: QLineEdit) -> None:
        if editor is self.editor:
            self._close()
            self._set(place, editor.text().strip())

    def edited(self) -> None:
        """The draft holds other edits."""
        self._grow()
        self.update()

    def _set(self, place: int, text: str) -> None:
        """An edit: into the draft."""
        part = self.parts()[place]
        if part.axis < 0:
            self._draft.name(self.tensor.name, text or self.tensor.name)
        else:
            self._draft.dim(self.tensor.name, part.axis, (self.tensor.shape or ())[part.axis], text)
        self.update()

"""Edits of a model's ends that are not applied yet, and the bar that says them, applies them as one pass, or drops them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from core import history
from core.errors import AppError
from core.events import Event
from core.passes import PASSES
from core.passes.base import Pass, Preview
from gui import figures
from gui.context import Context
from gui.widgets.jobline import JobLine
from gui.widgets.rows import Wrapped

if TYPE_CHECKING:
    from core.history import Step
    from gui.jobs import JobHandle

PREVIEW = "summary.edit"
PASS = "edit_interface"


class Draft:
    """What is to be called, to be, or to stand otherwise, by what it is now. `changed` tells of every edit.

    `names`: tensor -> new name; `dims`: a dim's name, or (tensor, axis) -> its new text (empty: free); `metadata`:
    key -> value (empty: taken away).
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.dims: dict[str | tuple[str, int], str] = {}
        self.metadata: dict[str, str] = {}
        self.changed: Event[[]] = Event()

    def __len__(self) -> int:
        return len(self.names) + len(self.dims) + len(self.metadata)

    def name(self, tensor: str, new: str) -> None:
        """Call a tensor otherwise; its own name takes the edit back."""
        _put(self.names, tensor, new, tensor)
        self.changed.emit()

    def dim(self, tensor: str, axis: int, was: int | str | None, new: str) -> None:
        """Change a dim; one that has a name changes wherever that stands."""
        new = "" if new == "?" else new
        if isinstance(was, str):
            _put(self.dims, was, new, was)
        else:
            _put(self.dims, (tensor, axis), new, "" if was is None else str(was))
        self.changed.emit()

    def entry(self, key: str, value: str, was: str) -> None:
        """Write an entry of the metadata, or take it away (an empty value)."""
        _put(self.metadata, key, value, was)
        self.changed.emit()

    def dim_of(self, tensor: str, axis: int, was: int | str | None) -> str | None:
        """The new text of a dim, None where it is not edited."""
        return self.dims.get(was if isinstance(was, str) else (tensor, axis))

    def clear(self) -> None:
        """Drop every edit."""
        if len(self):
            for each in (self.names, self.dims, self.metadata):
                each.clear()
            self.changed.emit()

    def step(self) -> Pass:
        """The pass that does it."""
        return PASSES[PASS](
            rename=tuple(f"{old}={new}" for old, new in self.names.items()),  # type: ignore[call-arg]
            dims=tuple(
                f"{where}={new or '?'}" if isinstance(where, str) else f"{where[0]}:{where[1]}={new or '?'}"
                for where, new in self.dims.items()
            ),
            metadata=tuple(f"{key}={value}" for key, value in self.metadata.items()),
        )


def _put(edits: dict, where: object, new: str, was: str) -> None:  # type: ignore[type-arg]
    if new == was:
        edits.pop(where, None)
    else:
        edits[where] = new


class DraftBar(QFrame):
    """Hidden while there is nothing to apply; says what the edits would do, or why they cannot be."""

    def __init__(self, ctx: Context, draft: Draft) -> None:
        super().__init__()
        self.ctx, self.draft = ctx, draft
        self.setProperty("role", "raised")
        self._refused = ""
        self.text = Wrapped()
        self.apply_button = QPushButton("Apply")
        self.apply_button.setProperty("role", "primary")
        self.apply_button.clicked.connect(lambda *_: self.apply())
        self.drop_button = QPushButton("Discard")
        self.drop_button.setToolTip("Leave the model as it is")
        self.drop_button.clicked.connect(lambda *_: self.draft.clear())
        self.line = JobLine(ctx)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.apply_button)
        row.addWidget(self.drop_button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(6)
        column.addWidget(self.text)
        column.addLayout(row)
        column.addWidget(self.line)
        self._off = draft.changed.connect(self.refresh)
        self.hide()

    def release(self) -> None:
        """Forget the question that is on its way."""
        self._off()
        self.ctx.document.forget(PREVIEW)

    def blocked(self) -> str:
        """Why nothing can be applied now."""
        if self.ctx.session is None or self.ctx.session.history.current is None:
            return "Open a model first."
        if self.line.busy:
            return "The edits are being applied."
        return self._refused or ("" if len(self.draft) else "Nothing was edited.")

    def refresh(self) -> None:
        """Say what the edits would do."""
        self._refused = ""
        if not self.line.busy:
            self.line.clear()
        self.setVisible(bool(len(self.draft)) or self.line.busy)
        if len(self.draft):
            self._say(f"{figures.plural(len(self.draft), 'edit')}, not applied yet.", "")
            self._preview()
        else:
            self.ctx.document.forget(PREVIEW)
        self._enable()

    def _preview(self) -> None:
        variant = self.ctx.session.history.current if self.ctx.session is not None else None
        if variant is not None:
            self.ctx.document.ask(
                history.preview, variant.model, self.draft.step(), on_done=self._previewed, on_error=self._not_previewed, key=PREVIEW
            )

    def _previewed(self, preview: Preview) -> None:
        self._say(preview.text, "")

    def _not_previewed(self, error: Exception) -> None:
        if not isinstance(error, AppError):
            self.ctx.notify.error(error)
            return
        title = PASSES[PASS].title
        self._refused = error.message.removeprefix(f"{title}: ")
        self._say(f"{self._refused} {error.hint}".strip(), "error")
        self._enable()

    def _say(self, text: str, role: str) -> None:
        self.text.setText(text)
        self.text.setProperty("role", role)
        self.text.style().unpolish(self.text)
        self.text.style().polish(self.text)

    def _enable(self) -> None:
        reason = self.blocked()
        self.apply_button.setEnabled(not reason)
        self.apply_button.setToolTip(reason or "Make a variant with these edits; Undo leads back")
        self.drop_button.setEnabled(not self.line.busy)

    def apply(self) -> JobHandle | None:
        """Make a variant with the edits; what is made becomes the current one."""
        session = self.ctx.session
        variant = session.history.current if session is not None else None
        if session is None or variant is None or self.blocked():
            return None
        step = self.draft.step()

        def done(made: Step) -> None:
            if self.ctx.session is not session:
                self.ctx.notify.info(f"{made.label} was not kept: another model is open now.")
            elif not made.modified:
                self.ctx.notify.info("The edits change nothing.")
            elif variant.id not in session.history.variants:
                self.ctx.notify.warn(f"{made.label} was not kept.", "The variant that it was made from was removed meanwhile.")
            else:
                self.draft.clear()
                session.history.commit(made, variant.id)
                for note in made.notes:
                    if note.startswith("Warning: ") and "grew" not in note:
                        self.ctx.notify.warn(note.removeprefix("Warning: "))

        handle = self.ctx.jobs.start(
            history.apply, variant.model, step, session.models, title=step.label, on_done=done, on_error=self.line.fail
        )
        self.line.watch(handle)
        handle.ended.connect(self._ended)
        self._enable()
        return handle

    def _ended(self) -> None:
        self._enable()
        self.setVisible(bool(len(self.draft)) or self.line.error is not None)

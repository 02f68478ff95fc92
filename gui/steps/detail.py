"""The chosen pass: what it does, its options, what it would change here, and what came of applying it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core import history
from core.errors import AppError, UsageError
from core.history import Step, Variant
from core.passes.base import Pass, Preview
from gui import figures
from gui.context import Context
from gui.forms import Form
from gui.widgets.jobline import JobLine
from gui.widgets.rows import pair

#: How long an edit may rest before it is previewed.
PAUSE_MS = 350
WARNING = "Warning: "


def about(found: type[Pass]) -> str:
    """What a pass does, in the words of its docstring."""
    return (found.__doc__ or found.title).strip().split("\n\n")[0].replace("\n    ", " ")


class Detail(QWidget):
    """The chosen pass: what it does, its options, what it would change, and what came of it."""

    #: More is said than before.
    grown = Signal()

    def __init__(self, ctx: Context, found: type[Pass], values: dict[str, object] | None) -> None:
        super().__init__()
        self.ctx = ctx
        self.found = found
        self._shown_for: object = None
        self._nodes: tuple[str, ...] = ()
        words = QLabel(about(found))
        words.setProperty("role", "muted")
        words.setWordWrap(True)
        self.form: Form[Pass] = Form(found, values, selection=lambda: ctx.selection.nodes)
        self.apply_button = QPushButton("Apply")
        self.apply_button.setProperty("role", "primary")
        self.apply_button.clicked.connect(lambda *_: self.apply())
        self.preview_button = QPushButton("Preview")
        self.preview_button.clicked.connect(lambda *_: self.preview())
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.apply_button)
        buttons.addWidget(self.preview_button)
        buttons.addStretch(1)
        self.said = _Said(self._show_nodes)
        self.line = JobLine(ctx)
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.TextFormat.RichText)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.notes.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 10)
        column.setSpacing(8)
        column.addWidget(words)
        column.addWidget(self.form)
        column.addLayout(buttons)
        column.addWidget(self.line)
        column.addWidget(self.said)
        column.addWidget(self.notes)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(PAUSE_MS)
        self._rest.timeout.connect(self.preview)
        self.form.changed.connect(self._edited)
        self.enable()

    def release(self) -> None:
        """Forget the question that is on its way; a pass that is being applied goes on."""
        self._rest.stop()
        self.ctx.document.forget("passes.preview")

    @property
    def variant(self) -> Variant | None:
        return self.ctx.session.history.current if self.ctx.session is not None else None

    # --- state
    def blocked(self) -> str:
        """Why it cannot be applied now."""
        if self.variant is None:
            return "Open a model first."
        if self.line.busy:
            return f"{self.found.title} is being applied."
        if not self.form.valid:
            return "Some options are out of range."
        return ""

    def enable(self) -> None:
        """The buttons say why they are off."""
        reason = self.blocked()
        for button, tip in ((self.apply_button, "Apply to the current variant (Ctrl+Return)"), (self.preview_button, "What would change")):
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)

    def moved(self) -> None:
        """The current variant may be another one now: preview for that."""
        self.enable()
        variant = self.variant
        if variant is not None and self._shown_for != variant.id:
            self._edited()

    def _edited(self) -> None:
        self.enable()
        self.said.wait()
        if not self.blocked():
            self._rest.start()

    # --- preview
    def preview(self) -> None:
        """Ask the process that holds the model what would change."""
        self._rest.stop()
        variant = self.variant
        if variant is None or not self.form.valid:
            return
        self._shown_for = variant.id
        self.said.wait()
        self.ctx.document.ask(
            history.preview, variant.model, self.form.value(), on_done=self._previewed, on_error=self._not_previewed, key="passes.preview"
        )

    def _previewed(self, preview: Preview) -> None:
        self._nodes = preview.nodes
        self.said.say(preview)

    def _not_previewed(self, error: Exception) -> None:
        if isinstance(error, AppError):
            self.said.refuse(error)
        else:
            self.ctx.notify.error(error)

    def _show_nodes(self) -> None:
        self.ctx.selection.set(self._nodes, self)
        if self.ctx.window is not None:
            self.ctx.window.show_panel("graph")
        if self._nodes:
            self.ctx.selection.reveal.emit(self._nodes[0])

    # --- apply
    def apply(self) -> None:
        """Apply to the current variant; what is made becomes the current one."""
        session, variant = self.ctx.session, self.variant
        if session is None or variant is None or self.blocked():
            return
        try:
            step = self.form.value()
        except UsageError:
            self.enable()  # the form says what is wrong, at its place
            return
        self._rest.stop()
        self.notes.hide()

        def done(made: Step) -> None:
            if self.ctx.session is not session:
                self.ctx.notify.info(f"{made.label} was not kept: another model is open now.")
            elif not made.modified:
                self._tell(made, f"{self.found.title} found nothing to change.")
            elif variant.id not in session.history.variants:
                self.ctx.notify.warn(f"{made.label} was not kept.", "The variant that it was made from was removed meanwhile.")
            else:
                session.history.commit(made, variant.id)
                self._tell(made, f"Made in {figures.seconds(made.seconds)}: {_outcome(variant, made)}")

        handle = self.ctx.jobs.start(
            history.apply, variant.model, step, session.models, title=step.label, on_done=done, on_error=self.line.fail
        )
        self.line.watch(handle)
        handle.ended.connect(self.enable)
        self.enable()

    def _tell(self, made: Step, first: str) -> None:
        parts = [first]
        warn = self.ctx.theme.color("warn").name()
        for note in made.notes:
            plain = note.removeprefix(WARNING).replace("&", "&amp;").replace("<", "&lt;")
            parts.append(f'<span style="color:{warn}">{plain}</span>' if note.startswith(WARNING) else plain)
        self.notes.setText("<br>".join(parts))
        self.notes.show()
        QTimer.singleShot(0, self, self.grown.emit)


class _Said(QFrame):
    """What the preview says."""

    def __init__(self, show_nodes: object) -> None:
        super().__init__()
        self.setProperty("role", "raised")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figures = QVBoxLayout()
        self.figures.setSpacing(0)
        self.show_button = QPushButton("Show in graph")
        self.show_button.setProperty("role", "link")
        self.show_button.clicked.connect(show_nodes)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(2)
        column.addWidget(self.text)
        column.addLayout(self.figures)
        column.addWidget(self.show_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def _clear(self) -> None:
        while self.figures.count():
            item = self.figures.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _role(self, role: str) -> None:
        self.text.setProperty("role", role)
        self.text.style().unpolish(self.text)
        self.text.style().polish(self.text)

    def wait(self) -> None:
        """An answer is on its way; what was said before does not hold any more."""
        if self.isHidden():
            return
        self._role("muted")
        self.show_button.setEnabled(False)

    def say(self, preview: Preview) -> None:
        """The answer."""
        self._clear()
        self._role("")
        self.text.setText(preview.text)
        for word, value in preview.figures.items():
            self.figures.addWidget(pair(word, value))
        self.show_button.setVisible(bool(preview.nodes))
        self.show_button.setEnabled(True)
        self.show_button.setText(f"Show {figures.plural(len(preview.nodes), 'node')} in graph")
        self.show()

    def refuse(self, error: AppError) -> None:
        """It cannot be done with these options."""
        self._clear()
        self._role("warn")
        self.text.setText(f"{error.message} {error.hint}".strip())
        self.show_button.hide()
        self.show()


def _outcome(before: Variant, made: Step) -> str:
    parts = [figures.plural(made.summary.nodes, "node"), figures.size(made.after.size)]
    if change := figures.change(before.model.size, made.after.size):
        parts[1] += f" ({change})"
    return ", ".join(parts) + "."

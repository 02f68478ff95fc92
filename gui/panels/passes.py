"""The passes: what each does, its options, what it would change here, and the button that applies it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from core import history
from core.errors import AppError, UsageError
from core.history import Step, Variant
from core.passes import PASSES
from core.passes.base import Pass, Preview
from gui import figures, icons
from gui.actions import Action, needs_model
from gui.context import Context
from gui.empty import EmptyState
from gui.follow import Follow
from gui.forms import Form
from gui.jobline import JobLine
from gui.panels.base import Panel
from gui.rows import heading, line, pair

#: How long an edit may rest before it is previewed.
PAUSE_MS = 350
WARNING = "Warning: "


def _panel(ctx: Context) -> PassesPanel:
    if ctx.window is not None:
        ctx.window.show_panel(PassesPanel.id)
    panel = ctx.services["passes"]
    assert isinstance(panel, PassesPanel)
    return panel


def _action(found: type[Pass]) -> Action:
    return Action(
        f"pass.{found.id}",
        f"{found.title}…",
        lambda ctx: _panel(ctx).choose(found.id),
        menu="Model",
        group=20,
        icon=found.icon,
        tip=about(found),
        blocked=needs_model,
    )


def about(found: type[Pass]) -> str:
    """What a pass does, in the words of its docstring."""
    return (found.__doc__ or found.title).strip().split("\n\n")[0].replace("\n    ", " ")


def cannot_apply(ctx: Context) -> str:
    """Why no pass can be applied now."""
    panel = ctx.services.get("passes")
    if reason := needs_model(ctx):
        return reason
    if not isinstance(panel, PassesPanel) or not panel.chosen:
        return "Choose a pass first."
    return panel.blocked()


class PassesPanel(Panel):
    """The chosen pass unfolds below its name; its preview is made as soon as the options rest."""

    id = "passes"
    title = "Passes"
    area = "left"
    order = 20
    icon = "cut"
    tip = "Simplify, quantize, prune: what can be done to the model."
    ACTIONS = (
        *(_action(found) for found in PASSES),
        Action(
            "passes.apply", "Apply pass", lambda ctx: _panel(ctx).apply(), "Model", 30, "Ctrl+Return", "check",
            "Apply the chosen pass to the current variant.", cannot_apply,
        ),
        Action(
            "passes.preview", "Preview pass", lambda ctx: _panel(ctx).preview(), "Model", 30, "Ctrl+Shift+Return", "eye",
            "Say what the chosen pass would change.", cannot_apply,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["passes"] = self
        self.chosen = ""
        self.detail: Detail | None = None
        self.rows: dict[str, _Row] = {}
        self._values: dict[str, dict[str, object]] = {}
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 2, 0, 8)
        self._column.setSpacing(0)
        page = QWidget()
        page.setObjectName("page")
        page.setLayout(self._column)
        scroll = QScrollArea()
        scroll.setAccessibleName("Passes")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        self.scroll = scroll
        empty = EmptyState(
            "cut",
            "Open a model to work on it",
            "Passes simplify, quantize or prune a copy; the model that you open is never changed.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.pages = QStackedLayout(self)
        self.pages.addWidget(empty)
        self.pages.addWidget(scroll)
        self._fill()
        self.listen(ctx.theme.changed, self.refresh)
        self._follow = Follow(ctx, self.refresh, opened=self._another, results=False)
        self.refresh()

    def release(self) -> None:
        self._follow.release()
        if self.detail is not None:
            self.detail.release()
        self.ctx.services.pop("passes", None)
        super().release()

    def _fill(self) -> None:
        groups: dict[str, list[type[Pass]]] = {}
        for found in PASSES:
            groups.setdefault(found.group or "Other", []).append(found)
        for number, (group, members) in enumerate(groups.items()):
            if number:
                self._column.addSpacing(6)
                self._column.addWidget(line())
                self._column.addSpacing(2)
            title = heading(group)
            title.setContentsMargins(12, 0, 0, 0)
            self._column.addWidget(title)
            for found in members:
                row = _Row(self.ctx, found)
                row.button.clicked.connect(lambda *_, id=found.id: self.choose("" if self.chosen == id else id))
                self.rows[found.id] = row
                self._column.addWidget(row)
        for name, reason in PASSES.broken.items():
            self._column.addWidget(_broken(self.ctx, name, reason))
        self._column.addStretch(1)

    def _another(self) -> None:
        self._values.clear()
        self.choose("")

    @property
    def variant(self) -> Variant | None:
        """The variant that a pass would be applied to."""
        return self.ctx.session.history.current if self.ctx.session is not None else None

    def refresh(self) -> None:
        """Show which passes made the current variant, and preview the chosen one for it."""
        variant = self.variant
        self.pages.setCurrentIndex(0 if variant is None else 1)
        done: list[str] = []
        if variant is not None and self.ctx.session is not None:
            done = [each.step.pass_id for each in self.ctx.session.history.path(variant.id) if each.step is not None]
        for id, row in self.rows.items():
            row.show_state(done.count(id), id == self.chosen)
        if self.detail is not None:
            self.detail.moved()

    def choose(self, pass_id: str) -> None:
        """Unfold a pass (an empty id: none)."""
        if self.detail is not None:
            self._values[self.chosen] = dict(self.detail.form.values())
            self.detail.release()
            self._column.removeWidget(self.detail)
            self.detail.hide()
            self.detail.deleteLater()
            self.detail = None
        self.chosen = pass_id
        if pass_id:
            row = self.rows[pass_id]
            self.detail = Detail(self.ctx, PASSES[pass_id], self._values.get(pass_id))
            self._column.insertWidget(self._column.indexOf(row) + 1, self.detail)
            self.detail.grown.connect(self._reveal)
            QTimer.singleShot(0, self.detail, self._reveal)
        self.refresh()

    def _reveal(self) -> None:
        """Scroll so that the end of the detail is in view, but never its beginning out of it."""
        if self.detail is not None:
            row = self.rows[self.chosen]
            bar, view = self.scroll.verticalScrollBar(), self.scroll.viewport().height()
            end = self.detail.y() + self.detail.sizeHint().height()
            bar.setValue(min(row.y(), max(bar.value(), end - view)))

    def blocked(self) -> str:
        """Why the chosen pass cannot be applied now."""
        return self.detail.blocked() if self.detail is not None else "Choose a pass first."

    def apply(self) -> None:
        """Apply the chosen pass to the current variant."""
        if self.detail is not None:
            self.detail.apply()

    def preview(self) -> None:
        """Say what the chosen pass would change."""
        if self.detail is not None:
            self.detail.preview()


class _Row(QWidget):
    """The name of a pass, and how often it is among the steps that made the current variant."""

    def __init__(self, ctx: Context, found: type[Pass]) -> None:
        super().__init__()
        self._ctx = ctx
        self.button = QPushButton(found.title)
        self.button.setProperty("role", "row")
        self.button.setCheckable(True)
        self.button.setToolTip(about(found))
        self.button.setAccessibleDescription(about(found))
        icons.dress(self.button, found.icon, ctx.theme, "muted")
        self.chip = QLabel()
        self.chip.setProperty("role", "chip")
        self.chip.setToolTip("This pass is among the steps that made the current variant.")
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 12, 0)
        row.setSpacing(4)
        row.addWidget(self.button, 1)
        row.addWidget(self.chip)

    def show_state(self, times: int, chosen: bool) -> None:
        self.chip.setVisible(times > 0)
        self.chip.setText("applied" if times == 1 else f"applied ×{times}")
        self.button.setChecked(chosen)


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


def _broken(ctx: Context, name: str, reason: str) -> QWidget:
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(12, 4, 12, 4)
    mark = QToolButton()
    icons.dress(mark, "warning", ctx.theme, "warn")
    mark.setEnabled(True)
    mark.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    text = QLabel(f"{name} could not be loaded. {reason}")
    text.setProperty("role", "muted")
    text.setWordWrap(True)
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    box.addWidget(text, 1)
    return row

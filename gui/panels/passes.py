"""The passes: what each does, its options, what it would change here, and the button that applies it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from core.history import Variant
from core.passes import PASSES
from core.passes.base import Pass
from gui import icons
from gui.actions import Action, needs_model
from gui.context import Context
from gui.follow import Follow
from gui.panels.base import Panel
from gui.steps.detail import Detail, about
from gui.widgets.empty import EmptyState
from gui.widgets.rows import heading, line


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
        self.area_ = scroll
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
        self.listen(ctx.theme.changed, lambda: icons.redress(self, ctx.theme))  # also behind another tab
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
            bar, view = self.area_.verticalScrollBar(), self.area_.viewport().height()
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

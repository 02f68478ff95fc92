"""The tree of what was tried: size, latency and accuracy of each variant; go to any of them, branch, undo, redo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QMessageBox,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import AppError
from core.model.saving import save_copy
from core.session import Session
from gui import figures, icons
from gui.actions import Action, needs_model
from gui.context import Context
from gui.follow import Follow
from gui.panels.base import Panel
from gui.steps.tree import VariantTree
from gui.widgets.empty import EmptyState


def _panel(ctx: Context) -> VariantsPanel:
    if ctx.window is not None:
        ctx.window.show_panel(VariantsPanel.id)
    panel = ctx.services["variants"]
    assert isinstance(panel, VariantsPanel)
    return panel


def _session(ctx: Context) -> Session:
    assert ctx.session is not None
    return ctx.session


def cannot_undo(ctx: Context) -> str:
    """Why there is nothing to undo."""
    return needs_model(ctx) or ("" if _session(ctx).history.can_undo else "This is the model that was opened.")


def cannot_redo(ctx: Context) -> str:
    """Why there is nothing to redo."""
    return needs_model(ctx) or ("" if _session(ctx).history.can_redo else "Nothing was undone.")


def needs_step(ctx: Context) -> str:
    """Why the current variant cannot be removed or compared with the model that was opened."""
    return needs_model(ctx) or ("" if _session(ctx).history.can_undo else "This is the model that was opened.")


def undo(ctx: Context) -> None:
    """Go back to the variant that the current one was made from."""
    _session(ctx).history.undo()


def redo(ctx: Context) -> None:
    """Go to the variant that undo left."""
    _session(ctx).history.redo()


def branch(ctx: Context) -> None:
    """Offer the passes for the selected variant."""
    panel = _panel(ctx)
    panel.branch(panel.selected())


def compare(ctx: Context, variant_id: str = "") -> None:
    """Offer the variant in the compare panel, against the model that was opened."""
    if ctx.window is not None:
        ctx.window.show_panel("compare")
    offer = ctx.services.get("compare.offer")
    root = _session(ctx).history.root
    if offer is not None and root is not None:
        offer(root.id, variant_id or _session(ctx).history.head)


class VariantsPanel(Panel):
    """A click or Enter goes to a variant; a pass applied there begins a branch. Nothing is lost by going back."""

    id = "variants"
    title = "Variants"
    area = "left"
    order = 10
    icon = "branch"
    tip = "Every model that was made here, with its size, latency and accuracy."
    ACTIONS = (
        Action(
            "edit.undo", "Undo", undo, "Edit", 10, "Ctrl+Z", "undo",
            "Go back to the variant that this one was made from; a pass applied there makes a branch, nothing is lost.", cannot_undo,
        ),
        Action("edit.redo", "Redo", redo, "Edit", 10, "Ctrl+Shift+Z", "redo", "Go to the variant that undo left.", cannot_redo),
        Action(
            "variant.branch", "Branch from here", branch, "Edit", 15, "Ctrl+Shift+B", "branch",
            "Go to the selected variant and choose a pass: what it makes stands beside what was made there before.", needs_model,
        ),
        Action(
            "variant.rename", "Rename variant…", lambda ctx: _panel(ctx).rename(), "Edit", 20, "", "edit",
            "Give the current variant a title of your own.", needs_model,
        ),
        Action(
            "variant.remove", "Remove variant…", lambda ctx: _panel(ctx).remove(), "Edit", 20, "", "trash",
            "Take the current variant, and all that was made from it, out of the tree.", needs_step,
        ),
        Action(
            "variant.save", "Save model as…", lambda ctx: _panel(ctx).ask_save(), "File", 30, "Ctrl+Shift+S", "export",
            "Write the current variant to an .onnx file of its own.", needs_model,
        ),
        Action(
            "variant.compare", "Compare with original", compare, "Model", 60, "", "compare",
            "How far the outputs of this variant are from those of the model that was opened.", needs_step,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["variants"] = self
        self.tree = VariantTree(ctx.theme)
        self.tree.went.connect(self.go)
        # the editor is still closing then, and a refresh would take the row from under it
        self.tree.titled.connect(lambda id, title: QTimer.singleShot(0, self, lambda: self._rename(id, title)))
        self.tree.asked.connect(self._asked)
        self.tree.menu_wanted.connect(self._open_menu)
        self.tree.currentItemChanged.connect(lambda *_: self._enable())
        self.buttons: dict[str, QToolButton] = {}
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar())
        column.addWidget(self.tree, 1)
        empty = EmptyState(
            "branch",
            "Nothing to try things on yet",
            "Open a model. Each pass that you apply makes a variant here; you can go back to any of them.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.pages = QStackedLayout(self)
        self.pages.addWidget(empty)
        self.pages.addWidget(page)
        self.listen(ctx.theme.changed, lambda: icons.redress(self, ctx.theme))  # also behind another tab
        self.listen(ctx.theme.changed, self.refresh)
        self._follow = Follow(ctx, self.refresh)
        self.refresh()

    def _bar(self) -> QWidget:
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(6, 4, 6, 2)
        row.setSpacing(2)
        for name, icon, tip, slot in (
            ("undo", "undo", "Undo: back to the variant before (Ctrl+Z)", lambda: self._do(undo)),
            ("redo", "redo", "Redo: on to the variant that undo left (Ctrl+Shift+Z)", lambda: self._do(redo)),
            ("branch", "branch", "Branch: try another pass on the selected variant (Ctrl+Shift+B)", lambda: self.branch(self.selected())),
            ("", "", "", None),
            ("compare", "compare", "Compare the selected variant with the original", lambda: compare(self.ctx, self.selected())),
            ("save", "export", "Save the selected variant as an .onnx file…", lambda: self.ask_save(self.selected())),
            ("rename", "edit", "Rename (F2)", lambda: self.rename(self.selected())),
            ("remove", "trash", "Remove… (Del)", lambda: self.remove(self.selected())),
        ):
            if slot is None:
                row.addStretch(1)
                continue
            button = QToolButton()
            button.setIconSize(QSize(16, 16))
            icons.dress(button, icon, self.ctx.theme)
            button.setToolTip(tip)
            button.setAccessibleName(tip.partition(" (")[0].partition(":")[0])
            button.setAccessibleDescription(tip)
            button.clicked.connect(lambda *_, slot=slot: slot())
            row.addWidget(button)
            self.buttons[name] = button
        return bar

    def release(self) -> None:
        self._follow.release()
        self.ctx.services.pop("variants", None)
        super().release()

    def _do(self, action: object) -> None:
        try:
            action(self.ctx)  # type: ignore[operator]
        except AppError as error:
            self.ctx.notify.error(error)

    # --- what is shown
    def refresh(self) -> None:
        """Draw the tree anew; the selection goes along with the head."""
        session = self.ctx.session
        if session is None or session.history.root is None:
            self.pages.setCurrentIndex(0)
            return
        self.pages.setCurrentIndex(1)
        self.tree.fill(session)
        self._enable()

    def selected(self) -> str:
        """The id of the selected variant, or of the current one."""
        return self.tree.selected() or _session(self.ctx).history.head or ""

    def _enable(self) -> None:
        session = self.ctx.session
        if session is None:
            return
        root = session.history.root
        inner = root is not None and self.selected() != root.id
        self.buttons["undo"].setEnabled(session.history.can_undo)
        self.buttons["redo"].setEnabled(session.history.can_redo)
        self.buttons["remove"].setEnabled(inner)
        self.buttons["compare"].setEnabled(inner)

    # --- what can be done
    def go(self, variant_id: str) -> None:
        """Make this variant the current one."""
        _session(self.ctx).history.goto(variant_id)

    def rename(self, variant_id: str = "") -> None:
        """Let the title be typed in place."""
        self.tree.edit_title(variant_id or _session(self.ctx).history.head or "")

    def _rename(self, variant_id: str, title: str) -> None:
        history = _session(self.ctx).history
        if title and variant_id in history.variants and title != history[variant_id].title:
            history.rename(variant_id, title)
        else:
            self.refresh()

    def _asked(self, what: str) -> None:
        if what == "copy":
            self.copy()
        elif what == "rename":
            self.rename(self.selected())
        else:
            self.remove(self.selected())

    def remove(self, variant_id: str = "", *, ask: bool = True) -> None:
        """Take a variant and its descendants out of the tree, after asking."""
        session = _session(self.ctx)
        variant = session.history[variant_id or session.history.head or ""]
        if variant.parent is None:
            self.ctx.notify.warn("The model that was opened cannot be removed.", "Open another model instead.")
            return
        below = self._below(session, variant.id)
        if ask and self.ctx.settings.confirm_remove:
            text = f"Remove “{variant.title}”" + (f" and {figures.plural(below, 'variant')} made from it?" if below else "?")
            box = QMessageBox(QMessageBox.Icon.Question, "Remove variant", text, parent=self)
            box.setInformativeText("Its results go with it. This cannot be undone.")
            yes = box.addButton("Remove", QMessageBox.ButtonRole.DestructiveRole)
            box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
            box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            box.buttonClicked.connect(lambda button: button is yes and self.remove(variant.id, ask=False))
            box.open()
            return
        session.history.remove(variant.id)

    def _below(self, session: Session, variant_id: str) -> int:
        return sum(1 + self._below(session, child.id) for child in session.history.children(variant_id))

    def ask_save(self, variant_id: str = "") -> None:
        """Choose a file and write the variant there."""
        session = _session(self.ctx)
        variant = session.history[variant_id or session.history.head or ""]
        stem = session.name if variant.parent is None else f"{session.name}-{variant.id}"
        start = str(session.source.with_name(f"{stem}.onnx"))
        name, _ = QFileDialog.getSaveFileName(self, "Save model as", start, "ONNX model (*.onnx)")
        if name:
            self.save(variant.id, Path(name))

    def save(self, variant_id: str, path: Path) -> None:
        """Write the variant to `path`, whole or not at all."""
        variant = _session(self.ctx).history[variant_id]
        if path.suffix.lower() != ".onnx":
            path = path.with_name(f"{path.name}.onnx")
        self.ctx.jobs.start(
            save_copy,
            variant.model,
            path,
            title=f"Save {path.name}",
            on_done=lambda model: self.ctx.notify.info(f"{variant.title} is saved as {path.name} ({figures.size(model.size)})."),
        )

    def copy(self) -> None:
        """The whole tree as text, with figures, to the clipboard."""
        session = _session(self.ctx)
        rows = ["Variant\tFrom\tSize (bytes)\tMedian latency (ms)\tAccuracy"]
        for variant in session.history.variants.values():
            latency, accuracy = session.latency(variant.id), session.accuracy(variant.id)
            cells = (
                variant.title,
                variant.parent or "",
                variant.model.size,
                latency.p50 if latency else "",
                "" if accuracy is None else accuracy,
            )
            rows.append("\t".join(map(str, cells)))
        QApplication.clipboard().setText("\n".join(rows))

    def menu(self) -> QMenu:
        """What can be done with the selected variant."""
        session, id = _session(self.ctx), self.selected()
        menu = QMenu(self)
        inner = session.history[id].parent is not None
        head = id == session.history.head
        for text, slot, on, why in (
            ("Go to", lambda: self.go(id), not head, "This is the current variant."),
            ("Branch from here", lambda: self.branch(id), True, "Go to it and choose a pass: what it makes becomes a branch of its own."),
            ("", None, True, ""),
            ("Compare with original", lambda: compare(self.ctx, id), inner, "This is the original."),
            ("Save model as…", lambda: self.ask_save(id), True, ""),
            ("Copy table", self.copy, True, ""),
            ("", None, True, ""),
            ("Rename", lambda: self.rename(id), True, ""),
            ("Remove…", lambda: self.remove(id), inner, "The original stays."),
        ):
            if slot is None:
                menu.addSeparator()
                continue
            action = menu.addAction(text)
            action.triggered.connect(lambda *_, slot=slot: slot())
            action.setEnabled(on)
            action.setToolTip(why if not on or text.startswith("Branch") else "")
        menu.setToolTipsVisible(True)
        return menu

    def _open_menu(self, at: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def branch(self, variant_id: str) -> None:
        """Go to a variant and offer the passes: the next one that is applied begins a branch there."""
        self.go(variant_id)
        if self.ctx.window is not None:
            self.ctx.window.show_panel("passes")

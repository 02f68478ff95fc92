"""Export the graph as a picture: what of it, how, how large that is; then how far it has come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLabel, QProgressBar, QPushButton, QWidget

from core.errors import AppError
from gui import figures
from gui.context import Context
from gui.dialogs.base import Dialog
from gui.forms import Form
from gui.graph.export import PART, Export, PictureOptions, Plan, plan

if TYPE_CHECKING:
    from gui.graph.canvas import Canvas


class PictureDialog(Dialog):
    """Stays open while the picture is made; closing it stops that."""

    #: It is closed, whatever came of it.
    left = Signal()

    def __init__(self, ctx: Context, canvas: Canvas, name: Path, parent: QWidget | None = None) -> None:
        super().__init__("Export picture", parent, width=460)
        self.ctx, self.canvas, self._name = ctx, canvas, name
        self.export: Export | None = None
        self._over = False
        self.form: Form[PictureOptions] = Form(PictureOptions, {"shapes": canvas.edge_labels.on})
        self.form.changed.connect(self._changed)
        self._part = self.form.values()["part"]
        self.size_text = QLabel()
        self.size_text.setProperty("role", "muted")
        self.size_text.setWordWrap(True)
        self.size_text.setMinimumHeight(36)
        self.smaller = QPushButton()
        self.smaller.setProperty("role", "link")
        self.smaller.clicked.connect(lambda *_: self.form.put("scale", self._plan().fits))
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("How much of the picture is made")
        self.progress.hide()
        for part in (self.form, self.size_text, self.smaller, self.progress):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.close_button = self.add_button("Close", self.close)
        self.start_button = self.add_button("Export…", self.ask, "primary")
        canvas.viewed.connect(self._say)
        self._changed()

    def _plan(self) -> Plan:
        return plan(self.canvas, self.form.value())

    def _changed(self) -> None:
        values = self.form.values()
        for part in (self.form.fields["scale"], self.form.labels["scale"]):
            part.setEnabled(values["format"] == "PNG")
        if values["part"] != self._part:
            self._part = values["part"]
            # what the window shows comes out as large as it is there
            seen = round(self.canvas.view.scale * self.canvas.devicePixelRatioF(), 2) if self._part == PART else 1.0
            self.form.put("scale", min(8.0, max(0.05, seen)))
            return
        self._say()

    def _say(self) -> None:
        """How large it will be, and whether it can be made."""
        if self.export is not None:
            return
        reason = ""
        self.smaller.hide()
        if self.canvas.scene is None:
            reason = "No model is open."
            self.size_text.setText(reason)
        elif not self.form.valid:
            reason = "Something above is not right."
        else:
            made = self._plan()
            self.size_text.setText(made.words(len(self.canvas.scene)))
            if made.too_large:
                reason = self.size_text.text()
                self.smaller.setText(f"Use {made.fits:g} ×")
                self.smaller.setToolTip("Take the largest scale that can be made")
                self.smaller.show()
        self.start_button.setEnabled(not reason)
        self.start_button.setToolTip(reason or "Choose a file and write the picture (Enter)")

    def ask(self) -> None:
        """Choose a file and begin."""
        kind = self.form.value().format
        name = str(self._name.with_suffix(f".{kind.lower()}"))
        chosen, _ = QFileDialog.getSaveFileName(self, "Export picture", name, "Drawing (*.svg)" if kind == "SVG" else "Picture (*.png)")
        if chosen:
            self.start(Path(chosen))

    def start(self, path: Path) -> None:
        """Write the picture to `path`; the ending is made to fit the format."""
        made = self._plan()
        suffix = f".{made.options.format.lower()}"
        if path.suffix.lower() != suffix:
            path = path.with_name(f"{path.name}{suffix}")
        try:
            self.export = Export(self.ctx, self.canvas, made, path, self)
        except AppError as error:
            self.ctx.notify.error(error)
            return
        self.form.setEnabled(False)
        self.start_button.setEnabled(False)
        self.start_button.setToolTip("The picture is being made.")
        self.close_button.setText("Cancel")
        self.size_text.setText(f"Drawing {path.name}…")
        self.progress.setValue(0)
        self.progress.show()
        self.export.stepped.connect(lambda share: self.progress.setValue(round(share * 1000)))
        self.export.done.connect(self._finished)
        self.export.failed.connect(self._failed)
        self.export.stopped.connect(self._again)

    def _finished(self) -> None:
        assert self.export is not None
        path = self.export.path
        self.ctx.notify.info(f"The picture is in {path.name} ({figures.size(path.stat().st_size)}).", str(path.parent))
        self.close()

    def _failed(self, error: Exception) -> None:
        self._again()
        hint = getattr(error, "hint", "")
        self.size_text.setText(f"{error} {hint}".strip())
        if not isinstance(error, AppError):
            self.ctx.notify.error(error)

    def _again(self) -> None:
        """Back to choosing."""
        self.export = None
        self.form.setEnabled(True)
        self.progress.hide()
        self.close_button.setText("Close")
        self._changed()

    def done(self, result: int) -> None:
        """Every way out leads here: what is not finished is stopped."""
        if not self._over:
            self._over = True
            self.canvas.viewed.disconnect(self._say)
            if self.export is not None:
                self.export.close()
                self.export = None
            self.left.emit()
        super().done(result)

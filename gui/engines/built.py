"""The engines that were built from a variant: size, time, device, log, and what to do with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from core.backends.base import Availability, Engine
from gui import figures
from gui.engines import naming as engines
from gui.table import Column, Table
from gui.theme import Theme


class EngineList(QWidget):
    """A row each; what is known of the selected one stands below."""

    #: This engine is to be raced.
    raced = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._engines: tuple[Engine, ...] = ()
        self._states: Mapping[str, Availability] = {}
        self.none = QLabel("None yet.")
        self.none.setProperty("role", "muted")
        self.table = Table(
            [
                Column("backend", "Engine"),
                Column("size", "Size", "right", 90, "On disk", figures.size),
            ]
        )
        self.table.setAccessibleName("Engines of this variant")
        self.table.selection_changed.connect(lambda _: self._describe())
        self.facts = QLabel()
        self.facts.setProperty("role", "muted")
        self.facts.setWordWrap(True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.open_button = _link("Open folder", self.open_folder)
        self.race_button = _link("Race it", lambda: self.raced.emit(self.engine()))
        self.log_button = _link("Show log", self._toggle_log)
        self.copy_button = _link("Copy log", lambda: QApplication.clipboard().setText(self.log.toPlainText()))
        self.links = QWidget()
        links = QHBoxLayout(self.links)
        links.setContentsMargins(0, 0, 0, 0)
        links.setSpacing(12)
        for button in (self.race_button, self.open_button, self.log_button):
            links.addWidget(button)
        links.addStretch(1)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setFont(theme.mono())
        self.log.setAccessibleName("What the builder said")
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.log.setFixedHeight(180)
        self.log.hide()
        self.copy_button.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.none, self.table, self.facts, self.links, self.log, self.copy_button):
            column.addWidget(widget)

    def show_engines(self, built: tuple[Engine, ...], states: Mapping[str, Availability]) -> None:
        """List these; a new one is selected, else the selection stays."""
        before, chosen = self._engines, self.engine()
        self._engines, self._states = built, states
        self.table.set_rows([(engines.title(each), each.size) for each in built])
        self.table.setFixedHeight(28 + 25 * min(6, max(1, len(built))) + 2)
        for widget in (self.table, self.facts, self.links):
            widget.setVisible(bool(built))
        self.none.setVisible(not built)
        if built:
            stays = built == before and chosen is not None and chosen in built
            self.table.select_rows([built.index(chosen) if stays and chosen is not None else len(built) - 1])
        self._describe()

    def engine(self) -> Engine | None:
        """The engine that is selected in the list."""
        rows = self.table.selected_rows
        return self._engines[rows[0]] if rows and rows[0] < len(self._engines) else None

    def _describe(self) -> None:
        engine = self.engine()
        if engine is None:
            self.facts.setText("")
            self.log.setPlainText("")
            return
        parts = [
            f"built in {figures.seconds(engine.seconds)}",
            engine.version and f"version {engine.version}",
            engine.device and f"for {engine.device}",
        ]
        parts += [figures.plural(len(engine.layers), "layer") if engine.layers else ""]
        self.facts.setText(" · ".join(part for part in parts if part))
        self.log.setPlainText("\n".join(engine.log))
        state = self._states.get(engine.backend)
        runs = state is None or state.can_run
        self.race_button.setEnabled(runs)
        self.race_button.setToolTip("" if runs or state is None else f"It cannot run here: {state.reason}. {state.hint}")
        for button in (self.log_button, self.copy_button):
            button.setEnabled(bool(engine.log))

    def open_folder(self) -> None:
        """Show the engine's folder in the file manager."""
        engine = self.engine()
        if engine is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(engine.path.parent)))

    def _toggle_log(self) -> None:
        self.log.setVisible(self.log.isHidden())
        self.copy_button.setVisible(not self.log.isHidden())
        self.log_button.setText("Show log" if self.log.isHidden() else "Hide log")


def _link(text: str, slot: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "link")
    button.clicked.connect(lambda *_: slot())
    return button

"""The start page: open a model, drop one, go on with one of the last, or try the sample."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui import icons
from gui.context import Context
from gui.shell.menus import Menus
from gui.shell.topbar import ActionButton
from gui.widgets.rows import Elided, empty_out, heading

#: How many recent models are offered.
SHOWN = 6


class Welcome(QWidget):
    """What the centre shows while no model is open."""

    def __init__(self, ctx: Context, menus: Menus) -> None:
        super().__init__()
        self.ctx = ctx
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Start page")
        stone = QLabel()
        stone.setPixmap(icons.stone(56, self.devicePixelRatioF()))
        title = QLabel("Sardonyx")
        title.setProperty("role", "hero")
        said = QLabel("See, cut, build, race and ship ONNX models.")
        said.setProperty("role", "muted")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(title)
        words.addWidget(said)
        words.addStretch(1)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(stone)
        head.addLayout(words, 1)

        self.zone = QFrame()
        self.zone.setObjectName("dropzone")
        self.zone.setFixedHeight(136)
        drop = QLabel("Drop an .onnx file here, or")
        drop.setProperty("role", "muted")
        drop.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.open = ActionButton("Open model…", menus.actions["file.open"], "primary")
        self.sample = ActionButton("Open the sample", menus.actions["file.open_sample"])
        self.session = ActionButton("Open session…", menus.actions["file.open_session"])
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.open, self.sample, self.session):
            buttons.addWidget(button)
        buttons.addStretch(1)
        inner = QVBoxLayout(self.zone)
        inner.setSpacing(14)
        inner.addStretch(1)
        inner.addWidget(drop)
        inner.addLayout(buttons)
        inner.addStretch(1)

        self.recent = QVBoxLayout()
        self.recent.setSpacing(0)
        column = QVBoxLayout()
        column.setSpacing(24)
        column.addLayout(head)
        column.addWidget(self.zone)
        column.addLayout(self.recent)
        page = QWidget()
        page.setLayout(column)
        page.setMaximumWidth(600)
        page.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(page, 100)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 24, 24, 24)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)
        self.refresh()

    def refresh(self) -> None:
        """List the recent models; those that are gone are greyed and say so."""
        empty_out(self.recent)
        names = self.ctx.settings.recent[:SHOWN]
        if names:
            self.recent.addWidget(heading("Recent"))
        for name in names:
            self.recent.addWidget(self._row(Path(name)))

    def _row(self, path: Path) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "row")
        button.setFixedHeight(34)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        exists = path.exists()
        button.setEnabled(exists)
        button.setAccessibleName(f"Open {path.name}")
        button.setToolTip(str(path) if exists else f"{path}\nThe file is no longer there.")
        button.clicked.connect(lambda *_: self._open(path))
        picture = QLabel()
        picture.setPixmap(icons.pixmap("history" if path.is_dir() else "file", self.ctx.theme, 16, "muted" if exists else "disabled"))
        name = QLabel(path.name)
        where = Elided(str(path.parent) if exists else "no longer there", "muted", right=True)
        row = QHBoxLayout(button)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(10)
        for part in (picture, name, where):
            part.setEnabled(exists)
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addWidget(picture)
        row.addWidget(name)
        row.addWidget(where, 1)
        return button

    def _open(self, path: Path) -> None:
        if self.ctx.window is not None and not self.ctx.window.opening.busy:
            self.ctx.window.open_path(path)

    def hot(self, on: bool) -> None:
        """Light the drop zone while a file hovers."""
        self.zone.setProperty("hot", on)
        self.zone.style().unpolish(self.zone)
        self.zone.style().polish(self.zone)

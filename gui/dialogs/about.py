"""What this is, which versions it stands on, and under which licences."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QVBoxLayout, QWidget

import core
from gui import icons
from gui.dialogs.base import Dialog
from gui.table import Column, Table

#: What the app stands on; read from what is installed, nothing is imported.
PARTS = (
    ("PySide6-Essentials", "LGPL-3.0"),
    ("PySide6-QtAds", "LGPL-2.1"),
    ("onnx", "Apache-2.0"),
    ("onnx-ir", "Apache-2.0"),
    ("onnxruntime", "MIT"),
    ("onnxslim", "MIT"),
    ("numpy", "BSD-3-Clause"),
    ("pyqtgraph", "MIT"),
    ("pillow", "MIT-CMU"),
    ("psutil", "BSD-3-Clause"),
    ("platformdirs", "MIT"),
    ("tensorrt-rtx-cu13", "NVIDIA"),
    ("tensorrt-cu13", "NVIDIA"),
    ("netron", "MIT"),
)


def versions() -> list[tuple[str, str, str]]:
    """Package, version (or "not installed"), licence."""
    found = [("Python", platform.python_version(), "PSF-2.0")]
    for name, licence in PARTS:
        try:
            found.append((name, metadata.version(name), licence))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed", licence))
    return [*found, ("Phosphor Icons", "1.3", "MIT")]


class AboutDialog(Dialog):
    """The stone, the version, and a table of what it stands on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("About Sardonyx", parent, width=520)
        picture = QLabel()
        picture.setPixmap(icons.stone(64, self.devicePixelRatioF()))
        picture.setAccessibleName("Sardonyx")
        words = QVBoxLayout()
        words.setSpacing(2)
        for text, role in (
            (f"Sardonyx {core.__version__}", "title"),
            ("See, cut, build, race and ship ONNX models.", ""),
            ("Sardonyx is a banded onyx: the stone that cameos are cut from.", "muted"),
            ("Licensed under Apache-2.0.", "muted"),
        ):
            label = QLabel(text)
            label.setProperty("role", role)
            label.setWordWrap(True)
            words.addWidget(label)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.body.addLayout(row)
        self.table = Table([Column("name", "Stands on"), Column("version", "Version", width=150), Column("licence", "Licence", width=130)])
        self.table.set_rows(versions())
        self.table.setMinimumHeight(240)
        self.table.setAccessibleName("Versions and licences")
        self.body.addWidget(self.table, 1)
        self.add_button("Copy versions", lambda: QApplication.clipboard().setText(self.table.text()))
        self.add_button("Close", self.close, "primary")

"""Every action with its keys, read from the action table, to search and to copy."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from gui.dialogs.base import Dialog
from gui.shell.menus import Menus
from gui.table import Column, Table


class ShortcutsDialog(Dialog):
    """A table of actions; those with keys stand first."""

    def __init__(self, menus: Menus, parent: QWidget | None = None) -> None:
        super().__init__("Keyboard shortcuts", parent, width=640)
        self.table = Table([Column("title", "Action"), Column("keys", "Keys", width=190), Column("menu", "Menu", width=110)])
        rows = []
        for id, action in menus.table.items():
            keys = "  or  ".join(each.toString(QKeySequence.SequenceFormat.NativeText) for each in menus.actions[id].shortcuts())
            rows.append((action.title.rstrip("…"), keys, action.menu.partition("/")[0]))
        rows.sort(key=lambda row: (not row[1], row[0]))
        self.table.set_rows(rows)
        self.table.setMinimumHeight(380)
        self.table.setAccessibleName("Actions and their keys")
        field = self.table.filter_field("Search actions")
        self.body.addWidget(field)
        self.body.addWidget(self.table, 1)
        self.add_button("Close", self.close, "primary")
        field.setFocus()

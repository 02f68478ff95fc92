"""A panel is a view of the session in a dock of its own; a file that declares one is the whole of a new feature."""

from __future__ import annotations

from typing import ClassVar, Literal

from PySide6.QtWidgets import QWidget

from gui.actions import Action
from gui.context import Context

Area = Literal["left", "center", "right", "bottom"]


class Panel(QWidget):
    """Draws what the session holds and offers actions on it; keeps no truth of its own, knows no other panel.

    Built at start-up when visible by default, else when first shown: imports nothing heavy at module level. Listens to
    events through `self.listen(event, callback)`, which disconnects when the panel is closed.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    area: ClassVar[Area] = "center"
    order: ClassVar[int] = 100
    icon: ClassVar[str] = ""
    tip: ClassVar[str] = ""
    #: Whether the default arrangement shows it.
    shown: ClassVar[bool] = True
    ACTIONS: ClassVar[tuple[Action, ...]] = ()

    def __init__(self, ctx: Context) -> None:
        super().__init__()
        self.ctx = ctx
        self._disconnects: list[object] = []
        self.setObjectName(f"panel.{self.id}")
        self.setAccessibleName(self.title)

    def listen(self, event: object, callback: object) -> None:
        """Connect to a core `Event` for as long as the panel lives."""
        self._disconnects.append(event.connect(callback))  # type: ignore[attr-defined]

    def release(self) -> None:
        """Stop listening and give back what is held; called once, before the window goes."""
        for disconnect in self._disconnects:
            disconnect()  # type: ignore[operator]
        self._disconnects.clear()

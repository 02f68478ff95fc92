"""Shapes of tensors, written on their links from `FROM` on; where they stand is found once for a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from core.layout.labels import place_labels

if TYPE_CHECKING:
    from core.layout.labels import Labels
    from gui.graph.scene import Scene

#: The zoom from which links have labels.
FROM = 0.9
#: Of more tensors than this the places are found in a thread.
MANY = 12_000


class EdgeLabels(QObject):
    """The labels of the scene that is shown; `ready` tells when they have been found in the thread."""

    ready = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on = True
        self._scene: Scene | None = None
        self._found: Labels | None = None
        self._work: _Work | None = None

    def of(self, scene: Scene, scale: float) -> Labels | None:
        """What to write at this zoom; None while there is nothing to write, or not yet."""
        if not self.on or scale < FROM:
            return None
        if scene is not self._scene:
            self._scene, self._found = scene, None
            if len(scene.index.tensors) <= MANY:
                self._found = place_labels(scene.index, scene.placed)
        if self._found is None and self._work is None:
            self._work = _Work(scene)
            self._work.finished.connect(self._arrived)
            self._work.start()
        return self._found

    def close(self) -> None:
        """End the thread; nothing arrives after that."""
        self.on = False
        if self._work is not None:
            self._work.finished.disconnect(self._arrived)
            self._work.wait()
            self._work = None

    def _arrived(self) -> None:
        work, self._work = self._work, None
        if work is None:
            return
        work.wait()
        if work.scene is self._scene:
            self._found = work.found
        self.ready.emit()


class _Work(QThread):
    """Finds the labels' places of one scene."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.setObjectName("graph labels")
        self.scene = scene
        self.found: Labels | None = None

    def run(self) -> None:
        self.found = place_labels(self.scene.index, self.scene.placed)

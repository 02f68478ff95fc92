"""Modules of the core that a window is about to need, imported on a thread beside it: the window stays awake meanwhile.

An import on the main thread holds the window for as long as it takes; on another one it gives way every few milliseconds.
Nothing of Qt may be imported so: PySide6 makes its classes when they are first touched, and crashes when two threads do.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from PySide6.QtCore import QObject

from gui.shell.opening import Aside

#: What panels ask of the core when a model is shown.
VIEWS = (
    "numpy",
    "core.session",
    "core.model.pages",
    "core.model.weights",
    "core.layout.layered",
    "core.compare.outputs",
    "core.bench.run",
    "core.passes",
    "core.backends",
)
#: Packages with a registry in them -> its name: what it lists is imported too.
_REGISTRIES = {"core.passes": "PASSES", "core.backends": "BACKENDS"}


def load(names: tuple[str, ...]) -> None:
    """Import modules, and what the registries among them list."""
    for name in names:
        module = importlib.import_module(name)
        if name in _REGISTRIES:
            list(getattr(module, _REGISTRIES[name]))


class Preload(QObject):
    """Imports sets of modules on a thread, one set at a time."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread: Aside | None = None
        self._begun: set[tuple[str, ...]] = set()

    def start(self, names: tuple[str, ...], then: Callable[[], object] = lambda: None) -> None:
        """Import `names` and call `then` on the main thread; at once when they were asked for before.

        What cannot be imported is left to whoever needs it, and is told there.
        """
        if names in self._begun:
            then()
            return
        self._begun.add(names)
        self.release()
        self._thread = Aside(lambda: load(names), lambda _: self._over(then), lambda error: self._over(then), self)
        self._thread.start()

    def _over(self, then: Callable[[], object]) -> None:
        self._thread = None
        then()

    def release(self) -> None:
        """Wait for the thread."""
        if self._thread is not None:
            self._thread.wait(8000)

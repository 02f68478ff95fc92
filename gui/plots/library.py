"""pyqtgraph takes about half a second to import: it is loaded in the background, and plots wait for it without blocking."""

from __future__ import annotations

import os
import threading
from typing import Any

_lock = threading.Lock()
_thread: threading.Thread | None = None
_module: Any = None


def load() -> Any:
    """The pyqtgraph module, imported on this thread when nobody did before; set up once for every plot."""
    global _module
    os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
    import pyqtgraph

    with _lock:
        if _module is None:
            pyqtgraph.setConfigOptions(antialias=True, exitCleanup=False)
            _module = pyqtgraph
    return _module


def ready() -> bool:
    """Whether `load` would return at once."""
    return _module is not None


def preload() -> None:
    """Begin the import in a thread of its own; returns at once, and does nothing the second time."""
    global _thread
    with _lock:
        if _module is not None or _thread is not None:
            return
        _thread = threading.Thread(target=_run, name="sardonyx-plots-import", daemon=True)
    _thread.start()


def settle() -> None:
    """Wait until a background import that was begun has ended; called before the window goes."""
    thread = _thread
    if thread is not None:
        thread.join()


def _run() -> None:
    global _thread
    load()
    with _lock:
        _thread = None

"""Keeps Python's garbage collector out of TensorRT's calls.

TensorRT calls back (logger, progress) while it holds a lock of its own. A collection that begins in such a callback may
find a builder or runtime of an earlier job in a reference cycle, and their destructors want that same lock: the process
hangs for good. Seen with TensorRT-RTX 1.7.1 in `createInferRuntime`.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def kept_out() -> Iterator[None]:
    """Collect now, and not again before the block ends."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

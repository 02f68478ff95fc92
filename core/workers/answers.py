"""What the app takes out of a worker's frames: data, and nothing that acts.

A worker parses strangers' files and runs native code. Whoever takes it over there would get into the app by way of its
answers, because a pickle may name any function and have it called. So an answer may be made of plain values, arrays, and
the classes that results are made of, and of nothing else: no functions, and no class whose making does something.
"""

from __future__ import annotations

import dataclasses
import enum
import io
import pickle
import re
from collections.abc import Sequence
from typing import Any

from core.workers.frames import Part

_PLAIN = {
    "builtins": {"bytearray", "complex", "frozenset", "range", "set", "slice"},
    "collections": {"OrderedDict"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
}
#: The opcodes that bring in something by its name (INST, GLOBAL, EXT1, EXT2, EXT4, STACK_GLOBAL): without one of these bytes
#: a pickle holds plain values, and a stream of small events is read ten times as fast.
_NAMING = re.compile(rb"[ic\x82-\x84\x93]")
_SHORT = 1024
_PATHS = {"PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"}


def unpack(parts: Sequence[Part], home: str = "core") -> Any:
    """The value that `frames.pack` was given in a worker; raises `pickle.UnpicklingError` when more than data is in it.

    `home` is the package that the task is from: its data classes may be among what it answers, as ours may.
    """
    if len(parts) == 1 and len(parts[0]) < _SHORT and not _NAMING.search(parts[0]):
        return pickle.loads(parts[0])
    return _Reader(io.BytesIO(parts[0]), home, parts[1:]).load()


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, home: str, buffers: Sequence[Part]) -> None:
        super().__init__(file, buffers=buffers)
        self._homes = ("core", home)

    def find_class(self, module: str, name: str) -> Any:
        package = module.partition(".")[0]
        if name in _PLAIN.get(module, ()) or (package == "pathlib" and name in _PATHS):
            return super().find_class(module, name)
        if package in self._homes:
            found = super().find_class(module, name)
            # a module's namespace also holds what it imported: `core.workers.process` leads to `subprocess`
            if isinstance(found, type) and found.__module__ == module and _is_data(found):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not among what a worker may send")


def _is_data(cls: type) -> bool:
    """Whether making one does nothing but hold values."""
    if dataclasses.is_dataclass(cls):
        return bool(getattr(cls, "__dataclass_params__").frozen)  # noqa: B009 - no public name for it
    return issubclass(cls, BaseException | enum.Enum | tuple)

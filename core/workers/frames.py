"""What travels between the app and a worker process: frames, each a kind and some parts of bytes.

A frame is `kind (u8), number of parts (u32)`, the length of each part (u64), then the parts. An object is packed as its
pickle (protocol 5) followed by its large buffers out of band, so that an array is copied once on its way.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Sequence
from typing import Any

# app -> worker
TASK = 1  # parts: scratch folder, packed (task, inputs)
WARM = 2  # parts: names of modules to import while idle
# worker -> app
READY = 10
BEAT = 11
STEP = 12  # fraction (f64), text
EMIT = 13  # parts: pickles, one an event
RESULT = 14  # resident bytes (u64), packed result
ERROR = 15  # resident bytes (u64), packed exception
LOG = 16  # packed dict for logging.makeLogRecord

Part = bytes | bytearray | memoryview

_HEAD = struct.Struct("<BI")
_LARGE = 1 << 16
_MOST_PARTS, _MOST_BYTES = 1 << 25, 1 << 40  # in one frame: more is a mistake, or malice


class Closed(Exception):  # noqa: N818 - not an error: the other end is gone
    """The other end of the pipe is gone."""


def pack(value: Any) -> list[Part]:
    """`value` as the parts of a frame; large contiguous buffers are not copied, so send it before changing them."""
    buffers: list[Part] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _LARGE:
            return True
        buffers.append(raw)
        return False

    head = pickle.dumps(value, protocol=5, buffer_callback=keep)
    return [head, *buffers]


def unpack(parts: Sequence[Part]) -> Any:
    """The value that `pack` was given; arrays own their memory and may be written to where the sender's could."""
    return pickle.loads(parts[0], buffers=parts[1:])


def write(fd: int, kind: int, parts: Sequence[Part]) -> None:
    """Write one frame; raises `Closed` when nobody reads any more. Callers hold a lock: frames must not interleave."""
    sizes = [memoryview(part).nbytes for part in parts]
    small = bytearray(_HEAD.pack(kind, len(parts)) + struct.pack(f"<{len(sizes)}Q", *sizes))
    for part, size in zip(parts, sizes, strict=True):
        if size < _LARGE:
            small += part
        else:
            _write_all(fd, small)
            small = bytearray()
            _write_all(fd, part)
    _write_all(fd, small)


def read(fd: int) -> tuple[int, list[Part]]:
    """Read one frame; raises `Closed` at its end, also in the middle of a frame, and ValueError for what is none."""
    kind, count = _HEAD.unpack(_read_exactly(fd, _HEAD.size))
    if count > _MOST_PARTS:
        raise ValueError(f"a frame of {count} parts")
    sizes = struct.unpack(f"<{count}Q", _read_exactly(fd, 8 * count))
    if sum(sizes) > _MOST_BYTES:
        raise ValueError(f"a frame of {sum(sizes)} bytes")
    if kind != EMIT:
        return kind, [_read_exactly(fd, size) for size in sizes]
    body = memoryview(_read_exactly(fd, sum(sizes)))
    parts: list[Part] = []
    start = 0
    for size in sizes:
        parts.append(body[start : start + size])
        start += size
    return kind, parts


def _write_all(fd: int, data: Part) -> None:
    view = memoryview(data).cast("B")
    try:
        while view.nbytes:
            view = view[os.write(fd, view) :]
    except OSError as error:
        raise Closed from error


def _read_exactly(fd: int, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    got = 0
    try:
        while got < size:
            count = _read_into(fd, view[got:])
            if count == 0:
                raise Closed
            got += count
    except OSError as error:
        raise Closed from error
    return data


def _read_into(fd: int, view: memoryview) -> int:
    if hasattr(os, "readv"):
        return os.readv(fd, [view])
    data = os.read(fd, min(view.nbytes, 1 << 20))
    view[: len(data)] = data
    return len(data)

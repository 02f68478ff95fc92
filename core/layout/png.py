"""PNG files written row by row, so that a picture of hundreds of megapixels needs the memory of a strip.

Pillow and Qt want the whole picture at once. Format: PNG, third edition (W3C 2025): one IDAT stream, each row filtered
by the row above (filter 2), which suits drawings with long upright lines.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Compressed bytes are written in chunks of about this size.
_CHUNK = 1 << 18


class PngWriter:
    """Takes the rows of one picture from the top; `close` when all have come.

    `channels` is 3 (RGB) or 4 (RGBA, not premultiplied), eight bits each. `density` is in pixels per metre, 0: not told.
    """

    def __init__(self, file: IO[bytes], width: int, height: int, channels: int, *, density: int = 0) -> None:
        import numpy as np

        self._file, self._width, self._channels = file, width, channels
        self._left = height
        self._above = np.zeros(width * channels, np.uint8)
        self._packer = zlib.compressobj(6)
        self._packed = bytearray()
        file.write(b"\x89PNG\r\n\x1a\n")
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0))
        if density:
            self._chunk(b"pHYs", struct.pack(">IIB", density, density, 1))

    def write(self, rows: np.ndarray) -> None:
        """More rows: uint8 (any, width, channels)."""
        import numpy as np

        if rows.shape[1:] != (self._width, self._channels) or len(rows) > self._left:
            raise ValueError(f"{rows.shape} does not fit: {self._left} rows of {self._width} x {self._channels} are left")
        flat = rows.reshape(len(rows), -1)
        filtered = np.empty((len(rows), flat.shape[1] + 1), np.uint8)
        filtered[:, 0] = 2
        filtered[0, 1:] = flat[0] - self._above
        filtered[1:, 1:] = flat[1:] - flat[:-1]
        self._above = flat[-1].copy()
        self._left -= len(rows)
        self._packed += self._packer.compress(filtered.data)
        if len(self._packed) >= _CHUNK:
            self._flush()

    def close(self) -> None:
        """Write the end; raises `ValueError` when rows are missing."""
        if self._left:
            raise ValueError(f"{self._left} rows are missing")
        self._packed += self._packer.flush()
        self._flush()
        self._chunk(b"IEND", b"")

    def _flush(self) -> None:
        self._chunk(b"IDAT", bytes(self._packed))
        self._packed.clear()

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

"""Tensors that stay in their files: ONNX dtypes in bits, byte ranges, and a lazy tensor over one of them."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterable, MutableMapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from core.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import onnx_ir as ir

#: ONNX's number for a dtype -> (its name, as numpy and ml_dtypes spell it; bits for one element, 0 when that varies).
DTYPES: dict[int, tuple[str, int]] = {
    0: ("undefined", 0),
    1: ("float32", 32),
    2: ("uint8", 8),
    3: ("int8", 8),
    4: ("uint16", 16),
    5: ("int16", 16),
    6: ("int32", 32),
    7: ("int64", 64),
    8: ("string", 0),
    9: ("bool", 8),
    10: ("float16", 16),
    11: ("float64", 64),
    12: ("uint32", 32),
    13: ("uint64", 64),
    14: ("complex64", 64),
    15: ("complex128", 128),
    16: ("bfloat16", 16),
    17: ("float8_e4m3fn", 8),
    18: ("float8_e4m3fnuz", 8),
    19: ("float8_e5m2", 8),
    20: ("float8_e5m2fnuz", 8),
    21: ("uint4", 4),
    22: ("int4", 4),
    23: ("float4_e2m1fn", 4),
    24: ("float8_e8m0fnu", 8),
    25: ("uint2", 2),
    26: ("int2", 2),
    27: ("float6_e2m3fn", 6),
    28: ("float6_e3m2fn", 6),
}
#: Numbers of the dtypes that hold real numbers with a fraction: these can be NaN.
FLOATS = frozenset({1, 10, 11, 16, 17, 18, 19, 20, 23, 24, 27, 28})
EXTERNAL = 1


def dtype_name(data_type: int) -> str:
    """The dtype's name, as numpy and ml_dtypes spell it."""
    return DTYPES.get(data_type, (f"dtype {data_type}", 0))[0]


def elements(dims: Iterable[int]) -> int:
    """The product of `dims`; 1 for a scalar."""
    count = 1
    for dim in dims:
        count *= dim
    return count


def byte_size(data_type: int, dims: Iterable[int]) -> int:
    """Bytes that a tensor takes in raw form (packed where an element is smaller than a byte); 0 for strings."""
    return (elements(dims) * DTYPES.get(data_type, ("", 0))[1] + 7) // 8


def describe(data_type: int, dims: Sequence[int]) -> str:
    """`float32[3, 4]`, for people."""
    return f"{dtype_name(data_type)}[{', '.join(map(str, dims))}]"


class Region:
    """A file that tensors read byte ranges of, mapped into memory at first use and read-only.

    `real` is the path with every link resolved; the last component is never followed again, so that a link put there
    later cannot lead elsewhere.
    """

    def __init__(self, real: Path, size: int) -> None:
        self.real = real
        self.size = size
        self._identity: tuple[int, int, int, int] | None = None
        self._map: mmap.mmap | None = None

    def __repr__(self) -> str:
        return f"Region({str(self.real)!r}, {self.size})"

    def identity(self) -> tuple[int, int, int, int]:
        """Device, inode, time of change (ns) and size: the same for every hard link of one file."""
        if self._identity is None:
            found = os.stat(self.real)
            self._identity = found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
        return self._identity

    def view(self, offset: int, length: int) -> memoryview:
        """`length` bytes from `offset` on, not copied; raises `ModelError` when the file is gone or has shrunk."""
        if length == 0:
            return memoryview(b"")
        if self._map is None:
            self._map = self._open()
        if offset < 0 or offset + length > len(self._map):
            raise ModelError(
                f"{self.real.name} has {len(self._map):,} bytes; a tensor wants bytes {offset:,} to {offset + length:,}.",
                hint="The file was cut or changed after the model was opened: open the model again.",
            )
        return memoryview(self._map)[offset : offset + length]

    def forget(self, offset: int, length: int) -> None:
        """The bytes will not be needed soon: take them off this process's memory (they stay in the system's cache)."""
        self._advise("MADV_DONTNEED", offset, length)

    def scatter(self, offset: int, length: int, *, on: bool) -> None:
        """Single pages of the bytes will be read, here and there: the system is not to read megabytes ahead of each."""
        self._advise("MADV_RANDOM" if on else "MADV_NORMAL", offset, length)

    def _advise(self, name: str, offset: int, length: int) -> None:
        advice = getattr(mmap, name, None)
        if self._map is None or advice is None:
            return
        start = offset - offset % mmap.PAGESIZE
        if length > mmap.PAGESIZE:
            self._map.madvise(advice, start, min(offset + length, len(self._map)) - start)

    def _open(self) -> mmap.mmap:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(self.real, flags)
        except OSError as error:
            raise ModelError(
                f"{self.real} cannot be read: {error.strerror}.",
                hint="The file was moved or removed: put it back, or open the model again.",
            ) from error
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ModelError(f"{self.real} is not a regular file.", hint="Point the model's external data at a plain file.")
            return mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(handle)


class RangeTensor:
    """A tensor whose bytes are a range of a file, read when asked for; onnx-ir takes it wherever it takes a tensor.

    Arrays from `numpy()` are read-only and mapped (unpacked copies where an element is smaller than a byte).
    """

    def __init__(
        self,
        region: Region,
        offset: int,
        length: int,
        dtype: ir.DataType,
        shape: ir.Shape,
        *,
        name: str | None = None,
        doc_string: str | None = None,
        metadata_props: dict[str, str] | None = None,
    ) -> None:
        self.region = region
        self.offset = offset
        self.length = length
        self.dtype = dtype
        self.shape: ir.ShapeProtocol = shape
        self.name = name
        self.doc_string = doc_string
        self.metadata_props: MutableMapping[str, str] = dict(metadata_props or {})
        self.meta: MutableMapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"RangeTensor<{self.dtype},{self.shape}>({self.region.real.name!r}, {self.offset}, {self.length}, name={self.name!r})"

    @property
    def size(self) -> int:
        """How many elements."""
        return elements(self.shape.numpy())

    @property
    def nbytes(self) -> int:
        """How many bytes."""
        return self.length

    @property
    def raw(self) -> memoryview:
        """The bytes, not copied."""
        return self.region.view(self.offset, self.length)

    def numpy(self) -> np.ndarray:
        """The values, read-only."""
        return unpack(self.raw, int(self.dtype), self.shape.numpy())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        array = self.numpy()
        if dtype is not None and array.dtype != np.dtype(dtype):
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, *, stream: Any = None) -> Any:
        # DLPack has no read-only flag that everyone honours: hand out a copy.
        return self.numpy().copy().__dlpack__(stream=stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.numpy().__dlpack_device__()

    def tobytes(self) -> bytes:
        """The bytes, copied, little endian, packed as ONNX packs them."""
        return bytes(self.raw)

    def tofile(self, file: IO[bytes]) -> None:
        """Write the bytes to a binary file, never all of them in memory."""
        raw = self.raw
        for start in range(0, len(raw), 1 << 24):
            file.write(raw[start : start + (1 << 24)])
            self.region.forget(self.offset + start, 1 << 24)


class SparseTensor:
    """A sparse initializer as onnx-ir sees it: dense when read, and written back as the sparse one that it was."""

    def __init__(self, proto: onnx.SparseTensorProto, dtype: ir.DataType, shape: ir.Shape) -> None:
        self.raw: Any = proto
        self.dtype = dtype
        self.shape: ir.ShapeProtocol = shape
        self.name: str | None = proto.values.name
        self.doc_string: str | None = None
        self.metadata_props: MutableMapping[str, str] = {}
        self.meta: MutableMapping[str, Any] = {}

    @property
    def size(self) -> int:
        """How many elements, zeros counted."""
        return elements(self.shape.numpy())

    @property
    def nbytes(self) -> int:
        """How many bytes it has when dense."""
        return byte_size(int(self.dtype), self.shape.numpy())

    def numpy(self) -> np.ndarray:
        """The values, dense, in a new array."""
        from onnx import numpy_helper

        values, places = numpy_helper.to_array(self.raw.values), numpy_helper.to_array(self.raw.indices)
        shape = self.shape.numpy()
        dense = unpack(bytes(self.nbytes), int(self.dtype), shape).copy()
        if places.ndim == 1:
            dense.reshape(-1)[places] = values
        else:
            dense[tuple(places.T)] = values
        return dense

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __dlpack__(self, *, stream: Any = None) -> Any:
        return self.numpy().__dlpack__(stream=stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.numpy().__dlpack_device__()

    def tobytes(self) -> bytes:
        """The bytes of the dense form."""
        return self.numpy().tobytes()


def unpack(raw: memoryview | bytes, data_type: int, dims: Sequence[int]) -> np.ndarray:
    """Raw ONNX bytes as an array of `dims`: not copied, except where an element is smaller than a byte."""
    import ml_dtypes
    import numpy as np

    name, bits = DTYPES[data_type]
    dtype = np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)
    shape = tuple(dims)
    if bits in (2, 4):
        packed = np.frombuffer(raw, np.uint8)
        per = 8 // bits
        wide = np.empty((packed.size, per), np.uint8)
        for place in range(per):
            wide[:, place] = (packed >> (bits * place)) & ((1 << bits) - 1)
        flat = wide.reshape(-1)[: elements(shape)]
        return flat.view(dtype).reshape(shape)
    if bits == 6:
        import onnx_ir as ir
        from onnx_ir import serde

        return (
            serde.TensorProtoTensor(_proto(data_type, shape, bytes(raw))).numpy()
            if raw
            else np.zeros(shape, ir.DataType(data_type).numpy())
        )
    return np.frombuffer(raw, dtype.newbyteorder("<") if dtype.isbuiltin == 1 else dtype).reshape(shape)


def _proto(data_type: int, dims: Sequence[int], raw: bytes) -> onnx.TensorProto:
    import onnx

    return onnx.TensorProto(data_type=data_type, dims=dims, raw_data=raw)


def canonical(tensor: onnx.TensorProto) -> bytes:
    """The raw little-endian bytes of a tensor that carries its values itself, whichever field they are in."""
    from onnx_ir import serde

    if tensor.HasField("raw_data"):
        return tensor.raw_data
    if tensor.data_type == 8:
        return b"".join(len(text).to_bytes(8, "little") + text for text in tensor.string_data)
    return serde.TensorProtoTensor(tensor).tobytes()


def stored(tensor: onnx.TensorProto) -> tuple[int, int, str]:
    """(how much a tensor carries itself, how much it should by dtype and shape, what is counted: bytes or values)."""
    kind, dims = tensor.data_type, tensor.dims
    if tensor.HasField("raw_data"):
        return len(tensor.raw_data), byte_size(kind, dims), "bytes"
    count = elements(dims)
    if kind == 8:
        return len(tensor.string_data), count, "values"
    if kind in (1, 14):
        return len(tensor.float_data), count * (2 if kind == 14 else 1), "values"
    if kind in (11, 15):
        return len(tensor.double_data), count * (2 if kind == 15 else 1), "values"
    if kind == 7:
        return len(tensor.int64_data), count, "values"
    if kind in (12, 13):
        return len(tensor.uint64_data), count, "values"
    bits = DTYPES[kind][1]
    return len(tensor.int32_data), (count * bits + 7) // 8 if bits in (2, 4) else count, "values"

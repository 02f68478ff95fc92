"""The protobuf wire format of an ONNX file, walked over a mapped file: weights are found, not read.

Field numbers from onnx.proto: ModelProto.graph = 7; GraphProto.initializer = 5; TensorProto: dims 1, data_type 2,
float_data 4, int32_data 5, string_data 6, int64_data 7, name 8, raw_data 9, double_data 10, uint64_data 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.model.tensors import EXTERNAL, byte_size

if TYPE_CHECKING:
    import mmap

    import onnx

#: Payloads up to this many bytes are parsed with the graph: shape inference and folding want the small ones.
SMALL = 1024
_GRAPH, _INITIALIZER, _RAW = 7, 5, 9
#: Typed fields whose packed form is the raw form: float_data for float32 and complex64, double_data for float64 and complex128.
_FLAT = {4: (1, 14), 10: (11, 15)}


class Damaged(Exception):  # noqa: N818 - becomes a ModelError where the file's name is known
    """The bytes are not a whole protobuf message; `end` is where it says that it goes on to, when it says."""

    def __init__(self, message: str, end: int | None = None) -> None:
        super().__init__(message)
        self.end = end


def varint(buffer: mmap.mmap | bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at` and where the next thing begins."""
    value = shift = 0
    while True:
        if at >= end:
            raise Damaged("it ends inside a number")
        byte = buffer[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise Damaged("a number is longer than ten bytes")


def fields(buffer: mmap.mmap | bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Each field as (number, wire type, start of its key, start of its value, end of its value)."""
    while at < end:
        start = at
        key, at = varint(buffer, at, end)
        wire = key & 7
        if wire == 2:
            length, at = varint(buffer, at, end)
            stop = at + length
        elif wire == 0:
            _, stop = varint(buffer, at, end)
        elif wire == 1:
            stop = at + 8
        elif wire == 5:
            stop = at + 4
        else:
            raise Damaged(f"byte {start:,} begins nothing that protobuf knows")
        if key < 8:
            raise Damaged(f"byte {start:,} begins nothing that protobuf knows")
        if stop > end:
            raise Damaged(f"a part that begins at byte {start:,} goes on to byte {stop:,}", stop)
        yield key >> 3, wire, start, at, stop
        at = stop


def damage(buffer: mmap.mmap | bytes) -> Damaged | None:
    """What is wrong with the outermost levels of a model file; None when they are whole."""
    try:
        for number, wire, _, start, stop in fields(buffer, 0, len(buffer)):
            if number == _GRAPH and wire == 2:
                for _ in fields(buffer, start, stop):
                    pass
    except Damaged as damaged:
        return damaged
    return None


def skim(buffer: mmap.mmap, location: str) -> onnx.ModelProto:
    """Parse a model without its big initializers' payloads: they become external data at their offset in `location`.

    Only what can be mapped as it stands is left behind (raw bytes, packed float32 and float64); the rest is parsed.
    Raises `Damaged` for bytes that are no whole message, `ModelError` for a tensor whose size is not what it says.
    """
    parts: list[bytes] = []
    for number, wire, start, value, stop in fields(buffer, 0, len(buffer)):
        if number != _GRAPH or wire != 2:
            parts.append(buffer[start:stop])
            continue
        graph: list[bytes] = []
        kept = value
        for inner, inner_wire, inner_start, inner_value, inner_stop in fields(buffer, value, stop):
            if inner == _INITIALIZER and inner_wire == 2 and inner_stop - inner_value > SMALL:
                short = _tensor(buffer, inner_value, inner_stop, location)
                if short is not None:
                    graph.append(buffer[kept:inner_start])
                    graph.append(b"\x2a" + _number(len(short)) + short)
                    kept = inner_stop
        graph.append(buffer[kept:stop])
        body = b"".join(graph)
        parts.append(b"\x3a" + _number(len(body)) + body)
    return parse(b"".join(parts))


def parse(data: bytes) -> onnx.ModelProto:
    """A whole model file's bytes as a message; raises `Damaged` when they are none."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]

    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise Damaged(str(error)) from error
    return model


def _tensor(buffer: mmap.mmap, at: int, end: int, location: str) -> bytes | None:
    """A TensorProto without its payload, pointing to it instead; None when it has to be parsed as it is."""
    import onnx

    kept: list[bytes] = []
    payload: tuple[int, int, int] | None = None
    for number, wire, start, value, stop in fields(buffer, at, end):
        if number in (4, 5, 7, 9, 10, 11) and wire == 2 and stop - value > SMALL:
            if payload is not None:
                return None
            payload = number, value, stop - value
        else:
            kept.append(buffer[start:stop])
    if payload is None:
        return None
    tensor = onnx.TensorProto.FromString(b"".join(kept))
    number, offset, length = payload
    if tensor.data_location == EXTERNAL:
        return None
    if number != _RAW and tensor.data_type not in _FLAT.get(number, ()):
        return None
    expected = byte_size(tensor.data_type, tensor.dims)
    if expected != length:
        raise ModelError(
            f"Initializer '{tensor.name}' should have {expected:,} bytes by its shape, but has {length:,}.",
            hint="The file is damaged or was written by a faulty exporter: export the model again.",
        )
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, text in (("location", location), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=text)
    short: bytes = tensor.SerializeToString()
    return short


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)

"""Small pictures of weights: a grid of values read here and there from the file, never the whole weight.

A weight is seen as a matrix: its first dimension down, all others across. Of each cell the value that is farthest from
zero among those that were looked at is kept, so that dead channels stay dark and outliers shine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.job import Job
from core.model import Model, index
from core.model.opening import index_of
from core.model.source import Source, read
from core.model.tensors import DTYPES, EXTERNAL, elements, unpack

if TYPE_CHECKING:
    import numpy as np
    import onnx

#: Cells down and across, and how many neighbouring values are looked at for one cell.
SIDE, LOOK = 24, 64
#: Weights with fewer elements than this are no pictures.
LEAST = 8
#: What stands for a cell without a finite value.
NONE = -128
Read = Callable[[int, int], "np.ndarray"]


@dataclass(frozen=True)
class Thumb:
    """The picture of a node's largest weight: `cells` are int8, row by row, -127 to 127 for -`limit` to `limit`, -128 for none.

    `rows` and `columns` say how many cells, at most 24 each.
    """

    node: str
    weight: str
    rows: int
    columns: int
    cells: bytes
    limit: float


def thumbnails(model: Model, nodes: tuple[str, ...], job: Job) -> tuple[Thumb, ...]:
    """Pictures for some nodes, by the index's names (a task); nodes without a weight that can be seen are left out."""
    source = read(model.path)
    rows = _rows(source)
    found = []
    for done, name in enumerate(nodes):
        job.step(done / len(nodes), "Looking at weights")
        weight = _largest(source, rows[name]) if name in rows else None
        if weight is not None:
            found.append(_thumb(source, name, *weight))
    return tuple(found)


def _rows(source: Source) -> dict[str, int]:
    """Name -> place in the graph, of the nodes of the main graph (of rows from elsewhere the op would not be the same)."""
    rows: dict[str, int] | None = source.facts.get("thumbs.rows")
    if rows is None:
        columns = index_of(source)
        nodes = source.proto.graph.node
        places = zip(columns.names, columns.kind.tolist(), columns.op.tolist(), columns.file_index.tolist(), strict=True)
        rows = source.facts["thumbs.rows"] = {
            name: place
            for name, kind, op, place in places
            if kind == index.NODE
            and 0 <= place < len(nodes)
            and nodes[place].op_type == columns.op_names[op]
            and name.startswith(nodes[place].name)
        }
    return rows


def _largest(source: Source, place: int) -> tuple[str, onnx.TensorProto] | None:
    weights = source.initializers()
    node = source.proto.graph.node[place]
    some = [(name, weights[name]) for name in node.input if name in weights]
    some = [(name, tensor) for name, tensor in some if DTYPES[tensor.data_type][1] and elements(tensor.dims) >= LEAST]
    return max(some, key=lambda item: elements(item[1].dims), default=None)


def _thumb(source: Source, node: str, name: str, tensor: onnx.TensorProto) -> Thumb:
    import numpy as np

    total = elements(tensor.dims)
    down = tensor.dims[0] if len(tensor.dims) > 1 else 1
    across = total // down
    rows, columns = min(down, SIDE), min(across, SIDE)
    values = _reader(source, tensor)
    starts = np.arange(columns) * across // columns
    ends = np.minimum((np.arange(columns) + 1) * across // columns, starts + LOOK)
    picked = np.zeros((rows, columns))
    for row in range(rows):
        begin = (2 * row + 1) * down // (2 * rows) * across
        if across <= SIDE * LOOK:  # a short row is read in one piece
            whole = values(begin, across)
            pieces = [whole[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        else:
            pieces = [values(begin + start, end - start) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        picked[row] = [_farthest(piece) for piece in pieces]
    good = np.isfinite(picked)
    limit = float(np.abs(picked[good]).max()) if good.any() else 0.0
    cells = np.full(picked.shape, NONE, np.int8)
    cells[good] = np.round(picked[good] * (127.0 / limit if limit else 0.0)).astype(np.int8)
    return Thumb(node=node, weight=name, rows=rows, columns=columns, cells=cells.tobytes(), limit=limit)


def _farthest(piece: np.ndarray) -> float:
    """The finite value that is farthest from zero; nan when none is finite."""
    import numpy as np

    piece = piece[np.isfinite(piece)]
    return float(piece[np.argmax(np.abs(piece))]) if piece.size else float("nan")


def _reader(source: Source, tensor: onnx.TensorProto) -> Read:
    """(first element, how many) -> these as float64, complex numbers by their magnitude."""
    bits = DTYPES[tensor.data_type][1]
    if tensor.data_location != EXTERNAL and not tensor.HasField("raw_data"):
        flat = source.array(tensor).reshape(-1)
        return lambda start, count: _real(flat[start : start + count])
    raw = memoryview(source.raw(tensor))

    def read_range(start: int, count: int) -> np.ndarray:
        skipped = start % 8  # elements smaller than a byte begin with one only now and then
        first, last = (start - skipped) * bits // 8, ((start + count) * bits + 7) // 8
        return _real(unpack(raw[first:last], tensor.data_type, (skipped + count,))[skipped:])

    return read_range


def _real(values: np.ndarray) -> np.ndarray:
    import numpy as np

    if values.dtype.kind == "c":
        return np.asarray(np.abs(values), np.float64)
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    return values.astype(np.float32).astype(np.float64)  # ml_dtypes' small integers convert by way of float32

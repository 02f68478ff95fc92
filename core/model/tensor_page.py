"""Everything there is to say about one tensor of the main graph: type, bytes, who makes it and who reads it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from core.errors import ModelError
from core.job import Job
from core.model import Model, index, readers
from core.model.pages import book_of
from core.model.readers import End
from core.model.source import read
from core.model.tensors import DTYPES, byte_size, describe

_NUMBERS = {name: number for number, (name, _) in DTYPES.items()}
Kind = Literal["input", "initializer", "Constant", "made"]


@dataclass(frozen=True)
class TensorPage:
    """One tensor. `type` is such as `float32[N, 10]`, empty where nothing is known; `bytes` takes symbolic dims as 1
    (`symbolic` names them) and is None where the shape is not known. `maker` is None for inputs and initializers. An
    output of the graph may be read inside it, too."""

    name: str
    type: str
    kind: Kind
    bytes: int | None
    symbolic: tuple[str, ...]
    maker: End | None
    readers: tuple[End, ...]
    is_output: bool
    #: The boxes of the graph's own input and output that this tensor is, as the index calls them; empty where it is neither.
    input_box: str = ""
    output_box: str = ""


def tensor_page(model: Model, tensor: str, job: Job) -> TensorPage:
    """The page of a tensor of the main graph (a task); raises `ModelError`, with the nearest names, when there is none."""
    source = read(model.path)
    book = book_of(source)
    graph = book.graph
    made = readers.makers(source).get(tensor)
    weight = book.weights.get(tensor)
    inputs = {value.name for value in graph.input}
    if made is None and weight is None and tensor not in inputs:
        known = [*inputs, *readers.makers(source), *book.weights]
        near = difflib.get_close_matches(tensor, known, 3)
        raise ModelError(
            f"There is no tensor '{tensor}' in {model.path.name}.", hint=f"Perhaps {' or '.join(near)}?" if near else "Search by name."
        )
    dtype, dims = (weight.data_type, tuple(weight.dims)) if weight is not None else _known(*book.types.get(tensor))
    kind: Kind = "Constant" if weight is not None and made is not None else "initializer" if weight is not None else "input"
    if made is not None and weight is None:
        kind = "made"
    return TensorPage(
        name=tensor,
        type=describe(weight.data_type, list(weight.dims)) if weight is not None else book.types.text(tensor),
        kind=kind,
        bytes=None if dims is None or dtype not in DTYPES else byte_size(dtype, [dim if isinstance(dim, int) else 1 for dim in dims]),
        symbolic=tuple(dict.fromkeys("?" if dim is None else str(dim) for dim in dims or () if not isinstance(dim, int))),
        maker=readers.end(source, *made, "outputs") if made is not None and weight is None else None,
        readers=readers.readers(source, tensor),
        is_output=any(value.name == tensor for value in graph.output),
        input_box=next(iter(book.makers(tensor)), "") if kind == "input" else "",
        output_box=next((name for name in book.readers(tensor) if book.columns.kind[book.rows[name]] == index.OUTPUT), ""),
    )


def _known(dtype: str, dims: tuple[int | str | None, ...] | None) -> tuple[int, tuple[int | str | None, ...] | None]:
    return _NUMBERS.get(dtype, -1), dims

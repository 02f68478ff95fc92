"""What queries call the numbers of a node: `k`, `stride`, `params` and the others, a column each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.find.catalogue import Catalogue, typed

if TYPE_CHECKING:
    import numpy as np

#: Ops whose kernel is the shape of their second input where no attribute says it, and whose groups are 1 by default.
CONVOLUTIONS = ("Conv", "ConvTranspose", "FusedConv", "NhwcConv")


@dataclass(frozen=True)
class Number:
    """One number: what it says, how it is had (float64 (n), nan where a node has none), and whether facts are needed for it."""

    help: str
    column: Callable[[Catalogue], np.ndarray]
    facts: bool = False


def _index(read: Callable[[Catalogue], np.ndarray]) -> Callable[[Catalogue], np.ndarray]:
    return lambda found: read(found).astype("float64")


def _kernel(found: Catalogue) -> np.ndarray:
    import numpy as np

    column = found.attribute_number(lambda held: largest(held.get("kernel_shape")))
    ops = [number for number, name in enumerate(found.index.op_names) if name in CONVOLUTIONS]
    for row in np.flatnonzero(np.isin(found.index.op, ops) & np.isnan(column)).tolist():
        dims = _weight_dims(found, row)
        column[row] = max((float(dim) for dim in dims[2:] if dim.isdigit()), default=np.nan)
    return column


def _weight_dims(found: Catalogue, row: int) -> tuple[str, ...]:
    assert found.facts is not None
    read = found.facts.of(row)
    place = read[1] - len(found.index.tensors) if len(read) > 1 else -1
    return (typed(found.facts.weight_types[place])[1] or ()) if place >= 0 else ()


def _sliding(name: str) -> Callable[[Catalogue], np.ndarray]:
    """The largest of an attribute that is 1 by default for whatever has a kernel."""

    def column(found: Catalogue) -> np.ndarray:
        import numpy as np

        own = found.attribute_number(lambda held: largest(held.get(name)))
        return np.where(np.isnan(own) & ~np.isnan(_kernel(found)), 1.0, own)

    return column


def _group(found: Catalogue) -> np.ndarray:
    import numpy as np

    own = found.attribute_number(lambda held: largest(held.get("group")))
    ops = [number for number, name in enumerate(found.index.op_names) if name in CONVOLUTIONS]
    return np.where(np.isnan(own) & np.isin(found.index.op, ops), 1.0, own)


def largest(value: object) -> float:
    """The largest number of an attribute; nan where it has none."""
    if isinstance(value, tuple):
        numbers = [float(each) for each in value if isinstance(each, int | float)]
        return max(numbers, default=float("nan"))
    return float(value) if isinstance(value, int | float) else float("nan")


def _dims(read: Callable[[tuple[str, ...]], float]) -> Callable[[Catalogue], np.ndarray]:
    """A number of the shape of what a node makes."""

    def column(found: Catalogue) -> np.ndarray:
        import numpy as np

        each = np.array([read(dims) if dims is not None else np.nan for _, dims in found.shapes] + [np.nan], np.float64)
        codes = np.append(found.types.codes, len(each) - 1)  # the last one: makes nothing
        return np.asarray(each[codes[found.made_first]])

    return column


def _channels(dims: tuple[str, ...]) -> float:
    return float(dims[1]) if len(dims) > 1 and dims[1].isdigit() else float("nan")


def _elements(dims: tuple[str, ...]) -> float:
    total = 1.0
    for dim in dims:
        total *= float(dim) if dim.isdigit() else float("nan")
    return total


def _count(side: str, distinct: bool) -> Callable[[Catalogue], np.ndarray]:
    def column(found: Catalogue) -> np.ndarray:
        import numpy as np

        index = found.index
        rows = getattr(index, side)
        if distinct:
            rows = np.unique(np.stack((rows, index.tensor), 1), axis=0)[:, 0] if len(rows) else rows
        return np.bincount(rows, minlength=len(index)).astype(np.float64)

    return column


NUMBERS = {
    "k": Number("the kernel's largest dim", _kernel, facts=True),
    "stride": Number("the largest stride", _sliding("strides"), facts=True),
    "dilation": Number("the largest dilation", _sliding("dilations"), facts=True),
    "group": Number("groups of a convolution", _group, facts=True),
    "params": Number("elements of the weights that it reads", _index(lambda found: found.index.parameters)),
    "bytes": Number("bytes of the weights that it reads", _index(lambda found: found.index.weight_bytes)),
    "macs": Number("multiply-accumulates", _index(lambda found: found.index.macs)),
    "inputs": Number("links that arrive", _count("dst", distinct=False)),
    "outputs": Number("tensors that it makes and others read", _count("src", distinct=True)),
    "fan-out": Number("links that leave", _count("src", distinct=False)),
    "rank": Number("dims of what it makes", _dims(lambda dims: float(len(dims)))),
    "channels": Number("the second dim of what it makes", _dims(_channels)),
    "elements": Number("elements of what it makes", _dims(_elements)),
}
_PLAIN = {name.replace("-", ""): name for name in NUMBERS}
_PLAIN |= {"kernel": "k", "parameters": "params"}


def known(name: str) -> str | None:
    """The number that `name` (`fan_out`, `Params`) means; None where it is none of them, but perhaps an attribute."""
    return _PLAIN.get(name.lower().replace("-", "").replace("_", ""))

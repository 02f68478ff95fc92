"""Which nodes a query finds: `rows(parse("op:Conv and k>3"), catalogue)`."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.find.catalogue import Catalogue, Texts
from core.find.grammar import Both, Compare, Either, Filter, Not, QueryError, Term, Text, Words, expression, number, parse, terms
from core.find.numbers import NUMBERS, known, largest

if TYPE_CHECKING:
    import numpy as np

__all__ = ["EXAMPLES", "QueryError", "expression", "has_expression", "holds", "needs_facts", "parse", "rows"]

#: What one can write, and what it finds: the help of every field that takes queries.
EXAMPLES = (
    ("attn proj", "both words, in name, op, module, detail or tensors"),
    ('"layers.3/"', "just this text"),
    ("/conv_[0-9]+/", "a regular expression"),
    ("op:Conv", "the op Conv; op:Conv* also ConvTranspose"),
    ("op:Conv and k>3", "kernels larger than 3; also stride, group, dilation"),
    ("params>1M or macs>=2G", "large ones; also bytes, inputs, outputs, fan-out, rank, channels, elements"),
    ("kernel_shape=1", "an attribute; kernel_shape=3x1, mode=linear, attr:axis"),
    ("shape:1x32x*x*", "what is made has this shape; in: and out: take names, types, shapes"),
    ("dtype:float16", "what is made is of this type"),
    ("tensor:logits", "reads or makes this tensor or weight"),
    ("not is:output", "is:input, is:output, is:unused, is:quantized, is:inside, is:weighted"),
    ("pattern: Mul(x, Sigmoid(x))", "several nodes, wired so"),
)
_QUANTIZED = re.compile(r"(Dequantize|Quantize|DynamicQuantize)Linear|QLinear.*|QGemm|QAttention|FakeQuant|.*Integer(ToFloat)?|MatMulNBits")


def needs_facts(term: Term | None) -> bool:
    """Whether a query cannot be answered from the index alone; words alone can, and find weights by name too once facts are there."""
    return term is not None and any(_needs(each) for each in terms(term))


def has_expression(term: Term | None) -> bool:
    """Whether a query has a regular expression in it, which may take its time."""
    return term is not None and any(not isinstance(each, Compare) and each.text.kind == "expression" for each in terms(term))


def _needs(term: Words | Filter | Compare) -> bool:
    if isinstance(term, Filter):
        return term.field in ("attr", "tensor", "in")
    if isinstance(term, Compare):
        name = known(term.name)
        return name is None or NUMBERS[name].facts
    return False


def rows(term: Term | None, catalogue: Catalogue) -> np.ndarray:
    """The rows (int64, in the order of the graph) that a query finds; none for an empty one.

    Raises `QueryError` for an op, an attribute or a number that this graph does not have. The catalogue must have facts
    where `needs_facts` says so.
    """
    import numpy as np

    return np.flatnonzero(holds(term, catalogue)) if term is not None else np.zeros(0, np.int64)


def holds(term: Term, found: Catalogue) -> np.ndarray:
    """For which rows a query holds (bool each)."""
    if isinstance(term, Not):
        return ~holds(term.of, found)
    if isinstance(term, Both | Either):
        both = isinstance(term, Both)
        mask = holds(term.of[0], found)
        for each in term.of[1:]:
            mask = mask & holds(each, found) if both else mask | holds(each, found)
        return mask
    if isinstance(term, Words):
        return _anywhere(term.text, found)
    if isinstance(term, Compare):
        return _compared(term, found)
    return _filtered(term, found)


def _anywhere(text: Text, found: Catalogue) -> np.ndarray:
    """In the name, the op, the module, the detail; in the name and the type of what is made; in the name of a weight that is read."""
    import numpy as np

    mask = found.names.hits(text)
    for column in (found.ops, found.scopes, found.details):
        mask = mask | column.spread(column.texts.hits(text))
    values = found.types.spread(found.types.texts.hits(text))
    tensors = len(found.index.tensors)
    values[:tensors] |= found.tensors.hits(text)
    values[tensors:] = False
    mask = mask | found.making(values)
    if len(found.weights.texts):
        values = np.concatenate((np.zeros(tensors, bool), found.weights.hits(text)))
        mask = mask | found.reading(values)
    return np.asarray(mask)


# ---- filters ----
def _filtered(term: Filter, found: Catalogue) -> np.ndarray:
    import numpy as np

    text, field = term.text, term.field
    if field == "op":
        hits = found.ops.texts.same(text)
        if not hits.any() and text.kind == "part":
            near = [name for name in found.index.op_names if text.text in name.lower()][:4]
            raise QueryError(
                f"This graph has no op '{text.text}'.",
                at=term.at,
                hint=f"It has {', '.join(near)}; op:{text.text}* finds what begins so." if near else "A * stands for any letters.",
            )
        return found.ops.spread(hits)
    if field == "name":
        return found.names.hits(text)
    if field == "scope":
        return found.scopes.spread(found.scopes.texts.hits(text))
    if field == "tensor":
        return found.touching(found.called(text))
    if field == "is":
        return _kind(text.text, found)
    if field == "attr":
        if text.kind == "part":
            _known_attribute(text.text, term.at, found)
            return found.attribute(lambda held: any(name.lower() == text.text for name in held))
        return _attribute_like(text, found)
    if field == "in":
        return found.reading(found.called(text) | _of_type(text, found))
    if field == "out":
        values = _of_type(text, found)
        values[: len(found.index.tensors)] |= found.tensors.hits(text)
        return found.making(values)
    values = _of_shape(text, found) if field == "shape" else _of_dtype(text, found)
    return np.asarray(np.append(values, False)[found.made_first] & (found.made_first >= 0))  # the last one: nothing is made


def _attribute_like(text: Text, found: Catalogue) -> np.ndarray:
    names = sorted(found.attribute_names)
    wanted = {name for name, hit in zip(names, Texts(names).same(text).tolist(), strict=True) if hit}
    return found.attribute(lambda held: not wanted.isdisjoint(held))


def _kind(kind: str, found: Catalogue) -> np.ndarray:
    import numpy as np

    index = found.index
    if kind == "input":
        inner = index.holder >= 0 if index.holder is not None else np.zeros(len(index), bool)
        return np.asarray((index.kind == 1) & ~inner)
    if kind == "output":
        return np.asarray(index.kind == 2)
    if kind == "unused":
        return np.asarray((np.bincount(index.src, minlength=len(index)) == 0) & (index.kind != 2))
    if kind == "weighted":
        return np.asarray(index.parameters > 0)
    if kind == "inside":
        return np.asarray(index.holder >= 0) if index.holder is not None else np.zeros(len(index), bool)
    mask = found.ops.spread(np.array([_QUANTIZED.fullmatch(name) is not None for name in index.op_names], bool))
    dequantized = found.ops.spread(np.array([name == "DequantizeLinear" for name in index.op_names], bool))
    mask[index.dst[dequantized[index.src]]] = True
    return np.asarray(mask & (index.kind == 0))


# ---- types ----
def _of_type(text: Text, found: Catalogue) -> np.ndarray:
    import numpy as np

    return np.asarray(_of_dtype(text, found) | _of_shape(text, found))


def _of_dtype(text: Text, found: Catalogue) -> np.ndarray:
    return found.types.spread(Texts([dtype for dtype, _ in found.shapes]).same(text))


def _of_shape(text: Text, found: Catalogue) -> np.ndarray:
    import numpy as np

    wanted = [pattern for pattern in _shapes(text.text) if len(pattern) > 1 or text.text[:1] == "["]
    hits = np.array([dims is not None and any(_fits(pattern, dims) for pattern in wanted) for _, dims in found.shapes], bool)
    return found.types.spread(hits)


def _shapes(text: str) -> list[tuple[str, ...]]:
    """What `1x32x*` may mean: an x may also be a letter in the name of a dim."""
    bare = text.strip("[] ")
    if "," in bare or not bare:
        return [tuple(part.strip() for part in bare.split(",")) if bare else ()]
    return [tuple(re.split("[x×]", bare)), tuple(re.split(r"×|(?<=[\d*?.])x|x(?=[\d*?.])", bare))]


def _fits(pattern: tuple[str, ...], dims: tuple[str, ...]) -> bool:
    if not pattern:
        return not dims
    if pattern[0] in ("...", "**", "…"):
        return any(_fits(pattern[1:], dims[at:]) for at in range(len(dims) + 1))
    return bool(dims) and pattern[0] in ("*", "?", dims[0]) and _fits(pattern[1:], dims[1:])


# ---- comparisons ----
def _compared(term: Compare, found: Catalogue) -> np.ndarray:
    name = known(term.name)
    if name is None:
        return _attribute_compared(term, found)
    if term.number is None:
        raise QueryError(f"{term.name} is a number, '{term.value}' is none.", at=term.at)
    return _sign(term.sign, NUMBERS[name].column(found), term.number)


def _attribute_compared(term: Compare, found: Catalogue) -> np.ndarray:
    name = _known_attribute(term.name.lower(), term.at, found)
    if term.sign in ("=", "!="):
        wanted = term.sign == "="
        return found.attribute(lambda held: name in held and _equal(held[name], term.value, term.number) is wanted)
    return _sign(term.sign, found.attribute_number(lambda held: largest(held.get(name))), term.number)


def _known_attribute(name: str, at: int, found: Catalogue) -> str:
    """The attribute as the graph writes it; raises `QueryError`, with the nearest, where no node has it."""
    spelled = {each.lower(): each for each in found.attribute_names}
    if name in spelled:
        return spelled[name]
    near = difflib.get_close_matches(name, [*spelled, *NUMBERS], 3, 0.5) or sorted(each for each in spelled if each.startswith(name))[:3]
    raise QueryError(
        f"No node here has an attribute '{name}'.",
        at=at,
        hint=f"Perhaps {' or '.join(near)}?" if near else f"Numbers are {', '.join(NUMBERS)}.",
    )


def _sign(sign: str, column: np.ndarray, value: float | None) -> np.ndarray:
    import numpy as np

    signs: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
        "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge
    }  # fmt: skip
    assert value is not None
    return np.asarray(signs[sign](column, value) & ~np.isnan(column))


def _equal(held: object, value: str, wanted: float | None) -> bool:
    """Whether an attribute is `value`: a list is when all of it is, or when it is written out, `3x3`, `[3, 3]`, `3,3`."""
    if isinstance(held, tuple):
        parts = [part for part in re.split(r"[x×,\s]+", value.strip("[] ")) if part]
        if len(parts) > 1 or value.strip()[:1] == "[":
            return len(parts) == len(held) and all(_equal(each, part, number(part)) for each, part in zip(held, parts, strict=True))
        return bool(held) and all(_equal(each, value, wanted) for each in held)
    if isinstance(held, int | float):
        return wanted is not None and abs(held - wanted) <= 1e-6 * max(1.0, abs(wanted))
    return re.fullmatch(re.escape(value).replace(r"\*", ".*").replace(r"\?", "."), str(held), re.IGNORECASE) is not None

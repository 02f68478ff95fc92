"""Edits of a model's inputs and outputs: names, dims and metadata by rules that a person writes in one line each.

rename      `old=new`           an input or output; nodes and subgraphs that read it follow
dims        `input:0=8`         one dim becomes a number, a name, or (`?`, or nothing) free
            `N=8`               every dim that is called N, everywhere
metadata    `key=value`         nothing behind the sign takes the key away
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import PassError

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

Dim = int | str | None
#: Names that shape inference makes up for what it does not know.
_UNKNOWN = re.compile(r"unk__\d+$")
#: Keys of metadata that are ours.
_OURS = "sardonyx."
_LARGEST = (1 << 31) - 1


@dataclass
class Dims:
    """Rules for dims, read: of all dims with a name, and of single ones by tensor and axis. `freed` tells whether a number
    became free, `old` what single dims were before (numbers and names that may stand elsewhere, too)."""

    named: dict[str, Dim] = field(default_factory=dict)
    single: dict[tuple[str, int], Dim] = field(default_factory=dict)
    freed: bool = False
    old: set[int | str] = field(default_factory=set)


def ends(model: ir.Model) -> tuple[list[ir.Value], list[ir.Value]]:
    """Inputs (without those that are weights) and outputs."""
    weights = model.graph.initializers
    return [value for value in model.graph.inputs if value.name not in weights], list(model.graph.outputs)


# ---- names ----
def renames(model: ir.Model, rules: Iterable[str]) -> dict[ir.Value, str]:
    """What the rules want to be called otherwise; raises `PassError` for what cannot be."""
    inputs, outputs = ends(model)
    known = {value.name or "": value for value in (*inputs, *outputs)}
    wanted: dict[ir.Value, str] = {}
    for rule in rules:
        old, new = _split(rule, known)
        if old not in known:
            raise PassError(f"There is no input or output '{old}'.", hint=f"There are: {_listed(known)}.")
        if not new or any(sign.isspace() or not sign.isprintable() for sign in new):
            raise PassError(f"'{new}' cannot be the name of a tensor.", hint="Write a name without spaces behind the sign =.")
        if known[old] in wanted:
            raise PassError(f"'{old}' is renamed twice.", hint="Leave one of the rules.")
        if known[old].name in model.graph.initializers:
            raise PassError(f"The output '{old}' is a weight of the model.", hint="It can be renamed where the model is exported.")
        if new != old:
            wanted[known[old]] = new
    _refuse_clashes(model, wanted)
    return wanted


def _split(rule: str, known: Iterable[str]) -> tuple[str, str]:
    """Both sides of a rule, spaces around them taken away; names may hold the sign themselves."""
    if "=" not in rule:
        raise PassError(f"'{rule}' is not a rule.", hint="Write it as old=new.")
    for name in sorted(known, key=len, reverse=True):
        if name and rule.strip().startswith(name) and rule.strip()[len(name) :].lstrip().startswith("="):
            return name, rule.strip()[len(name) :].lstrip()[1:].strip()
    old, _, new = rule.partition("=")
    return old.strip(), new.strip()


def _refuse_clashes(model: ir.Model, wanted: dict[ir.Value, str]) -> None:
    """Names are unique across a graph and the graphs inside it: what an inner one hides could not be read there."""
    news = list(wanted.values())
    for new in news:
        if news.count(new) > 1:
            raise PassError(f"Two tensors cannot both be called '{new}'.", hint="Choose another name for one of them.")
    taken = set(news)
    for graph in model.graphs():
        values = [*graph.inputs, *graph.initializers.values(), *(value for node in graph for value in node.outputs)]
        for value in values:
            if value.name in taken and value not in wanted:
                what = "a weight" if value.name in graph.initializers else "an input" if value.is_graph_input() else "a tensor"
                where = "of the model" if graph is model.graph else "inside a subgraph"
                raise PassError(f"'{value.name}' is the name of {what} {where} already.", hint="Choose another name.")


def rename(wanted: dict[ir.Value, str]) -> list[str]:
    """Give values their new names; says what was done."""
    said = []
    before = {value: value.name for value in wanted}
    for value, new in wanted.items():
        value.name = new
        kinds = (
            "Input and output" if value.is_graph_input() and value.is_graph_output() else "Input" if value.is_graph_input() else "Output"
        )
        said.append(f"{kinds} '{before[value]}' is called '{new}' now.")
    return said


# ---- dims ----
def dims(model: ir.Model, rules: Iterable[str]) -> Dims:
    """Rules for dims, read and held to the model; raises `PassError` for what cannot be."""
    inputs, outputs = ends(model)
    values = {value.name or "": value for value in (*inputs, *outputs)}
    names = {dim for value in values.values() for dim in shape_of(value) or () if isinstance(dim, str)}
    found = Dims()
    places = [f"{name}:{axis}" for name, value in values.items() for axis in range(len(shape_of(value) or ()))]
    for rule in rules:
        target, new = _split(rule, (*names, *places))
        dim = _dim(new)
        if target in names:
            if target in found.named and found.named[target] != dim:
                raise PassError(f"'{target}' cannot become two things.", hint="Leave one of the rules.")
            if dim != target:
                found.named[target] = dim
            continue
        tensor, _, axis = target.rpartition(":")
        if tensor not in values or not axis.strip().lstrip("-").isdigit():
            raise PassError(
                f"There is no dim '{target}'.",
                hint=f"Write a tensor and an axis ({_listed(f'{name}:0' for name in values)})"
                + (f", or a dim's name ({_listed(names)})." if names else "."),
            )
        shape = shape_of(values[tensor])
        if shape is None:
            raise PassError(f"The rank of '{tensor}' is not known: it has no dims to change.", hint="Export the model with shapes.")
        place = int(axis)
        if not -len(shape) <= place < len(shape):
            raise PassError(f"'{tensor}' has no axis {place}.", hint=f"It has {len(shape)}, counted from 0.")
        before = shape[place]
        if before == dim:
            continue
        found.single[tensor, place % len(shape)] = dim
        found.freed |= isinstance(before, int) and not isinstance(dim, int)
        if before is not None:
            found.old.add(before)
    return found


def _dim(text: str) -> Dim:
    if text in ("", "?"):
        return None
    if re.fullmatch(r"[-+]?\d+", text):
        number = int(text)
        if not 0 < number <= _LARGEST:
            raise PassError(f"A dim cannot be {text}.", hint="Write a whole number from 1, a name, or ? for a free dim.")
        return number
    if re.search(r"[\s,;\[\]]", text):
        raise PassError(f"'{text}' cannot be the name of a dim.", hint="Use letters, digits and underscores.")
    return text


def shape_of(value: ir.Value) -> tuple[Dim, ...] | None:
    """The dims of a value: numbers, names, None for free ones; None when the rank is not known."""
    if value.shape is None:
        return None
    return tuple(dim if isinstance(dim, int) else (str(dim.value) if dim.value else None) for dim in value.shape)


def set_dims(model: ir.Model, rules: Dims) -> list[str]:
    """Write dims into the model: named ones wherever they stand, single ones where they were named; says what was done.

    What was inferred from a single dim is freed where it cannot be told any more; `refresh` infers it anew.
    """
    import onnx_ir as ir

    inputs, outputs = ends(model)
    frame = {id(value) for value in (*inputs, *outputs)}
    for graph in model.graphs():
        for value in (*graph.inputs, *(value for node in graph for value in node.outputs)):
            shape = shape_of(value)
            if shape is None or value.name in graph.initializers:
                continue
            new = [_renamed(dim, rules.named) for dim in shape]
            if id(value) not in frame:
                new = [None if dim in rules.old else dim for dim in new]
            if tuple(new) != shape:
                value.shape = ir.Shape(new)
    said = [f"Every dim '{name}' is {_called(dim)} now." for name, dim in rules.named.items()]
    for value in {id(value): value for value in (*inputs, *outputs)}.values():
        mine = {axis: dim for (tensor, axis), dim in rules.single.items() if tensor == value.name}
        whole = list(shape_of(value) or ())
        for axis, dim in mine.items():
            said.append(f"Dim {axis} of '{value.name}' is {_called(dim)} now; it was {_called(whole[axis])}.")
            whole[axis] = dim
        if mine:
            value.shape = ir.Shape(whole)
    return said


def _renamed(dim: Dim, named: dict[str, Dim]) -> Dim:
    """A dim under the new names; an expression in which a name stands that became a number or free is free itself."""
    if not isinstance(dim, str):
        return dim
    if dim in named:
        return named[dim]
    for name, new in named.items():
        whole = rf"(?<!\w){re.escape(name)}(?!\w)"
        if re.search(whole, dim):
            if not isinstance(new, str):
                return None
            dim = re.sub(whole, lambda _, new=new: new, dim)  # type: ignore[misc]
    return dim


def _called(dim: Dim) -> str:
    return "free" if dim is None else str(dim) if isinstance(dim, int) else f"'{dim}'"


# ---- what follows from dims ----
def refresh(model: ir.Model, rules: Dims, before: onnx.ModelProto) -> list[str]:
    """Infer the shapes of `model` anew after its inputs' dims changed, and hold its outputs to them; says what followed.

    `before` is the model as it was. Raises `PassError` where the new dims contradict what the nodes make.
    """
    import onnx_ir as ir

    from core.model.plain import skeleton

    inferred, note = _inferred(skeleton(model), before)
    made = {value.name: value for value in (*inferred.graph.value_info, *inferred.graph.output)}
    said = [note] if note else []
    for node in model.graph:
        for value in node.outputs:
            shape = _known(made.get(value.name))
            if shape is not None and not value.is_graph_output():
                value.shape = ir.Shape(shape)
    done = set()
    for value in model.graph.outputs:
        declared, shape = shape_of(value), _known(made.get(value.name))
        if shape is None or declared is None or value.is_graph_input() or id(value) in done:
            continue
        done.add(id(value))
        if len(shape) != len(declared):
            raise PassError(f"Output '{value.name}' would have {len(shape)} dims, not {len(declared)}.", hint=_HINT)
        told = {axis: dim for (tensor, axis), dim in rules.single.items() if tensor == value.name}
        new = []
        for axis, (was, dim) in enumerate(zip(declared, shape, strict=True)):
            if isinstance(was, int) and isinstance(dim, int) and was != dim and axis in told:
                raise PassError(f"Dim {axis} of output '{value.name}' is {dim} with these inputs, and cannot be {was}.", hint=_HINT)
            if axis in told:
                if isinstance(was, int) and not isinstance(dim, int):
                    said.append(f"Warning: dim {axis} of '{value.name}' says {was} now, but the nodes do not promise it.")
                new.append(was)
            elif isinstance(dim, int):
                new.append(dim)
            else:  # a number that nothing promises any more gives way to what the nodes say
                new.append(was if isinstance(was, str) and dim is None else dim)
        if tuple(new) != declared:
            said.append(f"Output '{value.name}' is [{', '.join('?' if dim is None else str(dim) for dim in new)}] therefore.")
            value.shape = ir.Shape(new)
    return said


_HINT = "Change the inputs' dims so that they fit, or leave this one."


def _inferred(light: onnx.ModelProto, before: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """The model with shapes made from its inputs alone, held to every rule that inference knows."""
    bare = _bare(light)
    try:
        return _infer(bare, strict=True), ""
    except _errors() as error:
        first = _first(error)
    try:
        _infer(_bare(before), strict=True)
    except _errors():  # it did not hold before either: what can be inferred is
        try:
            return _infer(bare, strict=False), f"Warning: shapes could not be checked: {first}"
        except _errors():
            return light, f"Warning: shapes could not be inferred: {first}"
    raise PassError(f"The dims do not fit the model: {first}", hint=_HINT)


def _bare(light: onnx.ModelProto) -> onnx.ModelProto:
    """Without the shapes that were known of anything but inputs and weights."""
    import onnx

    bare = onnx.ModelProto()
    bare.CopyFrom(light)
    del bare.graph.value_info[:]
    given = {value.name for value in bare.graph.input}
    for value in bare.graph.output:
        if value.name not in given and value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    return bare


def _infer(bare: onnx.ModelProto, *, strict: bool) -> onnx.ModelProto:
    import onnx

    return onnx.shape_inference.infer_shapes(bare, check_type=False, strict_mode=strict, data_prop=True)


def _errors() -> tuple[type[Exception], ...]:
    import onnx

    return (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError, ValueError, TypeError)


#: Where onnx's messages, which nest those of subgraphs, come to the point.
_POINT = re.compile(r"\(op_type:\s*(\w+)(?:, node name: ([^)]*))?\): \[\w+\] (?!Inference error)([^\n]+)")


def _first(error: Exception) -> str:
    """What a message of onnx comes down to: the first node that does not fit, and why."""
    point = _POINT.search(str(error))
    if point is None:
        return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"{point[1]} '{point[2]}' says: {point[3].strip()}" if point[2] else f"{point[1]} says: {point[3].strip()}"


def _known(value: onnx.ValueInfoProto | None) -> list[Dim] | None:
    if value is None or not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    found: list[Dim] = []
    for dim in value.type.tensor_type.shape.dim:
        if dim.HasField("dim_value"):
            found.append(dim.dim_value)
        else:
            found.append(dim.dim_param if dim.dim_param and not _UNKNOWN.match(dim.dim_param) else None)
    return found


# ---- metadata ----
def set_metadata(model: ir.Model, rules: Iterable[str]) -> list[str]:
    """Write, change and take away entries of the metadata; says what was done."""
    said = []
    for rule in rules:
        key, value = _split(rule, model.metadata_props)
        if not key:
            raise PassError(f"'{rule}' names no key.", hint="Write it as key=value.")
        if key.startswith(_OURS):
            raise PassError(f"'{key}' is kept by Sardonyx itself.", hint="Choose another key.")
        before = model.metadata_props.get(key)
        if not value:
            if before is None:
                raise PassError(f"There is no metadata '{key}'.", hint=f"There is: {_listed(model.metadata_props) or 'none'}.")
            del model.metadata_props[key]
            said.append(f"Metadata '{key}' was taken away.")
        elif before != value:
            model.metadata_props[key] = value
            said.append(f"Metadata '{key}' is '{value}' now." if before is None else f"Metadata '{key}' is '{value}', not '{before}'.")
    return said


def _listed(names: Iterable[str], most: int = 6) -> str:
    found: Sequence[str] = list(names)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")

"""Parameters are dataclass fields declared once: the form, the CLI flag, the recipe key, the tooltip, the docs and the
JSON schema are all read from the same declaration.

    @dataclass(frozen=True)
    class PruneMagnitude(Pass):
        sparsity: float = param(0.5, "Fraction of weights set to zero", min=0.0, max=0.99, step=0.05)

A field's type is one of bool, int, float, str or tuple[str, ...]; `str` with `kind` set is a path that a person picks.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from core.errors import UsageError

Kind = Literal["", "file", "folder", "path", "nodes", "text"]
Value = bool | int | float | str | tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Spec:
    """What one parameter accepts, and how it is spoken of.

    `kind` tells a form what to offer for a str or tuple: pick a file, a folder, either (`path`), or graph nodes.
    `advanced` parameters are folded away in forms.
    """

    name: str
    type: type
    default: Value
    help: str
    title: str
    min: float | None = None
    max: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    kind: Kind = ""
    advanced: bool = False


def param(
    default: Any,
    help: str,
    *,
    min: float | None = None,
    max: float | None = None,
    step: float | None = None,
    choices: Iterable[str] = (),
    unit: str = "",
    kind: Kind = "",
    title: str = "",
    advanced: bool = False,
) -> Any:
    """Declare a dataclass field as a parameter; `title` is made from the field's name when left out."""
    meta = {
        "help": help,
        "min": min,
        "max": max,
        "step": step,
        "choices": tuple(choices),
        "unit": unit,
        "kind": kind,
        "title": title,
        "advanced": advanced,
    }
    return dataclasses.field(default=default, metadata={"param": meta})


def specs(cls: type) -> tuple[Spec, ...]:
    """The parameters that `cls` declares, in order; fields made without `param` are left out."""
    return _specs(cls)


@functools.cache
def _specs(cls: type) -> tuple[Spec, ...]:
    hints = typing.get_type_hints(cls)
    found = []
    for field in dataclasses.fields(cls):
        meta = field.metadata.get("param")
        if meta is None:
            continue
        hint = hints[field.name]
        kind = typing.get_origin(hint) or hint
        if kind not in (bool, int, float, str, tuple):
            raise TypeError(f"{cls.__name__}.{field.name}: a parameter is bool, int, float, str or tuple[str, ...]")
        title = meta["title"] or field.name.replace("_", " ").capitalize()
        found.append(Spec(name=field.name, type=kind, default=typing.cast(Value, field.default), **{**meta, "title": title}))
    return tuple(found)


def parse(spec: Spec, text: str) -> Value:
    """Read one value as written on a command line; lists are separated by `;` (node names may hold commas)."""
    if spec.type is bool:
        low = text.strip().lower()
        if low in ("1", "true", "yes", "on", ""):
            return True
        if low in ("0", "false", "no", "off"):
            return False
        raise UsageError(f"{spec.name}: '{text}' is neither yes nor no.", hint="Use true or false.")
    if spec.type is tuple:
        return tuple(item.strip() for item in text.split(";") if item.strip())
    if spec.type is str:
        return text
    try:
        return int(text) if spec.type is int else float(text)
    except ValueError:
        wanted = "a whole number" if spec.type is int else "a number"
        raise UsageError(f"{spec.name}: '{text}' is not {wanted}.", hint=_range(spec)) from None


def check(spec: Spec, value: Any) -> Value:
    """`value` as this parameter keeps it, or a `UsageError` that names the parameter and what it accepts."""
    if spec.type is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise UsageError(f"{spec.name}: the number is out of range.", hint=_range(spec)) from None
    if spec.type is tuple and isinstance(value, list):
        value = tuple(value)
    wrong = not isinstance(value, spec.type) or (spec.type is not bool and isinstance(value, bool))
    if spec.type is tuple and not wrong:
        wrong = any(not isinstance(item, str) for item in value)
    if wrong:
        raise UsageError(f"{spec.name}: {value!r} is not a {_word(spec)}.", hint=_range(spec))
    for item in (value,) if spec.type is str else value if spec.type is tuple else ():
        if "\0" in item:
            raise UsageError(f"{spec.name}: {item!r} holds a NUL character.", hint=_range(spec))
        if spec.choices and item not in spec.choices:
            raise UsageError(f"{spec.name}: '{item}' is not one of the choices.", hint=_range(spec))
    if spec.type in (int, float):
        out = (spec.min is not None and value < spec.min) or (spec.max is not None and value > spec.max)
        if out or (spec.type is float and not math.isfinite(value)):
            raise UsageError(f"{spec.name}: {str(value)[:40]} is out of range.", hint=_range(spec))
    return typing.cast(Value, value)


def validate(obj: Any) -> None:
    """Raise `UsageError` at the first parameter of `obj` that is out of bounds."""
    for spec in specs(type(obj)):
        check(spec, getattr(obj, spec.name))


def to_dict(obj: Any, *, changed_only: bool = False) -> dict[str, Any]:
    """Parameter name -> value, as a recipe or JSON document holds it (tuples become lists)."""
    values = {}
    for spec in specs(type(obj)):
        value = getattr(obj, spec.name)
        if changed_only and value == spec.default:
            continue
        values[spec.name] = list(value) if isinstance(value, tuple) else value
    return values


def from_dict(cls: type[T], values: Mapping[str, Any]) -> T:
    """Make a `cls` from named values, each checked; an unknown name is a `UsageError` that lists the known ones."""
    known = {spec.name: spec for spec in specs(cls)}
    for name in values:
        if name not in known:
            raise UsageError(f"There is no parameter '{name}' here.", hint=f"Known: {', '.join(known) or 'none'}.")
    return cls(**{name: check(known[name], value) for name, value in values.items()})


def from_text(cls: type[T], text: str) -> T:
    """Make a `cls` from `key=value,key=value` as the command line writes it (a comma inside a value is `\\,`)."""
    known = {spec.name: spec for spec in specs(cls)}
    values: dict[str, Any] = {}
    for item in text.replace("\\,", "\0").split(","):
        item = item.replace("\0", ",").strip()
        if not item:
            continue
        name, equals, value = item.partition("=")
        name = name.strip().replace("-", "_")
        if name not in known:
            raise UsageError(f"There is no parameter '{name}' here.", hint=f"Known: {', '.join(known) or 'none'}.")
        values[name] = parse(known[name], value if equals else "true")
    return from_dict(cls, values)


def schema(cls: type) -> dict[str, Any]:
    """A JSON schema (draft 2020-12) for what `from_dict` accepts."""
    words: dict[type, dict[str, Any]] = {
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        float: {"type": "number"},
        str: {"type": "string"},
        tuple: {"type": "array", "items": {"type": "string"}},
    }
    properties: dict[str, Any] = {}
    for spec in specs(cls):
        default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
        entry: dict[str, Any] = {**words[spec.type], "description": spec.help, "default": default}
        if spec.choices:
            target = entry if spec.type is str else entry.setdefault("items", {})
            target["enum"] = list(spec.choices)
        if spec.min is not None:
            entry["minimum"] = spec.min
        if spec.max is not None:
            entry["maximum"] = spec.max
        properties[spec.name] = entry
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _word(spec: Spec) -> str:
    return {bool: "yes or no", int: "whole number", float: "number", str: "text", tuple: "list of names"}[spec.type]


def _range(spec: Spec) -> str:
    if spec.choices:
        return f"Choose {'from' if spec.type is tuple else 'one of'}: {', '.join(spec.choices)}."
    unit = f" {spec.unit}" if spec.unit else ""
    if spec.min is not None and spec.max is not None:
        return f"From {spec.min:g} to {spec.max:g}{unit}."
    if spec.min is not None:
        return f"At least {spec.min:g}{unit}."
    if spec.max is not None:
        return f"At most {spec.max:g}{unit}."
    return spec.help

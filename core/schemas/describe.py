"""The JSON schema (draft 2020-12) of what `plain` makes of a dataclass."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal, Union

from core.schemas.encode import hints


def describe(cls: type, *, strict: bool = False) -> dict[str, Any]:
    """The schema of a document made from `cls`: the object itself at the top, the dataclasses it uses under `$defs`.

    `strict` forbids fields that are not declared. The published schema does not: a field may be added within one
    version of a document, none is taken away or changes its meaning.
    """
    defs: dict[str, Any] = {}
    top = _object(cls, defs, strict)
    return {**top, "$defs": defs} if defs else top


def _object(cls: type, defs: dict[str, Any], strict: bool) -> dict[str, Any]:
    hinted = hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    entry: dict[str, Any] = {
        "type": "object",
        "properties": {name: _type(hinted[name], defs, strict) for name in names},
        "required": names,
    }
    text = cls.__doc__ or ""
    if text and not text.startswith(f"{cls.__name__}("):  # dataclasses write their own signature where no docstring is
        entry["description"] = " ".join(inspect.cleandoc(text).split())
    if strict:
        entry["additionalProperties"] = False
    return entry


def _type(hint: Any, defs: dict[str, Any], strict: bool) -> dict[str, Any]:
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return {}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in defs:
            defs[hint.__name__] = {}  # stands here while its own fields are looked at: a type may hold itself
            defs[hint.__name__] = _object(hint, defs, strict)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if origin in (Union, types.UnionType):
        return _union([_type(choice, defs, strict) for choice in given])
    if origin is Literal:
        return {"enum": list(given)}
    if origin is tuple and not (len(given) == 2 and given[1] is Ellipsis):
        return {
            "type": "array",
            "prefixItems": [_type(item, defs, strict) for item in given],
            "minItems": len(given),
            "maxItems": len(given),
        }
    if origin in (tuple, list) or hint in (tuple, list):
        return {"type": "array", "items": _type(given[0], defs, strict)} if given else {"type": "array"}
    if origin in (dict, Mapping) or hint is dict:
        return {"type": "object", "additionalProperties": _type(given[1], defs, strict) if given else {}}
    return _scalar(hint)


def _scalar(hint: Any) -> dict[str, Any]:
    if hint is type(None):
        return {"type": "null"}
    if hint is float:
        return {"type": ["number", "null"]}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [item.value for item in hint]}
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return {"type": "string"}
    words = {bool: "boolean", int: "integer", str: "string"}
    if hint in words:
        return {"type": words[hint]}
    raise TypeError(f"no JSON schema rule for {hint!r}")


def _union(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Plain types are joined into one list of types, the rest stands under `anyOf`."""
    if all(set(choice) == {"type"} for choice in choices):
        names: list[str] = []
        for choice in choices:
            kinds = choice["type"] if isinstance(choice["type"], list) else [choice["type"]]
            names += [kind for kind in kinds if kind not in names]
        return {"type": names}
    return {"anyOf": choices}

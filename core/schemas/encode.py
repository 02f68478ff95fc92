"""Frozen dataclasses to JSON-safe values and back, driven by their type hints alone."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Literal, TypeVar, Union

T = TypeVar("T")

#: The one key of an object that stands for a value JSON cannot say (in `exact` only).
TAG = "$is"


def plain(value: Any) -> Any:
    """`value` for a reader of JSON: lossy where JSON is poor (not-finite numbers become null, tuples arrays)."""
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no place in a JSON document")


def exact(value: Any) -> Any:
    """`value` as JSON that `decode` turns back into the very same value; for files that we read again ourselves."""
    return _exact(value, free=False)


def _exact(value: Any, *, free: bool) -> Any:
    """`free`: no type hint will tell `decode` what this was, so a tuple says so itself."""
    if isinstance(value, float) and not math.isfinite(value):
        return {TAG: "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _exact(getattr(value, field.name), free=False) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _exact(item, free=True) for key, item in value.items()}
    if isinstance(value, tuple) and free:
        return {TAG: "tuple", "items": [_exact(item, free=True) for item in value]}
    if isinstance(value, (tuple, list)):
        return [_exact(item, free=free) for item in value]
    if isinstance(value, PurePath) and free:
        return {TAG: "path", "path": str(value)}
    if hasattr(value, "tolist") and not isinstance(value, (bool, int, float, str)):
        return _exact(value.tolist(), free=free)
    return plain(value)


def _key(key: Any) -> str:
    return str(key.value) if isinstance(key, enum.Enum) else str(key)


def decode(hint: type[T] | Any, data: Any) -> T:
    """What `exact` was given, from what it returned; raises `ValueError` that names the place when it does not fit.

    Fields that the dataclass does not know are ignored, missing ones take their default: files of a near version open.
    """
    return typing.cast(T, _decode(hint, data, ""))


def _decode(hint: Any, data: Any, where: str) -> Any:
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(data, dict) and TAG in data and origin not in (Union, types.UnionType):
        return _tagged(hint, data, where)
    if hint is Any or hint is object:
        return _free(data, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint, data, where)
    if origin in (Union, types.UnionType):
        return _union(given, data, where)
    if origin is Literal:
        return _expect(data in given, data, f"one of {given}", where)
    if origin is tuple or hint is tuple:
        return _tuple(given, data, where)
    if origin is list or hint is list:
        _expect(isinstance(data, list), data, "a list", where)
        return [_decode(given[0] if given else Any, item, f"{where}[{n}]") for n, item in enumerate(data)]
    if origin in (dict, Mapping) or hint is dict:
        _expect(isinstance(data, dict), data, "an object", where)
        return {key: _decode(given[1] if given else Any, item, f"{where}.{key}") for key, item in data.items()}
    return _scalar(hint, data, where)


def _tagged(hint: Any, data: dict[str, Any], where: str) -> Any:
    """A value that says itself what it is; held to `hint` all the same, where there is one."""
    free = hint is Any or hint is object
    match data:
        case {"$is": "nan" | "inf" | "-inf" as word} if free or hint is float:
            return float(word)
        case {"$is": "tuple", "items": list(items)} if free:
            return tuple(_decode(Any, item, where) for item in items)
        case {"$is": "tuple", "items": list(items)} if hint is tuple or typing.get_origin(hint) is tuple:
            return _tuple(typing.get_args(hint), items, where)
        case {"$is": "path", "path": str(path)} if free or (isinstance(hint, type) and issubclass(hint, PurePath)):
            return Path(path)
    raise ValueError(f"{where or 'the document'}: {str(data)[:60]} does not belong here")


def _free(data: Any, where: str) -> Any:
    if isinstance(data, dict):
        return {key: _decode(Any, item, f"{where}.{key}") for key, item in data.items()}
    if isinstance(data, list):
        return [_decode(Any, item, f"{where}[{n}]") for n, item in enumerate(data)]
    return data


def _dataclass(cls: Any, data: Any, where: str) -> Any:
    _expect(isinstance(data, dict), data, "an object", where)
    hinted = hints(cls)
    values = {}
    for field in dataclasses.fields(cls):
        if field.name in data:
            values[field.name] = _decode(hinted[field.name], data[field.name], f"{where}.{field.name}" if where else field.name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where or cls.__name__}: '{field.name}' is missing")
    return cls(**values)


def _union(choices: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in choices:
        return None
    reasons = []
    # int before float, str last: 3 stays an int, and a path is not mistaken for a word.
    for choice in sorted((c for c in choices if c is not type(None)), key=lambda c: (c is str, c is float)):
        try:
            return _decode(choice, data, where)
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(reasons) or f"{where}: {data!r} fits nothing")


def _tuple(given: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    _expect(isinstance(data, list), data, "a list", where)
    if len(given) == 2 and given[1] is Ellipsis:
        if given[0] in (int, float, str):
            _expect(all(_fits(given[0], item) for item in data), "a list", f"a list of {given[0].__name__}", where)
            return (
                tuple(float(item) if not isinstance(item, dict) else _tagged(float, item, where) for item in data)
                if given[0] is float
                else tuple(data)
            )
        return tuple(_decode(given[0], item, f"{where}[{n}]") for n, item in enumerate(data))
    if not given:
        return tuple(_decode(Any, item, where) for item in data)
    _expect(len(data) == len(given), data, f"a list of {len(given)}", where)
    return tuple(_decode(hint, item, f"{where}[{n}]") for n, (hint, item) in enumerate(zip(given, data, strict=True)))


def _fits(hint: type, item: Any) -> bool:
    if hint is float:
        return (isinstance(item, (int, float)) and not isinstance(item, bool)) or (isinstance(item, dict) and TAG in item)
    return isinstance(item, hint) and not (hint is int and isinstance(item, bool))


def _scalar(hint: Any, data: Any, where: str) -> Any:
    if hint is type(None):
        return _expect(data is None, data, "null", where)
    if hint is float:
        return float(_expect(isinstance(data, (int, float)) and not isinstance(data, bool), data, "a number", where))
    if hint is int:
        return _expect(isinstance(data, int) and not isinstance(data, bool), data, "a whole number", where)
    if hint in (bool, str):
        return _expect(isinstance(data, hint), data, hint.__name__, where)
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return Path(_expect(isinstance(data, str), data, "a path", where))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(data)
    raise TypeError(f"{where}: no rule for {hint!r}")


def _expect(true: bool, data: Any, wanted: str, where: str) -> Any:
    if not true:
        raise ValueError(f"{where or 'the document'}: {str(data)[:60]!r} is not {wanted}")
    return data


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """The resolved type hints of a dataclass."""
    return typing.get_type_hints(cls)

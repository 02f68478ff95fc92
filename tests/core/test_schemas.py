"""Result dataclasses as JSON: nothing is lost on the way to our own files, nothing unsayable reaches a reader."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jsonschema
import numpy as np
import pytest

from core.model import TensorType
from core.schemas import decode, describe, envelope, exact, plain, schema_of


class Colour(enum.Enum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    """One thing."""

    value: float
    maybe: int | None = None


@dataclass(frozen=True)
class Outer:
    """Everything that a document may hold."""

    path: Path
    inner: Inner
    many: tuple[Inner, ...]
    pair: tuple[int, str]
    floats: tuple[float, ...]
    shape: tuple[int | str | None, ...] | None
    colour: Colour
    word: Literal["a", "b"]
    table: dict[str, tuple[int, ...]]
    free: dict[str, Any] = field(default_factory=dict)
    flag: bool = False
    parent: Inner | None = None


def outer(**changes: Any) -> Outer:
    values: dict[str, Any] = {
        "path": Path("/a/b.onnx"),
        "inner": Inner(math.inf),
        "many": (Inner(1.5, 2), Inner(-math.inf)),
        "pair": (3, "x"),
        "floats": (0.1, 2.0, math.inf),
        "shape": (1, "N", None),
        "colour": Colour.RED,
        "word": "b",
        "table": {"x": (1, 2)},
        "free": {"t": (1, (2.5, "y")), "list": [1, {"k": math.inf}], "p": Path("/c"), "n": None},
    }
    return Outer(**{**values, **changes})


def test_exact_and_back_is_the_same_also_through_text() -> None:
    value = outer()
    assert decode(Outer, json.loads(json.dumps(exact(value), allow_nan=False))) == value


def test_nan_comes_back_as_nan() -> None:
    assert math.isnan(decode(Inner, exact(Inner(math.nan))).value)


def test_plain_has_no_word_for_what_is_not_finite() -> None:
    told = plain(outer(free={"numpy": np.float32(0.5), "array": np.arange(3), "count": np.int64(7), "nan": np.float64("nan")}))
    assert told["inner"]["value"] is None
    assert told["floats"] == [0.1, 2.0, None]
    assert told["free"] == {"numpy": 0.5, "array": [0, 1, 2], "count": 7, "nan": None}
    assert told["path"] == str(Path("/a/b.onnx"))
    json.dumps(told, allow_nan=False)


def test_the_schema_accepts_what_plain_makes_and_nothing_less() -> None:
    schema = describe(Outer, strict=True)
    jsonschema.Draft202012Validator.check_schema(schema)
    told = plain(outer())
    jsonschema.validate(told, schema)
    for wrong in ({**told, "pair": [3]}, {**told, "word": "c"}, {**told, "new": 1}, {k: v for k, v in told.items() if k != "path"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    jsonschema.validate({**told, "new": 1}, describe(Outer))  # the published one lets a later field pass


def test_an_envelope_names_its_schema_and_our_version() -> None:
    document = envelope("thing", Inner(1.0))
    assert list(document)[:2] == ["schema", "version"]
    assert document["schema"] == "sardonyx.thing/1"
    jsonschema.validate(document, schema_of("thing", Inner, strict=True))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "schema": "sardonyx.other/1"}, schema_of("thing", Inner))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"value": "x"}, "value"),
        ({}, "'value' is missing"),
        ({"value": True}, "value"),
        ({"value": 1.0, "maybe": 1.5}, "maybe"),
        ([], "the document"),
        ({"value": {"$is": "moon"}}, "moon"),
    ],
)
def test_what_does_not_fit_is_named(data: Any, where: str) -> None:
    with pytest.raises(ValueError, match=where):
        decode(Inner, data)


@pytest.mark.parametrize(
    ("hint", "data"),
    [
        (int, {"$is": "nan"}),
        (str, {"$is": "path", "path": "x"}),
        (float, {"$is": "path", "path": "x"}),
        (float, {"$is": "tuple", "items": []}),
        (Path, {"$is": "path", "path": 5}),
        (Path, {"$is": "inf"}),
        (tuple[int, ...], {"$is": "tuple", "items": ["a"]}),
        (tuple[int, ...], {"$is": "tuple", "items": 5}),
        (tuple[float, ...], [{"$is": "path", "path": "x"}]),
        (int | None, {"$is": "nan"}),
        (Any, {"$is": "strange"}),
        (Any, {"$is": ["nan"]}),
        (Any, {"$is": "tuple"}),
    ],
)
def test_a_tag_is_held_to_what_is_wanted(hint: Any, data: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(hint, data)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (dict[str, tuple[int, ...]], {"x": (1, 2)}),
        (dict[str, tuple[int, str]], {"x": (1, "a")}),
        (dict[str, Path], {"x": Path("a")}),
        (dict[str, float], {"x": math.inf}),
        (float | None, math.inf),
        (dict[str, Any], {"x": (1, (Path("b"), -math.inf))}),
    ],
)
def test_tags_come_back_where_they_belong(hint: Any, value: Any) -> None:
    assert decode(hint, json.loads(json.dumps(exact(value)))) == value


def test_unknown_fields_are_ignored_and_missing_ones_take_their_default() -> None:
    assert decode(Inner, {"value": 1, "later": 2}) == Inner(1.0, None)


def test_a_shape_that_is_unknown_stays_unknown() -> None:
    for shape in (None, (), (1, "N", None)):
        tensor = TensorType("x", "float32", shape)
        assert decode(TensorType, exact(tensor)) == tensor


def test_what_has_no_place_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        plain(Inner(object()))  # type: ignore[arg-type]

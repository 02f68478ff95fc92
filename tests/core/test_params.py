from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jsonschema
import pytest

from core import params
from core.errors import UsageError
from core.params import param


@dataclass(frozen=True)
class Everything:
    """One parameter of each kind."""

    id: ClassVar[str] = "everything"
    flag: bool = param(False, "A switch")
    count: int = param(3, "A number of things", min=1, max=10)
    share: float = param(0.5, "A share", min=0.0, max=1.0, step=0.1, unit="%")
    open_end: float = param(1.0, "No upper end", min=0.0)
    below: int = param(0, "No lower end", max=5)
    free: float = param(0.0, "Any number", title="Freedom")
    mode: str = param("fast", "How", choices=("fast", "slow"))
    text: str = param("", "Anything")
    path: str = param("", "A file", kind="file", advanced=True)
    names: tuple[str, ...] = param((), "Some names", kind="nodes")
    picked: tuple[str, ...] = param(("a",), "Some of these", choices=("a", "b"))
    hidden: int = 7
    other: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Nothing:
    """No parameters."""


SPECS = {spec.name: spec for spec in params.specs(Everything)}


def test_specs_are_read_in_order_and_only_from_param() -> None:
    assert list(SPECS) == ["flag", "count", "share", "open_end", "below", "free", "mode", "text", "path", "names", "picked"]
    assert params.specs(Nothing) == ()
    assert params.specs(Everything) is params.specs(Everything)


def test_a_spec_knows_its_words() -> None:
    share = SPECS["share"]
    assert (share.type, share.default, share.min, share.max, share.step, share.unit) == (float, 0.5, 0.0, 1.0, 0.1, "%")
    assert (SPECS["open_end"].title, SPECS["free"].title) == ("Open end", "Freedom")
    assert SPECS["path"].advanced
    assert SPECS["path"].kind == "file"
    assert SPECS["names"].type is tuple
    assert SPECS["mode"].choices == ("fast", "slow")


def test_specs_are_inherited() -> None:
    @dataclass(frozen=True)
    class Heir(Everything):
        more: int = param(1, "More")

    assert [spec.name for spec in params.specs(Heir)][-1] == "more"
    assert len(params.specs(Heir)) == len(SPECS) + 1


def test_a_type_that_no_form_can_show_is_refused() -> None:
    @dataclass(frozen=True)
    class Wrong:
        thing: dict[str, int] = param(None, "No")  # noqa: RUF009

    with pytest.raises(TypeError, match=r"Wrong\.thing"):
        params.specs(Wrong)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("flag", text, True) for text in ("1", "true", "Yes", " on ", "")],
        *[("flag", text, False) for text in ("0", "false", "NO", "off")],
        ("count", "7", 7),
        ("count", " 7 ", 7),
        ("count", "-2", -2),  # parse reads, check judges
        ("share", "0.25", 0.25),
        ("share", "1e-3", 1e-3),
        ("share", "1", 1.0),
        ("text", " as it is ", " as it is "),
        ("names", "a; b ;;c,d", ("a", "b", "c,d")),
        ("names", "", ()),
    ],
)
def test_parse(name: str, text: str, value: object) -> None:
    found = params.parse(SPECS[name], text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("flag", "maybe", "neither yes nor no"),
        ("count", "1.5", "not a whole number"),
        ("count", "", "whole"),
        ("share", "half", "a number"),
    ],
)
def test_parse_refuses(name: str, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        params.parse(SPECS[name], text)
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("flag", True, True),
        ("count", 1, 1),
        ("count", 10, 10),
        ("share", 0, 0.0),
        ("share", 1, 1.0),
        ("below", -(10**9), -(10**9)),
        ("free", -1e300, -1e300),
        ("mode", "slow", "slow"),
        ("text", "ü\n", "ü\n"),
        ("names", ["a", "b"], ("a", "b")),
        ("names", ("a",), ("a",)),
        ("names", [], ()),
        ("picked", ("b", "a"), ("b", "a")),
    ],
)
def test_check_accepts(name: str, value: object, kept: object) -> None:
    found = params.check(SPECS[name], value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("flag", 1, "A switch"),
        ("flag", "true", "A switch"),
        ("flag", None, "A switch"),
        ("count", 0, "From 1 to 10."),
        ("count", 11, "From 1 to 10."),
        ("count", 2.0, "From 1 to 10."),
        ("count", True, "From 1 to 10."),
        ("count", "3", "From 1 to 10."),
        ("share", -0.1, "From 0 to 1 %."),
        ("share", 1.0001, "From 0 to 1 %."),
        ("share", math.nan, "From 0 to 1 %."),
        ("share", True, "From 0 to 1 %."),
        ("open_end", -1.0, "At least 0."),
        ("open_end", math.inf, "At least 0."),
        ("below", 6, "At most 5."),
        ("free", math.nan, "Any number"),
        ("free", -math.inf, "Any number"),
        ("mode", "medium", "Choose one of: fast, slow."),
        ("mode", 1, "Choose one of: fast, slow."),
        ("text", 5, "Anything"),
        ("names", "abc", "Some names"),
        ("names", [1], "Some names"),
        ("names", {"a"}, "Some names"),
        ("picked", ("a", "z"), "Choose from: a, b."),
    ],
)
def test_check_refuses_and_says_what_is_accepted(name: str, value: object, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        params.check(SPECS[name], value)
    assert caught.value.message.startswith(f"{name}: ")
    assert caught.value.hint == hint


def test_to_dict_and_back() -> None:
    made = Everything(flag=True, count=5, names=("x", "y"), path="/a b/c.onnx")
    values = params.to_dict(made)
    assert values["names"] == ["x", "y"]
    assert "hidden" not in values
    assert json.loads(json.dumps(values)) == values
    assert params.from_dict(Everything, values) == made
    assert params.to_dict(made, changed_only=True) == {"flag": True, "count": 5, "names": ["x", "y"], "path": "/a b/c.onnx"}
    assert params.to_dict(Everything(), changed_only=True) == {}
    assert params.from_dict(Everything, {}) == Everything()
    assert params.to_dict(Nothing()) == {}


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no parameter 'cuont'") as caught:
        params.from_dict(Everything, {"cuont": 1})
    assert "count" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        params.from_dict(Nothing, {"a": 1})
    assert "none" in caught.value.hint
    with pytest.raises(UsageError, match="no parameter 'hidden'"):
        params.from_dict(Everything, {"hidden": 1})


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", Everything()),
        (" , ", Everything()),
        ("flag", Everything(flag=True)),
        ("flag=false,count=4", Everything(count=4)),
        ("open-end=2.5", Everything(open_end=2.5)),
        (" count = 4 , mode=slow", Everything(count=4, mode="slow")),
        ("text=a=b", Everything(text="a=b")),
        (r"text=a\,b,names=/x/y;z\,w", Everything(text="a,b", names=("/x/y", "z,w"))),
        ("names=", Everything(names=())),
        ("count=4,count=5", Everything(count=5)),
    ],
)
def test_from_text(text: str, made: Everything) -> None:
    assert params.from_text(Everything, text) == made


@pytest.mark.parametrize("text", ["nothing=1", "count=x", "count=99", "count", "mode=", "=5"])
def test_from_text_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        params.from_text(Everything, text)


def test_validate() -> None:
    params.validate(Everything())
    with pytest.raises(UsageError, match="count: 99 is out of range"):
        params.validate(Everything(count=99))


def accepted(values: dict[str, Any]) -> bool:
    try:
        params.from_dict(Everything, values)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(
    "values",
    [
        {},
        params.to_dict(Everything()),
        {"flag": 1},
        {"count": 0},
        {"count": 10},
        {"count": "3"},
        {"share": 1},
        {"share": 1.5},
        {"mode": "slow"},
        {"mode": "x"},
        {"names": ["a"]},
        {"names": "a"},
        {"names": [1]},
        {"picked": ["b"]},
        {"picked": ["z"]},
        {"other": 1},
        {"text": None},
    ],
)
def test_the_schema_says_what_from_dict_accepts(values: dict[str, Any]) -> None:
    schema = params.schema(Everything)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(values) == accepted(values)


def test_the_schema_speaks() -> None:
    entry = params.schema(Everything)["properties"]["share"]
    assert entry == {"type": "number", "description": "A share", "default": 0.5, "minimum": 0.0, "maximum": 1.0}

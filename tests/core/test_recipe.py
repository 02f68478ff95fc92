"""Recipes: what is written is read back, and a mistake is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core import params, recipe
from core.data import DataSpec
from core.errors import UsageError
from core.passes import PASSES
from core.passes.base import Pass


def changed(cls: type[Pass]) -> Pass:
    """The pass with every parameter away from its default, as far as it lets itself."""
    values: dict[str, object] = {}
    for spec in params.specs(cls):
        if spec.type is bool:
            values[spec.name] = not spec.default
        elif spec.choices and spec.type is str:
            values[spec.name] = spec.choices[-1]
        elif spec.type is tuple:
            values[spec.name] = (spec.choices[0],) if spec.choices else ('a "b"', "c\\d")
        elif spec.type is int:
            values[spec.name] = int(spec.min or 0) + 1
        elif spec.type is float:
            values[spec.name] = spec.max if spec.max is not None else 0.25
    return params.from_dict(cls, values)


@pytest.mark.parametrize("id", PASSES.ids())
def test_every_pass_survives_a_recipe(id: str, tmp_path: Path) -> None:
    steps = (PASSES[id](), changed(PASSES[id]))
    recipe.write(steps, tmp_path / "r.toml")
    assert recipe.read(tmp_path / "r.toml") == steps
    assert [path.name for path in tmp_path.iterdir()] == ["r.toml"]


def test_a_recipe_says_who_wrote_it_and_leaves_defaults_as_comments() -> None:
    text = recipe.text([PASSES["simplify"]()])
    assert "written by Sardonyx" in text
    assert '[[step]]\npass = "simplify"\n# verify = true' in text


def with_data() -> Any:
    found = next((cls for cls in PASSES if any(spec.name == "data" for spec in params.specs(cls))), None)
    assert found is not None, "no pass takes data"
    return found


def test_data_moves_with_its_recipe(tmp_path: Path) -> None:
    cls = with_data()
    (tmp_path / "a").mkdir()
    step = cls(data=str(tmp_path / "a" / "calibration.npz"))
    recipe.write([step], tmp_path / "a" / "r.toml")
    assert 'data = "calibration.npz"' in (tmp_path / "a" / "r.toml").read_text()
    (tmp_path / "a").rename(tmp_path / "b")
    (read,) = recipe.read(tmp_path / "b" / "r.toml")
    assert getattr(read, "data") == str(tmp_path / "b" / "calibration.npz")  # noqa: B009 - only some passes have it


def test_data_is_given_to_those_that_have_none() -> None:
    cls = with_data()
    spec = DataSpec(path="ours", mean="127", std="128")
    first: Any
    second: Any
    third: Any
    fourth: Any
    first, second, third = recipe.with_data([PASSES["simplify"](), cls(), cls(data="mine", std="1")], spec)
    assert first == PASSES["simplify"]()
    assert (second.data, second.mean, second.std) == ("ours", "127", "128")
    assert (third.data, third.mean, third.std) == ("mine", "0", "1")
    (fourth,) = recipe.with_data([cls(std="1")], spec)
    assert (fourth.data, fourth.mean, fourth.std) == ("ours", "127", "1")
    assert recipe.with_data([cls()], DataSpec()) == (cls(),)


HEAD = "# mine\nformat = 1\n\n"


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (HEAD + '[[step]]\npass = "simplfy"\n', "line 5: There is no 'simplfy'", "simplify"),
        (
            HEAD + '[[step]]\npass = "simplify"\n\n[[step]]\npass = "fp16"\nkep_io = true\n',
            "line 9: fp16 has no parameter 'kep_io'",
            "keep_io",
        ),
        (HEAD + '[[step]]\npass = "fp16"\nkeep_io = 3\n', "line 6: keep_io: 3 is not", "Leave"),
        (HEAD + "[[step]]\nkeep_io = true\n", "line 4: step 1 does not say which pass", "simplify"),
        (HEAD + '[step]\npass = "simplify"\n', "line 4: 'step' is not a list", "[[step]]"),
        (HEAD + "steps = []\n", "line 4: a recipe has no 'steps'", "[[step]]"),
        ("format = 2\n", "line 1: the recipe has format 2", "Update"),
        ("format = 0\n", "no recipe format 0", "format = 1"),
        ('[[step]]\npass = "simplify"\n', "does not say which format", "format = 1"),
        (HEAD + "[[step]\n", "line 4", "TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(content: str, message: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(content)
    with pytest.raises(UsageError) as told:
        recipe.read(path)
    assert message in told.value.message
    assert hint in told.value.hint


@pytest.mark.parametrize(
    "content",
    [
        "a = " + "[" * 100_000,
        "format = " + "9" * 5000,
        'format = 1\n[[step]]\npass = "prune_magnitude"\nsparsity = 1' + "0" * 400,
        'format = 1\n[[step]]\npass = "quantize_int8"\nsamples = 1' + "0" * 400,
        'format = 1\n[[step]]\npass = "quantize_int8"\ndata = "a\\u0000b"',
    ],
)
def test_a_recipe_made_to_break_things_is_a_mistake_like_any_other(content: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(content)
    with pytest.raises(UsageError, match=r"r\.toml") as caught:
        recipe.read(tmp_path / "r.toml")
    assert len(caught.value.message) < 300
    assert caught.value.hint


def test_a_home_of_nobody_is_a_name_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('format = 1\n[[step]]\npass = "quantize_int8"\ndata = "~nobodyhere/x"')
    (step,) = recipe.read(tmp_path / "r.toml")
    assert vars(step)["data"] == str(tmp_path / "~nobodyhere" / "x")


def test_a_path_that_is_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a path in it is no text"):
        recipe.write([PASSES["quantize_int8"](data="/\udcff.npz")], tmp_path / "r.toml")  # type: ignore[call-arg]
    assert not list(tmp_path.iterdir())


def test_a_recipe_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        recipe.read(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a text file"):
        recipe.read(tmp_path / "b.toml")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        recipe.write([PASSES["simplify"]()], tmp_path / "none" / "r.toml")

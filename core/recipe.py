"""A recipe is a list of passes with their parameters, in a TOML file that people read, edit and keep in git.

    format = 1

    [[step]]
    pass = "simplify"

    [[step]]
    pass = "quantize_int8"
    profile = "tensorrt"
    data = "calibration.npz"

Relative paths are relative to the recipe's own folder, so that a recipe and its data can be moved together.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import core
from core import params
from core.data import DataSpec
from core.errors import UsageError
from core.history import History
from core.passes import PASSES
from core.passes.base import Pass

FORMAT = 1
_PREPARED = ("mean", "std", "resize", "channels")
_PATHS = ("file", "folder", "path")


def of(history: History, variant_id: str) -> tuple[Pass, ...]:
    """The passes that lead from the opened model to `variant_id`, in order."""
    steps = [variant.step for variant in history.path(variant_id) if variant.step is not None]
    return tuple(params.from_dict(PASSES[step.pass_id], step.params) for step in steps)


def text(steps: Iterable[Pass], folder: Path | None = None) -> str:
    """The recipe as TOML; paths inside `folder` are written relative to it.

    Only parameters that differ from their defaults are written, the others as comments: a recipe stays short, and shows
    what it leaves open.
    """
    import tomli_w

    lines = [f"# A Sardonyx recipe, written by Sardonyx {core.__version__}. Run it: sardonyx optimize MODEL -o OUT --recipe FILE"]
    lines += [f"format = {FORMAT}"]
    for step in steps:
        lines += ["", f"# {step.title}: {(type(step).__doc__ or '').strip().splitlines()[0]}" if type(step).__doc__ else f"# {step.title}"]
        lines += ["[[step]]", f'pass = "{step.id}"']
        for spec in params.specs(type(step)):
            value: Any = getattr(step, spec.name)
            changed = value != spec.default
            if isinstance(value, tuple):
                value = list(value)
            elif spec.kind in _PATHS and value and folder is not None and Path(value).is_absolute():
                value = _relative(Path(value), folder)
            line = tomli_w.dumps({spec.name: value}, multiline_strings=False).strip().replace("\n", " ")
            lines.append(line if changed else f"# {line}")
    return "\n".join(lines) + "\n"


def write(steps: Iterable[Pass], path: Path) -> None:
    """Write `steps` to `path`, whole or not at all."""
    path = Path(path)
    content = text(steps, path.absolute().parent)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        try:
            partial.write_text(content, encoding="utf-8")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except UnicodeEncodeError as error:
        hint = "Give the file or folder a name in UTF-8; a recipe holds no other."
        raise UsageError(f"The recipe cannot be written to {path.name}: a path in it is no text.", hint=hint, detail=str(error)) from error
    except OSError as error:
        raise UsageError(
            f"The recipe cannot be written to {path}: {error.strerror}.", hint="Choose a folder that you may write to."
        ) from error


def read(path: Path) -> tuple[Pass, ...]:
    """The passes that the recipe at `path` names, each checked; raises `UsageError` with the line and the known names."""
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The recipe {path} cannot be read: {error.strerror}.", hint="Check the file's name.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The recipe {path} is not a text file.", hint="A recipe is TOML in UTF-8.") from error
    try:
        document = tomllib.loads(content)
    except (ValueError, RecursionError) as error:  # TOML's own error is a ValueError; so is a number of 5,000 digits
        raise UsageError(f"{path.name}: {error}.", hint="A recipe is TOML; see 'sardonyx optimize --help' for an example.") from error
    _check_top(document, content, path)
    steps = document.get("step", [])
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise UsageError(
            f"{path.name}, line {_line(content, None, 'step')}: 'step' is not a list of tables.", hint="Begin each step with [[step]]."
        )
    return tuple(_step(step, number, content, path) for number, step in enumerate(steps))


def _check_top(document: dict[str, Any], content: str, path: Path) -> None:
    for key in document:
        if key not in ("format", "step"):
            line = _line(content, None, key)
            raise UsageError(f"{path.name}, line {line}: a recipe has no '{key}'.", hint="Known: format, [[step]].")
    found = document.get("format")
    if not isinstance(found, int) or isinstance(found, bool):
        raise UsageError(f"{path.name} does not say which format it has.", hint=f"Write 'format = {FORMAT}' on its first line.")
    if found > FORMAT:
        line = _line(content, None, "format")
        raise UsageError(
            f"{path.name}, line {line}: the recipe has format {found}, this Sardonyx ({core.__version__}) reads up to {FORMAT}.",
            hint="Update Sardonyx.",
        )
    if found < 1:
        raise UsageError(f"{path.name}: there is no recipe format {found}.", hint=f"Write 'format = {FORMAT}'.")


def _step(values: dict[str, Any], number: int, content: str, path: Path) -> Pass:
    values = dict(values)
    id = values.pop("pass", None)
    if not isinstance(id, str):
        line = _line(content, number, "pass")
        raise UsageError(f"{path.name}, line {line}: step {number + 1} does not say which pass.", hint=f"Known: {', '.join(PASSES.ids())}.")
    try:
        cls = PASSES[id]
    except UsageError as error:
        raise UsageError(f"{path.name}, line {_line(content, number, 'pass')}: {error.message}", hint=error.hint) from None
    known = {spec.name: spec for spec in params.specs(cls)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        line = _line(content, number, key)
        if key not in known:
            raise UsageError(f"{path.name}, line {line}: {id} has no parameter '{key}'.", hint=f"Known: {', '.join(known) or 'none'}.")
        try:
            checked[key] = params.check(known[key], value)
        except UsageError as error:
            raise UsageError(f"{path.name}, line {line}: {error.message}", hint=error.hint) from None
        if known[key].kind in _PATHS and isinstance(checked[key], str) and checked[key]:
            checked[key] = str(path.absolute().parent / os.path.expanduser(checked[key]))
    return cls(**checked)


def _line(content: str, step: int | None, key: str) -> int:
    """The line (from 1) where `key` of step number `step` stands (None: above the first step); the step's own line when not found."""
    current, start = -1, 1
    for number, line in enumerate(content.splitlines(), 1):
        if re.match(r"\s*\[\[\s*step\s*\]\]", line):
            current += 1
            if current == step:
                start = number
        elif (current == step or step is None) and re.match(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[\]=.]", line):
            return number
    return start


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def with_data(steps: Iterable[Pass], spec: DataSpec) -> tuple[Pass, ...]:
    """The same steps, with `spec`'s data given to each that takes calibration data and was told none.

    How the data is prepared (mean, std, ...) comes along, except where a step says so itself.
    """
    taking = []
    for step in steps:
        known = {item.name: item for item in params.specs(type(step))}
        if "data" not in known or getattr(step, "data") or not spec.path:  # noqa: B009 - only some passes have it
            taking.append(step)
            continue
        given = {name: getattr(spec, name) for name in _PREPARED if name in known and getattr(step, name) == known[name].default}
        taking.append(dataclasses.replace(step, **{"data": spec.path, **given}))
    return tuple(taking)

"""The session folder on disk: what is written where, how it is moved, and how damage is found.

    session.json            head document: format, source, history, list of results, stamps of the big files
    session.previous.json   the head document of the save before, in case this one is damaged
    models/ engines/        the files of variants and engines, never changed once written
    results/                one JSON file an engine record, benchmark or comparison

Paths inside the folder are written as `@session/...`, so that a session may be moved or copied as a whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import core
from core import folders
from core.errors import AppError

FORMAT = 1
HEAD, PREVIOUS = "session.json", "session.previous.json"
MODELS, ENGINES, RESULTS = "models", "engines", "results"
#: Models up to this many bytes are copied into a session when it begins.
SMALL = 64 << 20
#: Files up to this many bytes are hashed at a save, so that damage is seen where the size has stayed: some 20 ms each.
HASHED = 16 << 20
#: No document of ours comes near so many bytes.
LARGEST = 256 << 20
#: Format -> what makes the next format out of such a head document. Nothing yet: 1 is the first.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_INSIDE = "@session/"


@dataclass(frozen=True)
class Source:
    """The file that was opened: where it was, and what it was (`size` and `modified`, in ns, of the .onnx file itself).

    `copied`: the session has a copy of its own. Otherwise (over 64 MB, or with external data) it refers to this file.
    """

    path: Path
    fingerprint: str
    size: int
    modified: int
    sha256: str
    copied: bool


def write_json(path: Path, document: Any, *, durable: bool = True) -> None:
    """Write `document` to `path`, whole or not at all; `durable` also waits until the disk has it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=1, allow_nan=False)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """The document at `path`; raises `AppError` when it is missing or not whole."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST:
            raise ValueError("it is no file of ours")
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AppError(
            f"{path.name} is missing from the session folder.", hint=f"Put it back into {path.parent}, if you have a copy."
        ) from None
    except OSError as error:
        raise AppError(f"{path.name} cannot be read: {error.strerror}.", hint=f"Check the file's permissions: {path}") from error
    except (ValueError, RecursionError) as error:
        raise AppError(f"{path.name} is damaged: {error}.", hint=f"Put a good copy in its place: {path}") from error


def write_head(folder: Path, document: dict[str, Any], *, durable: bool = True) -> None:
    """Make `document` the head of the session in `folder`; the one before stays beside it."""
    head, previous = folder / HEAD, folder / PREVIOUS
    if head.exists():
        spare = folder / f".{PREVIOUS}.new"
        shutil.copy2(head, spare)
        os.replace(spare, previous)
    write_json(head, document, durable=durable)


def mark(folder: Path) -> str:
    """What tells the head document of a session from the one before and the one after; empty where there is none."""
    try:
        return sha256(folder / HEAD)
    except OSError:
        return ""


def read_head(folder: Path) -> tuple[dict[str, Any], list[AppError]]:
    """The head document in this version's format, and what had to be told on the way (the previous one was taken)."""
    if not (folder / HEAD).exists() and not (folder / PREVIOUS).exists():
        raise AppError(f"{folder} is not a Sardonyx session.", hint=f"Choose a folder that holds a {HEAD}.")
    told: list[AppError] = []
    try:
        document = read_json(folder / HEAD)
    except AppError as error:
        if not (folder / PREVIOUS).exists():
            raise
        document = read_json(folder / PREVIOUS)
        told.append(
            AppError(f"{error.message} The save before it was opened instead.", hint="What came after that save is not there; save again.")
        )
    return _migrated(document, folder), told


def _migrated(document: Any, folder: Path) -> dict[str, Any]:
    found = document.get("format") if isinstance(document, dict) else None
    if not isinstance(found, int):
        raise AppError(f"{folder / HEAD} does not say which format it has.", hint="It was not written by Sardonyx, or is damaged.")
    current: dict[str, Any] = document
    if found > FORMAT:
        written = current.get("version", "a newer version")
        raise AppError(
            f"The session was saved by Sardonyx {written} (format {found}).",
            hint=f"This is {core.__version__}: update Sardonyx to open it.",
        )
    while current["format"] < FORMAT:
        if current["format"] not in MIGRATIONS:
            raise AppError(f"There is no way to open a session of format {current['format']}.", hint="Open the model itself again.")
        current = MIGRATIONS[current["format"]](current)
    return current


def outward(value: Any, folder: Path) -> Any:
    """`value` with every text that is a path inside `folder` made relative to it."""
    prefix = str(folder) + os.sep
    if isinstance(value, str):
        if value.startswith(prefix):
            return _INSIDE + Path(value[len(prefix) :]).as_posix()
        return "@" + value if value.startswith("@") else value
    if isinstance(value, dict):
        return {key: outward(item, folder) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [outward(item, folder) for item in value]
    return value


def inward(value: Any, folder: Path) -> Any:
    """What `outward` was given, for a session that is now in `folder`; ValueError for a path that leads out of it."""
    if isinstance(value, str):
        if value.startswith(_INSIDE):
            return str(inside(folder, value[len(_INSIDE) :]))
        return value[1:] if value.startswith("@") else value
    if isinstance(value, dict):
        return {key: inward(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [inward(item, folder) for item in value]
    return value


def inside(folder: Path, name: str) -> Path:
    """The path that a document calls `name`; ValueError when it is outside of `folder`: a session may come from anybody."""
    parts = PurePosixPath(name).parts
    foreign = os.sep == "\\" and ("\\" in name or PureWindowsPath(name).drive)
    if not parts or "\0" in name or ".." in parts or PurePosixPath(name).is_absolute() or foreign:
        raise ValueError(f"{name!r} is not a path inside the session folder")
    return folder.joinpath(*parts)


def own_folders(folder: Path) -> None:
    """Make the folders of a session where they are missing; `AppError` when one is a link, which would lead out of it."""
    for part in (MODELS, ENGINES, RESULTS):
        place = folder / part
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise AppError(f"{place} is no folder of this session's own.", hint="Replace it by a copy of what it leads to.")
        place.mkdir(parents=True, exist_ok=True)


def checked(found: Any) -> dict[str, Any]:
    """The stamps of a head document; ValueError or TypeError when they are none of ours."""
    for name, stamp in found.items():
        inside(Path(), name)
        if not (isinstance(stamp["size"], int) and isinstance(stamp["modified"], int) and isinstance(stamp["sha256"], str | None)):
            raise ValueError(f"the stamp of {name!r} cannot be read")
    return dict(found)


def stamps(folder: Path, known: dict[str, Any], without: Iterable[Path] = ()) -> dict[str, Any]:
    """Relative name -> size, time of writing and, of small files, sha256, of everything in models/ and engines/.

    `known` is the answer of the time before: a file that has not been touched since is not read again.
    """
    found = {}
    left_out = set(without)
    for path in files(folder):
        if path in left_out:
            continue
        name = path.relative_to(folder).as_posix()
        state = path.stat()
        was = known.get(name)
        if was is None or (was["size"], was["modified"]) != (state.st_size, state.st_mtime_ns):
            was = {"size": state.st_size, "modified": state.st_mtime_ns, "sha256": sha256(path) if state.st_size <= HASHED else None}
        found[name] = was
    return found


def files(folder: Path) -> Iterator[Path]:
    """Every file in models/ and engines/, in the order of names; unfinished ones (`.name`) and links left out."""
    for part in (MODELS, ENGINES):
        for path in sorted((folder / part).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path


def fault(path: Path, stamp: dict[str, Any]) -> str:
    """What is wrong with a file that was stamped: `is missing`, `is damaged ...`, or an empty string when nothing is."""
    try:
        state = path.lstat()
    except OSError:
        return "is missing"
    if not stat.S_ISREG(state.st_mode):
        return "is damaged: it is no plain file"
    if state.st_size != stamp["size"]:
        return f"is damaged: it has {state.st_size} bytes instead of {stamp['size']}"
    if state.st_mtime_ns != stamp["modified"] and stamp["sha256"] and sha256(path) != stamp["sha256"]:
        return "is damaged: its content has changed"
    return ""


def sha256(path: Path) -> str:
    """The hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_tree(source: Path, target: Path) -> None:
    """The big files and results of the session at `source`, in `target`: linked where the disk is the same, else copied."""
    for part in (MODELS, ENGINES, RESULTS):
        (target / part).mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, copy_function=_link, dirs_exist_ok=True, ignore=_not_ours)


def _not_ours(folder: str, names: list[str]) -> set[str]:
    """Unfinished files, and links: a copy of what those lead to would carry a stranger's choice of files along."""
    return {name for name in names if name.startswith(".") or os.path.islink(os.path.join(folder, name))}


def _link(source: str, target: str) -> str:
    """Session files are never changed once written, so that two sessions may share them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def copy_file(source: Path, target: Path) -> bool:
    """Copy one file, whole or not at all; always True."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.copy2(source, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return True


def moved(origin: Source | None) -> list[AppError]:
    """What to say of an original file that is not what it was."""
    if origin is None:
        return []
    stays = "The session has its own copy and goes on with it." if origin.copied else "Put it back there: the session refers to it."
    try:
        state = origin.path.stat()
    except OSError:
        return [AppError(f"The original model is no longer at {origin.path}.", hint=stays)]
    if (state.st_size, state.st_mtime_ns) == (origin.size, origin.modified):
        return []
    if state.st_size == origin.size and origin.sha256 and sha256(origin.path) == origin.sha256:
        return []
    changed = (
        "The session has its own copy of what it was."
        if origin.copied
        else "The variants were made from what it was; open it anew to see the change."
    )
    return [AppError(f"The original model {origin.path} has changed since it was opened.", hint=changed)]


def new_folder(name: str) -> Path:
    """A name for a new session folder in the person's data folder: the model's name and the time."""
    base = folders.data() / "sessions" / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-.') or 'model'}-{time.strftime('%Y%m%d-%H%M%S')}"
    found, number = base, 2
    while found.exists():
        found, number = base.with_name(f"{base.name}-{number}"), number + 1
    return found


def sessions() -> tuple[Path, ...]:
    """The session folders in the person's data folder, the one saved last first."""
    saved = []
    for head in (folders.data() / "sessions").glob(f"*/{HEAD}"):
        with contextlib.suppress(OSError):  # removed by another window meanwhile
            saved.append((head.stat().st_mtime, head.parent))
    return tuple(folder for _, folder in sorted(saved, reverse=True))


def free_name(folder: Path, kind: str) -> str:
    """A name in results/ that is not taken, relative to `folder`."""
    number = 1
    while (folder / RESULTS / f"{kind}-{number:04d}.json").exists():
        number += 1
    return f"{RESULTS}/{kind}-{number:04d}.json"

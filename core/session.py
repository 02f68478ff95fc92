"""What is open now: the tree of variants, the engines built from them, and every result; kept in a folder.

Only the thread that owns a session changes it. Workers hand in frozen results: `history.commit`, `add_engine`,
`add_bench`, `add_comparison`. `restore` gives back exactly what `save` was given; how it lies on disk: `core.archive`.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import core
from core import archive
from core.backends.base import Engine
from core.bench import BenchResult, Stats
from core.compare import Comparison
from core.errors import AppError, UsageError
from core.events import Event
from core.history import History
from core.overlays.numbers import Numbers
from core.schemas import decode, exact

if TYPE_CHECKING:
    from core.model.opening import Opened


@dataclass(frozen=True)
class Results:
    """What is known of each variant, by its id, oldest first."""

    engines: dict[str, tuple[Engine, ...]]
    benches: dict[str, tuple[BenchResult, ...]]
    comparisons: dict[str, tuple[Comparison, ...]]


@dataclass
class _Entry:
    """One result and, once saved, its file. `against`: the variant that a comparison measures from."""

    KINDS: ClassVar[dict[str, type]] = {"engine": Engine, "bench": BenchResult, "comparison": Comparison}

    kind: str
    variant: str
    value: Engine | BenchResult | Comparison
    against: str = ""
    file: str = ""


@dataclass(eq=False)
class Session:
    """An open session. `problems` holds what `restore` could not bring back, each with what to do about it."""

    folder: Path
    history: History = field(default_factory=History)
    origin: archive.Source | None = None
    problems: tuple[AppError, ...] = ()
    results_changed: Event[[]] = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder).absolute()
        self.dirty = False
        self._entries: list[_Entry] = []
        self._numbers: dict[str, dict[str, Numbers]] = {}
        self._stamps: dict[str, Any] = {}
        self._saved = self._files()
        self._mark = ""  # of the head document that we read or wrote last
        self._disconnect = self.history.changed.connect(self._touch)

    def _touch(self) -> None:
        self.dirty = True

    # -- where things are ------------------------------------------------------------------------------------------

    @property
    def models(self) -> Path:
        """The folder for the model files of variants."""
        return self.folder / archive.MODELS

    @property
    def engines(self) -> Path:
        """The folder for engine files."""
        return self.folder / archive.ENGINES

    @property
    def source(self) -> Path:
        """The file that was opened, where it was then."""
        if self.origin is None:
            raise UsageError("The session has no model yet.", hint="Open one first.")
        return self.origin.path

    @property
    def name(self) -> str:
        """How the session is called: the opened file's name without its suffix."""
        return self.origin.path.stem if self.origin is not None else self.folder.name

    # -- results ---------------------------------------------------------------------------------------------------

    @property
    def results(self) -> Results:
        """Every engine, benchmark and comparison by variant id."""
        found: dict[str, dict[str, tuple[Any, ...]]] = {kind: {} for kind in _Entry.KINDS}
        for entry in self._entries:
            by_variant = found[entry.kind]
            by_variant[entry.variant] = (*by_variant.get(entry.variant, ()), entry.value)
        return Results(found["engine"], found["bench"], found["comparison"])

    def engines_of(self, variant_id: str) -> tuple[Engine, ...]:
        """The engines built from a variant, oldest first."""
        return self.results.engines.get(variant_id, ())

    def latency(self, variant_id: str) -> Stats | None:
        """The statistics of the variant's latest benchmark, or None."""
        benches = self.results.benches.get(variant_id, ())
        return benches[-1].stats if benches else None

    def accuracy(self, variant_id: str) -> float | None:
        """The variant's latest accuracy (0 to 1) in a comparison with labels, on whichever side it stood, or None."""
        for entry in reversed(self._entries):
            if isinstance(entry.value, Comparison):
                if entry.variant == variant_id and entry.value.accuracy_b is not None:
                    return entry.value.accuracy_b
                if entry.against == variant_id and entry.value.accuracy_a is not None:
                    return entry.value.accuracy_a
        return None

    def add_engine(self, variant_id: str, engine: Engine) -> None:
        """Keep an engine; one at the same path before it is replaced, as its file was."""
        self._entries = [entry for entry in self._entries if not (isinstance(entry.value, Engine) and entry.value.path == engine.path)]
        self._add(_Entry("engine", variant_id, engine))

    def add_bench(self, variant_id: str, result: BenchResult) -> None:
        """Keep a benchmark."""
        self._add(_Entry("bench", variant_id, result))

    def add_comparison(self, variant_id: str, comparison: Comparison, against: str = "") -> None:
        """Keep a comparison of `variant_id` (its B) with the variant `against` (its A; found by its fingerprint when left out)."""
        if not against:
            same = (item.id for item in self.history.variants.values() if item.model.fingerprint == comparison.a)
            against = next(same, "")
        self._add(_Entry("comparison", variant_id, comparison, against=against))

    def add_numbers(self, variant_id: str, numbers: Numbers) -> None:
        """Keep numbers on a variant's nodes while the session is open; those of the same `id` before them are replaced."""
        self.history[variant_id]
        self._numbers.setdefault(variant_id, {})[numbers.id] = numbers
        self.results_changed.emit()

    def numbers_of(self, variant_id: str) -> tuple[Numbers, ...]:
        """What was found out about a variant's nodes, oldest first."""
        return tuple(self._numbers.get(variant_id, {}).values())

    def _add(self, entry: _Entry) -> None:
        self.history[entry.variant]  # an unknown variant is an error here, not at the next save
        self._entries.append(entry)
        self.dirty = True
        self.results_changed.emit()

    # -- begin, save, restore --------------------------------------------------------------------------------------

    @classmethod
    def start(cls, opened: Opened, folder: Path | None = None) -> Session:
        """Begin a session in `folder` (a new one in the person's data folder when left out) with what was opened.

        A single file of at most 64 MB is copied, so that the session stands on its own. Anything else stays where it
        is and is referred to.
        """
        path = Path(opened.model.path).absolute()
        folder = archive.new_folder(path.stem) if folder is None else Path(folder).absolute()
        if (folder / archive.HEAD).exists():
            raise UsageError(f"There is a session in {folder} already.", hint="Restore it, or choose another folder.")
        with _told(f"The session cannot be kept in {folder}"):
            archive.own_folders(folder)
            state = path.stat()
            small = opened.model.size <= archive.SMALL and state.st_size >= opened.model.size - opened.model.size // 8
            copied = small and archive.copy_file(path, folder / archive.MODELS / path.name)
        model = dataclasses.replace(opened.model, path=folder / archive.MODELS / path.name if copied else path)
        origin = archive.Source(
            path, model.fingerprint, state.st_size, state.st_mtime_ns, archive.sha256(model.path) if copied else "", copied
        )
        session = cls(folder, origin=origin)
        session.history.open(model, opened.summary)
        session._write(durable=False)
        return session

    def save(self, folder: Path | None = None) -> None:
        """Save everything, whole or not at all. With `folder` (new or empty) the session moves there, as in "save as".

        Raises `AppError` when the disk refuses, or when another window has saved the same session since it was opened
        here; what was saved before is then untouched.
        """
        target = self.folder if folder is None else Path(folder).absolute()
        if target == self.folder:
            with _told(f"The session cannot be saved in {self.folder}"):
                self._write(durable=True)
            return
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target} is not empty.", hint="Choose a new or an empty folder for the session.")
        partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
        with _told(f"The session cannot be saved in {target}"), self._named():
            try:
                archive.copy_tree(self.folder, partial)
                written = self._write_results(partial, self._entries)
                archive.write_head(partial, self._head(partial, written))
                if target.exists():
                    target.rmdir()
                os.replace(partial, target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        self._move(target)

    def _write(self, *, durable: bool) -> None:
        """Results first, under new names, then the head document that names them: the moment that counts is one rename."""
        self._check_alone()
        with self._named():
            self._entries = self._write_results(self.folder, self._entries)
            orphans = self._orphans()
            archive.write_head(self.folder, self._head(self.folder, self._entries, orphans), durable=durable)
            self._mark = archive.mark(self.folder)
        for path in orphans:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        self._saved = self._files()
        self.dirty = False

    def _check_alone(self) -> None:
        """Raise `AppError` when somebody else saved here meanwhile: our head document would undo what theirs says."""
        now = archive.mark(self.folder)
        if now and now != self._mark:
            raise AppError(
                f"The session in {self.folder} has been saved by another window meanwhile.",
                hint="Save this one into another folder, or open it again and go on from what the other window saved.",
            )

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Results keep the file names that they get inside only when all of it succeeds; else their files go again."""
        before = [(entry, entry.file) for entry in self._entries]
        try:
            yield
        except BaseException:
            for entry, file in before:
                if entry.file and not file:
                    (self.folder / entry.file).unlink(missing_ok=True)
                entry.file = file
            raise

    def _files(self) -> set[Path]:
        """The model and engine files that variants and results name."""
        models = {variant.model.path for variant in self.history.variants.values()}
        return models | {entry.value.path for entry in self._entries if isinstance(entry.value, Engine)}

    def _orphans(self) -> list[Path]:
        """The files of what was removed since the last save; those of others, and those outside, are not among them.

        A model's own `.data` goes with it: only variants made from it can refer to that, and they went with it too.
        """
        now = self._files()
        gone = [path for path in self._saved - now if path.parent in (self.models, self.engines) and path.name != ".."]
        return [each for path in gone for each in (path, path.with_suffix(".data"), path.with_name(f"{path.name}.data")) if each not in now]

    def _write_results(self, folder: Path, entries: list[_Entry]) -> list[_Entry]:
        kept = [entry for entry in entries if entry.variant in self.history.variants]
        for entry in kept:
            if not entry.file:
                entry.file = archive.free_name(folder, entry.kind)
                archive.write_json(folder / entry.file, archive.outward(exact(entry.value), self.folder), durable=False)
        return kept

    def _head(self, folder: Path, entries: list[_Entry], orphans: Iterable[Path] = ()) -> dict[str, Any]:
        self._stamps = archive.stamps(folder, self._stamps, orphans)
        return {
            "format": archive.FORMAT,
            "version": core.__version__,
            "saved": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "source": exact(self.origin) if self.origin is not None else None,
            "history": archive.outward(exact(self.history.to_dict()), self.folder),
            "results": [{"kind": e.kind, "variant": e.variant, "against": e.against, "file": e.file} for e in entries],
            "files": self._stamps,
        }

    def _move(self, target: Path) -> None:
        """Live in `target`, where all files are already: the same variants and results, with their new paths."""
        history = History.from_dict(decode(Any, archive.inward(archive.outward(exact(self.history.to_dict()), self.folder), target)))
        for entry in self._entries:
            value = archive.inward(archive.outward(exact(entry.value), self.folder), target)
            entry.value = decode(_Entry.KINDS[entry.kind], value)
        self.folder = target
        self._mark = archive.mark(target)
        self.history.variants.clear()
        self.history.variants.update(history.variants)
        self._saved = self._files()
        self.history.changed.emit()
        self.results_changed.emit()
        self.dirty = False

    @classmethod
    def restore(cls, folder: Path) -> Session:
        """Open the session in `folder` as it was saved: the same tree, head, engines and results.

        A file that is missing or damaged costs what was in it and nothing else; `problems` tells of each, and of an
        original model that has moved or changed. Raises `AppError` when there is no readable session at all.
        """
        folder = Path(folder).absolute()
        mark = archive.mark(folder)  # before it is read: who saves in between is noticed at our first save
        head, problems = archive.read_head(folder)
        try:
            history = History.from_dict(decode(Any, archive.inward(head["history"], folder)))
            origin = decode(archive.Source, head["source"]) if head["source"] is not None else None
            listed = [(str(e["kind"]), str(e["variant"]), str(e["against"]), str(e["file"])) for e in head["results"]]
            stamps = archive.checked(head["files"])
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            raise AppError(
                f"{folder / archive.HEAD} is damaged: {error}.", hint=f"Put {archive.PREVIOUS} in its place, or open the model again."
            ) from error
        session = cls(folder, history=history, origin=origin)
        session._mark = mark
        with _told(f"The session in {folder} cannot be opened"):
            archive.own_folders(folder)
        faults = {name: reason for name, stamp in stamps.items() if (reason := archive.fault(folder / name, stamp))}
        session._stamps = {name: stamp for name, stamp in stamps.items() if name not in faults}
        for kind, variant, against, file in listed:
            session._take(kind, variant, against, file, faults, problems)
        session._saved = session._files()
        problems += [_lost(session, name, reason) for name, reason in faults.items()]
        problems += archive.moved(origin)
        session.problems = tuple(problems)
        return session

    def _take(self, kind: str, variant: str, against: str, file: str, faults: dict[str, str], problems: list[AppError]) -> None:
        """Read one result back; an engine whose file is gone is left out (its fault is told anyway)."""
        try:
            value: Any = decode(_Entry.KINDS[kind], archive.inward(archive.read_json(archive.inside(self.folder, file)), self.folder))
        except (AppError, ValueError, KeyError, TypeError) as error:
            reason = error.message if isinstance(error, AppError) else f"{file} is damaged: {error}."
            problems.append(AppError(f"One {kind} of {variant} is lost: {reason}", hint=f"Run the {kind} again; everything else is there."))
            return
        if isinstance(value, Engine):
            inside = value.path.relative_to(self.folder).as_posix() if value.path.is_relative_to(self.folder) else ""
            if not inside and not value.path.exists():
                problems.append(AppError(f"The engine {value.path} of {variant} is no longer there.", hint="Build it again."))
                return
            if any(name == inside or name.startswith(f"{inside}/") for name in faults if inside):
                return
        self._entries.append(_Entry(kind, variant, value, against, file))

    def close(self) -> None:
        """Stop listening to the history; saves nothing."""
        self._disconnect()


class Saving:
    """A session as it stands now, to be saved on any thread while the owner goes on changing the session itself.

    Made, and later `settle`d or `fail`ed, on the owner's thread; `write` runs on another one in between. One at a time.
    """

    def __init__(self, session: Session, folder: Path | None = None) -> None:
        history = dataclasses.replace(
            session.history, variants=dict(session.history.variants), changed=Event(), _redo=dict(session.history._redo)
        )
        self._session, self._folder, self._from = session, folder, session.folder
        self._copy = Session(session.folder, history=history, origin=session.origin)
        self._pairs = [(entry, dataclasses.replace(entry)) for entry in session._entries]
        self._copy._entries = [copy for _, copy in self._pairs]
        self._copy._stamps = dict(session._stamps)
        self._copy._saved = set(session._saved)
        self._copy._mark = session._mark
        session.dirty = False  # what changes from now on is not in it

    def write(self) -> None:
        """Save, as `Session.save` does; raises what it raises."""
        self._copy.save(self._folder)

    def settle(self) -> None:
        """It is saved: the session takes over the names of its files, and moves where it was saved elsewhere."""
        session, copy = self._session, self._copy
        copy.close()
        if session.folder != self._from:
            return  # it has moved meanwhile, and was saved as it did
        for entry, written in self._pairs:
            entry.file = written.file
        session._stamps = copy._stamps
        if copy.folder != session.folder:
            session._move(copy.folder)
        session._saved, session._mark = copy._saved, copy._mark

    def fail(self) -> None:
        """It is not saved: what was to be saved is so still."""
        self._session.dirty = True
        self._session._mark = self._copy._mark  # the head document may be written all the same
        self._copy.close()


def _lost(session: Session, name: str, reason: str) -> AppError:
    """The words for a model or engine file that is missing or damaged."""
    path = session.folder / name
    owner = next((v for v in session.history.variants.values() if v.model.path == path), None)
    if owner is not None:
        hint = (
            "Go to another variant, or to its parent and apply the pass again."
            if owner.step is not None
            else f"Open {session.source} again."
        )
        return AppError(f"The model of {owner.id} ({owner.title}) {reason}: {name}", hint=hint)
    if name.startswith(archive.ENGINES):
        return AppError(f"An engine {reason}: {name}", hint="Build it again; everything else is there.")
    return AppError(
        f"A file of the session {reason}: {name}", hint="Variants that share its weights cannot be opened; apply their passes again."
    )


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn a refusal of the disk into words."""
    try:
        yield
    except OSError as error:
        raise AppError(
            f"{what}: {error.strerror or error}.", hint="Check the free space and the permissions, or choose another folder."
        ) from error

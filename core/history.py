"""The tree of what was tried: variants, the head, and `apply`, the task that makes the next one.

Undo moves the head to the parent, redo to the child that was left; a pass applied to an older variant makes a branch.
Nothing is ever lost, except by `remove`, which a person asks for.
"""

from __future__ import annotations

import dataclasses
import datetime
import glob
import json
import re
import time
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import params, rewrite
from core.errors import AppError, PassError, UsageError
from core.events import Event
from core.job import Job
from core.model import Model, Summary, TensorType
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
    import onnx_ir as ir

#: Models below this many weight bytes are checked for having stayed as they were.
_SMALL = 64 << 20
#: Growth beyond this factor is told; the labels of the steps alone make a file grow a little.
_GROWN = 1.01
#: Where a variant's file keeps the labels of the steps that made it (a JSON list).
STEPS = "sardonyx.steps"


@dataclass(frozen=True)
class Step:
    """One pass, applied: what it came from, what it made, and what is known of it.

    `modified` is False when the pass found nothing to do; `notes` are for the person, warnings begin with "Warning: ".
    `seconds` is the wall time of the whole step.
    """

    pass_id: str
    params: dict[str, Any]
    label: str
    before: Model
    after: Model
    summary: Summary
    modified: bool
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Variant:
    """A model in the tree. `id` is `v0` for the one that was opened, then `v1`, `v2`, ... in the order of making."""

    id: str
    parent: str | None
    title: str
    model: Model
    summary: Summary
    step: Step | None
    created: str


@dataclass
class History:
    """Variants by id and the head; changes only on the thread that owns the session, and tells through `changed`."""

    variants: dict[str, Variant] = field(default_factory=dict)
    head: str | None = None
    changed: Event[[]] = field(default_factory=Event, compare=False, repr=False)
    #: The child that redo goes to, for each variant that was left by undo or passed through.
    _redo: dict[str, str] = field(default_factory=dict, repr=False)
    _made: int = 0

    def __getitem__(self, id: str) -> Variant:
        if id not in self.variants:
            raise UsageError(f"There is no variant '{id}'.", hint=f"Known: {', '.join(self.variants)}.")
        return self.variants[id]

    def __len__(self) -> int:
        return len(self.variants)

    @property
    def root(self) -> Variant | None:
        """The model that was opened."""
        return next((item for item in self.variants.values() if item.parent is None), None)

    @property
    def current(self) -> Variant | None:
        """The variant at the head."""
        return self.variants[self.head] if self.head is not None else None

    def open(self, model: Model, summary: Summary) -> Variant:
        """Begin anew with `model` as the root; the tree must be empty."""
        if self.variants:
            raise UsageError("The tree has a root already.", hint="Start another session for another model.")
        return self._add(Variant(self._id(), None, model.name, model, summary, None, _now()))

    def commit(self, step: Step, parent_id: str | None = None) -> Variant:
        """Add what `step` made under the variant that it came from, and move the head there.

        Without `parent_id` the parent is the head when it holds `step.before`, else the newest variant that does.
        """
        parent = self._parent(step, parent_id)
        if parent.model.fingerprint != step.before.fingerprint:
            raise UsageError(f"'{step.label}' was not made from variant '{parent.id}'.", hint="Apply the pass to this variant again.")
        return self._add(Variant(self._id(), parent.id, self._title(step.label), step.after, step.summary, step, _now()))

    def _parent(self, step: Step, parent_id: str | None) -> Variant:
        if parent_id is not None:
            return self[parent_id]
        current = self.current
        if current is not None and current.model.fingerprint == step.before.fingerprint:
            return current
        for item in reversed(self.variants.values()):
            if item.model.fingerprint == step.before.fingerprint:
                return item
        raise UsageError(f"The variant that '{step.label}' was made from is gone.", hint="Apply the pass to another variant.")

    def _add(self, variant: Variant) -> Variant:
        self.variants[variant.id] = variant
        self._head_to(variant.id)
        self.changed.emit()
        return variant

    def _title(self, label: str) -> str:
        """`label`, numbered where another variant is called so already."""
        taken = {variant.title for variant in self.variants.values()}
        number, title = 1, label
        while title in taken:
            number += 1
            title = f"{label} ({number})"
        return title

    def _id(self) -> str:
        """The next id; numbers are not used again after a removal, so that notes and files stay unambiguous."""
        id = f"v{self._made}"
        self._made += 1
        return id

    def _head_to(self, id: str) -> None:
        self.head = id
        child = self.variants[id]
        while child.parent is not None:
            self._redo[child.parent] = child.id
            child = self.variants[child.parent]

    @property
    def can_undo(self) -> bool:
        """Whether the head has a parent."""
        return self.current is not None and self.current.parent is not None

    @property
    def can_redo(self) -> bool:
        """Whether the head was left by undo."""
        return self.head is not None and self._redo.get(self.head) in self.variants

    def undo(self) -> Variant:
        """Move the head to its parent."""
        current = self.current
        if current is None or current.parent is None:
            raise UsageError("There is nothing to undo.")
        self.head = current.parent
        self._redo[current.parent] = current.id
        self.changed.emit()
        return self.variants[current.parent]

    def redo(self) -> Variant:
        """Move the head to the child that undo left."""
        if self.head is None or not self.can_redo:
            raise UsageError("There is nothing to redo.")
        self.head = self._redo[self.head]
        self.changed.emit()
        return self.variants[self.head]

    def goto(self, id: str) -> Variant:
        """Move the head to any variant."""
        found = self[id]
        if id != self.head:
            self._head_to(id)
            self.changed.emit()
        return found

    def remove(self, id: str) -> tuple[Variant, ...]:
        """Take a variant and all that was made from it out of the tree; returns what was removed.

        The head moves to the parent when it was among them. Files are left where they are (the session clears them).
        """
        gone = self[id]
        if gone.parent is None:
            raise UsageError("The model that was opened cannot be removed.", hint="Open another model instead.")
        ids = [id]
        for each in ids:
            ids += [item.id for item in self.children(each)]
        removed = tuple(self.variants.pop(each) for each in ids)
        for parent, child in list(self._redo.items()):
            if parent in ids or child in ids:
                del self._redo[parent]
        if self.head in ids:
            self.head = gone.parent
        self.changed.emit()
        return removed

    def children(self, id: str) -> list[Variant]:
        """What was made from a variant, oldest first."""
        return [item for item in self.variants.values() if item.parent == id]

    def path(self, id: str) -> list[Variant]:
        """From the root to a variant."""
        found = [self[id]]
        while found[-1].parent is not None:
            found.append(self[found[-1].parent])
        return found[::-1]

    def rename(self, id: str, title: str) -> Variant:
        """Give a variant a title of the person's own."""
        title = title.strip()
        if not title:
            raise UsageError("A variant needs a title.")
        self.variants[id] = dataclasses.replace(self[id], title=title)
        self.changed.emit()
        return self.variants[id]

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; paths are text."""
        variants = []
        for item in self.variants.values():
            entry = dataclasses.asdict(item)
            variants.append(_plain(entry))
        return {"head": self.head, "made": self._made, "redo": dict(self._redo), "variants": variants}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> History:
        """The tree that `to_dict` wrote; raises `UsageError` when it is not one."""
        history = cls()
        try:
            for entry in values["variants"]:
                item = _variant(entry)
                if item.parent is not None and item.parent not in history.variants:
                    raise KeyError(item.parent)
                history.variants[item.id] = item
            head = values["head"]
            if head is not None:
                history.head = history.variants[head].id
            history._made = int(values.get("made", len(history.variants)))
            known = history.variants
            history._redo = {a: b for a, b in values.get("redo", {}).items() if a in known and b in known}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"The saved tree of variants cannot be read: {error!r}.", hint="Open the model again.") from error
        return history


def apply(model: Model, step: Pass, folder: Path, job: Job) -> Step:
    """Apply `step` to a private clone of `model` and save the result into `folder` (a task; runs in a worker).

    A pass that found nothing to do gives a step whose `after` is `before`. Raises `PassError` when the pass breaks its
    promises, and names the pass and the steps before it in every error.
    """
    from core.model import document

    began = time.perf_counter()
    params.validate(step)
    job.step(0.0, f"Opening {model.name}")
    original = document.load(model.path)
    past = steps_of(original)
    with rewrite.uncollected():
        marks = _marks(original)
        private = document.clone(original)
    target = folder / _file_name(model, step)
    try:
        job.step(0.02, step.title)
        result = step.apply(private, job.part(0.02, 0.9))
        _hold(step, original, marks, result)
        notes, made = list(result.notes), model
        modified = result.modified
        if modified:
            job.step(0.9, "Checking the result")
            _stamp(result, json.dumps([*past, step.label], ensure_ascii=False))
            document.check(result.proto or result.model)
            job.step(0.93, "Saving")
            made = document.save(result.model, target, proto=result.proto, sources=(model.path,), job=job.part(0.93, 0.97))
        summary = _summarize(result.model if modified else original, made, job)
        job.step(1.0, "Done")
    except AppError as error:
        _unsave(target)
        raise _told(error, step, past) from error
    except BaseException:
        _unsave(target)
        raise
    if not modified:
        notes.append("Nothing was changed.")
    elif made.size > _GROWN * model.size:
        notes.append(f"Warning: the model grew from {rewrite.size(model.size)} to {rewrite.size(made.size)}.")
    return Step(
        pass_id=step.id,
        params=params.to_dict(step),
        label=step.label,
        before=model,
        after=made,
        summary=summary,
        modified=modified,
        notes=tuple(notes),
        seconds=time.perf_counter() - began,
    )


def preview(model: Model, step: Pass, job: Job) -> Preview:
    """What `step` would change in `model`, without changing anything (a task; runs in the document's process)."""
    from core.model import document

    params.validate(step)
    original = document.load(model.path)
    try:
        return step.preview(original, job)
    except AppError as error:
        raise _told(error, step, steps_of(original)) from error


def steps_of(model: ir.Model) -> tuple[str, ...]:
    """The labels of the steps that a model went through here, oldest first; they travel in its metadata."""
    try:
        found = json.loads(model.metadata_props.get(STEPS, "[]"))
    except ValueError:
        return ()
    return tuple(str(item) for item in found) if isinstance(found, list) else ()


def _stamp(result: PassResult, steps: str) -> None:
    """Write the steps into the metadata of what a pass made, in both of its forms."""
    result.model.metadata_props[STEPS] = steps
    if result.proto is not None:
        props = result.proto.metadata_props
        entry = next((found for found in props if found.key == STEPS), None) or props.add(key=STEPS)
        entry.value = steps


def _marks(model: ir.Model) -> tuple[Any, ...]:
    """What must be the same after a pass worked on a clone: the graph's frame, and for small models the weights that can be
    written to."""
    import numpy as np
    import onnx_ir as ir

    values = list(model.graph.initializers.values())
    text = ir.DataType.STRING
    tensors = [tensor for value in values if (tensor := value.const_value) is not None and tensor.dtype != text]
    checksum = 0
    if sum(tensor.nbytes for tensor in tensors) <= _SMALL:
        for tensor in tensors:
            array = tensor.numpy()
            if not array.flags.writeable:  # as those are that came out of a file
                continue
            flat = np.ascontiguousarray(array).reshape(-1)
            checksum = zlib.adler32(flat.view(np.uint8).data, checksum)  # quick, and an accident does not forge it
    return (
        tuple(value.name for value in model.graph.inputs),
        tuple(value.name for value in model.graph.outputs),
        tuple(value.name for value in values),
        len(model.graph),
        dict(model.metadata_props),
        checksum,
    )


def _hold(step: Pass, original: ir.Model, marks: tuple[Any, ...], result: PassResult) -> None:
    """Hold a pass to its promises; a breach is the pass's fault, and says so."""
    ours = "This is a fault of the pass: please report it. Nothing was changed."
    if _marks(original) != marks:
        raise PassError("It changed the model that it was given to read.", hint=ours)
    if not step.keeps_interface:
        return
    weights = original.graph.initializers
    for what, before, after in (
        ("input", original.graph.inputs, result.model.graph.inputs),
        ("output", original.graph.outputs, result.model.graph.outputs),
    ):
        # old models declare their weights as inputs; a pass may withdraw those
        wanted = [value.name for value in before if value.name not in weights]
        found = [value.name for value in after if value.name not in weights]
        if wanted != found:
            raise PassError(f"It changed the {what}s from {', '.join(map(str, wanted))} to {', '.join(map(str, found))}.", hint=ours)


def _told(error: AppError, step: Pass, past: tuple[str, ...]) -> AppError:
    """The same error, naming the pass and what ran before it."""
    after = f" (after {', then '.join(past)})" if past else ""
    return type(error)(f"{step.title}{after}: {error.message}", hint=error.hint, detail=error.detail)


def _summarize(model: ir.Model, made: Model, job: Job) -> Summary:
    from core.model import summary

    job.step(0.97, "Summing up")
    return summary.summarize(model, made)


def _file_name(model: Model, step: Pass) -> str:
    """`digits-quantize_int8-3fa2b1.onnx`: the model that was opened, the last pass, and six characters of chance."""
    stem = re.sub(r"-[a-z0-9_]+-[0-9a-f]{6}$", "", model.name)
    return f"{stem}-{step.id}-{uuid.uuid4().hex[:6]}.onnx"


def _unsave(target: Path) -> None:
    """Remove what was saved for a step that did not end well; the name is the step's own, so nobody else's goes."""
    for file in target.parent.glob(f"{glob.escape(target.stem)}.*"):
        file.unlink(missing_ok=True)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _model(entry: Mapping[str, Any]) -> Model:
    return Model(path=Path(entry["path"]), fingerprint=entry["fingerprint"], size=entry["size"])


def _tensor(entry: Mapping[str, Any]) -> TensorType:
    shape = entry["shape"]
    return TensorType(name=entry["name"], dtype=entry["dtype"], shape=tuple(shape) if shape is not None else None)


def _summary(entry: Mapping[str, Any]) -> Summary:
    values = dict(entry)
    values["inputs"] = tuple(_tensor(item) for item in entry["inputs"])
    values["outputs"] = tuple(_tensor(item) for item in entry["outputs"])
    values["warnings"] = tuple(entry.get("warnings", ()))
    return Summary(**values)


def _variant(entry: Mapping[str, Any]) -> Variant:
    step = None
    if entry["step"] is not None:
        values = dict(entry["step"])
        values["before"], values["after"] = _model(values["before"]), _model(values["after"])
        values["summary"], values["notes"] = _summary(values["summary"]), tuple(values["notes"])
        step = Step(**values)
    values = dict(entry)
    return Variant(**{**values, "model": _model(entry["model"]), "summary": _summary(entry["summary"]), "step": step})

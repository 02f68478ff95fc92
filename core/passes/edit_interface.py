"""Edit inputs and outputs: their names, their dims, and the model's metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core.data import DataSpec
from core.data.feeds import feeds
from core.errors import DataError, ModelError, PassError
from core.job import Job
from core.model import document, interface
from core.model.plain import weight_bytes
from core.onnxrt.session import Session
from core.params import param
from core.passes.base import Pass, PassResult, Preview

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

#: Weights above this many bytes are not run only to see that dims fit.
_TRIED = 1 << 30
#: What free dims become until the model runs.
_FREE = (64, 16, 224, 128, 512, 2, 1)
#: A label holds at most this many rules and characters of them.
_RULES, _LONG = 2, 40


@dataclass(frozen=True)
class EditInterface(Pass):
    """Rename inputs and outputs, fix or free their dims, and edit the model's metadata; what is computed stays the same."""

    id: ClassVar[str] = "edit_interface"
    title: ClassVar[str] = "Edit inputs and outputs"
    group: ClassVar[str] = "Graph"
    icon: ClassVar[str] = "edit"
    order: ClassVar[int] = 15
    tolerance: ClassVar[float | None] = 0.0
    keeps_interface: ClassVar[bool] = False

    rename: tuple[str, ...] = param((), "New names of inputs and outputs: old=new")
    dims: tuple[str, ...] = param(
        (), "New dims, a number, a name or ? for a free one: input:0=8 for one of them, N=8 for all that are called N"
    )
    metadata: tuple[str, ...] = param((), "Metadata: key=value, or key= to take one away")
    verify: bool = param(True, "Run the model with the new dims, and refuse those that it does not run with", advanced=True)

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        """Dims first, by the old names; then names, then metadata."""
        job.step(0.0, "Reading the rules")
        rules = interface.dims(model, self.dims)
        runs = self.verify and bool(rules.named or rules.single) and weight_bytes(model) <= _TRIED
        before = document.to_proto(model) if runs else None
        notes = self._edit(model, rules, job)
        job.step(0.5, "Edited")
        if before is not None:
            notes += self._tried(before, document.to_proto(model), rules, job)
        return PassResult(model, bool(notes), tuple(notes) or ("There is nothing to edit: no rule changes anything.",))

    def _edit(self, model: ir.Model, rules: interface.Dims, job: Job) -> list[str]:
        names = interface.renames(model, self.rename)
        notes: list[str] = []
        if rules.named or rules.single:
            job.step(0.1, "Changing dims")
            was = document.skeleton(model)
            notes += interface.set_dims(model, rules)
            job.step(0.2, "Inferring shapes")
            notes += interface.refresh(model, rules, was)
        job.step(0.4, "Renaming")
        notes += interface.rename(names)
        return notes + interface.set_metadata(model, self.metadata)

    def _tried(self, before: onnx.ModelProto, after: onnx.ModelProto, rules: interface.Dims, job: Job) -> list[str]:
        """Whether the model runs with its new dims, where it ran before."""
        job.step(0.6, "Running the model as it was")
        reason = _why_not(before)
        if reason:
            return [f"Warning: the dims were not tried: {reason}"]
        job.step(0.7, "Running it with the new dims")
        reason = _why_not(after)
        if reason:
            raise PassError(
                f"The model does not run with these dims: {reason}", hint="Something inside it is made for the dims that it had."
            )
        if not rules.freed:
            return ["The model runs with the new dims."]
        job.step(0.8, "Running it with two samples")
        reason = _why_not(after, 2)
        if reason:
            return [f"Warning: a dim is free now, but the model does not run with 2 there: {reason}"]
        return ["The model runs with 1 and with 2 where dims are free."]

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """Edit a copy, without running it, and say what that did."""
        copy = document.clone(model)
        notes = self._edit(copy, interface.dims(copy, self.dims), job)
        return Preview(" ".join(notes) or "Write a rule: nothing would change yet.")

    @property
    def label(self) -> str:
        """The rules themselves, as far as there is room: two variants that were edited differ in nothing else."""
        rules = [*self.rename, *self.dims, *self.metadata]
        if not rules:
            return self.title
        said = ", ".join(rule if len(rule) <= _LONG // 2 else f"{rule[: _LONG // 2 - 1]}…" for rule in rules[:_RULES])
        return f"{self.title} · {said}" + (f", {len(rules) - _RULES} more" if len(rules) > _RULES else "")


def _why_not(proto: onnx.ModelProto, free: int = 0) -> str:
    """Why the model does not run, or an empty text; free dims are `free`, or whatever it takes.

    Random numbers are no good for models that take them for places in a table: zeros are tried, too.
    """
    try:
        session = Session(proto.SerializeToString(), name="the model", optimize=False)
    except ModelError as error:
        return error.message
    reason = ""
    try:
        opened = any(not isinstance(dim, int) for item in session.inputs for dim in item.shape or ())
        for dim in (free,) if free else _FREE if opened else _FREE[:1]:
            spec = DataSpec(limit=max(1, free), batch=max(1, free), dim=dim)
            try:
                batch = next(iter(feeds(session.inputs, spec)))
            except DataError as error:
                return error.message
            for given in (batch, {name: array * 0 for name, array in batch.items() if array.dtype.kind in "fiu"}):
                try:
                    session.run({**batch, **given})
                except ModelError as error:
                    reason = reason or error.message
                else:
                    return ""
    finally:
        session.close()
    return reason

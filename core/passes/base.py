"""A pass is a frozen dataclass that transforms a model; a file that declares one is the whole of a new feature."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from core import params
from core.job import Job

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir


@dataclass(frozen=True)
class PassResult:
    """What a pass made: the model (the private clone that it was given, or a new one), whether anything changed, and
    notes for the person (what was done in numbers, warnings begin with "Warning: ").

    `proto` is the same model as protobuf when the pass has it at hand; it saves making it again to be checked."""

    model: ir.Model
    modified: bool
    notes: tuple[str, ...] = ()
    proto: onnx.ModelProto | None = None


@dataclass(frozen=True)
class Preview:
    """What a pass would change, found without doing it: one line of words, and the nodes that it would touch.

    `nodes` are names, as `core.model.index` names them; empty means that the pass cannot tell beforehand.
    """

    text: str
    nodes: tuple[str, ...] = ()
    figures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pass:
    """Transforms a model without touching the one it came from.

    A subclass is a frozen dataclass with params (`core.params.param`) and a one-sentence docstring that a user can
    read, sets `id` (also the recipe key and the CLI name), `title` and `group`, and implements `apply`.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    group: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    order: ClassVar[int] = 100
    #: Outputs stay equal within this absolute error on fp32 (0.0: exactly; None: a lossy pass, measured and told).
    tolerance: ClassVar[float | None] = None
    #: Whether inputs and outputs keep their names; `core.history.apply` holds a pass to it.
    keeps_interface: ClassVar[bool] = True

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        """Transform `model`, a private clone that may be edited in place; `job.step` reports and cancels.

        Its tensors are shared with the original and may be memory-mapped: replace an initializer's `const_value` by a
        new tensor, never write into the old one's array. `core.model.document` turns it into a ModelProto and back.

        Raises `PassError` when it cannot be done, with what to do instead.
        """
        raise NotImplementedError

    def preview(self, model: ir.Model, job: Job) -> Preview:
        """What `apply` would change, within a second or so; `model` is not to be changed and may lack its weights."""
        return Preview(text=(type(self).__doc__ or self.title).splitlines()[0])

    @property
    def label(self) -> str:
        """How this step is called in the tree: the title and the parameters that were changed."""
        changed = params.to_dict(self, changed_only=True)
        parts = []
        for name, value in changed.items():
            if value is True:
                parts.append(name.replace("_", " "))
            elif isinstance(value, list):
                parts.append(f"{name.replace('_', ' ')} {len(value)}")
            elif isinstance(value, str) and ("/" in value or "\\" in value):
                parts.append(Path(value).name)
            else:
                parts.append(f"{name.replace('_', ' ')} {value}" if not isinstance(value, str) else value)
        return f"{self.title} ({', '.join(parts)})" if parts else self.title

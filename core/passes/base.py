"""A pass is a frozen dataclass that transforms a model; a file that declares one is the whole of a new feature."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from core import params
from core.job import Job

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir


#: A label holds at most this many parameters.
MOST_WORDS = 3


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
    #: Parameters that stand in the label also at their default, because they tell variants apart.
    named: ClassVar[tuple[str, ...]] = ()

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
        """How this step is called in the tree: the title and what tells it apart for a person: `INT8 · tensorrt`.

        Paths, counts, seeds and advanced parameters are left out; the recipe keeps everything.
        """
        words = [_word(spec, getattr(self, spec.name)) for spec in params.specs(type(self)) if self._tells(spec)]
        rest = (f"{len(words) - MOST_WORDS} more",) if len(words) > MOST_WORDS else ()
        return " · ".join(word for word in (self.title, *words[:MOST_WORDS], *rest) if word)

    def _tells(self, spec: params.Spec) -> bool:
        """Whether a parameter is part of the label."""
        if spec.name in self.named:
            return True
        noise = spec.advanced or spec.kind in ("file", "folder", "path", "text") or spec.type is int or spec.name == "verify"
        return not noise and getattr(self, spec.name) != spec.default


def _word(spec: params.Spec, value: params.Value) -> str:
    """One parameter as a word of a label; shares are percentages, lists of nodes are counted."""
    name = spec.title.lower()
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, tuple):
        return f"{name} {', '.join(value)}" if spec.kind != "nodes" and len(value) <= 2 else f"{name} {len(value)}"
    if isinstance(value, float) and not spec.unit and (spec.min, (spec.max or 9) <= 1) == (0, True):
        return f"{100 * value:.3g} %"
    return f"{value:g} {spec.unit}".strip() if isinstance(value, float) else str(value).replace("_", " ")

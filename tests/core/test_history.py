"""The tree of variants, and `apply` holding passes to their promises."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import onnx
import pytest

from core.errors import Cancelled, ModelError, PassError, UsageError
from core.history import STEPS, History, Step, apply, preview
from core.job import Job
from core.model import Model, Summary, TensorType, document, summary
from core.params import param
from core.passes import PASSES
from core.passes.base import Pass, PassResult, Preview
from tests import models

if TYPE_CHECKING:
    import onnx_ir as ir

SUMMARY = Summary(
    name="m", producer="", ir_version=10, opsets={"": 17}, nodes=1, ops={"Relu": 1},
    inputs=(TensorType("x", "float32", ("N", 4)),), outputs=(TensorType("y", "float32", None),),
    parameters=0, weight_bytes=0, macs=None, macs_missing=1, precision="", initializers=0, functions=0, metadata={}, warnings=("w",),
)  # fmt: skip


def model(name: str) -> Model:
    return Model(Path(f"/m/{name}.onnx"), f"print-{name}", 10)


def step(before: str, after: str, title: str = "Step") -> Step:
    return Step("simplify", {"skip": []}, title, model(before), model(after), SUMMARY, True, ("a note",), 0.5)


@pytest.fixture
def tree() -> History:
    """v0 -> v1 -> v2, and v0 -> v3, the head at v3."""
    history = History()
    history.open(model("a"), SUMMARY)
    history.commit(step("a", "b", "One"))
    history.commit(step("b", "c", "Two"))
    history.goto("v0")
    history.commit(step("a", "d", "Three"))
    return history


def test_undo_and_redo_walk_the_branch_that_was_left(tree: History) -> None:
    assert tree.head == "v3"
    assert tree.undo().id == "v0"
    assert not tree.can_undo
    assert tree.redo().id == "v3"
    assert not tree.can_redo
    tree.goto("v2")
    tree.undo()
    tree.undo()
    assert [tree.redo().id, tree.redo().id] == ["v1", "v2"]
    with pytest.raises(UsageError, match="nothing to redo"):
        tree.redo()
    tree.goto("v0")
    with pytest.raises(UsageError, match="nothing to undo"):
        tree.undo()


def test_a_step_from_an_older_variant_makes_a_branch(tree: History) -> None:
    assert [item.id for item in tree.children("v0")] == ["v1", "v3"]
    assert [item.id for item in tree.path("v2")] == ["v0", "v1", "v2"]
    tree.goto("v1")
    assert tree.commit(step("b", "e")).parent == "v1"
    assert [item.title for item in tree.path(tree.head or "")] == ["a", "One", "Step"]


def test_the_parent_is_the_variant_that_the_step_came_from(tree: History) -> None:
    """A job may end after the person went elsewhere."""
    tree.goto("v3")
    assert tree.commit(step("c", "f")).parent == "v2"
    with pytest.raises(UsageError, match="was not made from"):
        tree.commit(step("c", "g"), "v0")
    with pytest.raises(UsageError, match="is gone"):
        tree.commit(step("nowhere", "g"))


def test_remove_takes_the_subtree_and_never_the_root(tree: History) -> None:
    tree.goto("v2")
    assert [item.id for item in tree.remove("v1")] == ["v1", "v2"]
    assert tree.head == "v0"
    assert set(tree.variants) == {"v0", "v3"}
    assert not tree.can_redo
    with pytest.raises(UsageError, match="cannot be removed"):
        tree.remove("v0")
    assert tree.commit(step("a", "h")).id == "v4", "ids are not used again"
    with pytest.raises(UsageError, match="no variant 'v1'"):
        tree.goto("v1")


def test_every_change_is_told_once(tree: History) -> None:
    told: list[str | None] = []
    tree.changed.connect(lambda: told.append(tree.head))
    tree.undo()
    tree.redo()
    tree.goto("v3")  # where it is already
    tree.goto("v1")
    tree.rename("v1", "  Mine ")
    tree.remove("v3")
    assert told == ["v0", "v3", "v1", "v1", "v1"]
    assert tree["v1"].title == "Mine"
    with pytest.raises(UsageError, match="needs a title"):
        tree.rename("v1", " ")


def test_the_tree_survives_json(tree: History) -> None:
    tree.undo()
    again = History.from_dict(json.loads(json.dumps(tree.to_dict())))
    assert again == tree
    assert again.redo().id == "v3"
    assert again["v1"].step == tree["v1"].step
    assert again["v0"].summary.inputs == SUMMARY.inputs
    assert again.commit(step("d", "z")).id == "v4"


@pytest.mark.parametrize("damage", [{"head": "v9"}, {"variants": [{"id": "v0"}]}, {"variants": None}])
def test_a_damaged_tree_is_told(tree: History, damage: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        History.from_dict({**tree.to_dict(), **damage})


def test_a_root_is_opened_once(tree: History) -> None:
    with pytest.raises(UsageError, match="has a root"):
        tree.open(model("b"), SUMMARY)
    assert History().current is None
    assert not History().can_undo


# -- apply ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(scratch=scratch)


@pytest.fixture
def cnn(tmp_path: Path) -> Model:
    return document.snapshot(models.save(models.residual_cnn(), tmp_path / "cnn.onnx"))


@dataclass(frozen=True)
class Evil(Pass):
    """Break a promise."""

    id: ClassVar[str] = "evil"
    title: ClassVar[str] = "Evil"

    how: str = param("rename", "What to break")

    def apply(self, model: ir.Model, job: Job) -> PassResult:
        import onnx_ir as ir

        if self.how == "rename":
            model.graph.outputs[0].name = "other"
        elif self.how == "write":
            tensor = next(iter(model.graph.initializers.values())).const_value
            assert tensor is not None
            array = tensor.numpy()
            array.flags.writeable = True
            array[...] = 7
        elif self.how == "invalid":
            model.graph.append(ir.node("Frobnicate", [model.graph.inputs[0]], name="bad"))
        elif self.how == "raise":
            raise PassError("No.", hint="Do that.")
        elif self.how == "crash":
            raise ZeroDivisionError
        return PassResult(model, self.how != "nothing", ("a note",))

    def preview(self, model: ir.Model, job: Job) -> Preview:
        raise PassError("Not before lunch.")


def test_apply_makes_a_new_file_and_leaves_the_old_one(cnn: Model, tmp_path: Path, job: Job) -> None:
    bytes_before = cnn.path.read_bytes()
    fractions: list[float] = []
    watched = Job(scratch=job.scratch, on_step=lambda fraction, text: fractions.append(fraction))
    done = apply(cnn, PASSES["simplify"](), tmp_path / "s", watched)
    assert done.modified
    assert done.before == cnn
    assert done.after.path.parent == tmp_path / "s"
    assert done.after.path.name.startswith("cnn-simplify-")
    assert done.after == document.snapshot(done.after.path)
    assert done.summary == summary.summarize(document.load(done.after.path), done.after)
    assert done.summary.nodes == 11
    assert (done.pass_id, done.params["verify"], done.label) == ("simplify", True, "Simplify")
    assert cnn.path.read_bytes() == bytes_before
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    onnx.checker.check_model(onnx.load(done.after.path), full_check=True)


def test_steps_are_kept_in_the_file_and_named_in_errors(cnn: Model, tmp_path: Path, job: Job) -> None:
    first = apply(cnn, PASSES["simplify"](), tmp_path, job)
    second = apply(first.after, PASSES["prune_magnitude"](sparsity=0.3), tmp_path, job)
    assert second.after.path.name.startswith("cnn-prune_magnitude-")
    assert json.loads(document.load(second.after.path).metadata_props[STEPS]) == ["Simplify", "Magnitude pruning · 30 %"]
    with pytest.raises(PassError) as caught:
        apply(second.after, Evil("raise"), tmp_path, job)
    assert caught.value.message == "Evil (after Simplify, then Magnitude pruning · 30 %): No."
    assert caught.value.hint == "Do that."
    with pytest.raises(PassError, match=r"^Evil \(after Simplify\): Not before lunch\.$"):
        preview(first.after, Evil(), job)


def test_nothing_to_do_is_told_and_costs_no_file(cnn: Model, tmp_path: Path, job: Job) -> None:
    done = apply(cnn, Evil("nothing"), tmp_path / "s", job)
    assert not done.modified
    assert done.after == cnn
    assert done.notes == ("a note", "Nothing was changed.")
    assert not (tmp_path / "s").exists()


def test_growing_is_told(tmp_path: Path, job: Job) -> None:
    small = document.snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    done = apply(small, PASSES["quantize_int8"](samples=2), tmp_path, job)
    assert done.after.size > small.size
    assert any(note.startswith("Warning: the model grew from ") for note in done.notes)


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("rename", PassError, "changed the outputs from logits to other"),
        ("invalid", ModelError, "Frobnicate"),
    ],
)
def test_broken_promises_are_the_pass_s_fault(cnn: Model, tmp_path: Path, job: Job, how: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        apply(cnn, Evil(how), tmp_path / "s", job)
    assert str(caught.value).startswith("Evil: ")
    assert not list((tmp_path / "s").glob("*.onnx"))


def test_writing_into_shared_weights_is_caught(tmp_path: Path, job: Job) -> None:
    cnn = document.snapshot(models.save(models.residual_cnn(), tmp_path / "w.onnx"))
    tensor = next(iter(document.load(cnn.path).graph.initializers.values())).const_value
    assert tensor is not None
    before = np.array(tensor.numpy())
    try:
        apply(cnn, Evil("write"), tmp_path / "s", job)
    except PassError as error:
        assert "changed the model that it was given" in error.message  # noqa: PT017
    except ValueError as error:
        assert "WRITEABLE" in str(error)  # noqa: PT017 - better still: numpy refuses
        assert np.array_equal(before, tensor.numpy())
    else:
        pytest.fail("a pass wrote into the weights of the original, and nobody noticed")


def test_bugs_and_cancel_pass_through(cnn: Model, tmp_path: Path, job: Job) -> None:
    with pytest.raises(ZeroDivisionError):
        apply(cnn, Evil("crash"), tmp_path, job)
    with pytest.raises(Cancelled):
        apply(cnn, PASSES["simplify"](), tmp_path, Job(scratch=job.scratch, is_cancelled=lambda: True))
    with pytest.raises(UsageError, match="sparsity"):
        apply(cnn, PASSES["prune_magnitude"](sparsity=3.0), tmp_path, job)


def test_a_missing_model_is_told(tmp_path: Path, job: Job) -> None:
    gone = Model(tmp_path / "gone.onnx", "x", 1)
    with pytest.raises(ModelError):
        apply(gone, PASSES["simplify"](), tmp_path, job)


def test_steps_are_picklable(cnn: Model, tmp_path: Path, job: Job) -> None:
    import pickle

    done = apply(cnn, PASSES["prune_magnitude"](), tmp_path, job)
    assert pickle.loads(pickle.dumps(done)) == done
    assert dataclasses.asdict(done)["after"]["path"] == done.after.path

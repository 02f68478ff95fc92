"""Names, dims and metadata of a model's ends: what follows the rules, what is refused, and that it computes the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from core import history, recipe
from core.errors import AppError
from core.history import History, Step
from core.job import Job
from core.model import Model, document, opening
from core.onnxrt.session import Session
from core.passes.edit_interface import EditInterface
from tests import models


def edit(model: onnx.ModelProto | Path, folder: Path, **rules: Sequence[str] | bool) -> Step:
    path = model if isinstance(model, Path) else models.save(model, folder / "m.onnx")
    step = EditInterface(**{name: value if isinstance(value, bool) else tuple(value) for name, value in rules.items()})  # type: ignore[arg-type]
    return history.apply(document.snapshot(path), step, folder / "out", Job())


def graph(step: Step) -> onnx.GraphProto:
    made = onnx.load(step.after.path)
    onnx.checker.check_model(made, full_check=True)
    return made.graph


def shapes(values: Sequence[onnx.ValueInfoProto]) -> dict[str, list[int | str | None]]:
    return {
        value.name: [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in value.type.tensor_type.shape.dim]
        for value in values
    }


def run(path: Path, **feeds: np.ndarray) -> list[np.ndarray]:
    session = Session(path)
    try:
        return list(session.run(feeds).values())
    finally:
        session.close()


def refusal(model: onnx.ModelProto, folder: Path, **rules: Sequence[str]) -> AppError:
    with pytest.raises(AppError) as caught:
        edit(model, folder, **rules)
    assert caught.value.hint
    assert not list(folder.glob("out/*"))
    return caught.value


# ---- names ----
def test_ends_are_renamed_and_compute_the_same(tmp_path: Path) -> None:
    step = edit(models.mlp(), tmp_path, rename=("x=image", "probabilities=scores"))
    made = graph(step)
    assert [value.name for value in (*made.input, *made.output)] == ["image", "scores"]
    assert made.node[0].input[0] == "image"
    assert made.node[-1].output[0] == "scores"
    x = np.random.default_rng(0).standard_normal((3, 16)).astype(np.float32)
    assert np.array_equal(run(step.before.path, x=x)[0], run(step.after.path, image=x)[0])
    assert step.notes[:2] == ("Input 'x' is called 'image' now.", "Output 'probabilities' is called 'scores' now.")
    assert "x=image" in step.label


def capturing() -> onnx.ModelProto:
    """An If that reads the graph's input `x` inside both of its branches."""
    model = models.with_if()
    for attribute in model.graph.node[3].attribute:
        for node in attribute.g.node:
            node.input[0] = "x"
    del model.graph.node[0]
    return model


def test_subgraphs_read_the_new_name(tmp_path: Path) -> None:
    step = edit(capturing(), tmp_path, rename=("x=signal", "y=x"))
    inner = [attribute.g.node[0].input[0] for attribute in graph(step).node[-1].attribute]
    assert inner == ["signal", "signal"]
    for sign in (1, -1):
        x = sign * np.ones((2, 4), np.float32)
        assert np.array_equal(run(step.before.path, x=x)[0], run(step.after.path, signal=x)[0])


def test_names_may_be_exchanged(tmp_path: Path) -> None:
    made = graph(edit(models.mlp(), tmp_path, rename=("x=probabilities", "probabilities=x")))
    assert (made.input[0].name, made.output[0].name, made.node[0].input[0]) == ("probabilities", "x", "probabilities")


def test_signs_in_names(tmp_path: Path) -> None:
    model = models.mlp()
    model.graph.input[0].name = model.graph.node[0].input[0] = "a=b:0"
    made = graph(edit(model, tmp_path, rename=(" a=b:0 = c=d ",), dims=("a=b:0:0=4",)))
    assert shapes(made.input) == {"c=d": [4, 16]}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("x=fc1.weight", "a weight of the model"),
        ("x=h", "a tensor of the model"),
        ("x=probabilities", "a tensor of the model"),
        ("x=", "cannot be the name"),
        ("x=two words", "cannot be the name"),
        ("nobody=a", "no input or output 'nobody'"),
        ("fc1.weight=a", "no input or output"),
        ("x", "not a rule"),
    ],
)
def test_names_that_cannot_be(rule: str, said: str, tmp_path: Path) -> None:
    assert said in str(refusal(models.mlp(), tmp_path, rename=(rule,)))


def test_names_inside_subgraphs_are_taken_too(tmp_path: Path) -> None:
    for name in ("then_y", "inner.weight"):
        assert "inside a subgraph already" in str(refusal(models.with_if(), tmp_path, rename=(f"x={name}",)))
    assert "renamed twice" in str(refusal(models.mlp(), tmp_path, rename=("x=a", "x=b")))
    assert "cannot both" in str(refusal(models.mlp(), tmp_path, rename=("x=a", "probabilities=a")))


def test_a_weight_that_is_an_output_keeps_its_name(tmp_path: Path) -> None:
    model = models.mlp()
    model.graph.output.append(helper.make_tensor_value_info("fc1.bias", 1, [32]))
    assert "is a weight" in str(refusal(model, tmp_path, rename=("fc1.bias=b",)))
    assert [value.name for value in graph(edit(model, tmp_path, rename=("x=in",))).output] == ["probabilities", "fc1.bias"]


# ---- dims ----
def test_a_name_is_fixed_everywhere(tmp_path: Path) -> None:
    model = onnx.shape_inference.infer_shapes(models.dynamic())
    step = edit(model, tmp_path, dims=("N=2", "L=7"))
    made = graph(step)
    assert shapes(made.input) == {"tokens": [2, 7]}
    assert shapes(made.output) == {"scores": [2, 7, 7]}
    known = shapes(made.value_info)
    assert known["q"] == [2, 7, 16]
    assert known["raw"] == [2, 7, 7]
    assert "The model runs with the new dims." in step.notes


def test_a_name_becomes_another_or_free(tmp_path: Path) -> None:
    model = onnx.shape_inference.infer_shapes(models.dynamic())
    made = graph(edit(model, tmp_path, dims=("N=batch", "L=?")))
    assert shapes(made.input) == {"tokens": ["batch", None]}
    assert shapes(made.output)["scores"][0] == "batch"
    assert shapes(made.value_info)["q"][0] == "batch"


def test_a_number_is_freed_and_what_follows_is_inferred(tmp_path: Path) -> None:
    model = onnx.shape_inference.infer_shapes(models.residual_cnn(batch=1))
    step = edit(model, tmp_path, dims=(f"{model.graph.input[0].name}:0=N",))
    made = graph(step)
    assert next(iter(shapes(made.input).values()))[0] == "N"
    assert next(iter(shapes(made.output).values()))[0] == "N"
    assert {shape[0] for name, shape in shapes(made.value_info).items() if name in {out for node in made.node for out in node.output}} == {
        "N"
    }
    assert any("runs with 1 and with 2" in note for note in step.notes)
    x = np.random.default_rng(0).standard_normal((4, *next(iter(shapes(made.input).values()))[1:])).astype(np.float32)  # type: ignore[misc]
    assert run(step.after.path, **{made.input[0].name: x})[0].shape[0] == 4


def test_one_number_becomes_another(tmp_path: Path) -> None:
    model = onnx.shape_inference.infer_shapes(models.residual_cnn(batch=1))
    made = graph(edit(model, tmp_path, dims=(f"{model.graph.input[0].name}:-4=3",)))
    assert next(iter(shapes(made.output).values()))[0] == 3


@pytest.mark.parametrize(
    ("make", "rule", "said"),
    [
        (models.mlp, "x:1=17", "do not fit the model: Gemm '/fc1/Gemm' says: Dimension mismatch"),
        (models.mlp, "probabilities:1=11", "is 10 with these inputs"),
        (models.residual_cnn, "x:1=5", "does not run with these dims: ONNX Runtime cannot run the model"),
        (models.mlp, "x:2=1", "no axis 2"),
        (models.mlp, "nobody:0=1", "no dim 'nobody:0'"),
        (models.mlp, "M=1", "no dim 'M'"),
        (models.mlp, "N=0", "cannot be 0"),
        (models.mlp, "N=-3", "cannot be -3"),
        (models.mlp, "N=a b", "cannot be the name of a dim"),
        (models.with_if, "x:1=3", "do not fit"),
    ],
)
def test_dims_that_cannot_be(make: object, rule: str, said: str, tmp_path: Path) -> None:
    model: onnx.ModelProto = make()  # type: ignore[operator]
    name = model.graph.input[0].name
    assert said in str(refusal(model, tmp_path, dims=(rule.replace("x:", f"{name}:"),)))


def test_a_free_dim_that_something_inside_does_not_take_is_told(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"], name="reshape")]
    frame = [helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", [1, 4]), ("y", [2, 2]))]
    shape = onnx.numpy_helper.from_array(np.array([2, 2], np.int64), "shape")
    model = helper.make_model(helper.make_graph(nodes, "g", frame[:1], frame[1:], [shape]), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    step = edit(model, tmp_path, dims=("x:0=N",))
    assert any(note.startswith("Warning: a dim is free now, but the model does not run with 2") for note in step.notes)
    refused = refusal(model, tmp_path / "2", dims=("x:0=3",))
    assert "do not fit" in str(refused) or "does not run" in str(refused)


def test_numbers_that_are_places_in_a_table_are_no_reason_to_refuse(tmp_path: Path) -> None:
    """Random tokens are beyond a table of two; that says nothing of the dims."""
    model = models.dynamic()
    table = next(each for each in model.graph.initializer if each.name == "embedding")
    table.CopyFrom(onnx.numpy_helper.from_array(np.ones((2, 24), np.float32), "embedding"))
    step = edit(model, tmp_path, dims=("N=2", "L=9"))
    assert "The model runs with the new dims." in step.notes


def test_an_output_may_promise_more_than_the_nodes(tmp_path: Path) -> None:
    step = edit(models.mlp(), tmp_path, dims=("probabilities:0=4",))
    assert any("do not promise" in note for note in step.notes)
    assert shapes(graph(step).output) == {"probabilities": [4, 10]}


def test_models_that_cannot_be_run_are_edited_with_a_warning(tmp_path: Path) -> None:
    step = edit(models.unknown_domain(), tmp_path, dims=("x:0=2",))
    assert any(note.startswith("Warning: the dims were not tried") for note in step.notes)
    quiet = edit(models.unknown_domain(), tmp_path, dims=("x:0=2",), verify=False)
    assert not any("tried" in note for note in quiet.notes)


# ---- metadata ----
def test_metadata(tmp_path: Path) -> None:
    model = models.mlp()
    for key, value in (("author", "somebody"), ("a=b", "1"), ("old", "yes")):
        model.metadata_props.add(key=key, value=value)
    step = edit(model, tmp_path, metadata=("author=me = you", "old=", "licence=MIT; with care", "a=b=2"))
    made = {entry.key: entry.value for entry in onnx.load(step.after.path).metadata_props}
    made.pop(history.STEPS)
    assert made == {"author": "me = you", "licence": "MIT; with care", "a=b": "2"}
    assert "kept by Sardonyx" in str(refusal(models.mlp(), tmp_path / "2", metadata=("sardonyx.steps=[]",)))
    assert "no metadata 'nothing'" in str(refusal(models.mlp(), tmp_path / "3", metadata=("nothing=",)))


# ---- the house ----
def test_nothing_to_do_is_no_variant(tmp_path: Path) -> None:
    step = edit(models.mlp(), tmp_path, rename=("x=x",), dims=("N=N", "x:1=16"))
    assert not step.modified


def test_undo_and_a_second_edit(tmp_path: Path) -> None:
    step = edit(models.mlp(), tmp_path, rename=("x=image",))
    tree = History()
    tree.open(step.before, opening.open_model(step.before.path, Job()).summary)
    tree.commit(step)
    assert [each.name for each in step.summary.inputs] == ["image"]
    tree.undo()
    assert tree.current is not None
    assert tree.current.model == step.before
    again = history.apply(step.after, EditInterface(rename=("image=picture",)), tmp_path / "out", Job())
    assert again.summary.inputs[0].name == "picture"


def test_weights_stay_in_their_files(tmp_path: Path) -> None:
    path = models.big(80, tmp_path / "big.onnx", layers=2)
    step = edit(path, tmp_path, rename=("x=input",), dims=("x:0=N",))
    assert step.after.path.stat().st_size < 1 << 20
    assert step.summary.inputs[0].text().startswith("float32[N,")


def test_a_preview_says_it_without_doing_it(tmp_path: Path) -> None:
    model: Model = document.snapshot(models.save(models.mlp(), tmp_path / "m.onnx"))
    shown = history.preview(model, EditInterface(rename=("x=in",), dims=("N=8",)), Job())
    assert shown.text == "Every dim 'N' is 8 now. Input 'x' is called 'in' now."
    assert document.load(model.path).graph.inputs[0].name == "x"


def test_recipes_carry_the_rules(tmp_path: Path) -> None:
    step = EditInterface(rename=("a=b; c",), dims=("x:0=8",), metadata=("note=one, two",))
    recipe.write([step], tmp_path / "r.toml")
    assert recipe.read(tmp_path / "r.toml") == (step,)

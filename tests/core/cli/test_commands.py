"""Each command does its work and says so: in a table for a person, in a document that its schema describes."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import pytest

from core import record
from core.backends import BACKENDS
from core.cli.commands import COMMANDS
from core.cli.commands.schema import schemas
from core.passes import PASSES
from core.session import Session
from tests import models
from tests.core.cli.conftest import Cli


def test_every_command_was_found() -> None:
    assert COMMANDS.broken == {}
    wanted = {"gui", "inspect", "passes", "optimize", "build", "bench", "compare", "doctor", "demo", "schema", "self-check"}
    assert wanted <= set(COMMANDS.ids())


def test_inspect(cli: Cli, digits: Path) -> None:
    done = cli("inspect", digits, "--json")
    assert done.code == 0
    summary = done.document["summary"]
    graph = onnx.load(digits).graph
    assert summary["nodes"] == len(graph.node)
    assert summary["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["N", 1, 8, 8]}]
    told = cli("inspect", digits)
    assert told.code == 0
    assert "(for N = 1)" in told.out
    assert "float32[N, 1, 8, 8]" in told.out
    assert f"{len(graph.node)}" in told.out
    assert "Open digits.onnx" in told.err or "Open " in told.err


def test_inspect_draws_the_graph(cli: Cli, digits: Path, tmp_path: Path) -> None:
    target = tmp_path / "digits.svg"
    done = cli("inspect", digits, "--picture", target, "--look", "dark", "--json")
    assert done.code == 0
    assert Path(done.document["picture"]) == target
    assert "<svg" in target.read_text(encoding="utf-8")[:100]
    for wrong, hint in ((tmp_path / "digits.png", "*.svg"), (tmp_path / "no" / "x.svg", "--picture"), (digits, "--picture")):
        refused = cli("inspect", digits, "--picture", wrong)
        assert refused.code == 2
        assert hint in refused.err
        assert "Open" not in refused.err, "before any work is done"


def test_passes(cli: Cli) -> None:
    found = cli("passes", "--json").document["passes"]
    assert [entry["id"] for entry in found] == list(PASSES.ids())
    for entry in found:
        jsonschema.Draft202012Validator.check_schema(entry["params"])
        assert entry["help"]
    told = cli("passes", "simplify")
    assert told.out.startswith("simplify\n")
    assert "fp16" not in told.out
    assert cli("passes", "nothing").code == 2


def test_optimize_writes_what_it_says(cli: Cli, digits: Path, evaluation: Path, calibration: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    steps = ("--pass", "simplify", "--pass", f"quantize_int8:profile=cpu,data={calibration},samples=32")
    done = cli("optimize", digits, "-o", out, *steps, "--data", evaluation, "--save-recipe", tmp_path / "r.toml", "--json")
    assert done.code == 0, done.err
    document = done.document
    assert [step["pass_id"] for step in document["steps"]] == ["simplify", "quantize_int8"]
    assert document["after"]["path"] == str(out)
    assert document["after"]["size"] == out.stat().st_size
    assert document["comparison"]["samples"] == len(np.load(evaluation)["y"])
    assert document["comparison"]["accuracy_a"] > 0.98
    assert document["comparison"]["accuracy_b"] > 0.95
    assert document["summary_after"]["nodes"] == len(onnx.load(out).graph.node)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out.onnx", "r.toml"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask

    again = tmp_path / "again.onnx"
    told = cli("optimize", digits, "-o", again, "--recipe", tmp_path / "r.toml", "--data", evaluation, "--limit", "32")
    assert told.code == 0
    for word in ("nodes", "parameters", "size", "MACs", "precision", "accuracy", "largest error", "top-1 agreement"):
        assert word in told.out
    first, second = (cli("inspect", item, "--json").document["model"]["fingerprint"] for item in (out, again))
    assert first == second


def test_optimize_without_data_says_that_inputs_are_random(cli: Cli, digits: Path, tmp_path: Path) -> None:
    done = cli("optimize", digits, "-o", tmp_path / "o.onnx", "--pass", "fp16")
    assert done.code == 0
    assert "random" in done.out


def test_optimize_warns_of_outputs_that_are_far_off(cli: Cli, digits: Path, tmp_path: Path) -> None:
    far = cli("optimize", digits, "-o", tmp_path / "far.onnx", "--pass", "prune_magnitude:sparsity=0.97", "--limit", "8")
    assert far.code == 0
    assert "warning: Output logits is far from what it was" in far.err
    near = cli("optimize", digits, "-o", tmp_path / "near.onnx", "--pass", "fp16", "--limit", "8")
    assert "far from" not in near.err


def test_optimize_keeps_a_result_that_cannot_be_run(cli: Cli, tmp_path: Path) -> None:
    model = models.mlp()
    model.opset_import.append(onnx.helper.make_opsetid("our.own", 1))
    last = model.graph.node[-1]
    model.graph.node.append(onnx.helper.make_node("Secret", ["before_secret"], list(last.output), "secret", domain="our.own"))
    last.output[0] = "before_secret"
    source = models.save(model, tmp_path / "custom.onnx")
    done = cli("optimize", source, "-o", tmp_path / "o.onnx", "--pass", "prune_magnitude", "--json")
    assert done.code == 0, done.err
    assert done.document["comparison"] is None
    assert done.document["comparison_note"]
    assert (tmp_path / "o.onnx").exists()


def test_optimize_carries_large_weights_along(cli: Cli, tmp_path: Path) -> None:
    source = models.with_external(tmp_path / "in")
    before = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    (tmp_path / "out").mkdir()
    done = cli("optimize", source, "-o", tmp_path / "out" / "o.onnx", "--pass", "prune_magnitude:sparsity=0.25")
    assert done.code == 0, done.err
    onnx.checker.check_model(str(tmp_path / "out" / "o.onnx"))
    assert {path: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before


def test_large_weights_never_replace_what_others_read(cli: Cli, tmp_path: Path) -> None:
    """Weights of 64 MB and more go into a file of their own, which is called like the model."""
    source = models.big(65, tmp_path / "big.onnx", layers=1)
    words = ("--pass", "prune_magnitude", "--no-compare", "--json")
    done = cli("optimize", source, "-o", tmp_path / "out.onnx", *words)
    assert done.code == 0, done.err
    assert done.document["data"] == ["out.data"]
    assert "(and out.data)" in done.err
    again = cli("optimize", source, "-o", tmp_path / "out.onnx", *words)
    assert again.code == 0, "an earlier output is replaced as a whole"

    other = (tmp_path / "big.onnx").rename(tmp_path / "other.onnx")  # it reads big.data
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    done = cli("optimize", other, "-o", tmp_path / "big.onnx", *words)
    assert done.code == 2
    assert "would replace big.data, which other.onnx reads" in done.document["message"]
    (tmp_path / "mine.data").write_bytes(b"somebody's")
    before |= {tmp_path / "mine.data": (tmp_path / "mine.data").stat().st_mtime_ns}
    done = cli("optimize", other, "-o", tmp_path / "mine.onnx", *words)
    assert done.code == 1
    assert "mine.data is there already" in done.document["message"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to do"),
        (("--pass", "simplfy"), "There is no 'simplfy'"),
        (("--pass", "simplify:verfy=no"), "no parameter 'verfy'"),
        (("--pass", "simplify", "--recipe", "r.toml"), "exclude each other"),
        (("--recipe", "none.toml"), "cannot be read"),
        (("--pass", "simplify", "--labels", "l.csv"), "need the data"),
        (("--pass", "simplify", "--data", "none.npz"), "There is no none.npz"),
        (("--pass", "simplify", "--limit", "0"), "limit"),
    ],
)
def test_optimize_refuses_what_makes_no_sense(words: tuple[str, ...], message: str, cli: Cli, digits: Path, tmp_path: Path) -> None:
    done = cli("optimize", digits, "-o", tmp_path / "o.onnx", *words, "--json")
    assert done.code == 2
    assert message in done.document["message"]
    assert done.document["hint"]
    assert list(tmp_path.iterdir()) == []


def test_an_output_never_replaces_its_input(cli: Cli, tmp_path: Path) -> None:
    source = models.save(models.mlp(), tmp_path / "m.onnx")
    (tmp_path / "link.onnx").symlink_to(source)
    content = source.read_bytes()
    for out in (source, tmp_path / "link.onnx"):
        assert cli("optimize", source, "-o", out, "--pass", "simplify").code == 2
        assert cli("build", source, "-o", out).code == 2
    assert cli("optimize", source, "-o", tmp_path / "none" / "o.onnx", "--pass", "simplify").code == 2
    assert cli("optimize", source, "-o", tmp_path, "--pass", "simplify").code == 2
    assert source.read_bytes() == content


def test_build_and_bench_an_engine(cli: Cli, digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits.engine"
    out.write_bytes(b"an older one")
    built = cli("build", digits, "-o", out, "--option", "threads=1", "--json").document
    assert built["engine"]["size"] == out.stat().st_size
    assert built["engine"]["options"]["threads"] == 1
    assert sorted(item.name for item in tmp_path.iterdir()) == ["digits.engine", "digits.engine.json"]
    assert record.read(out).path == out

    moved = tmp_path / "b"
    moved.mkdir()
    for name in ("digits.engine", "digits.engine.json"):
        (tmp_path / name).rename(moved / name)
    quick = ("--duration", "0.1", "--warmup", "0")
    done = cli("bench", moved / "digits.engine", digits, *quick, "--json")
    assert done.code == 0, done.err
    first, second = done.document["benches"]
    assert first["result"]["stats"]["count"] > 0
    assert first["result"]["latencies"] == second["result"]["latencies"] == []
    assert first["path"] == str(moved / "digits.engine")
    assert cli("bench", digits, *quick, "--latencies", "--json").document["benches"][0]["result"]["latencies"]
    told = cli("bench", digits, "--backend", "fake", "--option", "latency_ms=5", *quick)
    assert told.code == 0
    assert "fake" in told.out
    for column in ("p50", "p90", "p95", "p99", "p99.9", "inferences/s"):
        assert f" {column} " in told.out


def test_an_engine_does_not_need_the_models_data(cli: Cli, tmp_path: Path) -> None:
    source = models.with_external(tmp_path / "in")
    (tmp_path / "out").mkdir()
    assert cli("build", source, "-o", tmp_path / "out" / "e.engine").code == 0
    shutil.rmtree(tmp_path / "in")
    done = cli("bench", tmp_path / "out" / "e.engine", "--duration", "0.1", "--warmup", "0", "--json")
    assert done.code == 0, done.err
    (tmp_path / "out" / "e.engine.data").unlink()
    done = cli("bench", tmp_path / "out" / "e.engine", "--json")
    assert done.code == 1
    assert "together" in done.document["hint"]


def test_an_engine_without_its_record_is_refused(cli: Cli, digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.engine"
    assert cli("build", digits, "-o", out, "--backend", "fake").code == 0
    with out.open("ab") as file:
        file.write(b"!")
    done = cli("bench", out, "--json")
    assert done.code == 1
    assert "not the engine" in done.document["message"]
    (tmp_path / "e.engine.json").write_text("{")
    assert cli("bench", out).code == 1
    (tmp_path / "e.engine.json").unlink()
    done = cli("bench", out, "--json")
    assert done.code == 2
    assert "e.engine.json" in done.document["message"]


def test_a_build_that_fails_leaves_the_engine_before(cli: Cli, digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.engine"
    assert cli("build", digits, "-o", out, "--backend", "fake").code == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done = cli("build", digits, "-o", out, "--backend", "fake", "--option", "fail_at=build")
    assert done.code == 1
    assert "hint:" in done.err
    done = cli("build", digits, "-o", out, "--backend", "fake", "--option", "crash=segfault", "--json")
    assert done.code == 1
    assert "SIGSEGV" in done.document["message"]
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_build_refuses_unknown_names(cli: Cli, digits: Path, tmp_path: Path) -> None:
    done = cli("build", digits, "-o", tmp_path / "e", "--backend", "nothing", "--json")
    assert (done.code, "onnxruntime" in done.document["hint"]) == (2, True)
    assert "fake" not in done.document["hint"], "it is for tests"
    done = cli("build", digits, "-o", tmp_path / "e", "--option", "nothing=1", "--json")
    assert (done.code, "threads" in done.document["hint"]) == (2, True)


def test_compare_and_its_limits(cli: Cli, digits: Path, evaluation: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.onnx"
    assert cli("optimize", digits, "-o", half, "--pass", "fp16", "--no-compare").code == 0
    same = cli("compare", digits, digits, "--json").document
    (output,) = same["comparison"]["outputs"]
    assert output["equal"] is True
    assert output["sqnr"] is None  # infinite
    done = cli("compare", digits, half, "--data", evaluation, "--min-agreement", "0.99", "--max-abs", "1", "--max-drop", "0.01", "--json")
    assert (done.code, done.document["failed"]) == (0, [])
    assert done.document["comparison"]["accuracy_b"] > 0.98
    done = cli("compare", digits, half, "--data", evaluation, "--max-abs", "0", "--min-sqnr", "500", "--json")
    assert done.code == 1
    assert len(done.document["failed"]) == 2
    told = cli("compare", digits, half, "--max-drop", "0.5")
    assert told.code == 1
    assert "no labels" in told.err
    assert "top-1 agreement" in told.out
    assert cli("compare", digits, digits, "--min-sqnr", "500").code == 0


def test_doctor(cli: Cli) -> None:
    done = cli("doctor", "--json")
    assert done.code == 0
    states = {entry["id"]: entry["availability"] for entry in done.document["backends"]}
    assert set(states) == {backend.id for backend in BACKENDS if not backend.hidden}
    assert states["onnxruntime"]["can_run"]
    for state in states.values():
        assert (state["can_build"] and state["can_run"]) or (state["reason"] and state["hint"])
    assert "ONNX Runtime" in cli("doctor").out


def test_schema(cli: Cli) -> None:
    everything = cli("schema", "--json").document["schemas"]
    assert set(everything) == {*COMMANDS.ids(), "error"}
    for name, schema in everything.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert json.loads(cli("schema", name).out) == schema
        assert schema["description"]
    assert everything == schemas()
    assert cli("schema", "nothing").code == 2


def test_the_demonstration(cli: Cli, tmp_path: Path) -> None:
    done = cli("demo", "--out", tmp_path / "d", "--duration", "0.1", "--json")
    assert done.code == 0, done.err
    document = done.document
    rows = {row["title"]: row for row in document["rows"]}
    assert len(rows) == 4
    int8 = rows["INT8 for the CPU"]
    assert int8["precision"] == "int8"
    assert int8["size"] < rows["digits"]["size"]
    assert int8["accuracy"] > 0.97
    assert rows["digits"]["accuracy"] > 0.98
    assert int8["onnxruntime"]["count"] > 0
    if document["backends"]["tensorrt_rtx"]["can_build"]:
        assert rows["INT8 for TensorRT"]["tensorrt_rtx_size"] > 0
    else:
        assert any("TensorRT-RTX" in note for note in document["notes"])
    assert json.loads((tmp_path / "d" / "demo.json").read_text()) == document
    assert [path.name for path in tmp_path.iterdir()] == ["d"]

    session = Session.restore(tmp_path / "d")
    assert session.problems == ()
    assert session.history[session.history.head or ""].title == "INT8 for the CPU"
    assert session.accuracy("v0") == rows["digits"]["accuracy"]
    assert session.latency("v2") is not None
    for engines in session.results.engines.values():
        for engine in engines:
            assert engine.path.is_relative_to(tmp_path / "d")
            assert engine.path.exists()
    recipe = cli(
        "optimize", document["folder"] + "/models/digits.onnx", "-o", tmp_path / "o.onnx", "--recipe", tmp_path / "d" / "recipe.toml"
    )
    assert recipe.code == 0, recipe.err

    refused = cli("demo", "--out", tmp_path / "d", "--json")
    assert refused.code == 2
    assert "not empty" in refused.document["message"]

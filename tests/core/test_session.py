"""A session comes back exactly as it was saved, wherever its folder is then, and damage costs only what was damaged."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import archive
from core.backends.base import Engine, Layer
from core.bench import BenchResult, Environment, Stats
from core.compare import Comparison, OutputError
from core.errors import AppError, UsageError
from core.history import Step
from core.model import Model, Summary, TensorType, document
from core.overlays.numbers import Numbers
from core.session import Saving, Session
from tests import models

X = TensorType("x", "float32", (1, "N", None))
SUMMARY = Summary(
    name="g", producer="p", ir_version=10, opsets={"": 17}, nodes=3, ops={"Relu": 3}, inputs=(X,), outputs=(X,), parameters=5,
    weight_bytes=20, macs=None, macs_missing=1, precision="float32", initializers=1, functions=0, metadata={"a": "@b"}, warnings=("w",),
)  # fmt: skip
STATS = Stats(3, 1.0, 0.1, 0.9, 1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1000.0, 0.95, 1.05)
WHERE = Environment("m", "cpu", 2, 1 << 30, "Linux", "3.11", "", "", "", 0.5, {"onnxruntime": "1.31"})


def model(path: Path) -> Model:
    """A real model file."""
    models.save(models.mlp(), path)
    return document.snapshot(path)


def started(tmp_path: Path) -> Session:
    found = model(tmp_path / "in" / "net.onnx")
    return Session.start(SimpleNamespace(model=found, summary=SUMMARY), tmp_path / "session")  # type: ignore[arg-type]


def grow(one: Session, title: str) -> str:
    """A variant with a file of its own under the head."""
    before = one.history.current
    assert before is not None
    number = len(one.history.variants)
    after = dataclasses.replace(before.model, path=one.models / f"v{number}.onnx", fingerprint=f"{number:064x}")
    shutil.copy(before.model.path, after.path)
    step = Step("simplify", {"skip": ["a"], "x": 0.1}, title, before.model, after, SUMMARY, True, ("note",), 0.1 + 0.2)
    return one.history.commit(step).id


def engine(one: Session, variant: str) -> Engine:
    path = one.engines / f"{variant}.engine"
    path.write_bytes(b"engine" * 10)
    found = one.history[variant].model
    return Engine(
        "fake", {"level": 3, "list": [1]}, path, found, 60, 1.5, "cpu", "1", (X,), (X,), (Layer("a", nodes=("n",)),), ("log",), "now"
    )


def bench() -> BenchResult:
    latencies = tuple(0.1 * n for n in range(1000))
    return BenchResult(
        "fake", {}, {"seconds": 1.0}, "f", 60, STATS, latencies, {"x": (1, 2)}, "seeded random", WHERE, "now", ("n",), {"t": (1, 2)}
    )


def comparison(a: str, b: str, accuracy: tuple[float | None, float | None] = (0.9, 0.8)) -> Comparison:
    same = OutputError("y", 0.0, 0.0, 1.0, math.inf, None, True, True)
    return Comparison(a, b, 8, (same, OutputError("z", 1e-3, 1e-4, 0.99, 40.0, 0.5, False, True)), *accuracy, "data", 0.3, ("n",))


@pytest.fixture
def full(tmp_path: Path) -> Session:
    """A session with two branches, an engine, two benchmarks and a comparison; the head is not the newest."""
    one = started(tmp_path)
    first = grow(one, "first")
    second = grow(one, "second")
    one.history.goto("v0")
    grow(one, "branch")
    one.history.goto(second)
    one.history.undo()
    one.add_engine(first, engine(one, first))
    one.add_bench(first, bench())
    one.add_bench("v0", dataclasses.replace(bench(), stats=dataclasses.replace(STATS, p50=2.0)))
    one.add_comparison(first, comparison(one.history["v0"].model.fingerprint, one.history[first].model.fingerprint))
    one.save()
    return one


def same(a: Session, b: Session) -> None:
    assert b.history.to_dict() == a.history.to_dict()
    assert (b.history.head, b.history.can_redo) == (a.history.head, a.history.can_redo)
    assert b.history.variants == a.history.variants
    assert b.results == a.results
    assert (b.source, b.origin) == (a.source, a.origin)


def test_restored_is_what_was_saved(full: Session) -> None:
    again = Session.restore(full.folder)
    same(full, again)
    assert again.problems == ()
    assert not again.dirty
    assert again.history.redo().id == "v2"
    assert again.dirty


def test_saving_what_was_restored_changes_nothing(full: Session) -> None:
    again = Session.restore(full.folder)
    again.save()
    same(full, Session.restore(full.folder))
    assert len(list((full.folder / "results").iterdir())) == 4


def test_a_session_can_be_moved(full: Session, tmp_path: Path) -> None:
    shutil.copytree(full.folder, tmp_path / "elsewhere")
    shutil.rmtree(full.folder)
    moved = Session.restore(tmp_path / "elsewhere")
    assert moved.problems == ()
    for variant in moved.history.variants.values():
        assert variant.model.path.parent == tmp_path / "elsewhere" / "models"
        assert variant.model.path.exists()
    assert moved.engines_of("v1")[0].path == tmp_path / "elsewhere" / "engines" / "v1.engine"
    assert moved.history["v0"].summary.metadata == {"a": "@b"}


def test_save_as_moves_the_open_session_and_leaves_the_old_folder(full: Session, tmp_path: Path) -> None:
    told = []
    full.history.changed.connect(lambda: told.append("history"))
    full.results_changed.connect(lambda: told.append("results"))
    full.add_bench("v3", bench())
    old = full.folder
    full.save(tmp_path / "new")
    assert full.folder == tmp_path / "new"
    assert full.history["v1"].model.path == tmp_path / "new" / "models" / "v1.onnx"
    assert full.engines_of("v1")[0].path.parent == tmp_path / "new" / "engines"
    assert {"history", "results"} <= set(told)
    same(full, Session.restore(tmp_path / "new"))
    assert len(Session.restore(old).results.benches) == 2  # as it was saved there
    full.save()
    same(full, Session.restore(tmp_path / "new"))


def test_save_as_refuses_a_folder_with_something_in_it(full: Session, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        full.save(tmp_path / "in")
    (tmp_path / "empty").mkdir()
    full.save(tmp_path / "empty")
    same(full, Session.restore(tmp_path / "empty"))


def test_a_save_that_fails_leaves_what_was_there(full: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {path: path.read_bytes() for path in sorted(full.folder.rglob("*")) if path.is_file()}
    full.add_bench("v1", bench())

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    for target in (None, tmp_path / "other"):
        with monkeypatch.context() as patch:
            patch.setattr(archive, "write_head", refuse)
            with pytest.raises(AppError, match="No space left") as told:
                full.save(target)
        assert "free space" in told.value.hint
        assert {path: path.read_bytes() for path in sorted(full.folder.rglob("*")) if path.is_file()} == files
        assert not (tmp_path / "other").exists()
        assert full.dirty
    full.save()
    same(full, Session.restore(full.folder))


def test_a_small_model_is_copied_and_the_original_may_go(tmp_path: Path) -> None:
    one = started(tmp_path)
    assert one.history["v0"].model.path == one.models / "net.onnx"
    assert one.source == tmp_path / "in" / "net.onnx"
    assert not one.dirty
    (tmp_path / "in" / "net.onnx").unlink()
    (problem,) = Session.restore(one.folder).problems
    assert "no longer at" in problem.message
    assert "own copy" in problem.hint
    (tmp_path / "in" / "net.onnx").write_bytes(b"another")
    (problem,) = Session.restore(one.folder).problems
    assert "has changed" in problem.message


def test_an_original_that_was_only_touched_is_the_same(tmp_path: Path) -> None:
    one = started(tmp_path)
    os.utime(one.source, ns=(1, 1))
    assert Session.restore(one.folder).problems == ()


def test_a_model_with_external_data_is_referred_to(tmp_path: Path) -> None:
    path = models.with_external(tmp_path / "in")
    one = Session.start(SimpleNamespace(model=document.snapshot(path), summary=SUMMARY), tmp_path / "session")  # type: ignore[arg-type]
    assert one.history["v0"].model.path == path
    assert list(one.models.iterdir()) == []
    path.rename(path.with_name("gone.onnx"))
    (problem,) = Session.restore(one.folder).problems
    assert "refers to it" in problem.hint


def test_beginning_twice_in_one_folder_is_refused(tmp_path: Path) -> None:
    one = started(tmp_path)
    opened = SimpleNamespace(model=one.history["v0"].model, summary=SUMMARY)
    with pytest.raises(UsageError, match="session in"):
        Session.start(opened, one.folder)  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
@pytest.mark.parametrize("name", ["models/v2.onnx", "engines/v1.engine", "results/bench-0001.json", "results/comparison-0001.json"])
def test_damage_costs_what_was_damaged_and_nothing_else(full: Session, name: str, damage: str) -> None:
    path = full.folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-5] if damage == "cut" else b"\0\0" + content[2:])
        os.utime(path, ns=(5, 5))  # also where the clock is coarse
    again = Session.restore(full.folder)
    (problem,) = again.problems
    assert problem.hint
    assert "missing" in problem.message or "damaged" in problem.message
    assert again.history.variants == full.history.variants
    kept, before = dataclasses.asdict(again.results), dataclasses.asdict(full.results)
    lost = {"e": "engines", "r": "benches" if "bench" in name else "comparisons"}.get(name[0])
    for kind in kept:
        count = sum(map(len, before[kind].values())) - sum(map(len, kept[kind].values()))
        assert count == (1 if kind == lost else 0)
    again.save()  # and it goes on from there


def test_a_damaged_head_gives_the_save_before(full: Session) -> None:
    full.history.rename("v1", "renamed")
    full.save()
    (full.folder / "session.json").write_text('{"format": 1, "his')
    again = Session.restore(full.folder)
    assert "save before" in again.problems[0].message
    assert again.history["v1"].title == "first"
    assert again.results == full.results


def test_a_folder_that_is_no_session(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="not a Sardonyx session"):
        Session.restore(tmp_path)
    (tmp_path / "session.json").write_text("{}")
    with pytest.raises(AppError, match="which format"):
        Session.restore(tmp_path)
    (tmp_path / "session.json").write_text('{"format": 1}')
    with pytest.raises(AppError, match="damaged"):
        Session.restore(tmp_path)
    (tmp_path / "session.json").write_text("[")
    with pytest.raises(AppError, match="damaged"):
        Session.restore(tmp_path)


def test_a_newer_format_is_refused_and_an_older_one_migrated(full: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    head = full.folder / "session.json"
    saved = json.loads(head.read_text())
    head.write_text(json.dumps({**saved, "format": 2, "version": "9.9"}))
    with pytest.raises(AppError, match=r"9\.9"):
        Session.restore(full.folder)
    head.write_text(json.dumps({**{k: v for k, v in saved.items() if k != "results"}, "format": 0, "outcomes": saved["results"]}))
    with pytest.raises(AppError, match="format 0"):
        Session.restore(full.folder)
    monkeypatch.setitem(archive.MIGRATIONS, 0, lambda old: {**old, "format": 1, "results": old["outcomes"]})
    same(full, Session.restore(full.folder))


def test_latest_results_are_the_ones_that_count(full: Session) -> None:
    latency = full.latency("v0")
    assert latency is not None
    assert latency.p50 == 2.0
    assert full.latency("v2") is None
    assert (full.accuracy("v0"), full.accuracy("v1"), full.accuracy("v2")) == (0.9, 0.8, None)
    full.add_comparison("v1", comparison("", "", (None, None)))
    assert full.accuracy("v1") == 0.8
    full.add_comparison("v1", comparison("", "", (0.5, 0.6)), against="v0")
    assert (full.accuracy("v0"), full.accuracy("v1")) == (0.5, 0.6)


def test_an_engine_built_again_replaces_the_one_before(full: Session) -> None:
    again = dataclasses.replace(engine(full, "v1"), seconds=9.0)
    full.add_engine("v1", again)
    assert full.engines_of("v1") == (again,)
    full.save()
    same(full, Session.restore(full.folder))


def test_results_of_an_unknown_variant_are_refused(full: Session) -> None:
    with pytest.raises(UsageError, match="v9"):
        full.add_bench("v9", bench())


def test_what_was_removed_goes_with_the_next_save(full: Session) -> None:
    files = {item.name for item in full.models.iterdir()}
    (full.models / "v1.data").write_bytes(b"weights")
    full.history.remove("v1")
    assert files <= {item.name for item in full.models.iterdir()}
    full.save()
    again = Session.restore(full.folder)
    assert again.problems == ()
    assert set(again.history.variants) == {"v0", "v3"}
    assert set(again.results.benches) == {"v0"}
    assert again.results.engines == {}
    assert {item.name for item in full.models.iterdir()} == {"net.onnx", "v3.onnx"}
    assert list(full.engines.iterdir()) == []


def test_a_file_that_two_variants_share_stays(full: Session) -> None:
    v3 = full.history["v3"]
    step = Step("simplify", {}, "nothing", v3.model, v3.model, SUMMARY, False, (), 0.1)
    same_file = full.history.commit(step, "v3")
    full.save()
    full.history.remove(same_file.id)
    full.save()
    assert v3.model.path.exists()


def test_two_windows_do_not_undo_each_other(full: Session, tmp_path: Path) -> None:
    full.save()
    one, other = Session.restore(full.folder), Session.restore(full.folder)
    grow(one, "One")
    one.save()
    one.save()  # its own saves are no surprise
    grow(other, "Other")
    before = (full.folder / archive.HEAD).read_bytes()
    with pytest.raises(AppError, match="has been saved by another window meanwhile") as caught:
        other.save()
    assert "another folder" in caught.value.hint
    with pytest.raises(AppError, match="another window"):
        full.save()
    assert (full.folder / archive.HEAD).read_bytes() == before
    other.save(tmp_path / "other")
    other.save()
    assert [item.title for item in Session.restore(full.folder).history.variants.values()][-1] == "One"
    assert [item.title for item in Session.restore(tmp_path / "other").history.variants.values()][-1] == "Other"
    saving = Saving(one)
    saving.write()
    saving.settle()
    one.save()


def test_a_head_that_is_gone_is_written_anew(full: Session) -> None:
    full.save()
    (full.folder / archive.HEAD).unlink()
    full.save()
    assert len(Session.restore(full.folder).history) == len(full.history)


def test_closed_sessions_do_not_listen(full: Session) -> None:
    full.close()
    full.history.undo()
    assert not full.dirty


def test_sessions_live_in_the_persons_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARDONYX_DATA_DIR", str(tmp_path / "data"))
    found = model(tmp_path / "my net!.onnx")
    opened: Any = SimpleNamespace(model=found, summary=SUMMARY)
    first, second = Session.start(opened), Session.start(opened)
    assert first.folder != second.folder
    assert first.folder.parent == tmp_path / "data" / "sessions"
    assert first.folder.name.startswith("my-net-")
    os.utime(first.folder / "session.json", ns=(5, 5))
    assert archive.sessions() == (second.folder, first.folder)


def test_numbers_on_nodes_are_kept_by_variant(tmp_path: Path) -> None:
    session = started(tmp_path)
    head = session.history.head
    assert head is not None
    told: list[int] = []
    session.results_changed.connect(lambda: told.append(1))
    session.dirty = False
    session.add_numbers(head, Numbers("latency", "Latency", "ms", {"a": 1.0}, "a test"))
    session.add_numbers(head, Numbers("error", "Error", "dB", {"a": 40.0}, "a test"))
    session.add_numbers(head, Numbers("latency", "Latency", "ms", {"a": 2.0}, "a test"))
    assert [(each.id, each.by_name["a"]) for each in session.numbers_of(head)] == [("latency", 2.0), ("error", 40.0)]
    assert session.numbers_of("v9") == ()
    assert told == [1, 1, 1]
    assert not session.dirty  # they are not saved
    with pytest.raises(AppError):
        session.add_numbers("v9", Numbers("x", "x", "", {}, ""))

"""Bad input, in the real window and through the command line: a clear message with a hint, and nothing is lost.

`REFUSED` are no models: the window keeps what was open, a command ends with 1 and leaves nothing behind. `ODD` are valid
models: they open with a warning, and what cannot be done with them ends in words, never in a crash.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
import pytest

from tests import models
from tests.core.cli.conftest import Cli, cli
from tests.stories.driver import SAMPLE, Person

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.notify import Message
    from gui.window import MainWindow

__all__ = ["cli"]

pytestmark = pytest.mark.timeout(300)

Maker = Callable[[Path], Path]


def _bytes(data: bytes) -> Maker:
    def make(folder: Path) -> Path:
        folder.mkdir()
        (folder / "bad.onnx").write_bytes(data)
        return folder / "bad.onnx"

    return make


def _elsewhere(location: str, *, link: bool = False, there: bool = True) -> Maker:
    """A model whose matrices are at `location`, with the data itself in the folder above the model's."""

    def make(folder: Path) -> Path:
        path = models.with_external(folder / "model", "bad")
        data = folder / "model" / "bad.data"
        data = data.rename(folder / "secret.data")
        if not there:
            data.unlink()
        if link:
            (folder / "model" / location).symlink_to(data)
        proto = onnx.load(path, load_external_data=False)
        for tensor in proto.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location.replace("{folder}", str(folder))
        return models.save(proto, path)

    return make


@dataclasses.dataclass(frozen=True)
class Bad:
    """How a file is made, and words of the message and of the hint that a person gets for it."""

    make: Maker
    message: str
    hint: str


_WHOLE = models.residual_cnn().SerializeToString()
_OUTSIDE = ("outside the model's folder", "inside its own folder")

REFUSED = {
    "a truncated file": Bad(_bytes(_WHOLE[: len(_WHOLE) // 2]), "cut off", "get the file again"),
    "an empty file": Bad(_bytes(b""), "empty", "get the file again"),
    "a text file": Bad(_bytes(b"this is\nno model at all\n"), "text file", ".onnx"),
    "a cyclic graph": Bad(_bytes(models.cyclic().SerializeToString()), "Add 'left'", "free of cycles"),
    "missing external data": Bad(_elsewhere("bad.data", there=False), "External data is missing: bad.data", "model/bad.data"),
    "external data at an absolute path": Bad(_elsewhere("{folder}/secret.data"), *_OUTSIDE),
    "external data by ..": Bad(_elsewhere("../secret.data"), *_OUTSIDE),
    "external data by a symbolic link": Bad(_elsewhere("bad.data", link=True), "a link to", "cp -L"),
}


@dataclasses.dataclass(frozen=True)
class Odd:
    """A valid model, words of its warning, and the commands that refuse it, with words of their messages and hints."""

    build: Callable[[], onnx.ModelProto]
    warning: str
    refused: tuple[tuple[tuple[str, ...], str, str], ...] = ()


_INT8 = ("optimize", "--pass", "quantize_int8:samples=4")
_PRUNE = ("optimize", "--pass", "prune_magnitude")
_NO_OP = "The operator Frobnicate of the custom domain 'com.example.unknown'"
_NOT_ORT = "run this model with the runtime that brings the domain"

ODD = {
    "an unknown op domain": Odd(
        models.unknown_domain,
        "'com.example.unknown': Frobnicate",
        (
            (("build",), _NO_OP, _NOT_ORT),
            (("build", "--backend", "tensorrt_rtx"), "no operator Frobnicate", "standard operators"),
            (("bench", "--duration", "0.1"), _NO_OP, _NOT_ORT),
            (("compare",), _NO_OP, _NOT_ORT),
            (_PRUNE, "no weights to prune", "Conv"),
        ),
    ),
    "a NaN weight": Odd(models.nan_weight, "Weights with NaN: 'fc1.weight'", ((_INT8, "'fc1.weight' holds NaN", "Mend the weight"),)),
    "a zero-size tensor": Odd(models.zero_size, "'nothing' (float32[1, 0])", ((_PRUNE, "no weights to prune", "Conv"),)),
    "a graph of 0 nodes": Odd(models.empty_graph, "no nodes", ((_PRUNE, "no weights to prune", "Conv"),)),
}


def files(folder: Path) -> dict[Path, bytes]:
    """Everything below, hidden files too."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---- the command line ----
def filled(words: tuple[str, ...], path: Path, out: Path) -> list[object]:
    """A command line on `path`: what it writes goes into `out`."""
    command, *rest = words
    inputs: list[object] = [path, path] if command == "compare" else [path]
    outputs: list[object] = ["-o", out / "made"] if command in ("build", "optimize") else []
    return [command, *inputs, *outputs, *rest]


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """A folder for what commands write; it stays empty."""
    folder = tmp_path / "out"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == [], "what failed left something behind"


COMMANDS = (("inspect",), ("optimize", "--pass", "simplify"), ("build",), ("build", "--backend", "tensorrt_rtx"), ("bench",), ("compare",))


@pytest.mark.parametrize("name", REFUSED)
def test_commands_refuse(name: str, cli: Cli, tmp_path: Path, out: Path) -> None:
    bad = REFUSED[name]
    path = bad.make(tmp_path / "in")
    before = files(tmp_path)
    for words in COMMANDS:
        for json in (False, True):
            done = cli(*filled(words, path, out), *(["--json"] if json else []))
            assert done.code == 1, done.err
            refused_in_words(done.err, bad.message, bad.hint)
            if json:
                assert bad.message in done.document["message"]
                assert bad.hint in done.document["hint"]
            else:
                assert done.out == ""
    assert files(tmp_path) == before


def refused_in_words(err: str, message: str, hint: str) -> None:
    """What a person reads on stderr: one message, one hint, no traceback."""
    told = [line for line in err.splitlines() if line.startswith(("error: ", "hint: "))]
    assert [line.partition(":")[0] for line in told] == ["error", "hint"], err
    assert message in told[0]
    assert hint in told[1]
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ODD)
def test_commands_say_what_is_odd(name: str, cli: Cli, tmp_path: Path) -> None:
    path = models.save(ODD[name].build(), tmp_path / "odd.onnx")
    done = cli("inspect", path)
    assert done.code == 0
    assert any(ODD[name].warning in line for line in done.err.splitlines() if line.startswith("warning: "))
    document = cli("inspect", path, "--json").document
    assert any(ODD[name].warning in warning for warning in document["summary"]["warnings"])


@pytest.mark.parametrize(
    ("name", "words", "message", "hint"),
    [pytest.param(name, *each, id=f"{name}: {' '.join(each[0])}") for name, odd in ODD.items() for each in odd.refused],
)
def test_commands_refuse_what_cannot_be_done(
    name: str, words: tuple[str, ...], message: str, hint: str, cli: Cli, tmp_path: Path, out: Path
) -> None:
    path = models.save(ODD[name].build(), tmp_path / "odd.onnx")
    before = files(tmp_path)
    done = cli(*filled(words, path, out), "--json")
    assert done.code == 1, done.err
    refused_in_words(done.err, message, hint)
    assert message in done.document["message"]
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", [name for name in ODD if name != "an unknown op domain"])
def test_commands_do_what_can_be_done(name: str, cli: Cli, tmp_path: Path) -> None:
    """Simplify keeps the outputs, both builders build, ONNX Runtime runs, and a model is equal to itself."""
    path = models.save(ODD[name].build(), tmp_path / "odd.onnx")
    made = cli("optimize", path, "-o", tmp_path / "made.onnx", "--pass", "simplify", "--limit", "4", "--json")
    assert made.code == 0, made.err
    assert all(output["equal"] for output in made.document["comparison"]["outputs"])
    onnx.checker.check_model(str(tmp_path / "made.onnx"))
    for backend in ("onnxruntime", "tensorrt_rtx"):
        assert cli("build", path, "-o", tmp_path / f"made.{backend}", "--backend", backend).code == 0
    done = cli("bench", tmp_path / "made.onnxruntime", "--duration", "0.05", "--warmup", "0", "--json")
    assert done.document["benches"][0]["result"]["stats"]["count"] > 0


# ---- the window ----
def news(person: Person, count: int) -> list[Message]:
    """What was said to the person since there were `count` messages; log lines left out."""
    return [message for message in list(person.window.ctx.notify.messages)[count:] if message.toast]


def test_the_window_refuses_and_keeps_what_was_open(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    person = Person(window, qtbot)
    person.open(SAMPLE / "digits.onnx")
    person.apply("simplify")
    person.idle()
    session, tree = person.session, person.session.history.to_dict()
    kept = files(session.folder)
    recent = window.ctx.settings.recent
    for number, (name, bad) in enumerate(REFUSED.items()):
        path = bad.make(tmp_path / str(number))
        count = len(window.ctx.notify.messages)
        window.open_path(path)
        person.idle()
        told = news(person, count)
        assert [message.severity for message in told] == ["error"], name
        assert not told[0].bug
        assert bad.message in told[0].text, name
        assert bad.hint in told[0].hint, name
        assert window.isVisible()
        assert window.ctx.session is session, f"{name}: the model that was open stays"
        assert session.history.to_dict() == tree
        assert files(session.folder) == kept
        assert window.ctx.settings.recent == recent, f"{name}: what cannot be opened is not offered again"
    person.picture("bad input refused")
    assert person.apply("prune_magnitude", sparsity=0.2).parent == tree["head"]
    person.open(models.save(models.mlp(), tmp_path / "good.onnx"))
    assert person.head.summary.nodes == 4


def test_the_window_opens_what_is_odd_and_says_so(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    person = Person(window, qtbot)
    summary = person.panel("summary")
    graph = person.panel("graph")
    for number, (name, odd) in enumerate(ODD.items()):
        count = len(window.ctx.notify.messages)
        person.open(models.save(odd.build(), tmp_path / f"{number}.onnx"))
        person.idle()
        told = news(person, count)
        assert told, name
        assert {message.severity for message in told} == {"warning"}, name
        assert any(odd.warning in message.text for message in told), name
        assert any(odd.warning in warning for warning in person.head.summary.warnings)
        person.wait(lambda: "index" in window.ctx.services)
        assert window.isVisible()
        assert summary.isVisible() or graph.isVisible()
    person.picture("bad input odd")


def fails(person: Person, action: str, line: Any, message: str, hint: str) -> None:
    """Run an action whose job fails: the panel and the log say so, and the tree is as it was."""
    tree, count = person.session.history.to_dict(), len(person.window.ctx.notify.messages)
    engines, kept = person.session.engines_of(person.head.id), files(person.session.models)
    person.window.act(action)
    person.idle()
    told = [each for each in list(person.window.ctx.notify.messages)[count:] if each.severity == "error"]
    assert len(told) == 1
    assert message in told[0].text
    assert hint in told[0].hint
    assert not told[0].bug
    assert line.isVisible()
    assert message in line.error.message
    assert line.hint.isVisible()
    assert person.window.isVisible()
    assert person.session.history.to_dict() == tree
    assert person.session.engines_of(person.head.id) == engines
    assert files(person.session.models) == kept


def test_the_window_says_what_cannot_be_done(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    person = Person(window, qtbot)
    person.open(models.save(models.nan_weight(), tmp_path / "nan.onnx"))
    passes = person.choose_pass("quantize_int8", samples=4)
    fails(person, "passes.apply", passes.detail.line, "'fc1.weight' holds NaN", "Mend the weight")
    assert person.apply("fp16").summary.precision == "float16"

    person.open(models.save(models.unknown_domain(), tmp_path / "unknown.onnx"))
    panel = person.panel("build")
    person.wait(lambda: "onnxruntime" in panel.states)
    panel.choose("onnxruntime")
    fails(person, "build.start", panel.line, _NO_OP, _NOT_ORT)

    person.open(models.save(models.empty_graph(), tmp_path / "empty.onnx"))
    passes = person.choose_pass("prune_magnitude")
    fails(person, "passes.apply", passes.detail.line, "no weights to prune", "Conv")
    assert person.build("onnxruntime").path.exists()

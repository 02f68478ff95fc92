"""What happens around a command: errors in words, exit codes, bugs that are told as bugs, help without heavy libraries."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import core
from core.cli import display, run
from core.cli.commands import COMMANDS
from core.cli.terminal import Terminal
from core.errors import AppError, Cancelled
from tests import models
from tests.core.cli.conftest import Cli


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out == f"sardonyx {core.__version__}\n"
    told = cli("--help")
    assert told.code == 0
    for command in COMMANDS:
        assert command.id in told.out
        one = cli(command.id, "--help")
        assert one.code == 0
        assert "--json" in one.out


HEAVY = ("numpy", "onnx", "onnx_ir", "onnxruntime", "onnxslim", "rich", "PIL", "tensorrt_rtx", "PySide6", "gui", "pyqtgraph")


LIGHT = (["--version"], ["--help"], ["bench", "--help"], ["optimize", "--help"], ["gui", "--help"], ["passes"], ["schema"])


def test_help_and_version_import_nothing_heavy() -> None:
    code = f"""
import sys
from core.cli import main
codes = [main(words) for words in {LIGHT!r}]
sys.stderr.write(repr((codes, [name for name in {HEAVY!r} if name in sys.modules])))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == repr(([0] * len(LIGHT), []))


def test_without_a_command_and_a_display_the_help_is_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "has_display", lambda: False)
    done = cli()
    assert done.code == 2
    assert "usage: sardonyx" in done.err
    assert done.out == ""


def test_the_window_is_found_by_name(cli: Cli, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []

    class App:
        @staticmethod
        def main(words: list[str]) -> int:
            opened.append(words)
            return 0

    monkeypatch.setattr(display, "has_display", lambda: True)
    monkeypatch.setitem(sys.modules, "gui.app", App)
    assert cli("gui", digits, "--json").document["opened"] == str(digits)
    assert cli().code == 0
    assert cli(digits).code == 0
    assert opened == [[str(digits)], [], [str(digits)]]
    assert cli("gui", "none.onnx").code == 2


def test_flags_may_stand_first(cli: Cli, digits: Path) -> None:
    assert cli("--json", "-q", "inspect", digits).document["schema"] == "sardonyx.inspect/1"


@pytest.mark.parametrize(
    "words", [("bogus",), ("inspect",), ("inspect", "a", "--bogus"), ("bench", "x.onnx", "--duration", "soon"), ("compare", "a")]
)
def test_wrong_usage_is_2(words: tuple[str, ...], cli: Cli) -> None:
    done = cli(*words, "--json")
    assert done.code == 2
    assert done.document["exit_code"] == 2
    assert done.document["hint"]
    assert "Traceback" not in done.err
    plain = cli(*words)
    assert plain.out == ""
    assert "error:" in plain.err
    assert "hint:" in plain.err


def test_a_value_out_of_range_is_told_by_its_flag(cli: Cli, digits: Path) -> None:
    done = cli("bench", digits, "--duration", "0", "--json")
    assert done.code == 2
    assert done.document["message"] == "--duration: 0.0 is out of range."
    assert done.document["hint"] == "From 0.05 to 3600 s."
    assert cli("bench", digits, "--batch", "many").err.startswith("error: --batch: 'many' is not")


BAD: dict[str, Any] = {
    "empty": b"",
    "text": b"hello, I am a text",
    "random": bytes(range(256)) * 4,
    "cut": models.residual_cnn().SerializeToString()[:500],
    "cyclic": models.cyclic().SerializeToString(),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_1_with_a_hint_in_every_command(name: str, cli: Cli, digits: Path, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(BAD[name])
    for words in (
        ("inspect", path),
        ("optimize", path, "-o", tmp_path / "o.onnx", "--pass", "simplify"),
        ("build", path, "-o", tmp_path / "o.engine"),
        ("bench", path),
        ("compare", digits, path),
    ):
        done = cli(*words, "--json")
        assert done.code == 1
        assert done.document["kind"] == "ModelError"
        assert done.document["hint"]
        assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == [path]


def test_details_are_shown_when_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    for verbose in (False, True):
        Terminal(verbose=verbose).error("what", "do this", "long\nstory")
        told = capfd.readouterr().err
        assert told.startswith("error: what\nhint: do this\n")
        assert ("  | story" in told) is verbose


def failing(error: BaseException) -> Any:
    def look(self: object, args: object, terminal: object) -> None:
        raise error

    return look


def test_a_bug_is_told_as_one_and_logged(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARDONYX_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(COMMANDS["passes"], "run", failing(ZeroDivisionError("by zero")))
    done = cli("passes", "--json")
    assert done.code == 1
    assert done.document["kind"] == "ZeroDivisionError"
    assert "bug" in done.document["message"]
    log = tmp_path / "logs" / "sardonyx.log"
    assert str(log) in done.document["hint"]
    assert "Traceback" in log.read_text()
    assert "Traceback" not in cli("passes").err


def test_a_bug_in_a_worker_is_told_as_one(cli: Cli, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARDONYX_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("core.model.opening.open_model", divide)
    done = cli("inspect", digits, "--json")
    assert done.code == 1
    assert done.document["kind"] == "ZeroDivisionError"
    assert "in divide" in (tmp_path / "logs" / "sardonyx.log").read_text()


def divide(path: Path, job: object) -> float:
    """A task with a bug."""
    return 1 / 0


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()])
def test_cancelled_is_130(error: BaseException, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMANDS["passes"], "run", failing(error))
    done = cli("passes", "--json")
    assert done.code == 130
    assert done.document["exit_code"] == 130
    assert cli("passes").out == ""


def test_a_hint_survives_the_way_to_the_document(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMANDS["passes"], "run", failing(AppError("a", hint="b", detail="c")))
    document = cli("passes", "--json").document
    assert (document["message"], document["hint"], document["detail"], document["exit_code"]) == ("a", "b", "c", 1)


def test_quiet_says_nothing_but_the_answer(cli: Cli, digits: Path) -> None:
    assert cli("inspect", digits, "-q").err == ""
    assert "%" in cli("inspect", digits, "-v").err


def test_self_check(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.passes import PASSES

    whole = cli("--self-check", "--json")
    assert whole.document["passes"] == list(PASSES.ids())
    assert whole.document["libraries"]["onnxruntime"]
    assert (whole.code == 0) is (whole.document["broken"] == {})
    monkeypatch.setitem(PASSES._broken, "mine", "ImportError: no such thing")
    done = cli("--self-check", "--json")
    assert done.code == 1
    assert done.document["broken"]["pass mine"] == "ImportError: no such thing"


def test_a_table_is_aligned_and_numbers_stand_right(capfd: pytest.CaptureFixture[str]) -> None:
    Terminal().table(("name", ">size"), [("a", "1"), ("long name", "1,000")])
    assert capfd.readouterr().out.splitlines() == ["name        size", "---------  -----", "a              1", "long name  1,000"]


@pytest.mark.parametrize(
    ("environment", "seen", "problem"),
    [
        ({}, False, "there is no display"),
        ({"WAYLAND_DISPLAY": "there"}, True, ""),
        ({"WAYLAND_DISPLAY": "gone"}, False, "nothing answers on the display (WAYLAND_DISPLAY=gone)"),
        ({"DISPLAY": ":4711"}, False, "nothing answers on the display (DISPLAY=:4711)"),
        ({"DISPLAY": "nonsense"}, False, "nothing answers"),
        ({"DISPLAY": ":4711", "QT_QPA_PLATFORM": "offscreen"}, False, ""),
        ({"WAYLAND_DISPLAY": "there", "QT_QPA_PLATFORM": "xcb"}, False, "nothing answers"),
    ],
)
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display there")
def test_where_there_is_a_display(
    environment: dict[str, str], seen: bool, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A display that is named but does not answer is none: Qt would end the whole process over it."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", ".")  # a socket's name is short
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("there")
        server.listen()
        assert display.has_display() is seen
        assert problem in display.problem()
        assert bool(problem) is bool(display.problem())


class Screen(io.StringIO):
    """A terminal, as far as Python can see."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("columns", "turned"), [(60, True), (120, False)])
def test_figures_are_never_cut_short_on_a_narrow_terminal(columns: int, turned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ["file", *(f">figure {number}" for number in range(8))]
    rows = [["a.onnx", *(f"{number}.123456" for number in range(8))], ["b.onnx", *(f"{number}.654321" for number in range(8))]]
    Terminal().table(names, rows)
    shown = screen.getvalue()
    assert all(cell in shown for row in rows for cell in row)
    assert all(name.removeprefix(">") in shown for name in names)
    assert "…" not in shown
    lines = [line for line in shown.splitlines() if "7.123456" in line]
    assert ("7.654321" in lines[0]) is turned
    assert max(len(re.sub("\x1b[^m]*m", "", line)) for line in shown.splitlines()) <= columns


def test_a_long_text_is_wrapped_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "40")
    Terminal().table(("name", "what it does"), [("a", "word " * 30)])
    assert screen.getvalue().count("word") == 30
    assert "…" not in screen.getvalue()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display there")
@pytest.mark.parametrize("words", [("gui",), ("m.onnx",), ("gui", "m.onnx")])
def test_a_window_without_a_display_is_an_error_in_words(
    words: tuple[str, ...], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.save(models.mlp(), tmp_path / "m.onnx")
    monkeypatch.chdir(tmp_path)
    for name in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    done = cli(*words, "--json")
    assert done.code == 1
    assert "nothing answers on the display" in done.document["message"]
    assert done.document["hint"]


def test_an_8_bit_stdout_gets_what_it_can_show() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", "from core.cli.terminal import Terminal; Terminal().line('3×3 …')"],
        capture_output=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii"},
        cwd=Path(run.__file__).parents[2] if hasattr(run, "__file__") else None,
    )
    assert (done.returncode, done.stdout) == (0, b"3?3 ?\n")


def test_the_error_document_is_published(cli: Cli) -> None:
    assert json.loads(cli("schema", "error").out)["$id"] == "sardonyx.error/1"

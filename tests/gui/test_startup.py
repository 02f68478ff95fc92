"""Start-up: no heavy library before the first paint, the command line, and PySide6 that keeps its references."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui import app

ROOT = Path(__file__).parents[2]


def start(*words: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The app in a process of its own."""
    env = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "SARDONYX_DATA_DIR": str(tmp_path / "d"),
        "SARDONYX_CONFIG_DIR": str(tmp_path / "c"),
    }
    return subprocess.run(
        [sys.executable, "-m", "gui.app", *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False
    )


def test_nothing_heavy_is_loaded_before_the_first_paint(tmp_path: Path) -> None:
    code = """
import sys
from gui import app
from gui.window import MainWindow
application = app.application()
ctx = app.make_context()
ctx.theme.apply(application)
window = MainWindow(ctx)
window.show()
application.processEvents()
assert window.isVisible() and not window.grab().isNull()
print(sorted({"onnx", "onnxruntime", "pyqtgraph", "netron", "numpy", "onnx_ir", "PIL", "onnxslim", "PySide6QtAds"} & set(sys.modules)))
window.release()
app.close(ctx)
"""
    env = {**os.environ, "SARDONYX_DATA_DIR": str(tmp_path / "d"), "SARDONYX_CONFIG_DIR": str(tmp_path / "c")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_panels_load_nothing_heavy_at_module_level() -> None:
    code = "import sys; from gui.panels import PANELS; print(len(PANELS), sorted({%s} & set(sys.modules)), PANELS.broken)"
    names = ", ".join(repr(name) for name in app.HEAVY)
    done = subprocess.run([sys.executable, "-c", code % names], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    count, _, rest = done.stdout.strip().partition(" ")
    assert int(count) >= 5
    assert rest == "[] {}", done.stdout


def test_the_startup_figure_is_printed(tmp_path: Path) -> None:
    done = start("--startup", tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    wall, cpu, *heavy = done.stdout.split()
    assert float(wall) > 0
    assert float(cpu) > 0
    assert not heavy


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--nonsense"], "There is no option '--nonsense'."),
        (["--theme", "pink"], "--theme is light, dark or system, not 'pink'."),
        (["--theme"], "--theme needs a value."),
        (["a.onnx", "b.onnx"], "One model at a time"),
    ],
)
def test_a_wrong_command_line_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display there")
def test_no_display_is_told_before_qt_aborts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert app.main([]) == 1
    assert capsys.readouterr().err.startswith("error: The window cannot be opened: there is no display.\nhint: ")


STOPPED = """
import os, signal, sys
from PySide6.QtCore import QTimer
from gui import app
qt = app.application()
QTimer.singleShot(300, lambda: os.kill(os.getpid(), signal.{name}))
sys.exit(app.main([{path!r}]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_closes_the_window_in_order(name: str, tmp_path: Path) -> None:
    code = STOPPED.format(name=name, path=str(ROOT / "resources" / "sample" / "digits.onnx"))
    environment = {**os.environ, "SARDONYX_DATA_DIR": str(tmp_path), "SARDONYX_CONFIG_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--help"]) == 0
    assert app.main(["--version"]) == 0
    out = capsys.readouterr().out
    assert "usage: sardonyx-gui" in out
    assert "sardonyx 0." in out


def test_void_calls_keep_their_references(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 loses a reference to None at every void call, and aborts after about 7,000."""
    label = QLabel()
    qtbot.addWidget(label)
    label.setText("warm")
    before = sys.getrefcount(None)
    for _ in range(1000):
        label.setText("x")
    assert abs(sys.getrefcount(None) - before) < 100

"""Every entry point of the app can become a worker process, as the frozen app's must."""

from __future__ import annotations

import os
import sys

import pytest

from core.workers import Pool, child
from core.workers import process as process_module
from tests.core.workers import tasks


@pytest.mark.parametrize("entry", ["core.cli", "gui.app"])
def test_an_entry_point_becomes_a_worker(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [os.path.abspath(path) for path in sys.path]
    program = f"import sys; sys.path[:] = {paths!r}; from {entry} import main; main()"
    command = [sys.executable, "-c", program, child.FLAG, str(os.getpid())]
    monkeypatch.setattr(process_module, "command", lambda: command)
    with Pool(warm=False) as pool:
        assert pool.run(tasks.pid) in pool.pids()
        assert pool.run(tasks.loaded, ("PySide6.QtWidgets", "numpy")) == []


def test_any_other_command_line_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in ([], ["inspect", "a.onnx"], ["gui", child.FLAG, "1"]):
        monkeypatch.setattr(child.sys, "argv", ["sardonyx", *line])
        assert child.main() is None  # type: ignore[func-returns-value]


def test_a_worker_whose_app_is_gone_does_not_start() -> None:
    import subprocess

    program = "from core.workers.child import main; main()"
    done = subprocess.run([sys.executable, "-c", program, child.FLAG, "1"], input=b"", capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, b"")

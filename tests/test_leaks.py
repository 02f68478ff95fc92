"""The checks that watch all other tests, watched: each kind of leak must fail its test."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

from tests import leaks

ROOT = Path(__file__).parent.parent

LEAKY = """
import logging, subprocess, sys, threading, time
import pytest
kept = []

def test_clean(): pass

def test_log(): logging.getLogger("x").warning("unexpected")

def test_allowed_log(allow_logs):
    logging.getLogger("x").warning("expected")
    assert [one.getMessage() for one in allow_logs] == ["expected"]

@pytest.mark.allow_logs
def test_marked_log(): logging.getLogger("x").error("expected")

def test_thread(): threading.Thread(target=time.sleep, args=(30,), daemon=True).start()

def test_process(): kept.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]))

def test_after_process(): pass

def test_pool(pool):
    from tests.core.workers import tasks
    assert pool.run(tasks.echo, 1) == 1

def test_own_pool():
    from core.workers import Pool
    from tests.core.workers import tasks
    kept.append(Pool())
    kept[-1].run(tasks.echo, 1)

def test_close_own_pool(): kept.pop().close()

def test_window(qtbot):
    from PySide6.QtWidgets import QWidget
    kept.append(QWidget())

def test_added_window(qtbot):
    from PySide6.QtWidgets import QWidget
    qtbot.addWidget(QWidget())

def test_qthread(qtbot):
    from PySide6.QtCore import QThread
    kept.append(QThread())
    kept[-1].start()

def test_end_qthread():
    kept[-1].quit()
    assert kept.pop().wait(5000)

def test_kill():
    kept[0].kill()
    kept[0].wait()
"""


def test_every_leak_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests import leaks\nleaks.GRACE = 0.3\nfrom tests.conftest import *\n"
                                          "from tests.conftest import _words, _nothing_left, _qthreads, _settings_folder\n")  # fmt: skip
    (tmp_path / "test_leaky.py").write_text(textwrap.dedent(LEAKY))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:cacheprovider",
         "-rEfp", "--override-ini=addopts=--import-mode=importlib", str(tmp_path / "test_leaky.py")],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=100, check=False,
    )  # fmt: skip
    marks = {line.split("::")[1].split(" ")[0]: line.split()[0] for line in done.stdout.splitlines() if line[:5] in ("ERROR", "FAILE")}
    assert set(marks) == {"test_log", "test_thread", "test_process", "test_own_pool", "test_window", "test_qthread"}, done.stdout
    assert "WARNING x: unexpected" in done.stdout
    assert "15 passed" in done.stdout


def test_private_home() -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "SARDONYX_CONFIG_DIR"):
        assert "sardonyx-tests-" in os.environ[name]


def test_a_thread_that_ends_in_time_is_no_leak() -> None:
    before = set(threading.enumerate())
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="slow one")
    thread.start()
    assert leaks.leaked_threads(before, grace=0.0) == ["slow one"]
    gate.set()
    assert leaks.leaked_threads(before) == []

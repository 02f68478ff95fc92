"""What every test gets: a private home, no window on anybody's screen, and a look at what it leaves behind.

Fixtures: `pool`, a warm pool of worker processes for the whole session; `allow_logs`, which also gives the records of
WARNING and above that were logged (a test that logs so without it, or without the marker, fails).
"""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import leaks

if TYPE_CHECKING:
    from core.workers import Pool

HOME = Path(tempfile.mkdtemp(prefix="sardonyx-tests-"))

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
for _name, _folder in {
    "HOME": "home",
    "USERPROFILE": "home",
    "APPDATA": "appdata",
    "LOCALAPPDATA": "localappdata",
    "XDG_CONFIG_HOME": "config",
    "XDG_CACHE_HOME": "cache",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "XDG_RUNTIME_DIR": "run",
}.items():
    (HOME / _folder).mkdir(mode=0o700, exist_ok=True)
    os.environ[_name] = str(HOME / _folder)

_number = itertools.count()


def pytest_unconfigure() -> None:
    """Remove the private home."""
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def allow_logs(_words: leaks.Records) -> list[logging.LogRecord]:
    """This test logs warnings on purpose; gives the records so far, a list that grows."""
    return _words.records


@pytest.fixture(autouse=True)
def _settings_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARDONYX_CONFIG_DIR", str(HOME / "settings" / str(next(_number))))


@pytest.fixture(autouse=True)
def _words(request: pytest.FixtureRequest) -> Iterator[leaks.Records]:
    """Nothing is logged at WARNING or above, unless the test says that it is."""
    handler = leaks.Records()
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    allowed = "allow_logs" in request.fixturenames or request.node.get_closest_marker("allow_logs") is not None
    if handler.records and not allowed:
        pytest.fail("unexpected log records:\n" + "\n".join(leaks.describe(handler.records)), pytrace=False)


@pytest.fixture(autouse=True)
def _nothing_left(_words: leaks.Records) -> Iterator[None]:
    """No thread, process or window outlives the test that started it."""
    threads = set(threading.enumerate())
    windows = leaks.widgets()
    yield
    found = {
        "widgets": leaks.leaked_widgets(windows),
        "threads": leaks.leaked_threads(threads),
        "processes": leaks.leaked_processes(),
    }
    left = [f"{kind}: {', '.join(names)}" for kind, names in found.items() if names]
    if left:
        pytest.fail("left behind:\n" + "\n".join(left), pytrace=False)


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """A warm pool of worker processes, shared by all tests that do not hurt it."""
    from core.workers import Pool

    with Pool() as made:
        leaks.kept_pools.add(made)
        made.warm_up()
        yield made
        leaks.kept_pools.discard(made)


@pytest.fixture(autouse=True, scope="session")
def _qthreads() -> None:
    leaks.watch_qthreads()

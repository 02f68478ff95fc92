"""The installer of the README: what it looks for, and what it does where nothing can be installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import PySide6
import pytest
import shiboken6

from core import folders
from tests.packaging.test_freeze import ROOT, script

LOCKS = [*sorted((ROOT / "packaging" / "locks").glob("*/requirements.lock")), ROOT / "tests" / "real" / "requirements.lock"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_locks_pin_with_hashes_and_name_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[A-Za-z0-9_.-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_locks_agree_with_each_other_and_with_what_is_barred() -> None:
    pinned = [set(re.findall(r"^([a-z0-9-]+==[^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)) for lock in LOCKS[:2]]
    assert pinned[0] <= pinned[1], "the tests run what the app runs"
    assert any(item.startswith("pyside6-essentials==6.11.") for item in pinned[0])


def test_nothing_is_installed_where_all_libraries_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    start = script("start")
    called: list[object] = []
    cache = "".join(f"\t{name} (libc6,x86-64) => /lib/{name}\n" for name in start.LIBRARIES)
    monkeypatch.setattr(start, "known_libraries", lambda: cache)
    monkeypatch.setattr(start.shutil, "which", lambda name: "/usr/bin/fc-list" if name == "fc-list" else None)
    monkeypatch.setattr(start.subprocess, "run", lambda *words, **_: called.append(words))
    start.install_libraries(start.LIBRARIES, {})
    assert called == []


def test_without_apt_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    start = script("start")
    monkeypatch.setattr(start, "known_libraries", lambda: "")
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    start.install_libraries({"libGL.so.1": ("libgl1",)}, {"objdump": ("binutils",)})
    assert "apt-get install -y --no-install-recommends libgl1 binutils" in capsys.readouterr().err


def test_what_is_missing_is_said_again_below_the_failure_that_it_explains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = script("start")
    monkeypatch.setattr(start, "install_libraries", lambda wanted, programs: "ask for: libgl1")
    monkeypatch.setattr(start, "install", lambda kind: None)
    codes = iter((4, 0))
    monkeypatch.setattr(start.subprocess, "run", lambda words, **_: subprocess.CompletedProcess(words, next(codes)))
    assert start.main(["test"]) == 4
    assert capsys.readouterr().err.endswith("ask for: libgl1\n")
    assert start.main(["test"]) == 0
    assert "libgl1" not in capsys.readouterr().err


def test_the_tests_get_every_program_and_library_that_they_look_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is missing does not fail the slow tests, it only has them skipped: nobody would notice."""
    start = script("start")
    asked: list[tuple[dict[str, object], dict[str, object]]] = []
    monkeypatch.setattr(start, "install_libraries", lambda wanted, programs: asked.append((wanted, programs)))
    monkeypatch.setattr(start, "install", lambda kind: None)
    monkeypatch.setattr(start.sys, "base_prefix", "/usr")
    monkeypatch.setattr(start.subprocess, "run", lambda words, **_: subprocess.CompletedProcess(words, 0))
    assert start.main(["test"]) == 0
    assert start.main(["install", "test"]) == 0
    assert start.main(["demo"]) == 0
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = {f"libpython{version}.so.1.0": (f"libpython{version}t64", f"libpython{version}")}
    everything = {**start.LIBRARIES, **start.WEB_LIBRARIES, **python}
    assert asked == [(everything, {"objdump": ("binutils",)}), (everything, {"objdump": ("binutils",)}), (start.LIBRARIES, {})]
    monkeypatch.setattr(start.sys, "base_prefix", "/opt/python")
    assert start.python_library() == {}


def test_wrong_words_get_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    start = script("start")
    assert start.main(["dance"]) == 2
    assert "packaging/start.py demo" in capsys.readouterr().err


def test_extras_are_installed_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    start = script("start")
    done: list[object] = []
    monkeypatch.setattr(start, "install_libraries", lambda wanted, programs: done.append("libnss3.so" in wanted))
    monkeypatch.setattr(start, "install", done.append)
    monkeypatch.setattr(start, "pip", lambda *words: done.append(words[-1]))
    assert start.main(["install", "netron", "gpu"]) == 0
    assert done == [True, "app", f"{start.ROOT}[netron,gpu]"]
    assert start.main(["install", "nonsense"]) == 2
    assert "no extra nonsense; there are: rtx, tensorrt, gpu" in capsys.readouterr().err
    assert start.main(["install"]) == 0
    assert done[3:] == [False, "app"]


def test_hints_name_the_installer_of_the_clone() -> None:
    assert folders.install("gpu") == f"python3 {ROOT / 'packaging' / 'start.py'} install gpu"


def test_the_readme_has_its_two_commands_and_ci_calls_the_same() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "python3 packaging/start.py demo" in readme
    assert "python3 packaging/start.py test" in readme
    assert "python3 packaging/start.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


#: On every Debian and Ubuntu with Python, or in the package of a library that is listed.
THERE = re.compile(r"(ld-linux|libc|libm|libdl|librt|libpthread|libresolv|libgcc_s|libstdc\+\+|libz|libzstd|libudev|libexpat)[-.]")
ALONG = {"libgthread-2.0.so.0", "libgobject-2.0.so.0", "libgio-2.0.so.0", "libnspr4.so", "libnssutil3.so", "libsmime3.so"}


def asked_for(starts: list[Path], bundled: dict[str, Path]) -> set[str]:
    """The libraries from outside that these need, those counted in that they load from the same wheel."""
    outside: set[str] = set()
    seen, waiting = set(starts), list(starts)
    while waiting:
        said = subprocess.run(["objdump", "-p", str(waiting.pop())], capture_output=True, text=True, check=True).stdout
        names = set(re.findall(r"NEEDED\s+(\S+)", said))
        outside |= names - bundled.keys()
        fresh = {bundled[name] for name in names & bundled.keys()} - seen
        seen |= fresh
        waiting += fresh
    return outside


@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("objdump") is None, reason="needs Linux and binutils")
def test_all_that_qt_asks_for_by_name_is_installed() -> None:
    """By name, as what a package happens to bring along changes: Debian 13 dropped libXfixes so, and the web engine was skipped."""
    start = script("start")
    folder = Path(PySide6.__file__).parent
    bundled = {
        path.name: path for place in (folder, folder / "Qt" / "lib", Path(shiboken6.__file__).parent) for path in place.glob("*.so*")
    }
    plugins = folder / "Qt" / "plugins"
    window = [folder / f"Qt{name}.abi3.so" for name in ("Core", "Gui", "Widgets", "Svg", "Network", "OpenGLWidgets")]
    window += [*(plugins / "platforms").glob("libq[ox]*.so"), *(plugins / "xcbglintegrations").glob("*.so")]
    needed = {name for name in asked_for(window, bundled) if not THERE.match(name)} - ALONG
    assert needed <= start.LIBRARIES.keys()
    assert "libxcb-cursor.so.0" in needed
    web = [path for path in (folder / "QtWebEngineWidgets.abi3.so", folder / "Qt" / "libexec" / "QtWebEngineProcess") if path.exists()]
    needed = {name for name in asked_for(web, bundled) if not THERE.match(name)} - ALONG
    assert needed <= start.LIBRARIES.keys() | start.WEB_LIBRARIES.keys()

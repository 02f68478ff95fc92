"""The real program, in a process of its own: Ctrl+C, a reader that leaves, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from core.cli.sample import path as sample
from tests import models

PROGRAM = (sys.executable, "-m", "core.cli")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")


@contextmanager
def started(*words: object, until: str) -> Iterator[subprocess.Popen[str]]:
    """The program, once it has said `until` on stderr."""
    process = subprocess.Popen(
        [*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stderr is not None
        seen = ""
        for line in process.stderr:
            seen += line
            if until in line:
                break
        else:
            pytest.fail(f"it never said {until!r}:\n{seen}")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def stop(process: subprocess.Popen[str], number: int, *, whole_group: bool) -> tuple[str, str]:
    """Send the signal, as `kill` does or as a terminal does; everything it started must have ended when it has.

    An orphan that has ended stays a zombie where the first process of a container reaps nobody: that is not ours.
    """
    children = psutil.Process(process.pid).children(recursive=True)
    assert children, "the work should be in a process of its own"
    (os.killpg if whole_group else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=30)
    _, there = psutil.wait_procs(children, timeout=5)
    alive = [child for child in there if child.status() != psutil.STATUS_ZOMBIE]
    assert not alive, [child.cmdline() for child in alive]
    return out, err


CASES = {
    "INT8 calibration": (
        "Calibrat",
        ("optimize", "{model}", "-o", "{folder}/o.onnx", "--pass", "quantize_int8:method=entropy,samples=100000", "-v"),
    ),
    "build": ("Pretending", ("build", "{model}", "-o", "{folder}/e.engine", "--backend", "fake", "--option", "build_seconds=600", "-v")),
    "bench": ("Benchmark", ("bench", "{model}", "--duration", "600", "--warmup", "0")),
}


@pytest.mark.parametrize("json_wanted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_ctrl_c_leaves_nothing_behind(name: str, json_wanted: bool, tmp_path: Path) -> None:
    until, words = CASES[name]
    source = models.save(models.residual_cnn(), tmp_path / "in" / "m.onnx")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "e.engine").write_bytes(b"the one before")
    before = everything(tmp_path)
    filled = [word.format(model=source, folder=folder) for word in words]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    before |= {"tmp": b""}
    os.environ["TMPDIR"] = str(temporary)
    try:
        with started(*filled, *(["--json"] if json_wanted else []), until=until) as process:
            out, err = stop(process, signal.SIGINT, whole_group=json_wanted)
    finally:
        del os.environ["TMPDIR"]
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "Cancelled." in err
    if json_wanted:
        assert json.loads(out)["exit_code"] == 130
    else:
        assert out == ""
    assert everything(tmp_path) == before


def test_a_polite_request_to_end_is_heard_too(tmp_path: Path) -> None:
    source = models.save(models.residual_cnn(), tmp_path / "m.onnx")
    with started("bench", source, "--duration", "600", until="Benchmark") as process:
        stop(process, signal.SIGTERM, whole_group=False)
    assert process.returncode == 130
    assert everything(tmp_path) == {"m.onnx": source.read_bytes()}


def test_killed_outright_it_leaves_no_process(tmp_path: Path) -> None:
    source = models.save(models.residual_cnn(), tmp_path / "m.onnx")
    with started("bench", source, "--duration", "600", until="Benchmark") as process:
        stop(process, signal.SIGKILL, whole_group=False)


def test_a_reader_that_has_enough_is_no_error() -> None:
    program = " ".join(PROGRAM)
    script = f"{program} schema | head -c 10; echo; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_stdout_has_one_document_and_nothing_else() -> None:
    done = subprocess.run([*PROGRAM, "inspect", str(sample("digits.onnx")), "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"] == "sardonyx.inspect/1"
    assert "nodes" in done.stderr  # the table, for whoever watches

"""How long until the first window is painted: `python tests/bench/startup.py [runs]`.

Figures of each start, medians and the least: wall milliseconds from the start of the process to the first painted
window, the CPU milliseconds that it took (a busy machine changes them little), and the same for a bare Qt window, the
floor. Warm: the files are in the page cache. Cold: the whole page cache is dropped before each start (as root, through
/proc/sys/vm/drop_caches), or else what a start reads is pushed out of it (posix_fadvise), as far as the system lets us.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BARE = """
import sys, time
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
window = QWidget()
window.show()
app.processEvents()
"""


def once(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Wall and CPU milliseconds of one start, and what it printed."""
    env = {
        **os.environ,
        "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        "PYTHONDONTWRITEBYTECODE": "",  # an installed app has its compiled files: so has this one, in a folder of its own
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "SARDONYX_DATA_DIR": str(folder / "data"),
        "SARDONYX_CONFIG_DIR": str(folder / "config"),
    }
    before, began = os.times(), time.perf_counter()
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=120)
    wall, after = (time.perf_counter() - began) * 1000, os.times()
    cpu = (after.children_user + after.children_system - before.children_user - before.children_system) * 1000
    return wall, cpu, done.stdout


def evict() -> str:
    """Push the files that a start reads out of the page cache; says how, or nothing where that cannot be done."""
    if not hasattr(os, "posix_fadvise"):
        return ""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        pass
    else:
        return "the page cache dropped"
    site = Path(sysconfig.get_paths()["purelib"])
    for folder in (
        site / "PySide6",
        site / "shiboken6",
        ROOT / "gui",
        ROOT / "core",
        ROOT / "resources",
        Path(sysconfig.get_paths()["stdlib"]),
    ):
        for path in folder.rglob("*"):
            if path.suffix in (".so", ".py", ".pyc", ".svg", ".qss", ".toml") or ".so." in path.name:
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)
    return "the files pushed out of the page cache"


def _say(title: str, rows: list[tuple[float, float, float, float]]) -> None:
    """One line of medians, the least beside them."""
    columns = list(zip(*rows, strict=True))
    wall, cpu, bare_wall, bare = (f"{statistics.median(column):.0f} ms (least {min(column):.0f})" for column in columns)
    print(f"{title}: first window after {wall} wall, {cpu} CPU; a bare Qt window {bare_wall} wall, {bare} CPU; {len(rows)} runs")


def main() -> int:
    """Print the medians."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for command in (["-m", "gui.app", "--startup"], ["-c", BARE]):
            once(command, folder)
        rows = []
        for _ in range(runs):  # interleaved, so that the machine's mood meets both
            bare_wall, bare, _ = once(["-c", BARE], folder)
            out = once(["-m", "gui.app", "--startup"], folder)[2].split()
            rows.append((float(out[0]), float(out[1]), bare_wall, bare))
        _say("warm", rows)
        if how := evict():
            rows = []
            for _ in range(max(3, runs // 2)):
                evict()
                bare_wall, bare, _ = once(["-c", BARE], folder)
                evict()
                out = once(["-m", "gui.app", "--startup"], folder)[2].split()
                rows.append((float(out[0]), float(out[1]), bare_wall, bare))
            _say(f"cold ({how})", rows)
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

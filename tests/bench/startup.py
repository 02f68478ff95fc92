"""How long until the first window is painted: `python tests/bench/startup.py [runs]`.

Three figures of each start, medians: wall milliseconds from the start of the process to the first painted window, the
CPU milliseconds that it took (a busy machine changes them little), and the same for a bare Qt window, the floor.
Warm: the files are in the page cache. Cold-ish: they are pushed out of it first, where the system lets us
(posix_fadvise on every file of PySide6, the app and Python's library).
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


def evict() -> bool:
    """Push the files that a start reads out of the page cache; False where that cannot be done."""
    if not hasattr(os, "posix_fadvise"):
        return False
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
    return True


def main() -> int:
    """Print the medians."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for command in (["-m", "gui.app", "--startup"], ["-c", BARE]):
            once(command, folder)
        rows = []
        for _ in range(runs):  # interleaved, so that the machine's mood meets both
            _, bare, _ = once(["-c", BARE], folder)
            out = once(["-m", "gui.app", "--startup"], folder)[2].split()
            rows.append((float(out[0]), float(out[1]), bare))
        wall, cpu, bare = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"warm: first window after {wall:.0f} ms wall, {cpu:.0f} ms CPU; a bare Qt window {bare:.0f} ms CPU ({runs} runs)")
        if evict():
            cold = []
            for _ in range(max(3, runs // 2)):
                evict()
                cold.append(float(once(["-m", "gui.app", "--startup"], folder)[2].split()[0]))
            print(f"cold-ish: first window after {statistics.median(cold):.0f} ms wall, {len(cold)} runs")
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

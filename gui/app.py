"""The application: start-up in the order that shows a window first, and a clean end.

    sardonyx-gui [--theme light|dark] [--screenshot FILE] [MODEL]

Nothing heavy is imported before the first paint; then the docks, the spare worker and the panels follow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from core.settings import Settings
    from core.workers import Pool
    from gui.context import Context
    from gui.window import MainWindow

USAGE = "usage: sardonyx-gui [-h] [--version] [--theme light|dark] [--screenshot FILE] [MODEL or session folder]\n"


@dataclass
class Asked:
    """What the command line says."""

    path: Path | None = None
    theme: str = ""
    screenshot: Path | None = None
    startup: bool = False


def parse(words: Sequence[str]) -> Asked | str:
    """The command line, or what is wrong with it."""
    asked = Asked()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--startup":  # print milliseconds, wall and CPU, from process start to the first paint, and end; for tests/bench
            asked.startup = True
        elif word in ("--theme", "--screenshot"):
            if not rest:
                return f"{word} needs a value."
            value = rest.pop(0)
            if word == "--theme" and value not in ("light", "dark", "system"):
                return f"--theme is light, dark or system, not '{value}'."
            if word == "--theme":
                asked.theme = value
            else:
                asked.screenshot = Path(value)
        elif word.startswith("-"):
            return f"There is no option '{word}'."
        elif asked.path is not None:
            return "One model at a time: open the others from the window."
        else:
            asked.path = Path(word)
    return asked


def make_context(*, settings: Settings | None = None, pool: Pool | None = None, logs: Path | None = None) -> Context:
    """What a window needs: settings, jobs over a pool of workers, the document's resident, messages and a theme.

    A pool that is given stays the giver's; `logs` is where the log file goes (None: nowhere). `close` ends all of it.
    """
    from core.settings import Settings
    from core.workers import Pool
    from gui.context import Context
    from gui.document import Document
    from gui.jobs import Jobs
    from gui.notify import Notify
    from gui.theme import Theme

    settings = Settings.load() if settings is None else settings
    owned = pool is None
    pool = Pool() if pool is None else pool
    ctx = Context(
        settings=settings,
        jobs=Jobs(pool),
        document=Document(pool),
        notify=Notify(logs),
        theme=Theme(settings.theme),  # type: ignore[arg-type]
    )
    ctx.jobs.timeout = lambda: settings.worker_timeout or None
    if owned:
        ctx.services["pool"] = pool
    return ctx


def close(ctx: Context) -> None:
    """End the jobs, the resident process, the pool that `make_context` made, and the hooks."""
    ctx.jobs.close()
    ctx.document.close()
    pool = ctx.services.pop("pool", None)
    if pool is not None:
        pool.close()
    ctx.theme.release()
    ctx.notify.release()


def application(words: Sequence[str] = ()) -> QApplication:
    """The QApplication, named so that the desktop finds its icon and its window."""
    from PySide6.QtCore import QCoreApplication, Qt
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    import core

    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    _unread()
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)  # the web view asks for it, later
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    # the style by its name: asking for it later (`QApplication.setStyle`) wraps QStyle, which takes 15 ms of a start
    app = QApplication([sys.argv[0] if sys.argv else "sardonyx", "-style", "Fusion", *words])
    app.setProperty("style", "Fusion")
    app.setApplicationName("sardonyx")
    app.setApplicationDisplayName("Sardonyx")
    app.setApplicationVersion(core.__version__)
    app.setDesktopFileName("sardonyx")
    return app


def _unread() -> None:
    """Spare every import from now on PySide6's look into the module's source for a switch (`__feature__`) that is not used here."""
    feature = sys.modules.get("shibokensupport.feature")
    if hasattr(feature, "_mod_uses_pyside"):
        vars(feature)["_mod_uses_pyside"] = lambda module: False


def main(argv: Sequence[str] | None = None) -> int:
    """Show the window, run until it is closed; the exit code."""
    if argv is None and sys.argv[1:2] == ["--worker"]:
        from core.workers.child import main as work

        work()
        return 0
    from core.cli import display

    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] in (["-h"], ["--help"]):
        sys.stdout.write(USAGE)
        return 0
    if words[:1] == ["--version"]:
        import core

        sys.stdout.write(f"sardonyx {core.__version__}\n")
        return 0
    asked = parse(words)
    if isinstance(asked, str):
        sys.stderr.write(f"{asked}\n{USAGE}")
        return 2
    reason = display.problem()
    if reason:  # Qt would end the process with an abort
        sys.stderr.write(f"error: The window cannot be opened: {reason}.\nhint: 'sardonyx --help' lists what works without one.\n")
        return 1
    return run(asked)


def run(asked: Asked) -> int:
    """The life of one application."""
    from core import folders

    app = application()
    from gui.garbage import Garbage

    garbage = Garbage()
    restore = _stoppable(app)
    ctx = make_context(logs=folders.logs())
    if asked.theme:
        ctx.theme.choose(asked.theme)  # type: ignore[arg-type]
    ctx.theme.apply(app)
    ctx.notify.install()
    from gui.window import MainWindow

    window = MainWindow(ctx)
    window.show()
    app.processEvents()
    if asked.startup:
        import time

        sys.stdout.write(f"{_milliseconds():.1f} {time.process_time() * 1000:.1f} {' '.join(heavy())}\n")
        _end(window)
        garbage.release()
        restore()
        return 0
    window.warm_up()
    if asked.path is not None:
        _open(window, asked.path)
    if asked.screenshot is not None:
        _shoot(window, asked.screenshot)
    code = app.exec()
    _end(window)
    garbage.release()
    restore()
    return int(code)


def _stoppable(app: QApplication) -> Callable[[], None]:
    """Ctrl+C, and a polite request to end, close the window with 130: its session is saved. A second one ends at once.

    Qt waits outside of Python, where signals are not heard; the garbage's timer comes by often enough to hear them.
    """
    import signal
    import threading

    from PySide6.QtCore import QTimer

    if threading.current_thread() is not threading.main_thread():
        return lambda: None

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        QTimer.singleShot(0, lambda: app.exit(130))

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore


def _end(window: MainWindow) -> None:
    window.release()
    close(window.ctx)
    window.deleteLater()
    from PySide6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _open(window: MainWindow, path: Path) -> None:
    from core.errors import AppError

    try:
        window.open_path(path)
    except AppError as error:
        window.ctx.notify.error(error)


def _shoot(window: MainWindow, target: Path) -> None:
    """Save a picture when nothing runs any more, and leave."""
    from PySide6.QtCore import QTimer

    timer = QTimer(window)
    timer.setInterval(200)
    calm = [0]

    def look() -> None:
        calm[0] = 0 if window.opening.busy or window.ctx.jobs.active() else calm[0] + 1
        if calm[0] > 5:
            timer.stop()
            window.grab().save(str(target))
            window.close()

    timer.timeout.connect(look)
    timer.start()


#: Libraries that must not be loaded before the first paint.
HEAVY = ("numpy", "onnx", "onnx_ir", "onnxruntime", "onnxslim", "pyqtgraph", "netron", "PIL", "PySide6.QtWebEngineCore")


def heavy() -> list[str]:
    """Those of `HEAVY` that are loaded."""
    return [name for name in HEAVY if name in sys.modules]


def _milliseconds() -> float:
    """Since this process began."""
    import time

    if hasattr(time, "CLOCK_BOOTTIME"):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return float(time.clock_gettime(time.CLOCK_BOOTTIME) - began) * 1000
    import psutil

    return float(time.time() - psutil.Process().create_time()) * 1000


if __name__ == "__main__":
    raise SystemExit(main())

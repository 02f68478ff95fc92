"""Netron: served while somebody looks, from this machine only, or said how to get it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QDesktopServices, QGuiApplication
from pytestqt.qtbot import QtBot

from core import folders, netron_server
from core.session import Session
from gui.panels.netron import NetronPanel
from gui.widgets import web
from gui.window import MainWindow
from tests import models
from tests.gui.panels.test_variants import grow


@pytest.fixture
def panel(window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch) -> NetronPanel:
    pytest.importorskip("netron", reason="the netron extra is not installed")
    monkeypatch.setattr(web, "installed", lambda: False)
    found = window.show_panel("netron")
    assert isinstance(found, NetronPanel)
    return found


def test_served_while_somebody_looks(
    window: MainWindow, panel: NetronPanel, session: Session, qtbot: QtBot, picture: Callable[..., None]
) -> None:
    qtbot.waitUntil(lambda: panel.server is not None)
    assert panel.server is not None
    url = panel.server.url
    assert url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert b"Netron" in answer.read()
    assert "served from this machine only" in panel.browser.text.text()
    assert "install the Qt web engine" in panel.browser.text.text()
    picture("netron")
    window.show_panel("graph")
    qtbot.waitUntil(lambda: panel.server is None)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=10)
    assert not any(thread.name == "sardonyx-netron" for thread in threading.enumerate())


def test_another_variant_is_served_anew(panel: NetronPanel, session: Session, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: panel.server is not None)
    assert panel.server is not None
    before = panel.server.url
    grow(session, "next")
    assert panel.server.url != before
    assert panel.server.model == session.history["v1"].model


def test_the_browser_keeps_being_served(window: MainWindow, panel: NetronPanel, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True)
    panel.browser.button.click()
    assert panel.server is not None
    assert opened == [panel.server.url]
    window.show_panel("graph")
    with urllib.request.urlopen(opened[0], timeout=10) as answer:
        assert answer.status == 200
    window.close_model()
    assert panel.server is None


def test_no_browser_says_where_it_is(window: MainWindow, panel: NetronPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: False)
    panel.open_browser()
    assert panel.server is not None
    message = window.ctx.notify.messages[-1]
    assert message.text == "No browser could be started."
    assert panel.server.url in message.hint


def test_absent_netron_says_how_to_install_it(window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netron_server, "installed", lambda: False)
    panel = window.show_panel("netron")
    assert isinstance(panel, NetronPanel)
    assert panel.pages.currentWidget() is panel.absent
    panel.absent.button.click()
    assert QGuiApplication.clipboard().text() == folders.install("netron")
    assert panel.server is None


def test_a_web_engine_that_does_not_load_is_told(
    window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    pytest.importorskip("netron", reason="the netron extra is not installed")

    def broken(parent: object) -> None:
        raise ImportError("libnss3.so: cannot open shared object file")

    monkeypatch.setattr(web, "installed", lambda: True)
    monkeypatch.setattr(web, "LocalView", broken)
    panel = window.show_panel("netron")
    assert isinstance(panel, NetronPanel)
    qtbot.waitUntil(lambda: panel.server is not None)
    assert "libnss3.so" in panel.browser.text.text()


DRAWN = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
app = QApplication([])
from core.model import Model
from core.netron_server import NetronServer
from gui.widgets.web import LocalView
path, found, until = Path(sys.argv[1]), [], time.monotonic() + 60
server = NetronServer(Model(path, "f" * 64, path.stat().st_size))
window = QMainWindow()
view = LocalView(window)
window.setCentralWidget(view)
window.show()
view.load(server.url)
def look():
    if (found and found[-1] > 5) or time.monotonic() > until:
        timer.stop()
        view.release()
        window.deleteLater()
        server.close()
        QTimer.singleShot(0, app.quit)
    else:
        view.page.runJavaScript("document.querySelectorAll('.node').length", 0, lambda value: found.append(int(value or 0)))
timer = QTimer()
timer.timeout.connect(look)
timer.start(200)
app.exec()
print("nodes", found[-1], "blocked", view.blocked)
"""


def in_a_web_view(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a web engine in a process of its own: the engine's helpers live as long as the application."""
    pytest.importorskip("netron", reason="the netron extra is not installed")
    if not web.installed():
        pytest.skip("the Qt web engine (netron extra) is not installed")
    root = Path(__file__).parents[3]
    loads = subprocess.run([sys.executable, "-c", "import PySide6.QtWebEngineCore"], capture_output=True, text=True, check=False)
    if loads.returncode != 0:
        pytest.skip(f"the Qt web engine does not load here: {loads.stderr.strip().splitlines()[-1]}")
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Release of profile" not in done.stderr
    return done


def test_the_graph_is_drawn_in_a_web_view(tmp_path: Path) -> None:
    path = models.save(models.residual_cnn(), tmp_path / "tiny.onnx")
    done = in_a_web_view(DRAWN, str(path))
    said = done.stdout.split()
    assert said[0] == "nodes", done.stdout
    assert int(said[1]) >= 10
    assert done.stdout.strip().endswith("blocked []")


def aged(folder: Path) -> Path:
    """A netron like the installed one, released in 2020."""
    files = netron_server.folder()
    assert files is not None
    shutil.copytree(files, folder, ignore=shutil.ignore_patterns("__pycache__"))
    page = folder / "index.html"
    text, changed = re.subn(r'(<meta name="date" content=")[^"]*', r"\g<1>2020-01-01 00:00:00", page.read_text(encoding="utf-8"))
    assert changed == 1, "netron tells its date in another way: look at netron_server.page"
    page.write_text(text, encoding="utf-8")
    return folder


#: Begins a program with another netron than the installed one, its date left in (`AS_SHIPPED`) or as we serve it.
OTHER = """
import sys
from pathlib import Path
from core import netron_server
netron_server.folder = lambda: Path(sys.argv[2])
if len(sys.argv) > 3:
    ours, date = netron_server.page, '<meta name="date" content="2020-01-01 00:00:00">'
    netron_server.page = lambda files, model: ours(files, model).replace("<title>", date + "<title>")
"""


@pytest.mark.parametrize("words", [(), ("as shipped",)], ids=["ours", "as_shipped"])
def test_an_old_netron_goes_on(tmp_path: Path, words: tuple[str, ...]) -> None:
    """It stops 180 days after its release; as we serve it, it does not. That the page would stop otherwise is seen, too."""
    path = models.save(models.residual_cnn(), tmp_path / "tiny.onnx")
    pytest.importorskip("netron", reason="the netron extra is not installed")
    program = OTHER + DRAWN.replace("time.monotonic() + 60", f"time.monotonic() + {8 if words else 60}")
    done = in_a_web_view(program, str(path), str(aged(tmp_path / "netron")), *words)
    count = int(done.stdout.split()[1])
    assert count == 0 if words else count >= 10


#: A page that asks for things elsewhere: by a picture, a script, a frame and a request, also by another name of this machine.
ASKING = """
import http.server, sys, threading, time
from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
app = QApplication([])
from gui.widgets.web import LocalView
seen = []
PAGE = b'''<html><body><img src="http://pictures.example/a.png"><script src="https://scripts.example/a.js"></script>
<iframe src="http://frames.example/"></iframe><img src="/own.png"><script>
fetch("http://localhost:%d/by-name").catch(() => 0);
fetch("https://requests.example/x").catch(() => { document.title = "refused"; });
</script></body></html>'''
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append(self.path)
        body = PAGE % self.server.server_address[1] if self.path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
window = QMainWindow()
view = LocalView(window)
window.setCentralWidget(view)
window.show()
view.load(f"http://127.0.0.1:{server.server_address[1]}/")
until = time.monotonic() + 40
def look():
    if (view.page.title() == "refused" and len(view.blocked) >= 4 and "/own.png" in seen) or time.monotonic() > until:
        timer.stop()
        print(sorted({url.split("/")[2].split(":")[0] for url in view.blocked}), sorted(seen), view.page.title())
        view.release()
        window.deleteLater()
        server.shutdown()
        QTimer.singleShot(0, app.quit)
timer = QTimer()
timer.timeout.connect(look)
timer.start(200)
app.exec()
"""


def test_what_a_page_asks_of_other_hosts_is_refused() -> None:
    done = in_a_web_view(ASKING)
    elsewhere = ["localhost", "pictures.example", "requests.example", "scripts.example"]
    assert all(f"'{host}'" in done.stdout for host in elsewhere), done.stdout
    assert "/own.png" in done.stdout
    assert "/by-name" not in done.stdout
    assert "refused" in done.stdout

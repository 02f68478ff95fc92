"""Netron: served while somebody looks, from this machine only, or said how to get it."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from PySide6.QtGui import QDesktopServices, QGuiApplication
from pytestqt.qtbot import QtBot

from core import netron_server
from core.session import Session
from gui import web
from gui.panels.netron import NetronPanel
from gui.window import MainWindow
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
    assert QGuiApplication.clipboard().text() == "pip install 'sardonyx[netron]'"
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


@pytest.mark.skipif(not web.installed(), reason="the Qt web engine (netron extra) is not installed")
def test_the_graph_is_drawn_in_the_window(window: MainWindow, session: Session, qtbot: QtBot) -> None:
    pytest.importorskip("netron", reason="the netron extra is not installed")
    panel = window.show_panel("netron")
    assert isinstance(panel, NetronPanel)
    view = panel.view
    assert view is not None, panel.why_not
    found: list[int] = []
    count = "document.querySelectorAll('.node').length"

    def drawn() -> bool:
        view.page.runJavaScript(count, 0, lambda value: found.append(int(value or 0)))
        return bool(found) and found[-1] >= session.history["v0"].summary.nodes

    qtbot.waitUntil(drawn, timeout=30_000)
    assert view.blocked == []

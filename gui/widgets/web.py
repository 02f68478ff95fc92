"""A web view for pages of this machine only; made at first use, and only where the Qt web engine is installed."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QVBoxLayout, QWidget

HOST = "127.0.0.1"
#: Schemes that stay within the page.
INNER = ("data", "blob", "about")


def installed() -> bool:
    """Whether there is a Qt web engine (it is not imported)."""
    return importlib.util.find_spec("PySide6.QtWebEngineWidgets") is not None


class LocalView(QWidget):
    """Shows one address of 127.0.0.1: whatever else the page asks for is refused and listed in `blocked`; nothing is kept
    on disk; a link to elsewhere opens in the person's browser. Raises `ImportError` when the engine cannot be loaded."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")  # Chromium refuses to start for root with it
        from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile, QWebEngineScript, QWebEngineUrlRequestInterceptor
        from PySide6.QtWebEngineWidgets import QWebEngineView

        blocked: list[str] = []

        class Guard(QWebEngineUrlRequestInterceptor):
            def interceptRequest(self, info: Any) -> None:
                url = info.requestUrl()
                if url.host() != HOST and url.scheme() not in INNER:
                    blocked.append(url.toString())
                    info.block(True)

        class Page(QWebEnginePage):
            def acceptNavigationRequest(self, url: QUrl | str, kind: Any, main: bool) -> bool:
                url = QUrl(url)
                if url.host() == HOST or url.scheme() in INNER:
                    return True
                if kind == QWebEnginePage.NavigationType.NavigationTypeLinkClicked:
                    QDesktopServices.openUrl(url)
                return False

        self.blocked = blocked
        self._guard = Guard(self)
        self._profile = QWebEngineProfile(self)  # without a name: off the record
        self._profile.setUrlRequestInterceptor(self._guard)
        consent = QWebEngineScript()
        consent.setInjectionPoint(QWebEngineScript.InjectionPoint.DocumentCreation)
        consent.setWorldId(QWebEngineScript.ScriptWorldId.MainWorld)
        consent.setSourceCode("document.cookie = 'consent=1;path=/';")
        self._profile.scripts().insert(consent)
        self.page: Any = Page(self._profile, self)
        self.view: Any = QWebEngineView(self)
        self.view.setPage(self.page)
        self.view.setAccessibleName("Netron")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)

    def load(self, url: str) -> None:
        """Show this address."""
        self.view.load(QUrl(url))

    def release(self) -> None:
        """Let go of page, then profile, in the order that the engine wants."""
        self.view.setPage(None)
        self.page.deleteLater()
        self.view.deleteLater()

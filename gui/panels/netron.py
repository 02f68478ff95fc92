"""The netron viewer on the current variant: in the window where the Qt web engine is installed, else in the browser."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout

from core import folders, netron_server
from core.errors import AppError
from core.netron_server import NetronServer
from gui.actions import Action, needs_model
from gui.context import Context
from gui.follow import Follow
from gui.panels.base import Panel
from gui.widgets import web
from gui.widgets.empty import EmptyState

INSTALL = folders.install("netron")


def _panel(ctx: Context) -> NetronPanel:
    if ctx.window is not None:
        ctx.window.show_panel(NetronPanel.id)
    panel = ctx.services["netron"]
    assert isinstance(panel, NetronPanel)
    return panel


def cannot_open(ctx: Context) -> str:
    """Why netron cannot show anything."""
    return needs_model(ctx) or ("" if netron_server.installed() else f"netron is not installed: {INSTALL}")


class NetronPanel(Panel):
    """Serves the current variant on 127.0.0.1 for as long as somebody looks; nothing goes to, or comes from, elsewhere."""

    id = "netron"
    title = "Netron"
    area = "center"
    order = 90
    icon = "globe"
    tip = "The current variant in the netron viewer."
    ACTIONS = (
        Action(
            "netron.show", "Show in Netron", lambda ctx: ctx.window is not None and ctx.window.show_panel(NetronPanel.id), "View", 60, "",
            "globe", "Show the current variant in the netron viewer, as a second opinion.", cannot_open,
        ),
        Action(
            "netron.browser", "Open in browser (Netron)", lambda ctx: _panel(ctx).open_browser(), "View", 60, "", "globe",
            "Show the current variant in netron, in the browser; it is served from this machine only.", cannot_open,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["netron"] = self
        self.server: NetronServer | None = None
        self.view: web.LocalView | None = None
        self.why_not = ""
        self._browsing = False
        self.empty = EmptyState(
            "globe",
            "Open a model to see it in Netron",
            "Netron shows every attribute and tensor of a graph; the model stays on this machine.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.absent = EmptyState(
            "globe",
            "Netron is not installed",
            f"It is an extra: {INSTALL}",
            "Copy this command",
            lambda: QGuiApplication.clipboard().setText(INSTALL),
            theme=ctx.theme,
        )
        self.browser = EmptyState("globe", "", "", "Open in browser", self.open_browser, theme=ctx.theme)
        self.pages = QStackedLayout(self)
        for page in (self.empty, self.absent, self.browser):
            self.pages.addWidget(page)
        self._follow = Follow(ctx, self.refresh, results=False)
        self.refresh()

    def release(self) -> None:
        self._follow.release()
        if self.view is not None:
            self.view.release()
            self.view = None
        self._stop()
        self.ctx.services.pop("netron", None)
        super().release()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: stop serving, unless the browser shows it."""
        super().hideEvent(event)
        if not self._browsing:
            self._stop()

    def refresh(self) -> None:
        """Show the current variant, when somebody looks."""
        session = self.ctx.session
        if session is None or session.history.current is None:
            self._stop()
            self.pages.setCurrentWidget(self.empty)
        elif not netron_server.installed():
            self.pages.setCurrentWidget(self.absent)
        elif self.isVisible() or self._browsing:
            self._show()

    def _show(self) -> None:
        """Serve the current variant, and show it here where that can be."""
        if not self._serve():
            return
        if self.view is None and not self.why_not and self.isVisible():
            self.why_not = self._make_view()
        if self.view is None:
            self.browser.say("Netron opens in your browser", self._words(), "Open in browser")
            self.pages.setCurrentWidget(self.browser)
            return
        assert self.server is not None
        if self.view.view.url().toString() != self.server.url:
            self.view.load(self.server.url)
        self.pages.setCurrentWidget(self.view)

    def _words(self) -> str:
        assert self.server is not None
        return f"{self.server.model.name} is served from this machine only, while this page is open. {self.why_not}".strip()

    def _serve(self) -> bool:
        session = self.ctx.session
        assert session is not None
        variant = session.history.current
        if variant is None:
            return False
        if self.server is not None and self.server.model == variant.model:
            return True
        self._stop()
        try:
            self.server = NetronServer(variant.model)
        except AppError as error:
            self.browser.say(error.message, error.hint, "Try again")
            self.pages.setCurrentWidget(self.browser)
            return False
        return True

    def _make_view(self) -> str:
        """Make the web view; returns why there is none."""
        if not web.installed():
            return f"To see it inside this window, install the Qt web engine: {INSTALL}"
        try:
            self.view = web.LocalView(self)
        except ImportError as error:
            return f"The Qt web engine could not be loaded: {error}."
        self.pages.addWidget(self.view)
        return ""

    def open_browser(self) -> None:
        """Show the current variant in the browser; it is served until the panel is closed or another model is opened."""
        if self.ctx.session is None or not netron_server.installed() or not self._serve():
            return
        assert self.server is not None
        self._browsing = True
        if not QDesktopServices.openUrl(QUrl(self.server.url)):
            self.ctx.notify.warn("No browser could be started.", f"Open {self.server.url} in one.")

    def _stop(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        self._browsing = False

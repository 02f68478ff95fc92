"""The window's own actions: small functions on top, the table below. Panels bring theirs along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gui.actions import Action, needs_model
from gui.context import Context

if TYPE_CHECKING:
    from gui.window import MainWindow

MODELS = "ONNX models (*.onnx);;All files (*)"


def _window(ctx: Context) -> MainWindow:
    assert ctx.window is not None
    return ctx.window


def sample() -> Path | None:
    """The model that comes with Sardonyx, or None where the package was stripped of it."""
    import resources.sample

    found = sorted(Path(next(iter(resources.sample.__path__))).glob("*.onnx"))
    return found[0] if found else None


def _start(ctx: Context) -> str:
    """The folder that a file dialog begins in: that of the model opened last."""
    for name in ctx.settings.recent:
        if Path(name).parent.is_dir():
            return str(Path(name).parent)
    return str(Path.home())


# ---- file ----
def busy(ctx: Context) -> str:
    """Why nothing can be opened now."""
    return "Another model is being opened." if _window(ctx).opening.busy else ""


def open_model(ctx: Context) -> None:
    from PySide6.QtWidgets import QFileDialog

    name, _ = QFileDialog.getOpenFileName(_window(ctx), "Open model", _start(ctx), MODELS)
    if name:
        _window(ctx).open_path(Path(name))


def open_sample(ctx: Context) -> None:
    path = sample()
    if path is not None:
        _window(ctx).open_path(path)


def no_sample(ctx: Context) -> str:
    return busy(ctx) or ("" if sample() is not None else "This installation came without the sample.")


def open_session(ctx: Context) -> None:
    from PySide6.QtWidgets import QFileDialog

    from core import folders

    kept = folders.data() / "sessions"
    name = QFileDialog.getExistingDirectory(_window(ctx), "Open session", str(kept if kept.is_dir() else Path.home()))
    if name:
        _window(ctx).open_path(Path(name))


def save_session(ctx: Context) -> None:
    session = ctx.session
    assert session is not None
    _window(ctx).keeping.save(session, on_done=lambda: ctx.notify.info("The session is saved.", str(session.folder)))


def save_session_as(ctx: Context) -> None:
    from PySide6.QtWidgets import QFileDialog

    assert ctx.session is not None
    name, _ = QFileDialog.getSaveFileName(_window(ctx), "Save session as a folder", str(Path(_start(ctx)) / f"{ctx.session.name}-session"))
    if not name:
        return

    def done() -> None:
        ctx.settings.remember(Path(name))
        ctx.notify.info("The session is saved, and lives there from now on.", name)

    window = _window(ctx)
    free = window.hold(f"Saving the session in {Path(name).name}")  # nothing may be made in the folder that it leaves
    window.keeping.save(ctx.session, Path(name), done)
    window.keeping.after(free)


def moving_blocked(ctx: Context) -> str:
    """Why the session cannot move: what a running job makes would land in the folder that it left."""
    return needs_model(ctx) or ("Wait until no job runs: the session moves." if ctx.jobs.active() else "")


def close_model(ctx: Context) -> None:
    _window(ctx).close_model()


def clear_recent(ctx: Context) -> None:
    ctx.settings.update(recent=())


def no_recent(ctx: Context) -> str:
    return "" if ctx.settings.recent else "No model was opened yet."


def settings(ctx: Context) -> None:
    from gui.dialogs.settings import SettingsDialog

    _window(ctx).show_dialog(SettingsDialog(ctx, _window(ctx)))


def leave(ctx: Context) -> None:
    _window(ctx).close()


# ---- view ----
def palette(ctx: Context) -> None:
    _window(ctx).palette_.open()


def reset_layout(ctx: Context) -> None:
    _window(ctx).reset_layout()


def full_screen(ctx: Context) -> None:
    window = _window(ctx)
    window.showNormal() if window.isFullScreen() else window.showFullScreen()


def choose_theme(choice: str) -> Callable[[Context], None]:
    def choose(ctx: Context) -> None:
        ctx.settings.update(theme=choice)

    return choose


def theme_is(choice: str) -> Callable[[Context], bool]:
    return lambda ctx: ctx.settings.theme == choice


def next_panel(ctx: Context) -> None:
    _window(ctx).build().cycle(1)


def previous_panel(ctx: Context) -> None:
    _window(ctx).build().cycle(-1)


# ---- help ----
def shortcuts(ctx: Context) -> None:
    from gui.dialogs.shortcuts import ShortcutsDialog

    _window(ctx).show_dialog(ShortcutsDialog(_window(ctx).menus, _window(ctx)))


def about(ctx: Context) -> None:
    from gui.dialogs.about import AboutDialog

    _window(ctx).show_dialog(AboutDialog(_window(ctx)))


def log_folder(ctx: Context) -> None:
    from PySide6.QtCore import QUrl
    from PySide6.QtGui import QDesktopServices

    if ctx.notify.folder is not None:
        ctx.notify.folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(ctx.notify.folder)))


def no_log_folder(ctx: Context) -> str:
    return "" if ctx.notify.folder is not None else "No log file is written."


def close_messages(ctx: Context) -> None:
    _window(ctx).toasts.clear()


def copy_path(ctx: Context) -> None:
    from PySide6.QtWidgets import QApplication

    assert ctx.session is not None
    QApplication.clipboard().setText(str(ctx.session.source))
    ctx.notify.info("The file's path is on the clipboard.")


ACTIONS = (
    Action("file.open", "Open model…", open_model, "File", 10, "Ctrl+O", "open", "Open an ONNX file.", busy),
    Action(
        "file.open_sample", "Open the sample", open_sample, "File", 10, "", "star",
        "A small CNN that reads digits, with data.", no_sample,
    ),
    Action(
        "file.open_session", "Open session…", open_session, "File", 10, "Ctrl+Shift+O", "history",
        "Go on where you left off.", busy,
    ),
    Action("file.clear_recent", "Clear recent models", clear_recent, "", 20, "", "trash", "Forget which models were opened.", no_recent),
    Action(
        "file.save_session", "Save session", save_session, "File", 40, "Ctrl+S", "save",
        "Keep variants, engines and results in the session's folder.", needs_model,
    ),
    Action(
        "file.save_session_as", "Save session as…", save_session_as, "File", 40, "", "save",
        "Move the session to a folder of your choice.", moving_blocked,
    ),
    Action(
        "file.copy_path", "Copy path of model", copy_path, "File", 50, "", "copy",
        "The opened file's path, to the clipboard.", needs_model,
    ),
    Action("file.settings", "Settings…", settings, "File", 60, "Ctrl+,", "settings", "Theme, default backend, and more."),
    Action(
        "file.close", "Close model", close_model, "File", 70, "Ctrl+W", "close",
        "Save the session and go back to the start page.", needs_model,
    ),
    Action("file.quit", "Quit", leave, "File", 70, "Ctrl+Q", "", "Save the session and leave."),
    Action(
        "view.palette", "Search and run…", palette, "View", 10, "Ctrl+K|Ctrl+Shift+P", "search",
        "Find a node, a tensor, an action or a file by typing.",
    ),
    Action("view.theme.system", "As the system", choose_theme("system"), "View/Theme", 10, checked=theme_is("system")),
    Action("view.theme.light", "Light", choose_theme("light"), "View/Theme", 10, checked=theme_is("light")),
    Action("view.theme.dark", "Dark", choose_theme("dark"), "View/Theme", 10, checked=theme_is("dark")),
    Action("view.next_panel", "Next panel", next_panel, "View", 70, "F6", "", "Move the keyboard to the next panel.", needs_model),
    Action("view.previous_panel", "Previous panel", previous_panel, "View", 70, "Shift+F6", "", "And back.", needs_model),
    Action(
        "view.reset_layout", "Reset layout", reset_layout, "View", 80, "", "refresh",
        "Bring every panel back to where it was at first.",
    ),
    Action(
        "view.full_screen", "Full screen", full_screen, "View", 80, "F11", "",
        "Use the whole screen.", checked=lambda ctx: _window(ctx).isFullScreen(),
    ),
    Action("view.close_messages", "Close messages", close_messages, "View", 80, "", "close", "Take the messages in the corner away."),
    Action("help.shortcuts", "Keyboard shortcuts", shortcuts, "Help", 10, "F1", "keyboard", "Every shortcut, searchable."),
    Action("help.log_folder", "Open log folder", log_folder, "Help", 40, "", "folder", "Where the log files are.", no_log_folder),
    Action("help.about", "About Sardonyx", about, "Help", 90, "", "info", "Versions and licences."),
)  # fmt: skip

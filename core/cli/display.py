"""Whether there is a screen to show a window on: asked before Qt is, which ends the process where there is none."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path

#: Platforms of Qt that draw where nobody looks.
_UNSEEN = ("offscreen", "minimal", "minimalegl", "vnc")
_WAIT = 2.0


def has_display() -> bool:
    """True where a window would be seen: not over a plain ssh, in a container, or with Qt told to draw nowhere."""
    return _platform() not in _UNSEEN and not problem()


def problem() -> str:
    """Why a window cannot be opened here, as the end of a sentence; empty where it can."""
    if sys.platform in ("win32", "darwin") or _platform() not in ("", "xcb", "wayland"):
        return ""  # the system's own, or what the person chose
    named = {name: os.environ.get(name, "") for name in ("WAYLAND_DISPLAY", "DISPLAY")}
    if not any(named.values()):
        return "there is no display"
    if named["WAYLAND_DISPLAY"] and _platform() != "xcb" and _wayland(named["WAYLAND_DISPLAY"]):
        return ""
    if not named["DISPLAY"] or not _x11(named["DISPLAY"]):
        said = ", ".join(f"{name}={text}" for name, text in named.items() if text)
        return f"nothing answers on the display ({said})"
    try:
        ctypes.CDLL("libxcb-cursor.so.0")
    except OSError:
        return "the system library libxcb-cursor.so.0 is missing (apt-get install libxcb-cursor0)"
    return ""


def _platform() -> str:
    return os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]


def _wayland(name: str) -> bool:
    return _answers(str(Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"), name)))


def _x11(name: str) -> bool:
    """Whether a server listens at `host:number.screen`, or at `:number.screen` on this machine."""
    host, _, rest = name.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdigit():
        return False
    if host.startswith("/") or host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return _answers(path) or _answers(f"\0{path}") or (host.startswith("/") and _answers(name))
    try:
        socket.create_connection((host.strip("[]"), 6000 + int(number)), _WAIT).close()
    except (OSError, OverflowError):
        return False
    return True


def _answers(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_WAIT)
        try:
            client.connect(address)
        except OSError:
            return False
    return True

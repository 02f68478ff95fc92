"""Whether there is a screen to show a window on."""

from __future__ import annotations

import os
import sys


def has_display() -> bool:
    """True where a window would be seen: not over a plain ssh, in a container, or with Qt told to draw nowhere."""
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal", "vnc"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

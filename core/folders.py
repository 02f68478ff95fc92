"""Where things are: the person's sessions and logs (settings have their own place, see `core.settings`), and the clone.

The environment variable SARDONYX_DATA_DIR puts all of it into one folder, for tests and for shared machines.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

DATA_VARIABLE = "SARDONYX_DATA_DIR"


def data() -> Path:
    """The folder for sessions and everything else that is made while working (not made by this call)."""
    given = os.environ.get(DATA_VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("sardonyx", appauthor=False))


def logs() -> Path:
    """The folder for log files (not made by this call)."""
    if os.environ.get(DATA_VARIABLE):
        return data() / "logs"
    import platformdirs

    return Path(platformdirs.user_log_dir("sardonyx", appauthor=False))


def install(extra: str) -> str:
    """The command that installs an extra here: in a clone its own installer, for its `.venv` has no pip."""
    start = Path(__file__).resolve().parents[1] / "packaging" / "start.py"
    if start.is_file():
        return f"python3 {shlex.quote(str(start))} install {extra}"
    return f"pip install 'sardonyx[{extra}]'"

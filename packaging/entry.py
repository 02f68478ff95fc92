"""What the frozen app starts: the command line, or the window when it is called `sardonyx-gui`."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    if "--worker" in sys.argv[1:2]:
        from core.workers.child import main as work

        work()
        return 0
    if Path(sys.argv[0]).stem.lower() == "sardonyx-gui" and "--self-check" not in sys.argv:
        from gui.app import main as window

        return window(sys.argv[1:])
    from core.cli import main as command

    return command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

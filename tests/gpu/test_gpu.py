"""The checks of `check.py` under pytest; each is skipped where it cannot be tried, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gpu.check import CHECKS, Skipped


@pytest.mark.gpu
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_on_this_gpu(check: Callable[[Path], Any], tmp_path: Path) -> None:
    try:
        check(tmp_path)
    except Skipped as reason:
        pytest.skip(str(reason))

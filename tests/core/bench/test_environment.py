"""What is said of the machine is what the machine says."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import numpy as np
import onnxruntime

from core.bench.environment import cores, environment, load


def test_it_is_this_machine() -> None:
    found = environment()
    assert found.cores == cores() == len(os.sched_getaffinity(0))
    assert found.memory > 2**28
    assert found.cpu
    assert found.os
    assert found.machine
    assert found.versions["numpy"] == np.__version__
    assert found.versions["onnxruntime"] == onnxruntime.__version__
    assert "sardonyx" in found.versions
    assert found.load >= 0.0
    assert abs(load() - found.load) < 100
    json.dumps(asdict(found))


def test_gpu_and_driver_come_together() -> None:
    found = environment()
    assert bool(found.gpu) == bool(found.driver)

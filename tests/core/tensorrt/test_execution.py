"""Running needs a GPU; that every name of the API that it uses exists does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.cuda import memory
from core.tensorrt import execution

trt = pytest.importorskip("tensorrt_rtx", reason="the extra 'rtx' is not installed")
SOURCE = Path(execution.__file__).read_text()


def names(pattern: str) -> set[str]:
    return set(re.findall(pattern, SOURCE))


def test_the_engines_names_exist() -> None:
    used = names(r"(?:self\._engine|\bengine)\.(\w+)")
    assert len(used) > 8
    assert not {name for name in used if not hasattr(trt.ICudaEngine, name)}


def test_the_contexts_names_exist() -> None:
    used = names(r"self\._context\.(\w+)")
    assert {"execute_async_v3", "set_input_shape"} <= used
    assert not {name for name in used if not hasattr(trt.IExecutionContext, name)}


def test_the_runtimes_names_exist() -> None:
    used = names(r"\bruntime\.(\w+)")
    assert "deserialize_cuda_engine" in used
    assert not {name for name in used if not hasattr(trt.Runtime, name)}


def test_the_configs_names_exist() -> None:
    used = names(r"\bconfig\.(\w+)")
    assert used
    assert not {name for name in used if not hasattr(trt.IRuntimeConfig, name)}


def test_the_modules_names_exist() -> None:
    for path in names(r"self\.trt\.([\w.]+)"):
        value = trt
        for name in path.split("."):
            value = getattr(value, name)


def test_cudas_names_exist() -> None:
    runtime = pytest.importorskip("cuda.bindings.runtime", reason="the extra 'gpu' is not installed")
    source = Path(memory.__file__).read_text()
    for name in set(re.findall(r'"(cuda[A-Z]\w+)"', source)) | set(re.findall(r"runtime\.(cuda\w+)", source)):
        assert hasattr(runtime, name) or hasattr(runtime.cudaMemcpyKind, name), name

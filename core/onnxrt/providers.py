"""Whether ONNX Runtime's CUDA provider really loads here, and how to load it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"

#: In the order in which they need one another.
_LIBRARIES = ("cudart", "nvrtc", "nvJitLink", "cublasLt", "cublas", "curand", "cufft", "cudnn")


@dataclass(frozen=True)
class Cuda:
    """Whether CUDA can be used by ONNX Runtime; where not, why, and what to do."""

    usable: bool
    device: str = ""
    reason: str = ""
    hint: str = ""


@functools.cache
def cuda() -> Cuda:
    """Try it: a provider that is listed may still fail to load its libraries, or find no GPU."""
    import onnxruntime as ort

    from core.cuda import driver

    if CUDA not in ort.get_available_providers():
        hint = "Install the extra `gpu` (onnxruntime-gpu) in place of onnxruntime."
        return Cuda(False, reason="this build of ONNX Runtime has no CUDA provider", hint=hint)
    state = driver.state()
    if not state.gpus:
        return Cuda(False, reason=state.reason, hint=state.hint)
    _preload()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    from core.onnxrt.errors import first_line, kinds

    try:
        session: Any = ort.InferenceSession(_smallest(), options, providers=[CUDA])
    except kinds() as error:
        return Cuda(False, reason=f"the CUDA provider failed: {first_line(str(error))}", hint=_LIBRARIES_HINT)
    if CUDA not in session.get_providers():
        return Cuda(False, reason="the CUDA provider could not load its libraries (CUDA, cuDNN)", hint=_LIBRARIES_HINT)
    return Cuda(True, device=state.gpus[0].name)


_LIBRARIES_HINT = "Install CUDA 13 and cuDNN 9 for Python: pip install 'onnxruntime-gpu[cuda,cudnn]'."


def _smallest() -> bytes:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])], "probe", [value("x", TensorProto.FLOAT, [1])], [value("y", TensorProto.FLOAT, [1])]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@functools.cache
def _preload() -> None:
    """Load the CUDA libraries that came as Python packages, wherever on the path their `nvidia` folder is.

    ONNX Runtime's own `preload_dlls` looks beside itself only, and prints what it misses. The loader then finds them
    by name because they are already in the process.
    """
    if sys.platform == "win32":
        import onnxruntime as ort

        with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
            ort.preload_dlls(directory="")
        return
    spec = importlib.util.find_spec("nvidia")
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    files = [file for root in roots for file in sorted(root.glob("*/lib/*.so*"))]
    for library in _LIBRARIES:
        waiting = [file for file in files if file.name.startswith(f"lib{library}")]
        while waiting:
            left = [file for file in waiting if not _load(file)]
            if len(left) == len(waiting):
                break
            waiting = left


def _load(file: Path) -> bool:
    try:
        ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True

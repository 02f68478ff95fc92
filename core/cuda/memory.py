"""Memory of the GPU, streams and copies, through cuda-bindings' runtime API."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from core.errors import BackendError

if TYPE_CHECKING:
    import numpy as np


def missing() -> str:
    """Why this module cannot be used, or "" when it can."""
    if importlib.util.find_spec("cuda") is None or importlib.util.find_spec("cuda.bindings") is None:
        return "the Python package cuda-bindings is not installed"
    return ""


def call(function: str, *args: Any) -> Any:
    """Call a function of the CUDA runtime by name; raises `BackendError` with CUDA's own words when it fails."""
    from cuda.bindings import runtime

    code, *values = getattr(runtime, function)(*args)
    if int(code):
        _, text = runtime.cudaGetErrorString(code)
        words = text.decode() if isinstance(text, bytes) else str(text)
        hint = "Use a smaller batch or a smaller variant." if "memory" in words else "See whether nvidia-smi works, then try again."
        raise BackendError(f"CUDA: {words} ({function}).", hint=hint)
    return values[0] if len(values) == 1 else tuple(values)


class Stream:
    """A CUDA stream and the memory that work on it uses; a context manager that gives everything back."""

    def __init__(self) -> None:
        self._given = ExitStack()
        self.stream = call("cudaStreamCreate")
        self.handle = int(self.stream)
        self._given.callback(call, "cudaStreamDestroy", self.stream)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def allocate(self, size: int) -> int:
        """The address of `size` bytes (at least one) on the GPU, freed with the stream."""
        address = int(call("cudaMalloc", max(1, size)))
        self._given.callback(call, "cudaFree", address)
        return address

    def upload(self, array: np.ndarray, address: int) -> None:
        """Begin to copy `array` (contiguous) to the GPU."""
        self._copy(address, array.ctypes.data, array.nbytes, "cudaMemcpyHostToDevice")

    def download(self, address: int, array: np.ndarray) -> None:
        """Begin to copy from the GPU into `array` (contiguous); it is there after `synchronize`."""
        self._copy(array.ctypes.data, address, array.nbytes, "cudaMemcpyDeviceToHost")

    def _copy(self, target: int, source: int, size: int, kind: str) -> None:
        from cuda.bindings import runtime

        if size:
            call("cudaMemcpyAsync", target, source, size, getattr(runtime.cudaMemcpyKind, kind), self.stream)

    def synchronize(self) -> None:
        """Wait for everything that was begun."""
        call("cudaStreamSynchronize", self.stream)

    def waiter(self) -> Callable[[], None]:
        """`synchronize` without look-ups, for a loop that is timed."""
        from cuda.bindings import runtime

        wait, stream, fine = runtime.cudaStreamSynchronize, self.stream, runtime.cudaError_t.cudaSuccess

        def synchronize() -> None:
            if wait(stream)[0] != fine:
                self.synchronize()

        return synchronize

    def close(self) -> None:
        """Give back memory and stream; calling it twice is harmless."""
        self._given.close()

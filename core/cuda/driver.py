"""Which NVIDIA driver and GPUs this machine has, asked of the driver's own library; needs no Python package."""

from __future__ import annotations

import ctypes
import functools
import sys
from dataclasses import dataclass

_NO_DRIVER = "no NVIDIA driver was found"
_NO_DRIVER_HINT = "Run it on a machine with an NVIDIA GPU and its driver."
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR


@dataclass(frozen=True)
class Gpu:
    """One GPU: its name, compute capability (8.9 is (8, 9)) and memory in bytes."""

    name: str
    compute_capability: tuple[int, int]
    memory: int

    @property
    def capability(self) -> str:
        """`8.9`."""
        return ".".join(map(str, self.compute_capability))


@dataclass(frozen=True)
class Driver:
    """What was found; without GPUs `reason` says why and `hint` what to do. `cuda` is the newest CUDA it can run."""

    cuda: str
    gpus: tuple[Gpu, ...]
    reason: str = ""
    hint: str = ""


@functools.cache
def state() -> Driver:
    """Ask the driver once; never raises."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return Driver("", (), _NO_DRIVER, _NO_DRIVER_HINT)
    code = library.cuInit(0)
    if code:
        return Driver("", (), *_refused(code))
    version = ctypes.c_int()
    library.cuDriverGetVersion(ctypes.byref(version))
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    count = ctypes.c_int()
    code = library.cuDeviceGetCount(ctypes.byref(count))
    if code or not count.value:
        return Driver(cuda, (), "the NVIDIA driver sees no GPU", "Check CUDA_VISIBLE_DEVICES, and that the GPU works in nvidia-smi.")
    return Driver(cuda, tuple(_gpu(library, ordinal) for ordinal in range(count.value)))


def _gpu(library: ctypes.CDLL, ordinal: int) -> Gpu:
    device = ctypes.c_int()
    library.cuDeviceGet(ctypes.byref(device), ordinal)
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGetName(name, len(name), device)
    memory = ctypes.c_size_t()
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    numbers = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        library.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        numbers.append(value.value)
    return Gpu(name.value.decode(errors="replace"), (numbers[0], numbers[1]), memory.value)


def _refused(code: int) -> tuple[str, str]:
    if code == 100:  # CUDA_ERROR_NO_DEVICE
        return "the NVIDIA driver sees no GPU", "Check CUDA_VISIBLE_DEVICES, and that the GPU works in nvidia-smi."
    if code in (803, 804):  # system driver mismatch, compat not supported
        return f"the NVIDIA driver does not fit its kernel module (CUDA error {code})", "Reboot, or install the driver again."
    return f"the NVIDIA driver does not answer (CUDA error {code})", "See what nvidia-smi says."

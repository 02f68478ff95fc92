"""Where a number was measured: machine, processor, GPU, versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

from core.bench import Environment

#: Distributions whose version may change a latency.
_PACKAGES = (
    "sardonyx",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "tensorrt-rtx-cu13",
    "tensorrt-cu13",
    "cuda-bindings",
)


def environment() -> Environment:
    """What this machine is, and how busy it is; takes some milliseconds, never raises."""
    gpu, driver = _gpu()
    return Environment(
        machine=platform.node(),
        cpu=_cpu(),
        cores=cores(),
        memory=_memory(),
        os=_os(),
        python=platform.python_version(),
        governor=_first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        gpu=gpu,
        driver=driver,
        load=load(),
        versions=_versions(),
    )


def cores() -> int:
    """Logical processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """Processes that wanted a processor, on average over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _cpu() -> str:
    if platform.system() == "Linux":
        for line in _text(Path("/proc/cpuinfo")).splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def _os() -> str:
    if platform.system() == "Linux":
        try:
            name = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
        except OSError:
            name = "Linux"
        return f"{name}, kernel {platform.release()}"
    return platform.platform()


def _gpu() -> tuple[str, str]:
    """Names of the GPUs and the driver's version, by NVML; by the driver's own library where NVML's package is missing."""
    try:
        import pynvml
    except ImportError:
        return _gpu_by_driver()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return "", ""
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        names = [_plain(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
        return ", ".join(names), _plain(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return "", ""
    finally:
        pynvml.nvmlShutdown()


def _gpu_by_driver() -> tuple[str, str]:
    from core.cuda import driver

    state = driver.state()
    return ", ".join(gpu.name for gpu in state.gpus), f"CUDA {state.cuda}" if state.cuda else ""


def _plain(text: str | bytes) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _first_line(path: Path) -> str:
    return _text(path).strip().partition("\n")[0]

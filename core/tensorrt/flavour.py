"""What one flavour of TensorRT can do, and how its module is loaded."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from core import folders
from core.errors import BackendError

#: (8, 9) for compute capability 8.9.
Capability = tuple[int, int]


@dataclass(frozen=True)
class Flavour:
    """`module` is the import name and `extra` the extra of ours that installs it.

    `cpu_build`: builds without a GPU. `targets`: the compute capabilities that can be asked for, by their names in the
    API; empty when it builds for the GPU that is there. `capabilities` run its engines, and everything from `newer` on.
    `validity`: the runtime can tell beforehand whether an engine fits. `jit`: kernels are compiled when a context is
    made, with settings for it.
    """

    title: str
    module: str
    extra: str
    cpu_build: bool
    targets: dict[str, str]
    capabilities: tuple[Capability, ...]
    newer: Capability
    validity: bool
    jit: bool

    def runs_on(self, capability: Capability) -> bool:
        """Whether engines of this flavour run on a GPU of this compute capability."""
        return capability in self.capabilities or capability >= self.newer

    @property
    def runs_where(self) -> str:
        """`7.5, 8.0, 8.6, 8.9, 12.0 and later`."""
        return ", ".join(f"{major}.{minor}" for major, minor in (*self.capabilities, self.newer)) + " and later"


RTX = Flavour(
    title="TensorRT-RTX",
    module="tensorrt_rtx",
    extra="rtx",
    cpu_build=True,
    targets={
        "SM75": "Turing, RTX 20",
        "SM80": "Ampere, A100",
        "SM86": "Ampere, RTX 30",
        "SM89": "Ada, RTX 40",
        "SM120": "Blackwell, RTX 50",
        "SM121": "Blackwell, GB10",
    },
    # 9.0 (Hopper) is refused by its runtime: seen on an H200
    capabilities=((7, 5), (8, 0), (8, 6), (8, 9)),
    newer=(12, 0),
    validity=True,
    jit=True,
)


def load(flavour: Flavour) -> Any:
    """The flavour's module; `BackendError` with what to install when it is not there."""
    return _load(flavour.module, flavour.title, flavour.extra)


@functools.cache
def _load(module: str, title: str, extra: str) -> Any:
    hint = f"Install it: {folders.install(extra)}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if importlib.util.find_spec(f"{module}_bindings") is None:
            raise BackendError(f"{title} is not installed.", hint=hint) from error
    except ImportError as error:
        raise BackendError(f"{title} cannot be loaded: {error}", hint=hint) from error
    try:
        # the wheels without the package that only ties them together
        importlib.import_module(f"{module}_libs")
        return importlib.import_module(f"{module}_bindings")
    except ImportError as error:
        raise BackendError(f"{title} cannot be loaded: {error}", hint=hint) from error

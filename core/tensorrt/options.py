"""Builder parameters that both flavours share, and how they are set: each is read back, because a setter that fails
logs and keeps the old value instead of raising."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.errors import BackendError, UsageError
from core.params import param
from core.tensorrt.flavour import Flavour
from core.tensorrt.lines import Lines

#: The value of `target` that builds one engine for several generations.
PORTABLE = "portable"


@dataclass(frozen=True)
class TensorRTOptions:
    """What the builder may do, and for which shapes; precision is a property of the model (Cast, Q/DQ), never of the build."""

    optimization_level: int = param(3, "How long the builder looks for faster kernels (0: shortest, 5: longest)", min=0, max=5)
    workspace: int = param(0, "Most scratch memory a layer may use (0: no limit)", min=0, max=1_048_576, unit="MiB")
    sparse_weights: bool = param(False, "Use 2:4 sparse kernels where the weights have that pattern")
    tf32: bool = param(True, "Let float32 matrix products round their inputs to TF32", title="TF32")
    strict_nans: bool = param(False, "Keep NaN exactly as IEEE 754 says, at some cost", title="Strict NaN", advanced=True)
    verbosity: str = param(
        "layer_names",
        "What the engine says of its layers",
        choices=("none", "layer_names", "detailed"),
        title="Profiling verbosity",
        advanced=True,
    )
    batch_min: int = param(1, "Smallest batch (symbolic batch dims)", title="Smallest batch", min=1, max=65536)
    batch_opt: int = param(1, "Batch that the engine is tuned for", title="Tuned for batch", min=1, max=65536)
    batch_max: int = param(8, "Largest batch", title="Largest batch", min=1, max=65536)
    dim_min: int = param(1, "Smallest value of other symbolic dims", title="Smallest dim", min=1, max=1_000_000, advanced=True)
    dim_opt: int = param(
        64, "Value of other symbolic dims that the engine is tuned for", title="Tuned for dim", min=1, max=1_000_000, advanced=True
    )
    dim_max: int = param(256, "Largest value of other symbolic dims", title="Largest dim", min=1, max=1_000_000, advanced=True)


def check(options: TensorRTOptions) -> None:
    """Raise `UsageError` unless min <= opt <= max."""
    for word in ("batch", "dim"):
        low, opt, high = (getattr(options, f"{word}_{end}") for end in ("min", "opt", "max"))
        if not low <= opt <= high:
            raise UsageError(
                f"{word}_min {low}, {word}_opt {opt} and {word}_max {high} are not in order.",
                hint=f"Use {word}_min <= {word}_opt <= {word}_max.",
            )


def configure(trt: Any, config: Any, options: TensorRTOptions, flavour: Flavour, target: str, lines: Lines) -> None:
    """Set everything; `BackendError` names an option that did not take, with the builder's reason."""
    check(options)

    def put(name: str, wanted: Any, write: Callable[[], Any], read: Callable[[], Any]) -> None:
        before = len(lines.lines)
        write()
        got = read()
        if got != wanted:
            said = [text for level, text in lines.lines[before:] if level <= 2]
            why = said[0] if said else "no reason given"
            raise BackendError(
                f"{flavour.title} did not take the option {name}: wanted {wanted}, it stayed {got}.",
                hint="Leave the option at its default.",
                detail=why,
            )

    put(
        "optimization_level",
        options.optimization_level,
        lambda: setattr(config, "builder_optimization_level", options.optimization_level),
        lambda: config.builder_optimization_level,
    )
    if options.workspace:
        pool, size = trt.MemoryPoolType.WORKSPACE, options.workspace << 20
        put("workspace", size, lambda: config.set_memory_pool_limit(pool, size), lambda: config.get_memory_pool_limit(pool))
    for name, flag in (
        ("sparse_weights", trt.BuilderFlag.SPARSE_WEIGHTS),
        ("tf32", trt.BuilderFlag.TF32),
        ("strict_nans", trt.BuilderFlag.STRICT_NANS),
    ):
        wanted = getattr(options, name)
        act = config.set_flag if wanted else config.clear_flag
        put(name, wanted, partial(act, flag), partial(config.get_flag, flag))
    words = trt.ProfilingVerbosity
    verbosity = {"none": words.NONE, "layer_names": words.LAYER_NAMES_ONLY, "detailed": words.DETAILED}[options.verbosity]
    put("verbosity", verbosity, lambda: setattr(config, "profiling_verbosity", verbosity), lambda: config.profiling_verbosity)
    if flavour.targets and target != PORTABLE:
        capability = getattr(trt.ComputeCapability, target)
        put("target", 1, lambda: setattr(config, "num_compute_capabilities", 1), lambda: config.num_compute_capabilities)
        put("target", capability, lambda: config.set_compute_capability(capability, 0), lambda: config.get_compute_capability(0))

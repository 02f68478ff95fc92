"""ONNX Runtime: on the CPU of any machine, and on an NVIDIA GPU where its CUDA provider loads."""

from __future__ import annotations

import datetime
import functools
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import params
from core.backends.base import Availability, Backend, BuildOptions, Engine, Layer, Runner, publish
from core.errors import BackendError
from core.job import Job
from core.model import Model
from core.onnxrt.session import EXACT_INT8
from core.params import param

if TYPE_CHECKING:
    import numpy as np
    import onnx

#: From this size on weights go beside the graph: a protobuf file ends at 2 GiB, and the optimizer may add some.
EXTERNAL_FROM = 1_500_000_000
#: Weights smaller than this stay in the graph even then.
_INLINE_BELOW = 1024
_FATAL = 4  # ONNX Runtime's log severity: its warnings go to stderr, what matters of them is told in `Engine.log`


@dataclass(frozen=True)
class OnnxRuntimeOptions(BuildOptions):
    """How ONNX Runtime optimizes the graph and where it runs it."""

    provider: str = param("auto", "Where it runs (auto: CUDA when it loads, else the CPU)", choices=("auto", "cpu", "cuda"))
    optimization: str = param(
        "auto",
        "Graph optimization (auto: all, and none for 8-bit floating point)",
        choices=("auto", "none", "basic", "extended", "layout", "all"),
    )
    threads: int = param(0, "Threads within one operator (0: one a core)", min=0, max=1024)
    execution: str = param(
        "sequential", "Operators one after the other, or side by side", choices=("sequential", "parallel"), advanced=True
    )
    inter_threads: int = param(0, "Threads between operators when side by side (0: one a core)", min=0, max=1024, advanced=True)
    spinning: bool = param(True, "Threads spin while they wait: lower latency, more power", advanced=True)
    exact_int8: bool = param(
        True, "Exact 8-bit products on x86 CPUs without VNNI (slower there; off, they saturate silently)", title="Exact INT8", advanced=True
    )
    memory_arena: bool = param(True, "Keep freed memory for the next inference", advanced=True)
    memory_pattern: bool = param(True, "Plan memory once for repeated shapes", advanced=True)


class OnnxRuntime(Backend):
    """Runs models with ONNX Runtime: the reference on every machine."""

    id = "onnxruntime"
    title = "ONNX Runtime"
    order = 10
    suffix = ".onnx"
    Options = OnnxRuntimeOptions

    def available(self) -> Availability:
        """Always, on the CPU; `device` names the GPU when CUDA loads, `reason` says why not when a build could have it."""
        return _available()

    def _build(self, model: Model, options: BuildOptions, path: Path, job: Job) -> Engine:
        assert isinstance(options, OnnxRuntimeOptions)
        import onnx
        import onnxruntime as ort

        started = time.perf_counter()
        job.step(0.0, "Reading the model")
        provider = _provider(options.provider)
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

        try:
            graph = onnx.load(model.path, load_external_data=False).graph
        except (DecodeError, OSError) as error:
            raise BackendError(f"{model.path.name} cannot be read: {error}", hint="Open the model again.") from error
        from core.onnxrt.types import has_float8, tensor_types

        level = options.optimization
        if level == "auto":
            level = "none" if has_float8(graph) else "all"
        job.step(0.1, "Optimizing the graph")
        draft = job.scratch / path.name
        session, serialized = _optimize(model, graph, options, level, provider, draft)
        job.step(0.8, "Writing the engine")
        log: list[str] = []
        layers: tuple[Layer, ...] = ()
        if serialized:
            layers = _layers(draft, graph, log)
        else:
            log.append("[W] ONNX Runtime cannot write this optimized graph: the engine is a copy of the model, optimized when it opens.")
            _copy(model, graph, draft)
        data = draft.with_name(draft.name + ".data")
        size = draft.stat().st_size
        job.step(1.0, "Done")  # the last chance to cancel: what is published stays
        if data.exists():
            size += data.stat().st_size
            publish(data, path.with_name(data.name))
        publish(draft, path)
        return Engine(
            backend=self.id,
            options=params.to_dict(options),
            path=path,
            model=model,
            size=size,
            seconds=time.perf_counter() - started,
            device=_device(provider),
            version=ort.__version__,
            inputs=tensor_types(session.get_inputs()),
            outputs=tensor_types(session.get_outputs()),
            layers=layers,
            log=tuple(log),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            extra={"provider": provider, "level": level, "optimized": serialized},
        )

    def _open(self, engine: Engine) -> Runner:
        options = params.from_dict(OnnxRuntimeOptions, engine.options)
        provider = _provider(engine.extra.get("provider", options.provider))
        # what was optimized once is not optimized again: that costs start-up time and gains nothing
        level = "none" if engine.extra.get("optimized") else engine.extra.get("level", "all")
        from core.onnxrt.errors import decode, kinds

        try:
            session = _session(engine.path, options, level, provider)
        except kinds() as error:
            plain = decode(error)
            hint = f"{plain.hint} Engines of ONNX Runtime are made for one kind of machine: build it again here."
            raise BackendError(f"The engine {engine.path.name} does not open: {plain.message}", hint=hint, detail=plain.detail) from error
        return SessionRunner(session, provider)


class SessionRunner(Runner):
    """An ONNX Runtime session, on the CPU or on the GPU."""

    def __init__(self, session: Any, provider: str) -> None:
        from core.onnxrt.types import tensor_types

        #: The session itself, for those who measure how much is put on top of it.
        self.session = session
        self.inputs = tensor_types(session.get_inputs())
        self.outputs = tensor_types(session.get_outputs())
        self.device = _device(provider)
        self._place = "cuda" if provider == "cuda" else "cpu"
        self.notes = ("Transfers between host and GPU are not part of these latencies.",) if provider == "cuda" else ()

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference."""
        names = [item.name for item in self.outputs]
        with self.guard():
            return dict(zip(names, self.session.run(names, dict(feeds)), strict=True))

    def prepare(self, feeds: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """Inputs and outputs bound to memory of the device once; the call is `run_with_iobinding` and nothing else."""
        from core.onnxrt.values import like, on_device

        if any(array.dtype.kind not in "fiub" for array in feeds.values()):
            # text cannot be bound
            names, kept = [item.name for item in self.outputs], dict(feeds)
            return lambda: self.session.run(names, kept)
        with self.guard():
            binding = self.session.io_binding()
            for name, array in feeds.items():
                binding.bind_ortvalue_input(name, on_device(array, self._place))
            for item in self.outputs:
                binding.bind_output(item.name, self._place)
            self.session.run_with_iobinding(binding)
            for item, value in zip(self.outputs, binding.get_outputs(), strict=True):
                # the first run has shown the shape: from now on it is written to the same place
                fixed = like(value, self._place)
                if fixed is not None:
                    binding.bind_ortvalue_output(item.name, fixed)
        return _bare(self.session.run_with_iobinding, binding)

    def guard(self) -> AbstractContextManager[None]:
        """ONNX Runtime's exceptions, decoded."""
        from core.onnxrt.errors import decoded

        return decoded()

    def close(self) -> None:
        """Let the session go."""
        self.session = None


def _bare(run: Callable[[Any], object], binding: Any) -> Callable[[], object]:
    """`run(binding)` at the least cost: half a microsecond less than `functools.partial`, which matters to tiny models."""

    def infer(run: Callable[[Any], object] = run, binding: Any = binding) -> None:
        run(binding)

    return infer


@functools.cache
def _available() -> Availability:
    try:
        import onnxruntime as ort
    except ImportError as error:
        return Availability(False, False, reason=f"onnxruntime cannot be imported: {error}", hint="Reinstall Sardonyx.")
    from core.onnxrt.providers import CUDA, cuda

    if CUDA not in ort.get_available_providers():
        return Availability(True, True, version=ort.__version__, device="CPU")
    state = cuda()
    device = f"CPU, CUDA on {state.device}" if state.usable else "CPU"
    reason = "" if state.usable else f"no CUDA: {state.reason}"
    return Availability(True, True, version=ort.__version__, device=device, reason=reason, hint=state.hint)


def _provider(wanted: str) -> str:
    """`cpu` or `cuda`; raises `BackendError` when CUDA was asked for and cannot be had."""
    if wanted == "cpu":
        return "cpu"
    from core.onnxrt.providers import cuda

    state = cuda()
    if wanted == "cuda" and not state.usable:
        raise BackendError(f"ONNX Runtime cannot use CUDA here: {state.reason}.", hint=state.hint or "Use provider=cpu.")
    return "cuda" if state.usable else "cpu"


def _device(provider: str) -> str:
    if provider == "cpu":
        return "CPU"
    from core.onnxrt.providers import cuda

    return cuda().device or "CUDA"


def _session(
    path: Path, options: OnnxRuntimeOptions, level: str, provider: str, *, save: Path | None = None, external: bool = False
) -> Any:
    import onnxruntime as ort

    from core.onnxrt.providers import CPU, CUDA

    levels = ort.GraphOptimizationLevel
    made = ort.SessionOptions()
    made.log_severity_level = _FATAL
    made.graph_optimization_level = {
        "none": levels.ORT_DISABLE_ALL,
        "basic": levels.ORT_ENABLE_BASIC,
        "extended": levels.ORT_ENABLE_EXTENDED,
        "layout": levels.ORT_ENABLE_LAYOUT,
        "all": levels.ORT_ENABLE_ALL,
    }[level]
    parallel = options.execution == "parallel"
    made.execution_mode = ort.ExecutionMode.ORT_PARALLEL if parallel else ort.ExecutionMode.ORT_SEQUENTIAL
    made.intra_op_num_threads = options.threads
    made.inter_op_num_threads = options.inter_threads
    made.enable_cpu_mem_arena = options.memory_arena
    made.enable_mem_pattern = options.memory_pattern and not parallel  # it needs a fixed order of operators
    for scope in ("intra_op", "inter_op"):
        made.add_session_config_entry(f"session.{scope}.allow_spinning", "1" if options.spinning else "0")
    made.add_session_config_entry(EXACT_INT8, "1" if options.exact_int8 else "0")
    for entry in ("load", "save"):  # ONNX Runtime would take its own format for a file that is called .ort
        made.add_session_config_entry(f"session.{entry}_model_format", "ONNX")
    if save is not None:
        made.optimized_model_filepath = str(save)
        if external:
            made.add_session_config_entry("session.optimized_model_external_initializers_file_name", save.name + ".data")
            made.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", str(_INLINE_BELOW))
    session = ort.InferenceSession(str(path), made, providers=[CUDA, CPU] if provider == "cuda" else [CPU])
    if provider == "cuda" and CUDA not in session.get_providers():
        raise BackendError("ONNX Runtime fell back to the CPU.", hint="See `sardonyx doctor`, or use provider=cpu.")
    return session


def _optimize(
    model: Model, graph: onnx.GraphProto, options: OnnxRuntimeOptions, level: str, provider: str, draft: Path
) -> tuple[Any, bool]:
    """A session of the model, and whether its optimized graph could be written to `draft`."""
    from core.onnxrt.errors import decoded, kinds
    from core.onnxrt.layers import node_name

    def find(domain: str, op: str) -> str:
        places = (node_name(node, place) for place, node in enumerate(graph.node) if node.op_type == op and node.domain == domain)
        return next(places, "")

    try:
        # a model with external data would leave references to files that are not beside the engine
        external = model.size >= EXTERNAL_FROM or any(tensor.data_location for tensor in graph.initializer)
        return _session(model.path, options, level, provider, save=draft, external=external), True
    except kinds():
        # either the model cannot run, which the second try tells, or only the writing failed
        for file in (draft, draft.with_name(draft.name + ".data")):
            file.unlink(missing_ok=True)
        with decoded(find=find):
            return _session(model.path, options, level, provider), False


def _layers(draft: Path, graph: onnx.GraphProto, log: list[str]) -> tuple[Layer, ...]:
    import onnx

    from core.onnxrt.layers import layers

    optimized = onnx.load(draft, load_external_data=False).graph
    log.append(f"[I] {len(graph.node)} nodes became {len(optimized.node)}.")
    if any(node.domain == "com.microsoft.nchwc" for node in optimized.node):
        log.append("[I] The optimized graph is laid out for this machine's CPU; build again to run it on another kind.")
    copies = sum(node.op_type in ("MemcpyToHost", "MemcpyFromHost") for node in optimized.node)
    if copies:
        log.append(f"[W] {copies} copies between the CPU and the GPU are inside the graph: some nodes do not run on CUDA.")
    return tuple(Layer(*row) for row in layers(optimized, graph))


def _copy(model: Model, graph: onnx.GraphProto, draft: Path) -> None:
    """The model as it is, complete in `draft`'s folder."""
    if not any(tensor.data_location for tensor in graph.initializer):
        shutil.copyfile(model.path, draft)
        return
    import onnx

    whole = onnx.load(model.path)
    onnx.save(whole, draft, save_as_external_data=True, location=draft.name + ".data", size_threshold=_INLINE_BELOW)

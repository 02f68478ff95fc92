"""TensorRT-RTX: real engines built on any machine, run on NVIDIA RTX GPUs."""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import folders, params
from core.backends.base import Availability, Backend, BuildOptions, Engine, Layer, Runner, publish
from core.errors import BackendError
from core.job import Job
from core.model import Model
from core.params import param
from core.tensorrt.flavour import RTX, load
from core.tensorrt.options import PORTABLE, TensorRTOptions

if TYPE_CHECKING:
    import numpy as np

    from core.tensorrt.execution import Execution


@dataclass(frozen=True)
class RtxOptions(TensorRTOptions, BuildOptions):
    """What the TensorRT-RTX builder may do, for which GPUs and which shapes."""

    target: str = param(PORTABLE, "GPU generation to build for (portable: 8.0 and later)", choices=(PORTABLE, *RTX.targets))


class TensorRtRtx(Backend):
    """Builds engines for NVIDIA RTX GPUs, without a GPU if need be; runs them on one."""

    id = "tensorrt_rtx"
    title = RTX.title
    order = 20
    suffix = ".engine"
    Options = RtxOptions

    def available(self) -> Availability:
        """Builds wherever the package is installed; runs where there is a driver and a GPU that it supports."""
        return _available()

    def _build(self, model: Model, options: BuildOptions, path: Path, job: Job) -> Engine:
        assert isinstance(options, RtxOptions)
        from core.tensorrt import builder

        started = time.perf_counter()
        draft = job.scratch / path.name
        built = builder.build(RTX, model.path, options, options.target, draft, job)
        job.step(1.0, "Done")  # the last chance to cancel: what is published stays
        publish(draft, path)
        return Engine(
            backend=self.id,
            options=params.to_dict(options),
            path=path,
            model=model,
            size=built.size,
            seconds=time.perf_counter() - started,
            device=builder.device(RTX, options.target),
            version=built.version,
            inputs=built.inputs,
            outputs=built.outputs,
            layers=tuple(Layer(*row) for row in built.layers),
            log=built.log,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )

    def _open(self, engine: Engine) -> Runner:
        from core.tensorrt.execution import Execution

        return RtxRunner(Execution(RTX, engine.path), engine)


class RtxRunner(Runner):
    """An engine on the GPU, inputs and outputs called as the model calls them."""

    notes = ("Transfers between host and GPU are not part of these latencies.",)

    def __init__(self, execution: Execution, engine: Engine) -> None:
        self._execution = execution
        # the engine file has forgotten the names of symbolic dims
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self.device = _available().device

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference, copies included."""
        return self._execution.run(feeds)

    def prepare(self, feeds: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """One inference with inputs and outputs on the GPU."""
        return self._execution.prepare(feeds)

    def close(self) -> None:
        """Give the GPU's memory back."""
        self._execution.close()


@functools.cache
def _available() -> Availability:
    from core.cuda import driver, memory

    try:
        version = str(load(RTX).__version__)
    except BackendError as error:
        return Availability(False, False, reason=error.message.rstrip("."), hint=error.hint)
    state = driver.state()
    if not state.gpus:
        hint = f"Engines can be built here. {state.hint}"
        return Availability(True, False, version=version, reason=state.reason, hint=hint)
    gpu = state.gpus[0]
    if not RTX.runs_on(gpu.compute_capability):
        reason = f"the GPU ({gpu.name}) has compute capability {gpu.capability}; {RTX.title} runs on {RTX.runs_where}"
        hint = "Engines can be built here. On this GPU use ONNX Runtime with CUDA, or the full TensorRT."
        return Availability(True, False, version=version, device=gpu.name, reason=reason, hint=hint)
    missing = memory.missing()
    if missing:
        return Availability(True, False, version, gpu.name, missing, f"Install it: {folders.install('gpu')}")
    return Availability(True, True, version=version, device=gpu.name)

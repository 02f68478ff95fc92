"""An engine file becomes inferences on a GPU.

Written against the documented API of TensorRT 11 and TensorRT-RTX 1.7. The refusals were seen (no driver; compute
capability 9.0); the rest has never run: there was no GPU that TensorRT-RTX supports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BackendError
from core.model import TensorType
from core.tensorrt import errors
from core.tensorrt.collector import kept_out
from core.tensorrt.flavour import Flavour, load
from core.tensorrt.lines import Lines, logger
from core.tensorrt.profiles import DTYPES

if TYPE_CHECKING:
    import numpy as np


class Execution:
    """A deserialized engine with one execution context and one stream."""

    @kept_out()
    def __init__(self, flavour: Flavour, file: Path) -> None:
        self.flavour = flavour
        self.trt = load(flavour)
        self.lines = Lines()
        self._log = logger(self.trt, self.lines)
        runtime = self.trt.Runtime(self._log)
        plan = file.read_bytes()
        mask = 0
        if flavour.validity:
            validity, mask = runtime.get_engine_validity(plan)
            if validity == self.trt.EngineValidity.INVALID and mask:
                # deserializing logs the reason in words
                runtime.deserialize_cuda_engine(plan)
                raise errors.invalid(flavour, int(mask), self.lines.errors())
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise errors.invalid(flavour, int(mask), self.lines.errors())
        from core.cuda.memory import Stream

        self._runtime, self._engine = runtime, engine
        self._context = self._make_context()
        self._stream = Stream()
        self._held: list[Any] = []
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self.inputs = tuple(self._tensor(name) for name in names if self._is(name, "INPUT"))
        self.outputs = tuple(self._tensor(name) for name in names if self._is(name, "OUTPUT"))

    def _make_context(self) -> Any:
        if not self.flavour.jit:
            context = self._engine.create_execution_context()
        else:
            config = self._engine.create_runtime_config()
            config.cuda_graph_strategy = self.trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            # compile for the shapes at once: lazily, the first inferences would be timed with the compiler beside them
            config.dynamic_shapes_kernel_specialization_strategy = self.trt.DynamicShapesKernelSpecializationStrategy.EAGER
            context = self._engine.create_execution_context(config)
        if context is None:
            raise errors.invalid(self.flavour, 0, self.lines.errors())
        return context

    def _is(self, name: str, mode: str) -> bool:
        return str(self._engine.get_tensor_mode(name).name) == mode

    def _tensor(self, name: str) -> TensorType:
        word = self._engine.get_tensor_dtype(name).name
        dims = tuple(int(dim) if dim >= 0 else None for dim in tuple(self._engine.get_tensor_shape(name)))
        return TensorType(name, DTYPES.get(word, word.lower()), dims)

    def bind(self, feeds: Mapping[str, np.ndarray]) -> dict[str, tuple[int, np.ndarray]]:
        """Set shapes and addresses for `feeds`, begin their upload, and return each output's address and host array."""
        import numpy as np

        for item in self.inputs:
            if item.name not in feeds:
                raise BackendError(f"Input '{item.name}' was not given.", hint="Give every input of the model.")
            array = np.ascontiguousarray(feeds[item.name])
            if array.dtype.name != item.dtype:
                raise BackendError(f"Input '{item.name}' is {array.dtype.name}, the engine wants {item.dtype}.", hint="Convert the data.")
            self._held.append(array)
            if not self._context.set_input_shape(item.name, array.shape):
                low, _, high = self._engine.get_tensor_profile_shape(item.name, 0)
                raise BackendError(
                    f"Input '{item.name}' of shape {array.shape} is outside what the engine was built for ({tuple(low)} to {tuple(high)}).",
                    hint="Build it again with batch_min, batch_max, dim_min and dim_max around this shape.",
                )
            if self._engine.get_tensor_location(item.name) == self.trt.TensorLocation.HOST:
                address = array.ctypes.data
            else:
                address = self._stream.allocate(array.nbytes)
                self._stream.upload(array, address)
            self._context.set_tensor_address(item.name, address)
        unknown = self._context.infer_shapes()
        if unknown:
            raise BackendError(f"The shapes of {', '.join(unknown)} could not be found.", hint="Give every input of the model.")
        outputs = {}
        for item in self.outputs:
            shape = tuple(self._context.get_tensor_shape(item.name))
            if min(shape, default=0) < 0:
                raise BackendError(
                    f"The shape of output '{item.name}' depends on the data, which cannot be run yet.", hint="Use ONNX Runtime."
                )
            array = np.empty(shape, np.dtype(item.dtype))
            address = self._stream.allocate(array.nbytes)
            self._context.set_tensor_address(item.name, address)
            outputs[item.name] = (address, array)
        return outputs

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference, with the copies to and from the GPU."""
        outputs = self.bind(feeds)
        self._enqueue()
        for address, array in outputs.values():
            self._stream.download(address, array)
        self._stream.synchronize()
        return {name: array for name, (_, array) in outputs.items()}

    def prepare(self, feeds: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """The inputs are on the GPU already; the call enqueues one inference and waits for it."""
        self.bind(feeds)
        self._enqueue()  # compiles, and captures the CUDA graph
        self._stream.synchronize()
        enqueue, stream, wait = self._context.execute_async_v3, self._stream.handle, self._stream.waiter()

        def infer() -> None:
            if not enqueue(stream):
                raise errors.invalid(self.flavour, 0, self.lines.errors())
            wait()

        return infer

    @kept_out()
    def _enqueue(self) -> None:
        if not self._context.execute_async_v3(self._stream.handle):
            why = self.lines.errors()[-1] if self.lines.errors() else "no reason given"
            raise BackendError(f"{self.flavour.title} could not run the engine.", hint="Look at the log.", detail=why)

    def close(self) -> None:
        """Give everything back, the context before the engine before the runtime."""
        self._stream.close()
        self._context = self._engine = self._runtime = None
        self._held.clear()

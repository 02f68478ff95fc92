"""ONNX Runtime's own profiler: how long each kernel of a session took, and which nodes of the model it did the work of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.model import TensorType
from core.model.cost import COUNTS
from core.onnxrt.layers import Row, layers, node_name
from core.onnxrt.session import EXACT_INT8, plain
from core.onnxrt.types import tensor_types

if TYPE_CHECKING:
    import numpy as np
    import onnx

_SILENT = 4
#: Weights of this many bytes or more stay out of the optimized graph's file.
_INLINE_BELOW = 1024


@dataclass(frozen=True)
class Kernel:
    """One kernel of the optimized graph: `microseconds` of each run, and the `nodes` of the model that it stands for."""

    name: str
    kind: str
    nodes: tuple[str, ...]
    microseconds: tuple[float, ...]


class Profiler:
    """A session on the CPU that keeps a diary; raises `ModelError` with ONNX Runtime's own words when it cannot be had.

    Files go into `folder`: the diary, and the optimized graph that its kernels are explained with.
    """

    def __init__(self, model: Path, folder: Path, *, optimize: bool = True) -> None:
        import onnxruntime as ort

        self.model = model
        self._optimized = folder / "optimized.onnx"
        options = ort.SessionOptions()
        options.log_severity_level = _SILENT
        options.add_session_config_entry(EXACT_INT8, "1")
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        levels = ort.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize else levels.ORT_DISABLE_ALL
        options.optimized_model_filepath = str(self._optimized)
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "optimized.data")
        options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", str(_INLINE_BELOW))
        with plain(f"ONNX Runtime cannot open {model.name}"):
            self._session: Any = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.inputs: tuple[TensorType, ...] = tensor_types(self._session.get_inputs())

    def run(self, feeds: Mapping[str, np.ndarray]) -> None:
        """One inference."""
        with plain(f"ONNX Runtime cannot run {self.model.name}"):
            self._session.run(None, dict(feeds))

    def close(self) -> tuple[Kernel, ...]:
        """End the session and read its diary: every kernel of the main graph, in no order that matters."""
        diary = Path(self._session.end_profiling())
        self._session = None
        events = json.loads(diary.read_text(encoding="utf-8"))
        import onnx

        try:
            optimized = onnx.load(self._optimized, load_external_data=False).graph
            original = onnx.load(self.model, load_external_data=False).graph
        except (OSError, ValueError) as error:
            message = "ONNX Runtime's profile cannot be explained: its optimized graph was not written."
            raise ModelError(message, detail=str(error)) from error
        return kernels(events, optimized, original)


def kernels(events: Iterable[Mapping[str, Any]], optimized: onnx.GraphProto, original: onnx.GraphProto) -> tuple[Kernel, ...]:
    """The kernels in the `events` of a profile, by the nodes of the `optimized` graph that they ran.

    What runs inside of an If, Loop or Scan is part of that node's own time, and left out here.
    """
    wanted = _called(optimized, original)
    runs: list[dict[str, dict[int, float]]] = []
    current: dict[str, dict[int, float]] = {}
    for event in sorted(events, key=lambda one: (one["ts"] + one["dur"], one["cat"] == "Session")):
        name = str(event["name"])
        if event["cat"] == "Session" and name == "model_run":
            runs.append(current)
            current = {}
        elif event["cat"] == "Node" and name.endswith("_kernel_time"):
            called = name.removesuffix("_kernel_time")
            if called in wanted:
                by_number = current.setdefault(called, {})
                number = int(event["args"].get("node_index", 0))
                by_number[number] = by_number.get(number, 0.0) + float(event["dur"])
    found = []
    for called, rows in wanted.items():
        numbers = sorted({number for run in runs for number in run.get(called, {})})
        if not numbers:
            continue
        if len(rows) == len(numbers):  # one, unless several nodes share a name
            for row, number in zip(rows, numbers, strict=True):
                found.append(_kernel(row, called, [run.get(called, {}).get(number, 0.0) for run in runs]))
        else:
            found.append(_kernel(rows[0], called, [sum(run.get(called, {}).values()) for run in runs]))
    return tuple(found)


def _kernel(row: Row, called: str, microseconds: list[float]) -> Kernel:
    return Kernel(name=called, kind=row.kind, nodes=row.nodes, microseconds=tuple(microseconds))


def _called(optimized: onnx.GraphProto, original: onnx.GraphProto) -> dict[str, list[Row]]:
    """What the profiler calls each node of the optimized graph -> its layers (one, unless nodes share a name).

    It calls a nameless node by its op and its number; numbers are given when the model is loaded, to all but Constants.
    """
    number, numbered = 0, {}
    for place, node in enumerate(original.node):
        numbered[node_name(node, place)] = f"{node.op_type}_{number}"
        number += node.op_type != "Constant"
    wanted: dict[str, list[Row]] = {}
    for node, row in zip(optimized.node, layers(optimized, original), strict=True):
        called = node.name or (numbered.get(row.nodes[0], "") if row.nodes else "")
        wanted.setdefault(called, []).append(row)
    return wanted


def owner(nodes: tuple[str, ...], kernel: str, ops: Mapping[str, str]) -> str:
    """Which of the nodes that a kernel does the work of its time is written down at: the one it is called after, else the
    first that multiplies, else the first. `ops` is op type by node name."""
    base = kernel.removesuffix("_nchwc")
    if base in nodes:
        return base
    return next((name for name in nodes if ops.get(name) in COUNTS), nodes[0])

"""A model file becomes an engine file, with progress, cancel, and every refusal decoded."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from core.job import Job
from core.model import TensorType
from core.tensorrt import errors
from core.tensorrt.collector import kept_out
from core.tensorrt.flavour import Flavour, load
from core.tensorrt.lines import Lines, logger
from core.tensorrt.options import PORTABLE, TensorRTOptions, check, configure
from core.tensorrt.profiles import DTYPES, add_profile, tensor_type
from core.tensorrt.progress import Phases, monitor


class Row(NamedTuple):
    """One layer: as `core.backends.base.Layer`, which lives a storey above."""

    name: str
    kind: str
    precision: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Built:
    """What the builder made, the engine itself being in the file it was told."""

    version: str
    size: int
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    layers: tuple[Row, ...]
    log: tuple[str, ...]


@kept_out()
def build(flavour: Flavour, model: Path, options: TensorRTOptions, target: str, file: Path, job: Job) -> Built:
    """Build `model` into `file`; raises `BackendError` with what was refused, `Cancelled` within a step of the builder."""
    check(options)
    job.step(0.0, f"Loading {flavour.title}")
    trt = load(flavour)
    lines = Lines()
    log = logger(trt, lines)
    builder = trt.Builder(log)
    # a network is strongly typed in every new version; the older full one has to be told
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    job.step(0.02, "Reading the model")
    parser = _parse(flavour, trt, network, log, lines, model)
    layers = _layers(network)
    inputs = tuple(tensor_type(network.get_input(i)) for i in range(network.num_inputs))
    outputs = tuple(tensor_type(network.get_output(i)) for i in range(network.num_outputs))
    config = builder.create_builder_config()
    configure(trt, config, options, flavour, target, lines)
    add_profile(builder, network, config, options, lines)
    phases = Phases(job.part(0.1, 0.95))
    progress = monitor(trt, phases)
    config.progress_monitor = progress
    job.step(0.1, "Building")
    plan = builder.build_serialized_network(network, config)
    config.progress_monitor = None
    if phases.stopped is not None:
        raise phases.stopped
    if plan is None:
        raise errors.building(flavour, lines.errors(), lines.warnings(), target)
    del parser  # it owns weights that the network reads: not before the build is over
    job.step(0.95, "Writing the engine")
    with file.open("wb") as out:
        out.write(memoryview(plan))
        out.flush()
        os.fsync(out.fileno())
    return Built(str(trt.__version__), file.stat().st_size, inputs, outputs, layers, lines.text())


def device(flavour: Flavour, target: str) -> str:
    """What an engine for `target` runs on, for people."""
    if target == PORTABLE or target not in flavour.targets:
        return "portable: compute capability 8.0, 8.6, 8.9, 12.0 and later"
    return f"{target} ({flavour.targets[target]})"


def _parse(flavour: Flavour, trt: Any, network: Any, log: Any, lines: Lines, model: Path) -> Any:
    parser = trt.OnnxParser(network, log)
    if not parser.parse_from_file(str(model)):
        raise errors.parsing(flavour, errors.refusals(parser), lines.errors())
    return parser


def _layers(network: Any) -> tuple[Row, ...]:
    """The layers of the network, as the parser made them from nodes; the builder fuses them later."""
    rows = []
    for i in range(network.num_layers):
        layer = network.get_layer(i)
        nodes = tuple(re.findall(r"\[ONNX Layer: (.*?)\]", layer.metadata or ""))
        kind = layer.type.name.lower()
        precision = ""
        if layer.num_outputs and layer.get_output(0) is not None:
            word = layer.get_output(0).dtype.name
            precision = DTYPES.get(word, word.lower())
        rows.append(Row(layer.name, kind, precision, nodes))
    return tuple(rows)

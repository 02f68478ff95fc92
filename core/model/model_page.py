"""What a model says of itself beside its graph: who made it, its functions, its domains and whether those can run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.job import Job
from core.model import Model, manual, sound
from core.model.source import read

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class FunctionRow:
    """A function of the model: nodes inside it, calls of it anywhere, and what its author wrote."""

    name: str
    domain: str
    nodes: int
    calls: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    doc: str


@dataclass(frozen=True)
class DomainRow:
    """A domain of operators: its version (0 where none is stated), nodes that are of it, who defines those, and which of
    its ops nobody here does (then the model cannot run)."""

    domain: str
    version: int
    nodes: int
    defined_by: Literal["ONNX", "ONNX Runtime", "this model", "nobody"]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class ModelPage:
    """What a model says of itself."""

    graph: str
    producer: str
    version: int
    domain: str
    doc: str
    functions: tuple[FunctionRow, ...]
    domains: tuple[DomainRow, ...]
    metadata: tuple[tuple[str, str], ...]


def model_page(model: Model, job: Job) -> ModelPage:
    """The page of a model (a task); weights are not read."""
    proto = read(model.path).proto
    calls = Counter((node.domain, node.op_type) for node in sound.nodes_of([proto.graph, *proto.functions]))
    return ModelPage(
        graph=proto.graph.name,
        producer=" ".join(part for part in (proto.producer_name, proto.producer_version) if part),
        version=proto.model_version,
        domain=proto.domain,
        doc="\n\n".join(part for part in (proto.doc_string.strip(), proto.graph.doc_string.strip()) if part),
        functions=tuple(
            FunctionRow(
                name=each.name,
                domain=each.domain,
                nodes=len(each.node),
                calls=calls[each.domain, each.name],
                inputs=tuple(each.input),
                outputs=tuple(each.output),
                doc=" ".join(words for kind, words in manual.blocks(each.doc_string) if kind == "words"),
            )
            for each in proto.functions
        ),
        domains=tuple(_domains(proto, calls)),
        metadata=tuple(sorted((entry.key, entry.value) for entry in proto.metadata_props)),
    )


def _domains(proto: onnx.ModelProto, calls: Counter[tuple[str, str]]) -> Iterator[DomainRow]:
    stated = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in proto.opset_import}
    used: Counter[str] = Counter()
    for (domain, _), count in calls.items():
        used["" if domain == "ai.onnx" else domain] += count
    own = {function.domain for function in proto.functions}
    unknown = sound.unknown_ops(proto)
    for domain in sorted({*stated, *used}):
        missing = tuple(unknown.get(domain, ()))
        by: Literal["ONNX", "ONNX Runtime", "this model", "nobody"] = "nobody"
        if domain in own:
            by = "this model"
        elif domain in ("", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training"):
            by = "ONNX"
        elif domain in sound.RUNTIME_DOMAINS:
            by = "ONNX Runtime"
        yield DomainRow(domain, stated.get(domain, 0), used[domain], by, missing)

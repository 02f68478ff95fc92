"""Fingerprints: what a model says, whatever files it is stored in."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from core.job import Job
from core.model import Model, sound
from core.model.source import Source, read
from core.model.tensors import EXTERNAL, byte_size

if TYPE_CHECKING:
    import onnx

#: Above this many bytes of weights, tensors are digested by sample.
SAMPLED = 1 << 30
_MB = 1 << 20
#: Of such a tensor so many bytes at either end, and so many pages.
_END, _PAGES, _PAGE = 64 << 10, 16, 4096
#: Tensors up to this many bytes enter as they are.
_SMALL = 4096
_CHUNK = 16 << 20
_digests: dict[tuple[tuple[int, int, int, int], int, int, bool], bytes] = {}


def fingerprint(path: Path, job: Job | None = None) -> str:
    """The sha256 (hex) of what the model at `path` says: nodes, inputs, outputs, functions, opsets, metadata and weights.

    Weight bytes enter as their digest, so a model has one fingerprint whether it is stored as one file, with external data,
    or with its values in another field; file names, value_info, documentation, producer and IR version do not enter. In a model
    with more than 1 GiB of weights each tensor above 4 MiB enters by its dtype, shape, size, first and last 64 KiB and
    16 pages of 4 KiB spread evenly between, so that opening it does not mean reading it: such models that differ only
    elsewhere would share a fingerprint. Cached for as long as the file does not change.
    """
    return of(read(path), job)


def snapshot(path: Path, job: Job | None = None) -> Model:
    """The frozen `Model` for a file as it is now: fingerprint, and size of graph and weights in bytes."""
    source = read(path)
    outside = sum(
        byte_size(tensor.data_type, tensor.dims)
        for tensor in source.proto.graph.initializer
        if tensor.data_location == EXTERNAL and not _own(tensor, source)
    )
    return Model(path=path, fingerprint=of(source, job), size=source.key[2] + outside)


def _own(tensor: onnx.TensorProto, source: Source) -> bool:
    return any(entry.key == "location" and entry.value == source.path.name for entry in tensor.external_data)


def of(source: Source, job: Job | None = None) -> str:
    """The fingerprint of an open source."""
    known: str | None = source.facts.get("fingerprint")
    if known is None:
        known = source.facts["fingerprint"] = _Hasher(source, job or Job()).whole()
    return known


class _Hasher:
    """Feeds one model into one sha256, part by part, each with its kind in front."""

    def __init__(self, source: Source, job: Job) -> None:
        self.source = source
        self.job = job
        self.hash = hashlib.sha256(b"sardonyx model 1")
        tensors = source.proto.graph.initializer
        self.total = sum(byte_size(tensor.data_type, tensor.dims) for tensor in tensors) or 1
        self.done = 0

    def whole(self) -> str:
        proto = self.source.proto
        self._put(b"opset", *sorted(f"{_domain(entry.domain)}={entry.version}".encode() for entry in proto.opset_import))
        self._put(b"metadata", *sorted(f"{entry.key}={entry.value}".encode() for entry in proto.metadata_props))
        self._graph(proto.graph)
        for function in sorted(proto.functions, key=lambda f: (f.domain, f.name, f.overload)):
            self._put(b"function", f"{function.domain}:{function.name}:{function.overload}".encode())
            self._put(b"io", *(name.encode() for name in [*function.input, "", *function.output, "", *function.attribute]))
            for node in function.node:
                self._node(node)
        return self.hash.hexdigest()

    def _put(self, kind: bytes, *parts: bytes) -> None:
        self.hash.update(b"%s %d;" % (kind, len(parts)))
        for part in parts:
            self.hash.update(b"%d:" % len(part))
            self.hash.update(part)

    def _graph(self, graph: onnx.GraphProto) -> None:
        for kind, values in ((b"in", graph.input), (b"out", graph.output)):
            for value in values:
                self._put(kind, value.name.encode(), value.type.SerializeToString(deterministic=True))
        for tensor in sorted(graph.initializer, key=lambda t: t.name):
            self._tensor(tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            self._put(b"sparse", sparse.SerializeToString(deterministic=True))
        for note in sorted(graph.quantization_annotation, key=lambda a: a.tensor_name):
            self._put(b"quantization", note.SerializeToString(deterministic=True))
        for node in graph.node:
            self._node(node)

    def _node(self, node: onnx.NodeProto) -> None:
        domain = node.domain
        if (
            node.op_type == "Constant"
            or domain
            or node.HasField("domain")
            or sound.may_nest(node)
            or not node.output
            or not node.output[-1]
        ):
            self._odd_node(node, domain)
            return
        said = node.SerializeToString(deterministic=True)
        self.hash.update(b"node %d:" % len(said))
        self.hash.update(said)

    def _odd_node(self, node: onnx.NodeProto, domain: str) -> None:
        """A node that can be written in more than one way, or that holds weights or graphs."""
        outputs = list(node.output)
        while outputs and not outputs[-1]:
            outputs.pop()
        if node.op_type == "Constant" and not domain:
            self.hash.update(f"constant {node.name}\0{outputs}".encode())
            for attribute in node.attribute:
                if attribute.type == 4:
                    self._tensor(attribute.name, attribute.t)
                else:
                    self._put(b"attribute", attribute.SerializeToString(deterministic=True))
            return
        plain = type(node)(name=node.name, op_type=node.op_type, overload=node.overload, input=node.input, output=outputs)
        if _domain(domain):
            plain.domain = domain
        plain.metadata_props.extend(node.metadata_props)
        if node.doc_string:
            plain.doc_string = node.doc_string
        graphs = []
        for attribute in node.attribute:
            if attribute.type in (5, 10) and sound.may_nest(node):
                graphs.append(attribute)
            else:
                plain.attribute.append(attribute)
        said = plain.SerializeToString(deterministic=True)
        self.hash.update(b"node %d:" % len(said))
        self.hash.update(said)
        for attribute in graphs:
            self._put(b"graphs", attribute.name.encode())
            for graph in [attribute.g] if attribute.type == 5 else attribute.graphs:
                self._graph(graph)
        if graphs:
            self._put(b"end")

    def _tensor(self, name: str, tensor: onnx.TensorProto) -> None:
        dims = list(tensor.dims)
        size = byte_size(tensor.data_type, dims)
        if size <= _SMALL:
            raw = tensor.raw_data or self.source.raw(tensor)
            self.hash.update(f"tensor {name}\0{tensor.data_type}{dims}{len(raw)}:".encode())
            self.hash.update(raw)
            return
        sampled = self.total > SAMPLED and size > 4 * _MB
        self._put(b"tensor", name.encode(), f"{tensor.data_type}{dims}".encode(), self._digest(tensor, sampled))
        self.done += size
        if size > _MB:
            self.job.step(min(1.0, self.done / self.total), "Reading weights")

    def _digest(self, tensor: onnx.TensorProto, sampled: bool) -> bytes:
        if tensor.data_location != EXTERNAL:
            return self._bytes(self.source.raw(tensor), sampled)
        region, offset, length = self.source.regions.place(tensor)
        key = region.identity(), offset, length, sampled
        found = _digests.get(key)
        if found is None:
            view = region.view(offset, length)
            if sampled:
                region.scatter(offset, length, on=True)
            found = _digests[key] = self._bytes(view, sampled)
            if sampled:
                region.scatter(offset, length, on=False)
            region.forget(offset, length)
        return found

    def _bytes(self, raw: memoryview | bytes, sampled: bool) -> bytes:
        digest = hashlib.sha256(b"sampled" if sampled else b"whole")
        if sampled:
            digest.update(len(raw).to_bytes(8, "little"))
            digest.update(raw[:_END])
            digest.update(raw[-_END:])
            for page in range(_PAGES):
                at = len(raw) * page // _PAGES & ~(_PAGE - 1)
                digest.update(raw[at : at + _PAGE])
        else:
            for at in range(0, len(raw), _CHUNK):
                self.job.check()
                digest.update(raw[at : at + _CHUNK])
        return digest.digest()


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain

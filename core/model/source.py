"""A model file, opened: the graph parsed, the weights left where they are, everything untrusted checked on the way."""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import stat
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.model import kinds, payload, sound, wire
from core.model.external import Regions
from core.model.tensors import EXTERNAL, RangeTensor, Region, SparseTensor, canonical, unpack

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import onnx_ir as ir

#: A file larger than this keeps its weights on disk: bytes.
LAZY = 64 << 20
#: protobuf cannot read or write a message of this many bytes or more.
PROTO_LIMIT = (1 << 31) - 1
_KEPT = 4
Key = tuple[str, int, int]


class Source:
    """One model file as it was at one moment.

    `proto` is the graph; a tensor in it either carries its values (small models) or says EXTERNAL, and then `regions`
    knows the file. `places` is a topological order of the main graph's nodes, None when the file's own is one.
    `facts` keeps what other files of this room found out (index, shapes, digests), for as long as the source lives.
    """

    def __init__(self, path: Path, key: Key, proto: onnx.ModelProto, regions: Regions, places: list[int] | None) -> None:
        self.path = path
        self.key = key
        self.proto = proto
        self.regions = regions
        self.places = places
        self.facts: dict[str, Any] = {}

    def raw(self, tensor: onnx.TensorProto) -> memoryview | bytes:
        """The little-endian bytes of one of this model's tensors, not copied where they are in a file."""
        if tensor.data_location == EXTERNAL:
            region, offset, length = self.regions.place(tensor)
            return region.view(offset, length)
        return canonical(tensor)

    def array(self, tensor: onnx.TensorProto) -> np.ndarray:
        """The values of one of this model's tensors; read-only when they are in a file."""
        if tensor.data_type == 8:
            import numpy as np

            return np.array(list(tensor.string_data), dtype=object).reshape(tuple(tensor.dims))
        return unpack(self.raw(tensor), tensor.data_type, tuple(tensor.dims))

    def initializers(self) -> dict[str, onnx.TensorProto]:
        """Every weight by name: initializers, and Constant nodes' tensors under the name of what they make."""
        found: dict[str, onnx.TensorProto] | None = self.facts.get("initializers")
        if found is None:
            found = {}
            for tensor in all_tensors(self.proto):
                found.setdefault(tensor.name, tensor)
            for node in sound.special(sound.nodes_of([self.proto.graph])):
                if node.op_type == "Constant" and node.output:
                    made = constant(node)
                    if made is not None:
                        found[node.output[0]] = made
            self.facts["initializers"] = found
        return found

    def files(self) -> list[Path]:
        """Every file that the model is in: the .onnx first."""
        others = {region.real for region in self.regions.files()} - {Path(os.path.realpath(self.path))}
        return [self.path, *sorted(others)]


_sources: OrderedDict[Key, Source] = OrderedDict()


def read(path: Path) -> Source:
    """Open a model file and check it; the same file, unchanged, is opened once in a process (the last few are kept).

    Raises `ModelError` for whatever is wrong with it: see `core.model.sound` for graphs, `external` for data files.
    """
    key = _key(path)
    source = _sources.get(key)
    if source is None:
        source = _open(path, key)
        _sources[key] = source
        while len(_sources) > _KEPT:
            _sources.popitem(last=False)
    _sources.move_to_end(key)
    return source


def _key(path: Path) -> Key:
    try:
        found = os.stat(path)
    except OSError as error:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise ModelError(f"There is no file {path}.", hint="Check the path; it may have been moved or renamed.") from error
        raise ModelError(f"{path} cannot be opened: {error.strerror}.", hint="Check the path and its permissions.") from error
    if stat.S_ISDIR(found.st_mode):
        inside = sorted(child.name for child in path.glob("*.onnx"))
        hint = f"Open a file in it: {', '.join(inside[:3])}." if inside else "Choose a .onnx file."
        raise ModelError(f"{path} is a folder, not a model file.", hint=hint)
    if not stat.S_ISREG(found.st_mode):
        raise ModelError(f"{path} is not a regular file.", hint="Choose a .onnx file.")
    return str(path.absolute()), found.st_mtime_ns, found.st_size


def _open(path: Path, key: Key) -> Source:
    size = key[2]
    if size == 0:
        raise ModelError(f"{path.name} is empty: it has 0 bytes.", hint="The download or export did not finish: get the file again.")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            known = kinds.recognise(path, head)
            if known:
                raise ModelError(f"{path.name} is not an ONNX model: it looks like {known[0]}.", hint=known[1])
            regions = Regions(path)
            if size > LAZY:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    proto = _skim(path, mapped)
                regions.add(path.name, Region(Path(os.path.realpath(path)), size))
            else:
                file.seek(0)
                proto = _parse(path, file.read())
    except PermissionError as error:
        raise ModelError(f"{path.name} may not be read: permission denied.", hint=f"Change the permissions of {path}.") from error
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}.", hint="Check the disk, then try again.") from error
    _check_model(path, proto)
    sound.check_text(proto)
    for tensor in all_tensors(proto):
        payload.check(tensor, regions)
    for sparse in proto.graph.sparse_initializer:
        payload.check_sparse(sparse, regions)
    for function in proto.functions:
        sound.check_function(function)
    sound.check_calls(proto)
    return Source(path, key, proto, regions, sound.order(proto.graph))


def _parse(path: Path, data: bytes) -> onnx.ModelProto:
    try:
        return wire.parse(data)
    except wire.Damaged as damaged:
        raise _broken(path, data, damaged) from damaged


def _skim(path: Path, mapped: mmap.mmap) -> onnx.ModelProto:
    try:
        return wire.skim(mapped, path.name)
    except wire.Damaged as damaged:
        raise _broken(path, mapped, damaged) from damaged


def _broken(path: Path, data: bytes | mmap.mmap, error: Exception) -> ModelError:
    damaged = wire.damage(data)
    if damaged is not None and damaged.end is not None and len(data) < damaged.end < len(data) + (1 << 40) and data[0] == 8:
        return ModelError(
            f"{path.name} is cut off: it has {len(data):,} bytes and says that it goes on to byte {damaged.end:,}.",
            hint="The download or copy did not finish: get the file again.",
        )
    reason = str(damaged or "a part inside the graph is damaged")
    return ModelError(
        f"{path.name} is not a readable ONNX model: {reason}.",
        hint="The file is damaged, or is not ONNX at all: get it again, or export it again.",
        detail=str(error),
    )


def _check_model(path: Path, proto: onnx.ModelProto) -> None:
    if not proto.HasField("graph"):
        raise ModelError(
            f"{path.name} holds no graph: it is not an ONNX model, or was cut off.", hint="Get the file again, or choose another."
        )
    if not proto.opset_import and proto.ir_version >= 3:
        raise ModelError(
            f"{path.name} does not say which operator set it uses: it is not an ONNX model, or was cut off.",
            hint="Get the file again, or export it again.",
        )


def all_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every initializer, those of subgraphs included, and what Constant nodes carry."""
    yield from proto.graph.initializer
    for graph in (proto.graph, *proto.functions):
        yield from _held(graph.node)


def _held(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in sound.special(nodes):
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.type == 4:
                    yield attribute.t
        else:
            for graph in sound.subgraphs(node):
                yield from graph.initializer
                yield from _held(graph.node)


def constant(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """The tensor that a Constant node makes; None when it is sparse."""
    import onnx

    for attribute in node.attribute:
        if attribute.name == "value":
            tensor: onnx.TensorProto = attribute.t
            return tensor
        if attribute.name in ("value_float", "value_floats"):
            values = list(attribute.floats) if attribute.name.endswith("s") else [attribute.f]
            return onnx.TensorProto(data_type=1, dims=[len(values)] if attribute.name.endswith("s") else [], float_data=values)
        if attribute.name in ("value_int", "value_ints"):
            numbers = list(attribute.ints) if attribute.name.endswith("s") else [attribute.i]
            return onnx.TensorProto(data_type=7, dims=[len(numbers)] if attribute.name.endswith("s") else [], int64_data=numbers)
        if attribute.name in ("value_string", "value_strings"):
            texts = list(attribute.strings) if attribute.name.endswith("s") else [attribute.s]
            return onnx.TensorProto(data_type=8, dims=[len(texts)] if attribute.name.endswith("s") else [], string_data=texts)
    return None


def to_ir(source: Source) -> ir.Model:
    """The model as onnx-ir has it: nodes sorted, tensors that are in files as `RangeTensor`. Made once for a source."""
    model: ir.Model | None = source.facts.get("ir")
    if model is None:
        model = from_proto(source.proto, source.regions)
        if source.places is not None:
            model.graph.sort()
        source.facts["ir"] = model
    return model


def from_proto(proto: onnx.ModelProto, regions: Regions | None = None) -> ir.Model:
    """`proto` as an onnx-ir model; external tensors read through `regions`. Raises `ModelError` when it is no valid graph."""
    import onnx
    import onnx_ir as ir

    sparse = {tensor.values.name: tensor for tensor in proto.graph.sparse_initializer}
    if sparse:  # onnx-ir has no place for these: stand-ins are read, and exchanged below
        whole, proto = proto, onnx.ModelProto()
        proto.CopyFrom(whole)
        del proto.graph.sparse_initializer[:]
        for name, tensor in sparse.items():
            proto.graph.initializer.add(name=name, data_type=tensor.values.data_type, dims=tensor.dims, data_location="EXTERNAL")
    with quiet():
        try:
            model = ir.from_proto(proto)
        except (RuntimeError, ValueError, TypeError) as error:
            raise ModelError(
                f"The graph cannot be edited: {_root(error)}",
                hint="The model uses something that passes do not support yet.",
                detail=str(error),
            ) from error
    for name, tensor in sparse.items():
        stood_in = model.graph.initializers[name].const_value
        assert stood_in is not None
        model.graph.initializers[name].const_value = SparseTensor(tensor, stood_in.dtype, ir.Shape(tensor.dims))
    if regions is not None:
        _attach(model, regions)
    return model


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _attach(model: ir.Model, regions: Regions) -> None:
    """Replace onnx-ir's external tensors, which refuse hard links, by ours, which read what was checked."""
    import onnx
    import onnx_ir as ir

    def ours(tensor: Any) -> Any:
        if not isinstance(tensor, ir.ExternalTensor):
            return tensor
        said = onnx.TensorProto(name=tensor.name or "", data_type=int(tensor.dtype), dims=tensor.shape.numpy())
        said.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", tensor.location), ("offset", tensor.offset), ("length", tensor.length)):
            if value is not None:
                said.external_data.add(key=key, value=str(value))
        region, offset, length = regions.place(said)
        return RangeTensor(
            region,
            offset,
            length,
            tensor.dtype,
            tensor.shape,
            name=tensor.name,
            doc_string=tensor.doc_string,
            metadata_props=tensor.metadata_props,
        )

    for graph in model.graphs():
        for value in graph.initializers.values():
            if isinstance(value.const_value, ir.ExternalTensor):
                value.const_value = ours(value.const_value)
        for node in graph:
            if node.op_type == "Constant":
                for name, attribute in list(node.attributes.items()):
                    if isinstance(attribute.value, ir.ExternalTensor):
                        node.attributes[name] = ir.AttrTensor(name, ours(attribute.value))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back onnx-ir's own warnings: what they warn of is an error of ours, or was checked before."""
    logger = logging.getLogger("onnx_ir")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)

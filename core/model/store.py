"""Write models whole or not at all, and never a weight twice.

A small model is one file. A large one is `<name>.onnx` with what is new in `<name>.data`; tensors that did not change are
referred to where they are: the data file of the model they came from (or that .onnx itself, whose raw bytes serve as well),
brought into the folder once under `<origin>-<identity>.data` by a reflink, a hard link or, where neither can be, one copy.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from core.errors import ModelError
from core.job import Job
from core.model import Model
from core.model.identity import snapshot
from core.model.plain import serialize, to_proto, weight_bytes
from core.model.source import LAZY, PROTO_LIMIT, read
from core.model.tensors import EXTERNAL, RangeTensor, Region, SparseTensor

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

#: Tensors below this many bytes stay inside the .onnx, where runtimes want shapes and scales.
_INSIDE = 4096
_CHUNK = 16 << 20
_FICLONE = 0x40049409

Place = tuple[Region, int, int]


def save(
    model: ir.Model,
    path: Path,
    *,
    proto: onnx.ModelProto | None = None,
    sources: Iterable[Path] = (),
    standalone: bool = False,
    job: Job | None = None,
) -> Model:
    """Write `model` to `path`, whole or not at all, and return its snapshot; raises `ModelError` when there is no room.

    With less than 64 MB of weights it is one file. Else what is new goes to `<name>.data`, and tensors that are in files
    already are referred to there. `sources` are models in whose files tensors that lost their place (a library made a new
    ModelProto of them) are looked for by their bytes. `standalone` writes everything: nothing is shared with other models.
    `proto` is the same model as protobuf, where it is at hand: a small one is written from it.
    """
    job = job or Job()
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        if weight_bytes(model) < LAZY:
            _write_whole(path, (to_proto(model) if proto is None else proto).SerializeToString())
        else:
            _save_large(model, path, () if standalone else tuple(sources), standalone, job)
    except OSError as error:
        raise _no_room(error, path) from error
    return snapshot(path, job)


def files(path: Path) -> list[Path]:
    """Every file that the model at `path` needs, the .onnx first: what to keep, copy or ship."""
    return read(path).files()


def materialize(model: Model, folder: Path) -> Path:
    """Bring a model's files into `folder` (reflinked, hard-linked or copied; what is there already stays) and return the .onnx."""
    source = read(model.path)
    origin = Path(os.path.realpath(model.path.parent))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        for file in source.files()[1:]:
            target = folder / file.relative_to(origin)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.stat().st_size != file.stat().st_size:
                _bring(file, target)
        target = folder / model.path.name
        if not (target.exists() and target.samefile(model.path)):
            _bring(model.path, target)
    except OSError as error:
        raise _no_room(error, folder / model.path.name) from error
    return target


def sweep(folder: Path) -> None:
    """Remove what killed writers left in `folder`: unfinished files whose process is gone."""
    import psutil

    for left in folder.glob(".*.part"):
        fields = left.name.split(".")
        owner = fields[-3] if len(fields) > 3 else ""
        if owner.isdigit() and ((int(owner) == os.getpid() and left not in _open_parts) or not psutil.pid_exists(int(owner))):
            left.unlink(missing_ok=True)


def _save_large(model: ir.Model, path: Path, sources: tuple[Path, ...], standalone: bool, job: Job) -> None:
    import onnx_ir as ir

    twins = _Twins(sources)
    data = _free_name(path)
    held: dict[ir.Value, Any] = {}
    refer: dict[ir.Value, Place] = {}
    write: dict[ir.Value, tuple[int, int]] = {}
    offset = inside = 0
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if tensor is None or tensor.dtype == ir.DataType.STRING or tensor.nbytes < _INSIDE or isinstance(tensor, SparseTensor):
            inside += tensor.nbytes if tensor is not None and tensor.dtype != ir.DataType.STRING else 0
            continue
        held[value] = tensor
        place = None if standalone else _place_of(tensor) or twins.find(tensor)
        if place is not None:
            refer[value] = place
        else:
            offset += -offset % (4096 if tensor.nbytes >= 1 << 16 else 64)
            write[value] = offset, tensor.nbytes
            offset += tensor.nbytes
    if inside > PROTO_LIMIT - (64 << 20):
        raise ModelError("The model has more than 2 GB of small weights, which an ONNX file cannot hold.", hint="Merge them first.")
    _check_room(path, offset)
    names = {region: _at_home(region, path, job) for region in dict.fromkeys(place[0] for place in refer.values())}
    parts: list[_Part] = []
    try:
        if write:
            parts.append(_Part(data))
            for done, (value, (at, size)) in enumerate(write.items()):
                job.step(done / len(write), f"Writing weights ({at / 1e6:.0f} of {offset / 1e6:.0f} MB)")
                parts[0].file.seek(at)
                _write_tensor(parts[0].file, held[value], size)
        try:
            for value, tensor in held.items():
                location, at, size = (data.name, *write[value]) if value in write else (names[refer[value][0]], *refer[value][1:])
                value.const_value = ir.ExternalTensor(
                    location,
                    at,
                    size,
                    tensor.dtype,
                    shape=ir.Shape(tensor.shape.numpy()),
                    name=value.name or "",
                    doc_string=tensor.doc_string,
                    metadata_props=dict(tensor.metadata_props),
                )
            payload = serialize(model).SerializeToString()
        finally:
            for value, tensor in held.items():
                value.const_value = tensor
        parts.append(_Part(path))
        parts[-1].file.write(payload)
        for part in parts:
            part.close()
        for part in parts:  # the data first: a model is never seen without it
            part.commit()
    finally:
        for part in parts:
            part.discard()


def _place_of(tensor: Any) -> Place | None:
    if isinstance(tensor, RangeTensor):
        return tensor.region, tensor.offset, tensor.length
    return None


def _write_tensor(file: IO[bytes], tensor: Any, size: int) -> None:
    if isinstance(tensor, RangeTensor):
        tensor.tofile(file)
        return
    raw = tensor.tobytes()
    if len(raw) != size:
        raise ModelError(
            f"Tensor '{tensor.name}' should have {size:,} bytes, but has {len(raw):,}.", hint="The pass that made it is at fault."
        )
    file.write(raw)


class _Twins:
    """Finds, among the tensors in the files of `sources`, one with the same bytes."""

    def __init__(self, sources: tuple[Path, ...]) -> None:
        self._by_size: dict[int, list[Place]] = {}
        for path in sources:
            source = read(path)
            for tensor in source.proto.graph.initializer:
                if tensor.data_location == EXTERNAL:
                    region, offset, length = source.regions.place(tensor)
                    if length >= _INSIDE:
                        self._by_size.setdefault(length, []).append((region, offset, length))

    def find(self, tensor: Any) -> Place | None:
        """Where the bytes of `tensor` are already; None when they are new."""
        places = self._by_size.get(tensor.nbytes)
        if not places:
            return None
        import numpy as np

        raw = np.frombuffer(tensor.tobytes(), np.uint8)
        for region, offset, length in places:
            other = np.frombuffer(region.view(offset, length), np.uint8)
            if all(np.array_equal(raw[at : at + _CHUNK], other[at : at + _CHUNK]) for at in range(0, length, _CHUNK)):
                return region, offset, length
        return None


def _at_home(region: Region, path: Path, job: Job) -> str:
    """The name under which a model at `path` finds `region` in its own folder; brings it there when it is not."""
    home = Path(os.path.realpath(path.parent))
    if region.real.parent == home and region.real.name != path.name:
        return region.real.name
    digest = hashlib.sha256(repr(region.identity()).encode()).hexdigest()[:10]
    target = home / f"{region.real.stem.split('~')[0]}~{digest}.data"
    if not target.exists() or target.stat().st_size != region.size:
        job.step(0.0, f"Sharing the weights of {region.real.name}")
        _bring(region.real, target, job)
    return target.name


def _bring(file: Path, target: Path, job: Job | None = None) -> None:
    """Make `target` hold what `file` holds: a reflink where the filesystem can, else a hard link, else a copy."""
    if _reflink(file, target):
        return
    part = _part_name(target)
    try:
        os.link(file, part)
    except OSError:
        _copy(file, target, job or Job())
        return
    try:
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)  # replace does nothing when both are one file already


def _reflink(file: Path, target: Path) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    part = _Part(target)
    try:
        with file.open("rb") as origin:
            fcntl.ioctl(part.file.fileno(), _FICLONE, origin.fileno())
        part.close()
        part.commit()
    except OSError:
        return False
    finally:
        part.discard()
    return True


def _copy(file: Path, target: Path, job: Job) -> None:
    size = file.stat().st_size
    _check_room(target, size)
    part = _Part(target)
    try:
        with file.open("rb") as origin:
            done = 0
            while chunk := origin.read(_CHUNK):
                job.step(done / size, f"Copying {file.name}")
                part.file.write(chunk)
                done += len(chunk)
        part.close()
        part.commit()
    finally:
        part.discard()


_open_parts: set[Path] = set()


class _Part:
    """A file being written, hidden beside its target until `commit`."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = _part_name(target)
        _open_parts.add(self.path)
        self.file: IO[bytes] = self.path.open("xb")

    def close(self) -> None:
        """Everything is written: bring it to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def commit(self) -> None:
        """Put it in its place, at once."""
        os.replace(self.path, self.target)
        if sys.platform != "win32":
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Remove what was not committed; harmless after `commit`."""
        with contextlib.suppress(OSError):
            self.file.close()
        self.path.unlink(missing_ok=True)
        _open_parts.discard(self.path)


def _part_name(target: Path) -> Path:
    return target.parent / f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.part"


def _write_whole(path: Path, payload: bytes) -> None:
    _check_room(path, len(payload))
    part = _Part(path)
    try:
        part.file.write(payload)
        part.close()
        part.commit()
    finally:
        part.discard()


def _free_name(path: Path) -> Path:
    """`<name>.data`, or a numbered one: an older model's data is never written over while its .onnx still points to it."""
    target, number = path.with_suffix(".data"), 1
    while target.exists():
        target = path.with_name(f"{path.stem}-{number}.data")
        number += 1
    return target


def _check_room(path: Path, wanted: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if wanted > free:
        raise OSError(errno.ENOSPC, f"{wanted / 1e6:.0f} MB wanted, {free / 1e6:.0f} MB free")


def _no_room(error: OSError, path: Path) -> ModelError:
    if error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return ModelError(
            f"There is no room for {path.name} in {path.parent}: {error.strerror}.",
            hint="Nothing was changed. Free some space, or choose a session folder on a larger disk.",
        )
    return ModelError(
        f"{path.name} cannot be written: {error.strerror}.", hint=f"Nothing was changed. Check that {path.parent} can be written to."
    )

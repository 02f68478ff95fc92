"""What a model is: a frozen snapshot of an ONNX file, and what is known of it without running it.

`Model` travels between processes; what it points to is opened by `core.model.document`.

    document            what others call: load, clone, to_proto, from_proto, save, snapshot, fingerprint, check
    opening pages       tasks: a model and what to show of it at once; the page of one node
    tensor_page manual  the page of one tensor; what ONNX says of an operator     readers attributes   of pages
    weight_page         tasks: which weights there are, what each is; of one, piece by piece (pieces):
    weights channels    statistics; ranges of its channels      two_four slices   groups of four; two dims as a table
    npy                 task: a weight as a file        interface       edits of inputs, outputs and metadata by rules
    summary index       counts; the graph as columns       cost details values    MACs, box lines, types of one graph
    shapes              inference that never fails         identity store plain   fingerprints, saving, back to protobuf
    source              a file, opened and checked: wire (mapped bytes), kinds (what is no ONNX), external (data files),
                        sound (what is no graph), payload (what no tensor can hold), tensors (dtypes, lazy tensors)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Model:
    """A frozen snapshot of an ONNX model on disk: a valid .onnx file, perhaps with external data beside it.

    `fingerprint` is the sha256 (hex) of what the model says, see `document.fingerprint`; two models with the same
    fingerprint compute the same thing from the same graph. `size` is graph plus weights in bytes.
    """

    path: Path
    fingerprint: str
    size: int

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


@dataclass(frozen=True)
class TensorType:
    """A graph input or output: `dtype` as numpy names it, `shape` with an int, a symbolic name, or None for each dim.

    `shape` itself is None when the rank is unknown. Tensors without a numpy dtype say ONNX's word (`bfloat16`, `string`).
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...] | None

    def text(self) -> str:
        """`float32[N, 3, 224, 224]`, for people."""
        if self.shape is None:
            return f"{self.dtype}[…]"
        dims = ", ".join("?" if dim is None else str(dim) for dim in self.shape)
        return f"{self.dtype}[{dims}]"


@dataclass(frozen=True)
class Summary:
    """What a model is made of.

    `macs` counts multiply-accumulates of Conv, ConvTranspose, Gemm, MatMul and their quantized kin with symbolic dims
    taken as 1; None where shapes were not known for one of those nodes (`macs_missing` says for how many).
    `parameters` counts elements of floating-point and quantized initializers (Constant nodes included); `weight_bytes`
    the bytes of all of them. `precision` is the dtype that holds most weight bytes.
    """

    name: str
    producer: str
    ir_version: int
    opsets: dict[str, int]
    nodes: int
    ops: dict[str, int]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    parameters: int
    weight_bytes: int
    macs: int | None
    macs_missing: int
    precision: str
    initializers: int
    functions: int
    metadata: dict[str, str]
    warnings: tuple[str, ...] = ()

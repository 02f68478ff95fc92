"""What parser, builder and runtime refuse, in words: which node, what is wrong with it, and which step would mend it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import BackendError
from core.tensorrt.flavour import Flavour

_INT8 = "Go back to the variant before quantization and apply Quantize INT8 with profile=tensorrt."
_FP16 = "Apply the FP16 pass first"

#: Operators of the two CPU manners of quantization, neither of which TensorRT reads.
_DYNAMIC = {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "DynamicQuantizeLSTM"}
#: ONNX tensor types by the number that the parser prints.
_TYPES = {4: "uint16", 5: "int16", 8: "string", 11: "double", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128"}
#: How the compiler calls types that only newer GPUs have: our word, and the first target that has them.
_HARDWARE = {
    "b16": ("bfloat16", "SM80"),
    "fp8": ("8-bit floating point", "SM89"),
    "int4": ("int4", "SM80"),
    "fp4": ("4-bit floating point", "SM120"),
}


@dataclass(frozen=True)
class Refusal:
    """A `ParserError`, copied: the original must not be touched once its parser is gone."""

    code: str
    text: str
    node: str
    op: str


def refusals(parser: Any) -> list[Refusal]:
    """Everything that a parser has to say, copied at once."""
    found = []
    for i in range(parser.num_errors):
        error = parser.get_error(i)
        found.append(Refusal(str(error.code().name), str(error.desc()), str(error.node_name()), str(error.node_operator())))
    return found


def parsing(flavour: Flavour, found: Sequence[Refusal], log: Sequence[str]) -> BackendError:
    """The parser's refusals as one error about the first of them, and how many more there are."""
    detail = "\n".join([*(f"{item.code}: {item.node or '(no node)'} [{item.op}]: {item.text}" for item in found), *log])
    if not found:
        return BackendError(f"{flavour.title} cannot read the model.", hint="Run Simplify first, or check the model.", detail=detail)
    message, hint = _refusal(flavour, found[0], "\n".join([found[0].text, *log]))
    more = len({item.node for item in found}) - 1
    if more > 0:
        ops = sorted({item.op for item in found if item.op})
        message = f"{message.rstrip('.')} (and {more} more node{'s' if more > 1 else ''}; operators: {', '.join(ops)})."
    return BackendError(message, hint=hint, detail=detail)


def _refusal(flavour: Flavour, item: Refusal, text: str) -> tuple[str, str]:
    title, who = flavour.title, f"node '{item.node}' ({item.op})"
    if item.op in _DYNAMIC:
        return f"{title} has no dynamic quantization: {who}.", f"That is a CPU format. {_INT8}"
    if item.op.startswith("QLinear") or item.op == "QGemm":
        return f"{title} has no QOperator format: {who}.", f"It reads QuantizeLinear and DequantizeLinear pairs. {_INT8}"
    if item.op == "DequantizeLinear" and "Int32" in text:
        return f"{title} does not take a bias quantized to int32: {who}.", f"Its biases stay floating-point. {_INT8}"
    if "Non-zero zero point" in text or "shiftIsAllZeros" in text:
        return f"{title} takes symmetric quantization only, without zero points: {who}.", f"The model was quantized for a CPU. {_INT8}"
    if "A must be FP16" in text or item.op.startswith("MatMulNBits"):
        return f"{title} cannot use {who} with float32 input.", f"{_FP16}, or write 4-bit weights as DequantizeLinear (Q/DQ)."
    kind = re.search(r"unsupported data ?type \(?(\d+)\)?.*?initializer:? (\S+)", text)
    if kind:
        word = _TYPES.get(int(kind[1]), f"type {kind[1]}")
        hint = _INT8 if word in ("int16", "uint16") else "Cast the tensor to a type that it has (float, half, int8, int32, int64, bool)."
        return f"{title} has no {word}, the type of '{kind[2]}'.", hint
    if "Failed to convert ONNX da" in text:
        return (
            f"{title} has no type for one of the model's inputs.",
            "Strings and complex numbers cannot be inputs; cut that part off the model.",
        )
    if "Plugin not found" in text or "plugin registry" in text or "was not found in plugin" in text:
        return f"{title} has no operator {item.op}: {who}.", "Replace the node by standard operators; ONNX Runtime may run it as it is."
    if item.code == "UNSUPPORTED_NODE" and item.op:
        return f"{title} does not support {who}.", "Run Simplify, which may fold the node away, or use ONNX Runtime."
    said = _short(text)
    return (
        f"{title} refuses {who}: {said}" if item.op else f"{title} refuses the model: {said}"
    ), "Run Simplify first, or check the model."


def building(flavour: Flavour, errors: Sequence[str], warnings: Sequence[str], target: str) -> BackendError:
    """Why the builder returned nothing, from what it logged."""
    text = "\n".join(errors)
    detail = "\n".join([*errors, *warnings])
    message, hint = _failure(flavour, text, target)
    return BackendError(message, hint=hint, detail=detail)


def _failure(flavour: Flavour, text: str, target: str) -> tuple[str, str]:
    title = flavour.title
    hardware = re.search(r"Cannot compile for target\(s\) (.*?), because the model contains HW-specific datatypes: ([\w, ]+)", text)
    if hardware:
        known = [words for word, words in _HARDWARE.items() if word in hardware[2]]
        types = " and ".join(word for word, _ in known) or hardware[2].strip()
        targets = ", ".join(flavour.targets.get(item.strip().upper(), item) for item in hardware[1].split(","))
        newest = max((first for _, first in known), key=lambda name: int(name[2:]), default="")
        hint = f"Choose target {newest} or newer" if newest else "Choose a newer target"
        return (
            f"{hardware[1].upper()} ({targets}) has no {types}, which the model contains.",
            f"{hint}, or build the float32 or float16 variant.",
        )
    turing = re.search(r"Cannot compile operation '(.*?)' for Turing \(SM75\): (.*?)(?:\.|$)", text)
    if turing:
        return f"Turing (SM75) cannot run node '{turing[1]}': {turing[2]}.", f"{_FP16}, or choose target SM80 or newer."
    if "within workspace limit" in text:
        return (
            "The workspace is too small: no kernel fits into it.",
            "Raise the option workspace, or set it to 0 for the builder's own limit.",
        )
    negative = re.search(r"Layer (\S+?):.*?(spatial dimension .*?cannot be negative).*?output dimension of axis (\d+)", text)
    if negative:
        return (
            f"Node '{negative[1]}' gets nothing to work on at the smallest shape (axis {negative[3]} would be negative).",
            "Raise dim_min, then dim_opt and dim_max where they are smaller.",
        )
    shape = re.search(r"k(MIN|OPT|MAX) values for profile \d+ violate shape constraints: (.*?): (.*?)(?: Condition| In |$)", text)
    if shape:
        end = shape[1].lower()
        return (
            f"Node '{shape[2]}' cannot work with the {end} shape of the optimization profile: {shape[3].rstrip('.')}.",
            f"Change batch_{end} and dim_{end}; the model may need larger ones than it says.",
        )
    if "MIN<=OPT<=MAX" in text or "Dimension mismatch for tensor" in text or "no optimization profile" in text:
        return (
            "The optimization profile does not fit the model's inputs.",
            "Change batch_min, batch_opt, batch_max and dim_min, dim_opt, dim_max.",
        )
    if "graphScope" in text:
        return (
            f"{title} cannot build the control flow (If, Loop) of this model.",
            "Run Simplify, which folds branches that never change, or use ONNX Runtime.",
        )
    if "OutOfMemory" in text or "out of memory" in text.lower():
        return "There was not enough memory to build.", "Close other programs, use a smaller batch_max, or lower the optimization level."
    node = re.search(r"(?:node|layer) ([\w/.\-:]+)", text)
    said = _short(text) if text else "it gave no reason"
    where = f" at '{node[1]}'" if node and node[1] not in said else ""
    on = f" for {target}" if target in flavour.targets else ""
    return f"{title} could not build{on}{where}: {said}", "The engine's log has all of it; Simplify first, or try another target."


#: trt.EngineInvalidityDiagnostics bits -> (what is wrong, what to do).
_INVALID = (
    (1, "it was built by another version", "Build the engine again with this version."),
    (2, "this GPU's compute capability is not one that it was built for", "Build it for this GPU's target, or as portable."),
    (4, "the NVIDIA driver is too old", "Update the driver."),
    (8, "the CUDA runtime is too old", "Update the package."),
    (16, "the GPU has not enough memory", "Use a smaller batch_max, or a smaller variant."),
    (32, "the file is damaged", "Build the engine again."),
    (64, "CUDA reported an error", "Look at the log."),
)


def invalid(flavour: Flavour, mask: int, errors: Sequence[str]) -> BackendError:
    """Why the runtime does not take an engine: its diagnostics (a bit mask) and its log."""
    text = "\n".join(errors)
    if "CUDA driver version is insufficient" in text:
        return BackendError(
            f"{flavour.title} cannot run here: no NVIDIA driver was found.", hint="Run it where there is a GPU.", detail=text
        )
    unsupported = re.search(r"compute capability (\d+\.\d+)\. Supported compute capabilities: ([^\n]*)", text)
    if unsupported:
        have, can = unsupported[1], unsupported[2].strip().rstrip(".")
        message = f"{flavour.title} does not run on this GPU: it has compute capability {have}; supported are {can}."
        return BackendError(message, hint="Use the full TensorRT or ONNX Runtime with CUDA on this GPU.", detail=text)
    if "magicTag" in text or "serialization version" in text:
        mask = mask or 32
    for bit, what, hint in _INVALID:
        if mask & bit:
            return BackendError(f"{flavour.title} does not take the engine: {what}.", hint=hint, detail=text)
    return BackendError(f"{flavour.title} does not take the engine: {_short(text)}", hint="Build the engine again.", detail=text)


def _short(text: str) -> str:
    """The first thing said, without source locations."""
    line = next((line for line in text.splitlines() if line.strip() and line.strip() != "false"), "no reason given")
    line = re.sub(r"\[?\w+\.cpp(:\w+)*:?:?\d*\]?:? ?", "", line)
    line = re.sub(r"^\w+::\w+: ", "", re.sub(r" ?In (operator\(\)|\w+) at /\S+", "", line).strip())
    return line if len(line) <= 240 else line[:237] + "..."

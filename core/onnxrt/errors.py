"""ONNX Runtime's exceptions, decoded: which node, what is wrong with it, and what to do next."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.errors import BackendError

#: (domain, op) -> a node's name, or "" when there is none; asked only when the message itself names no node.
Find = Callable[[str, str], str]

_BF16 = "ONNX Runtime has no bfloat16 on the CPU: use the float32 or float16 variant here, and build bfloat16 for a GPU."
_NEWER = "Save the model with an older opset, or convert it with onnx.version_converter."


@dataclass(frozen=True)
class _Rule:
    """A pattern in ONNX Runtime's text, and how it reads decoded; groups of the pattern fill in the braces."""

    pattern: str
    message: str
    hint: str


_RULES = (
    # these two also match rules below
    _Rule(
        r"(Failed to allocate memory|bad_alloc|CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|BFCArena::AllocateRawInternal).*",
        "There is not enough memory for this model on this device.",
        "Use a smaller batch, or a smaller or quantized variant.",
    ),
    _Rule(
        r"QLinear\w+.*(?P<type>float8\w*)|(?P<type2>float8\w*).*QLinear\w+",
        "ONNX Runtime's optimizer cannot fuse the {type} Q/DQ pairs of this model.",
        "Build with optimization=none.",
    ),
    _Rule(
        r'In Node, \("(?P<node>[^"]*)", (?P<op>[^,]+), "(?P<domain>[^"]*)".*'
        r"No Op registered for \S+ with domain_version of (?P<version>\d+)",
        "ONNX Runtime does not know the operator {op} of node '{node}' (opset {version}{of_domain}).",
        "Check the operator's name and the opset; a custom operator has to be replaced by standard ones before it can run here.",
    ),
    _Rule(
        r"Fatal error: (?P<domain>[\w.\-]*):(?P<op>\w+)\(-?\d*\) is not a registered function/op",
        "The operator {op} of the custom domain '{domain}'{at_node} is not part of ONNX Runtime.",
        "Replace the node by standard operators, or run this model with the runtime that brings the domain '{domain}'.",
    ),
    _Rule(
        r"Unsupported model IR version: (?P<have>\d+), max supported IR version: (?P<most>\d+)",
        "The model has IR version {have}; this ONNX Runtime reads up to {most}.",
        "Save the model with ir_version {most} or lower, or update ONNX Runtime.",
    ),
    _Rule(
        r"Opset (?P<have>\d+) is under development.*for domain (?P<domain>[\w.]+) is till opset (?P<most>\d+)",
        "The model has opset {have} of {domain}; this ONNX Runtime supports up to {most}.",
        _NEWER,
    ),
    _Rule(
        r"Type '(?P<type>[^']*)' of input parameter \((?P<tensor>[^)]*)\) of operator \((?P<op>[^)]*)\) "
        r"in node \((?P<node>[^)]*)\) is invalid",
        "Node '{node}' ({op}) cannot take {type}, the type of its input '{tensor}'.",
        "{type_hint}",
    ),
    _Rule(
        r"Type \((?P<have>[^)]*\)?)\) of output arg \((?P<tensor>[^)]*)\) of node \((?P<node>[^)]*)\) does not match expected type "
        r"\((?P<want>.*?)\)\.?$",
        "Node '{node}' makes {want}, but the model says that its output '{tensor}' is {have}.",
        "The model contradicts itself: export it again, or repair the declared type of '{tensor}'.",
    ),
    _Rule(
        r"Could not find an implementation for (?P<op>\S+?)\((?P<version>\d+)\) node with name '(?P<node>[^']*)'",
        "ONNX Runtime has no implementation of {op} (opset {version}) for the types of node '{node}' on this device.",
        _BF16 + " Other types: look at the node's inputs in the graph.",
    ),
    _Rule(
        # the last of them: a node that holds others (If, Loop) repeats what the one inside it said
        r".*Non-zero status code returned while running (?P<op>\S+) node\. Name:'(?P<node>[^']*)' Status Message: (?P<why>.*)",
        "Node '{node}' ({op}) failed while running: {why}",
        "Check the inputs against what the node expects: give real data, or random inputs of another size (dim) where dimensions are open.",
    ),
    _Rule(
        r"Got invalid dimensions for input: (?P<tensor>\S+).*?(?P<why>index: .*?Expected: \d+)",
        "Input '{tensor}' has the wrong shape ({why}).",
        "Give inputs of the model's own shape; for a fixed batch leave `batch` at what the model says.",
    ),
    _Rule(r"Required inputs \((?P<names>.*?)\) are missing", "The inputs {names} were not given.", "Give every input of the model."),
    _Rule(
        r"Unexpected input data type\. Actual: \((?P<have>.*?)\) ?, expected: \((?P<want>.*)\)",
        "An input has type {have}, the model wants {want}.",
        "Convert the data to the type that the model's input declares.",
    ),
    _Rule(
        r"(Protobuf parsing failed|No graph was found in the protobuf|INVALID_PROTOBUF)",
        "The file is not a model that ONNX Runtime can read.",
        "It may be cut short; build or export it again.",
    ),
    _Rule(
        r"(?P<what>External data.*|.*external_data.*|.*external initializer.*)",
        "The model's external data cannot be used: {what}",
        "Keep the data file beside the .onnx file, under the name that the model gives.",
    ),
)


def decode(error: Exception, *, find: Find | None = None) -> BackendError:
    """`error` as a `BackendError` that names the node where ONNX Runtime does, with its own words in `detail`."""
    text = str(error).strip()
    known = explain(text, find=find)
    if known is not None:
        return BackendError(known[0], hint=known[1], detail=text)
    return BackendError(f"ONNX Runtime refused: {first_line(text)}", hint="The log has ONNX Runtime's own words.", detail=text)


def explain(text: str, *, find: Find | None = None) -> tuple[str, str] | None:
    """Message and hint for ONNX Runtime's words; None when they are of no kind that is known."""
    flat = re.sub(r"\S*/onnxruntime_src/\S+ ", "", " ".join(text.split()))
    for rule in _RULES:
        found = re.search(rule.pattern, flat)
        if found:
            words = {name: value for name, value in found.groupdict().items() if value is not None}
            return _fill(rule.message, words, find), _fill(rule.hint, words, find)
    return None


def _fill(template: str, words: dict[str, str], find: Find | None) -> str:
    domain, op = words.get("domain", ""), words.get("op", "")
    node = words.get("node", "")
    if not node and find is not None and "{at_node}" in template:
        node = find(domain, op)
    kind = words.get("type") or words.get("type2", "")
    type_hint = _BF16 if "bfloat16" in kind else "Convert the tensor with a Cast, or use a variant of another precision."
    extra = {
        "of_domain": f" of {domain}" if domain else "",
        "at_node": f" (node '{node}')" if node else "",
        "type_hint": type_hint,
        "type": kind.removeprefix("tensor(").removesuffix(")"),
    }
    return template.format_map({**words, **extra})


def first_line(text: str) -> str:
    """The part of a message that says something: without the code in front and the source location, 300 characters at most."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
    if line.startswith("[ONNXRuntimeError]"):
        line = line.split(" : ", 3)[-1]
    line = re.sub(r"\S*/onnxruntime_src/\S+ ", "", line)
    return line if len(line) <= 300 else line[:297] + "..."


@functools.cache
def kinds() -> tuple[type[Exception], ...]:
    """Everything that ONNX Runtime raises; its exceptions share no base but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*own, ValueError, RuntimeError)


@contextlib.contextmanager
def decoded(*, find: Find | None = None) -> Iterator[None]:
    """Raise what ONNX Runtime raises inside as a decoded `BackendError`."""
    try:
        yield
    except kinds() as error:
        raise decode(error, find=find) from error

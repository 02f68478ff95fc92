"""Refusals that cannot be made to happen here, decoded from what was seen elsewhere."""

from __future__ import annotations

import pytest

from core.tensorrt.errors import Refusal, building, invalid, parsing
from core.tensorrt.flavour import RTX

# word for word from an H200
HOPPER = "The engine cannot run on this GPU, which has compute capability 9.0. Supported compute capabilities: 8.0 8.6 8.9 12.0 12.1 >12.0"


def test_a_gpu_that_is_not_supported() -> None:
    error = invalid(RTX, 2, [HOPPER])
    assert "compute capability 9.0" in error.message
    assert "8.0 8.6 8.9 12.0 12.1 >12.0" in error.message
    assert "full TensorRT" in error.hint
    assert error.detail == HOPPER


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (1, "another version"),
        (2, "compute capability"),
        (4, "driver is too old"),
        (16, "not enough memory"),
        (32, "damaged"),
        (0, "something"),
    ],
)
def test_diagnostics_in_words(mask: int, words: str) -> None:
    error = invalid(RTX, mask, ["something"])
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        (
            "[graphScope.cpp::analyze::471] Error Code 2: Internal Error (Assertion tScope.getType() != ScopeType::kUNDEFINED failed.  "
            "In analyze at /_src/optimizer/common/graphScope.cpp:471)",
            "control flow (If, Loop)",
            "Simplify",
        ),
        (
            "IBuilder::buildSerializedNetwork: Error Code 4: Internal Error (kOPT values for profile 0 violate shape constraints: "
            "node_select: cannot do non-empty gather from an empty axis Condition '<' violated: 0 >= 0. "
            "In operator() at /_src/runtime/core/shape.cpp:1)",
            "Node 'node_select' cannot work with the opt shape of the optimization profile: cannot do non-empty gather from an empty axis.",
            "dim_opt",
        ),
        ("IBuilder::buildSerializedNetwork: Error Code 1: OutOfMemory (requested 8589934592)", "not enough memory to build", "batch_max"),
        ("IBuilder::thing: Error Code 9: Odd (words of tomorrow. In f at /_src/x.cpp:1)", "Error Code 9: Odd (words of tomorrow.", "log"),
        ("", "it gave no reason", "log"),
    ],
)
def test_build_failures(text: str, words: str, hint: str) -> None:
    error = building(RTX, [text] if text else [], ["a warning"], "SM89")
    assert words in error.message
    assert hint in error.hint
    assert ".cpp" not in error.message
    assert "a warning" in error.detail


def test_many_refusals_are_one_error() -> None:
    found = [Refusal("UNSUPPORTED_NODE", "false", f"n{i}", op) for i, op in enumerate(["Unique", "Unique", "NonZero"])]
    error = parsing(RTX, found, [])
    assert error.message == "TensorRT-RTX does not support node 'n0' (Unique) (and 2 more nodes; operators: NonZero, Unique)."
    assert error.detail.count("\n") == 2


def test_a_refusal_without_reasons() -> None:
    assert parsing(RTX, [], []).hint
    strange = parsing(RTX, [Refusal("INTERNAL_ERROR", "Assertion failed: no sense in it", "n", "Conv")], [])
    assert strange.message == "TensorRT-RTX refuses node 'n' (Conv): Assertion failed: no sense in it"


def test_matmulnbits_with_float_input() -> None:
    error = parsing(RTX, [Refusal("INVALID_NODE", "input tensor A must be FP16", "q", "MatMulNBits")], [])
    assert "FP16 pass" in error.hint

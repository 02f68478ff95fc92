"""ONNX Runtime's words that are hard to provoke, decoded."""

from __future__ import annotations

import pytest

from core.errors import BackendError
from core.onnxrt.errors import decode, decoded, first_line


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        (
            "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running MatMul node. "
            "Name:'fc' Status Message: "
            "/onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool) "
            "Failed to allocate memory for requested buffer of size 99999999999",
            "not enough memory",
            "smaller batch",
        ),
        (
            "[ONNXRuntimeError] : 10 : INVALID_GRAPH : This is an invalid model. Type Error: Type 'tensor(float8e4m3fn)' of input "
            "parameter (x) of operator (QLinearConv) in node (conv_quant) is invalid.",
            "cannot fuse the float8e4m3fn Q/DQ pairs",
            "optimization=none",
        ),
        ("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from a.onnx failed:Protobuf parsing failed.", "not a model", "cut short"),
        (
            "[ONNXRuntimeError] : 1 : FAIL : Exception during initialization: External data path validation failed: weights.bin is missing",
            "external data cannot be used",
            "beside the .onnx",
        ),
        ("[ONNXRuntimeError] : 1 : FAIL : words of tomorrow\nand more", "ONNX Runtime refused: words of tomorrow", "log"),
    ],
)
def test_words(text: str, words: str, hint: str) -> None:
    error = decode(RuntimeError(text))
    assert words in error.message
    assert hint in error.hint
    assert error.detail == text


def test_only_what_onnxruntime_raises_is_decoded() -> None:
    with pytest.raises(BackendError), decoded():
        raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : no")
    with pytest.raises(KeyError), decoded():
        raise KeyError("a bug")


def test_first_line_is_short_and_says_something() -> None:
    assert first_line("") == "no reason given"
    assert len(first_line("x" * 1000)) == 300
    assert first_line("[ONNXRuntimeError] : 1 : FAIL : it broke\nstack") == "it broke"

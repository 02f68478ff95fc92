"""Every family has a word and a colour in both themes, and real ops land where a person would look."""

from __future__ import annotations

import pytest

from gui.graph.families import FAMILIES, TITLES, family
from gui.theme import tokens


def test_every_family_has_a_word_and_a_colour() -> None:
    assert set(TITLES) == set(FAMILIES)
    for name in ("light", "dark"):
        for each in FAMILIES:
            assert f"family.{each}" in tokens(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("op", "wanted"),
    [
        ("Conv", "conv"), ("Gemm", "matmul"), ("Relu", "activation"), ("LayerNormalization", "norm"), ("ReduceMean", "pool"),
        ("Add", "elementwise"), ("Reshape", "shape"), ("QuantizeLinear", "quant"), ("If", "control"), ("Input", "io"), ("MyOwnOp", "other"),
    ],
)  # fmt: skip
def test_ops_have_families(op: str, wanted: str) -> None:
    assert family(op) == wanted


def test_all_standard_ops_are_known() -> None:
    from onnx import defs

    unknown = {schema.name for schema in defs.get_all_schemas() if schema.domain == "" and family(schema.name) == "other"}
    strings_and_signals = {"BlackmanWindow", "HammingWindow", "HannWindow", "ImageDecoder", "MelWeightMatrix", "Multinomial"}
    losses = {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}
    text = {"RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"}
    assert unknown <= strings_and_signals | losses | text | {"NonMaxSuppression"}

"""Queries: what they find in small models, what is wrong with those that are wrong, and the index against the plain way."""

from __future__ import annotations

import contextlib
import random

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.find import facts, query
from core.find.catalogue import Catalogue, Texts
from core.find.grammar import QueryError, Text, number
from core.model import bodies, index, shapes
from tests import models


def catalogue(model: onnx.ModelProto, *, deep: bool = False, known: bool = True) -> Catalogue:
    light = shapes.infer(model)
    columns = index.build(light)
    if deep:
        columns = bodies.deepen(columns, light)
    return Catalogue(columns, facts.gather(columns, light) if known else None)


@pytest.fixture(scope="module")
def cnn() -> Catalogue:
    return catalogue(models.residual_cnn(batch="N"))


def found(text: str, where: Catalogue) -> list[str]:
    return [where.index.names[row] for row in query.rows(query.parse(text), where).tolist()]


def test_nothing_finds_nothing(cnn: Catalogue) -> None:
    assert query.parse("  ") is None
    assert found("", cnn) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("block conv", ["/block/dw/Conv", "/block/pw/Conv"]),
        ("BLOCK CONV", ["/block/dw/Conv", "/block/pw/Conv"]),
        ('"/block/d"', ["/block/dw/Conv"]),
        ("name:/dw|pw/", ["/block/dw/Conv", "/block/pw/Conv"]),
        ("/block/dw", ["/block/dw/Conv"]),
        ("stem.weight", ["/stem/Conv"]),
        ("stem_out", ["/stem/Relu"]),
        ("op:Clip", ["/block/Clip"]),
        ("op:global*", ["/pool/GlobalAveragePool"]),
        ("op=Conv k=1", ["/block/pw/Conv"]),
        ("op:Conv and k>2 and not group>1", ["/stem/Conv", "/down/Conv"]),
        ("op:Conv (k<3 or stride >= 2)", ["/block/pw/Conv", "/down/Conv"]),
        ("not op:Conv op!=Relu block", ["/block/Clip", "/block/Add"]),
        ("kernel_shape=1", ["/block/pw/Conv"]),
        ("kernel_shape=3x3 group=8", ["/block/dw/Conv"]),
        ("kernel_shape=[3, 3] strides=2", ["/down/Conv"]),
        ("strides=[1, 1]", ["/block/dw/Conv"]),
        ("kernel_shape!=3", ["/block/pw/Conv"]),
        ("attr:transb", ["/fc/Gemm"]),
        ("attr:trans*", ["/fc/Gemm"]),
        ("group=1 stride=1", ["/stem/Conv", "/block/pw/Conv"]),
        ("params>100 params<300 op:Conv", ["/stem/Conv"]),
        ("bytes>=4KB", ["/down/Conv"]),
        ("tensor:bn.mean", ["/stem/BatchNormalization"]),
        ("tensor:stem_out", ["/stem/Relu", "/block/dw/Conv", "/block/Add"]),
        ("in:stem_out", ["/block/dw/Conv", "/block/Add"]),
        ("out:stem_out", ["/stem/Relu"]),
        ("in:8x3x3x3", ["/stem/Conv"]),
        ("shape:Nx16x4x4", ["/down/Conv", "/down/Relu"]),
        ("shape:*x16x*x*", ["/down/Conv", "/down/Relu", "/pool/GlobalAveragePool"]),
        ("shape:n,10", ["/fc/Gemm", "logits"]),
        ("shape:nx10 rank=2 channels=10", ["/fc/Gemm", "logits"]),
        ("shape:...x10", ["/fc/Gemm", "logits"]),
        ("is:input or is:output", ["image", "logits"]),
        ("is:unused", []),
        ("is:weighted op:Gemm", ["/fc/Gemm"]),
        ("fan-out>1", ["/stem/Relu"]),
        ("inputs=2", ["/block/Add"]),
        ("outputs>0 scope:block name:*conv", ["/block/dw/Conv", "/block/pw/Conv"]),
        ("name:/^.stem/ op:Relu", ["/stem/Relu"]),
        ("dtype:float16", []),
    ],
)
def test_what_a_query_finds(cnn: Catalogue, text: str, names: list[str]) -> None:
    assert found(text, cnn) == names


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("conv and", 8, "after 'and'"),
        ("or conv", 0, "at the beginning"),
        ("(conv", 5, "is missing"),
        ("conv)", 4, "closes nothing"),
        ('"conv', 5, "closing"),
        ("op:", 3, "after 'op:'"),
        ("k>", 2, "after 'k>'"),
        ("params>many", 7, "no number"),
        ("k=wide", 0, "is a number"),
        ("opp:Conv", 0, "no filter 'opp:'"),
        ("is:big", 3, "no kind"),
        ("op:Conx", 0, "no op 'conx'"),
        ("kernl_shape=3", 0, "no node|No node"),
        ("/a(/", 2, "not complete"),
        ("/(a+)+b/", 1, "for ever"),
        ("/(?:x[ab]*|c)*/", 1, "for ever"),
        ("/(a{0,99}){2,50}b/", 1, "for ever"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(cnn: Catalogue, text: str, at: int, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        found(text, cnn)
    assert caught.value.at == at


def test_what_looks_like_a_filter_and_is_a_name(cnn: Catalogue) -> None:
    for text in ("Identity:0", "aten::add", "And", "<lambda>", "a/b:c", "(not Conv_2)", "-1", "Or Not"):
        assert found(text, cnn) == [] or text.startswith("("), text
    assert found("/[(]a+[)]+/", cnn) == []  # brackets in a class, or escaped, are no groups
    assert found(r"/\(a+\)+/", cnn) == []


def test_hints_name_what_is_near(cnn: Catalogue) -> None:
    with pytest.raises(QueryError) as caught:
        found("kernl_shape=3", cnn)
    assert "kernel_shape" in caught.value.hint
    with pytest.raises(QueryError) as caught:
        found("op:globalaverage", cnn)
    assert "GlobalAveragePool" in caught.value.hint


def test_words_need_no_facts_and_filters_say_that_they_do() -> None:
    bare = catalogue(models.residual_cnn(), known=False)
    assert not query.needs_facts(query.parse("conv params>3 op:Relu shape:1x* rank=4 not is:unused"))
    for text in ("k>3", "axis=1", "attr:axis", "conv or (not tensor:x)", "in:x"):
        assert query.needs_facts(query.parse(text)), text
    assert found("op:Gemm rank=2", bare) == ["/fc/Gemm"]
    assert not query.needs_facts(None)


def test_numbers_have_units() -> None:
    assert number("1.5M") == 1.5e6
    assert number("64KiB") == 65536
    assert number("2G") == 2e9
    assert number("-.5e2k") == -50e3
    assert number("3x") is None


def test_the_kernel_is_known_from_the_weight_where_no_attribute_says_it() -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="c")]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [info("x", 1, [1, 1, 9, 9])], [info("y", 1, None)], [numpy_helper.from_array(np.zeros((1, 1, 5, 3), "f"), "w")]
    )
    assert found("k=5 stride=1 group=1", catalogue(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))) == ["c"]


def test_types_are_words_and_text_attributes_take_stars() -> None:
    info = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], name="cast", to=TensorProto.FLOAT16),
        helper.make_node("Resize", ["h", "", "s"], ["y"], name="resize", mode="linear"),
    ]
    graph = helper.make_graph(nodes, "g", [info("x", 1, [4]), info("s", 1, [1])], [info("y", 10, None)])
    where = catalogue(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
    assert found("to=float16", where) == ["cast"]
    assert found("mode=LIN*", where) == ["resize"]
    assert found("mode=cubic", where) == []
    assert "resize" in found("dtype:float16", where)


def test_quantized_and_inside() -> None:
    assert "conv" in " ".join(found("is:quantized", catalogue(models.int8_qdq()))).lower()
    deep = catalogue(models.with_function(), deep=True)
    assert found("is:inside op:MatMul", deep) == ["first/Dense/dense_matmul", "second/Dense/dense_matmul"]
    assert found("tensor:w2 is:inside", deep) == ["second/Dense/dense_matmul"]


def test_words_remembered_find_what_words_looked_for_find() -> None:
    rng = random.Random(3)
    texts = ["".join(rng.choice("abC/ _1") for _ in range(rng.randint(0, 9))) for _ in range(4000)]
    remembered = Texts(texts)
    for word in ["a", "ab", "abc", "ab", "c", "bc", "/", "_1", "a", "zz", "abca", "", "b"]:
        assert remembered.hits(Text(word)).tolist() == [word in text.lower() for text in texts], word


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_typed_is_answered_or_explained(cnn: Catalogue, seed: int) -> None:
    rng = random.Random(seed)
    parts = [
        "conv", "op:", "op:Conv", "k", ">", "3", "=", "[", "]", "(", ")", '"', "/", "and", "or", "not", " ", "*", "?", "shape:", "1x", ",",
        "in:", "attr:", "is:input", "params", "1M", "\\", "+", "{2,}", "|", ":", "::", "x", "×", "é", "\u0130", "\t", "!", "kernel_shape",
    ]  # fmt: skip
    for _ in range(200):
        text = "".join(rng.choice(parts) + rng.choice(["", " "]) for _ in range(rng.randint(1, 9)))
        for read in (query.parse, query.expression):
            rows, said = [], None
            try:
                rows = query.rows(read(text), cnn).tolist()
            except QueryError as error:
                said = error
            assert rows == sorted(set(rows)), text
            assert said is None or (said.message and 0 <= said.at <= len(text)), text


@pytest.mark.parametrize("text", ["(" * 3000 + "a", "not " * 3000 + "a", "a " * 3000, "a or " * 3000 + "a", '"' * 3000])
def test_long_ones_are_answered_or_explained_too(cnn: Catalogue, text: str) -> None:
    with contextlib.suppress(QueryError):
        query.rows(query.parse(text), cnn)

"""Graphs for the benchmarks, made here: nothing is downloaded, weights are tiny or holes in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def decoder(nodes: int, *, named: bool = True, weights: Path | None = None, width: int = 8) -> onnx.ModelProto:
    """A transformer's decoder of at least `nodes` nodes: one mask for all layers, shape arithmetic, a gated block of experts.

    Nodes have names as exporters of PyTorch write them, unless not `named`. With `weights`, the products have weights of their own,
    float32 (width, width), in that file: a hole of the right length, so that it takes no room on a disk.
    """
    made: list[onnx.NodeProto] = []
    held = [numpy_helper.from_array(np.zeros((8, 8), np.float32), "w"), numpy_helper.from_array(np.zeros(1, np.int64), "zero")]
    scope = ""
    offset = 0

    def op(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(made)}"
        made.append(helper.make_node(kind, list(inputs), [name], name=f"/model/{scope}/{kind}_{len(made)}" if named else "", **attributes))
        return name

    def product(x: str) -> str:
        nonlocal offset
        if weights is None:
            return op("MatMul", x, "w")
        tensor = TensorProto(name=f"w{len(held)}", data_type=1, dims=[width, width], data_location=TensorProto.EXTERNAL)
        length = width * width * 4
        for key, value in (("location", weights.name), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        offset += -(-length // 4096) * 4096
        held.append(tensor)
        return op("MatMul", x, tensor.name)

    def shaped(x: str) -> str:
        parts = [op("Unsqueeze", op("Gather", op("Shape", x), "zero"), "zero") for _ in range(2)]
        return op("Reshape", x, op("Concat", *parts, axis=0))

    def norm(x: str) -> str:
        return op("Mul", op("Div", x, op("Sqrt", op("ReduceMean", op("Pow", x, "w")))), "w")

    scope = "mask"
    mask = op("Mul", op("Unsqueeze", "mask", "zero"), "w")
    scope = "embed"
    x = op("Gather", "w", "ids")
    experts = 4 if nodes < 20_000 else 20
    layer = 0
    while len(made) < nodes:
        at = f"layers.{layer}"
        scope = f"{at}/norm"
        h = norm(x)
        scope = f"{at}/attention"
        q, k, v = (shaped(op("Add", product(h), "w")) for _ in range(3))
        scores = op("Softmax", op("Add", op("MatMul", q, op("Transpose", k)), mask))
        x = op("Add", x, product(shaped(op("MatMul", scores, v))))
        scope = f"{at}/post_norm"
        h = norm(x)
        scope = f"{at}/experts"
        gate = op("Softmax", product(h))
        outs = []
        for expert in range(experts):
            scope = f"{at}/experts/expert.{expert}"
            up = product(h)
            outs.append(op("Mul", product(op("Mul", up, op("Sigmoid", up))), op("Gather", gate, "zero")))
        scope = f"{at}/experts"
        x = op("Add", x, op("Sum", *outs))
        layer += 1
    if weights is not None:
        with weights.open("wb") as file:
            file.truncate(offset)
    graph = helper.make_graph(
        made,
        "decoder",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"]), helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)],
        held,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)

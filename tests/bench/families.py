"""Graphs of the families that people bring, made here: what `crossings.py` measures beside real models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """A graph that is written down op by op; a tensor is its name, and `w` is a weight that everything may read."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[str] = []

    def input(self, name: str) -> str:
        """A graph input."""
        self.inputs.append(name)
        return name

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """One node: the name of its output, or a list of several."""
        names = [f"t{len(self.nodes)}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x: str, *, norm: bool = True, act: str = "Relu") -> str:
        """A convolution with what usually follows it."""
        x = self.op("Conv", x, "w", kernel_shape=[3, 3])
        if norm:
            x = self.op("BatchNormalization", x, "w", "w", "w", "w")
        return self.op(act, x) if act else x

    def linear(self, x: str) -> str:
        """A matrix product and its bias."""
        return self.op("Add", self.op("MatMul", x, "w"), "w")

    def norm(self, x: str) -> str:
        """A layer normalization, spelled out."""
        low = self.op("Sub", x, self.op("ReduceMean", x))
        root = self.op("Sqrt", self.op("Add", self.op("ReduceMean", self.op("Pow", low, "w")), "w"))
        return self.op("Add", self.op("Mul", self.op("Div", low, root), "w"), "w")

    def shaped(self, x: str, dims: int = 2) -> str:
        """A reshape to a size that is read from the tensor itself, as exporters write it."""
        parts = [self.op("Unsqueeze", self.op("Gather", self.op("Shape", x), "w"), "w") for _ in range(dims)]
        return self.op("Transpose", self.op("Reshape", x, self.op("Concat", *parts, "w", axis=0)))

    def model(self, *outputs: str) -> onnx.ModelProto:
        """The whole as a model."""
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.inputs]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        weight = numpy_helper.from_array(np.zeros((8, 8), np.float32), "w")
        graph = helper.make_graph(self.nodes, "family", infos, ends, [weight])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def residual(blocks: int, norm: bool = True) -> onnx.ModelProto:
    """ResNet: bottlenecks with a skip each, every fourth one projected."""
    net = Net()
    x = net.op("MaxPool", net.conv(net.input("image")), kernel_shape=[3, 3])
    for block in range(blocks):
        y = net.conv(net.conv(net.conv(x, norm=norm), norm=norm), norm=norm, act="")
        skip = x if block % 4 else net.conv(x, norm=norm, act="")
        x = net.op("Relu", net.op("Add", y, skip))
    return net.model(net.op("Gemm", net.op("Flatten", net.op("GlobalAveragePool", x)), "w"))


def dense(blocks: int, layers: int) -> onnx.ModelProto:
    """DenseNet: every layer of a block reads all before it, as one chain of concatenations."""
    net = Net()
    x = net.conv(net.input("image"))
    for _ in range(blocks):
        for _ in range(layers):
            y = net.conv(net.op("Relu", net.op("BatchNormalization", x, "w", "w", "w", "w")), act="")
            x = net.op("Concat", x, y, axis=1)
        x = net.op("AveragePool", net.conv(x), kernel_shape=[2, 2])
    return net.model(net.op("Gemm", net.op("Flatten", x), "w"))


def dense_wide(blocks: int, layers: int) -> onnx.ModelProto:
    """DenseNet as other exporters write it: each concatenation reads every earlier layer itself."""
    net = Net()
    x = net.conv(net.input("image"))
    for _ in range(blocks):
        made = [x]
        for _ in range(layers):
            made.append(net.conv(net.op("Concat", *made, axis=1) if len(made) > 1 else x))
        x = net.op("AveragePool", net.conv(net.op("Concat", *made, axis=1)), kernel_shape=[2, 2])
    return net.model(x)


def unet(depth: int, width: int) -> onnx.ModelProto:
    """U-Net: long skips, nested."""
    net = Net()
    x = net.conv(net.input("image"))
    skips = []
    for _ in range(depth):
        for _ in range(width):
            x = net.op("Relu", net.op("Add", x, net.conv(net.conv(x), act="")))
            skips.append(x)
        x = net.op("MaxPool", x, kernel_shape=[2, 2])
    for _ in range(depth):
        x = net.op("Resize", x, "", "w")
        for _ in range(width):
            x = net.conv(net.conv(net.op("Concat", x, skips.pop(), axis=1)))
    return net.model(net.conv(x, norm=False, act="Sigmoid"))


def inception(blocks: int) -> onnx.ModelProto:
    """Inception: four branches of different depth, joined."""
    net = Net()
    x = net.conv(net.input("image"))
    for _ in range(blocks):
        pooled = net.conv(net.op("MaxPool", x, kernel_shape=[3, 3]))
        x = net.op("Concat", net.conv(x), net.conv(net.conv(x)), net.conv(net.conv(net.conv(x))), pooled, axis=1)
    return net.model(net.op("GlobalAveragePool", x))


def shuffle(blocks: int) -> onnx.ModelProto:
    """ShuffleNet v2: split, one half through convolutions, join, shuffle by shape arithmetic."""
    net = Net()
    x = net.conv(net.input("image"))
    for _ in range(blocks):
        keep, work = net.op("Split", x, outputs=2, axis=1)
        x = net.op("Concat", keep, net.conv(net.conv(net.conv(work), act="")), axis=1)
        x = net.op("Reshape", net.op("Transpose", net.op("Reshape", x, "w")), "w")
    return net.model(x)


def excite(blocks: int) -> onnx.ModelProto:
    """EfficientNet: inverted bottlenecks with squeeze-and-excite beside a swish and a skip."""

    def swish(y: str) -> str:
        return str(net.op("Mul", y, net.op("Sigmoid", y)))

    net = Net()
    x = swish(net.conv(net.input("image"), act=""))
    for block in range(blocks):
        y = swish(net.conv(swish(net.conv(x, act="")), act=""))
        gate = net.conv(swish(net.conv(net.op("GlobalAveragePool", y), norm=False, act="")), norm=False, act="Sigmoid")
        y = net.conv(net.op("Mul", y, gate), act="")
        x = net.op("Add", x, y) if block % 3 else y
    return net.model(x)


def quantized(blocks: int) -> onnx.ModelProto:
    """A residual network with weights and activations in QDQ form."""

    def dq(y: str) -> str:
        return str(net.op("DequantizeLinear", y, "w", "w"))

    net = Net()
    x = dq(net.op("QuantizeLinear", net.input("image"), "w", "w"))
    for _ in range(blocks):
        y = x
        for _ in range(2):
            y = net.op("Relu", net.op("Conv", y, dq("w"), dq("w"), kernel_shape=[3, 3]))
            y = dq(net.op("QuantizeLinear", y, "w", "w"))
        x = dq(net.op("QuantizeLinear", net.op("Add", x, y), "w", "w"))
    return net.model(x)


def encoder(layers: int, shapes: bool) -> onnx.ModelProto:
    """BERT: one mask for all layers; with or without the shape arithmetic around every head."""
    net = Net()
    ids, mask = net.input("ids"), net.input("mask")
    mask = net.op("Mul", net.op("Sub", "w", net.op("Cast", net.op("Unsqueeze", mask, "w"), to=1)), "w")
    x = net.norm(net.op("Add", net.op("Gather", "w", ids), net.op("Gather", "w", net.input("types"))))
    for _ in range(layers):

        def head(y: str) -> str:
            return net.shaped(y) if shapes else str(net.op("Transpose", net.op("Reshape", y, "w")))

        q, k, v = (head(net.linear(x)) for _ in range(3))
        scores = net.op("Add", net.op("Div", net.op("MatMul", q, net.op("Transpose", k)), "w"), mask)
        y = net.linear(head(net.op("MatMul", net.op("Softmax", scores), v)))
        x = net.norm(net.op("Add", y, x))
        y = net.linear(x)
        y = net.op("Mul", y, net.op("Add", net.op("Erf", net.op("Div", y, "w")), "w"))
        x = net.norm(net.op("Add", net.linear(y), x))
    return net.model(net.op("Tanh", net.linear(net.op("Gather", x, "w"))))


def decoder(layers: int, experts: int = 0) -> onnx.ModelProto:
    """A decoder with rotary tables, caches in and out, a gated block or `experts` of them."""
    net = Net()
    ids, mask = net.input("ids"), net.input("mask")
    angle = net.op("MatMul", net.op("Cast", net.input("positions"), to=1), "w")
    cos, sin = net.op("Cos", angle), net.op("Sin", angle)
    x, ends = net.op("Gather", "w", ids), []

    def root(y: str) -> str:
        return str(net.op("Mul", net.op("Div", y, net.op("Sqrt", net.op("ReduceMean", net.op("Pow", y, "w")))), "w"))

    def turn(y: str) -> str:
        half = net.op("Concat", net.op("Neg", net.op("Slice", y, "w", "w")), net.op("Slice", y, "w", "w"), axis=-1)
        return str(net.op("Add", net.op("Mul", y, cos), net.op("Mul", half, sin)))

    def gated(y: str) -> str:
        gate = net.op("MatMul", y, "w")
        return str(net.op("MatMul", net.op("Mul", net.op("Mul", gate, net.op("Sigmoid", gate)), net.op("MatMul", y, "w")), "w"))

    for layer in range(layers):
        h = root(x)
        q, k, v = (net.shaped(net.op("MatMul", h, "w")) for _ in range(3))
        k = net.op("Concat", net.input(f"past.{layer}.k"), turn(k), axis=2)
        v = net.op("Concat", net.input(f"past.{layer}.v"), v, axis=2)
        ends += [k, v]
        scores = net.op("Softmax", net.op("Add", net.op("MatMul", turn(q), net.op("Transpose", k)), mask))
        x = net.op("Add", x, net.op("MatMul", net.op("Reshape", net.op("MatMul", scores, v), "w"), "w"))
        h = root(x)
        if experts:
            value, place = net.op("TopK", net.op("Softmax", net.op("MatMul", h, "w")), "w", outputs=2)
            hot, total = net.op("OneHot", place, "w", "w"), net.op("ConstantOfShape", net.op("Shape", h))
            for _ in range(experts):
                rows = net.op("NonZero", net.op("Gather", hot, "w"))
                out = net.op("Mul", gated(net.op("Gather", h, rows)), net.op("GatherND", value, rows))
                total = net.op("ScatterND", total, rows, out)
            x = net.op("Add", x, total)
        else:
            x = net.op("Add", x, gated(h))
    return net.model(net.op("MatMul", root(x), "w"), *ends)


def recommender(tables: int) -> onnx.ModelProto:
    """DLRM: many embeddings side by side, one concatenation."""
    net = Net()
    parts = [net.op("Mul", net.op("ReduceSum", net.op("Gather", "w", net.input(f"sparse.{i}"))), "w") for i in range(tables)]
    x = net.input("dense")
    for _ in range(3):
        x = net.op("Relu", net.linear(x))
    x = net.op("Concat", *parts, x, axis=1)
    for _ in range(3):
        x = net.op("Relu", net.linear(x))
    return net.model(x)


def pyramid(levels: int, depth: int) -> onnx.ModelProto:
    """A detector: backbone, a pyramid up and down again, a head for classes and one for boxes on each level."""
    net = Net()
    x, taps = net.conv(net.input("image")), []
    for _ in range(levels):
        for _ in range(depth):
            x = net.op("Add", x, net.conv(net.conv(x)))
        x = net.conv(x)
        taps.append(net.conv(x, norm=False, act=""))
    for level in reversed(range(levels - 1)):
        taps[level] = net.op("Add", taps[level], net.op("Resize", taps[level + 1], "", "w"))
    for level in range(1, levels):
        taps[level] = net.op("Concat", taps[level], net.conv(taps[level - 1]), axis=1)
    classes = [net.op("Sigmoid", net.op("Reshape", net.conv(net.conv(tap), act=""), "w")) for tap in taps]
    boxes = [net.op("Reshape", net.conv(net.conv(tap), act=""), "w") for tap in taps]
    return net.model(net.op("Concat", *classes, axis=1), net.op("Concat", *boxes, axis=1))


def searched(cells: int, seed: int) -> onnx.ModelProto:
    """Cells as an architecture search leaves them: each step joins two earlier states of its cell or of the two cells before."""
    net, rng = Net(), np.random.default_rng(seed)
    older = newer = net.conv(net.input("image"))
    for _ in range(cells):
        states = [older, newer]
        for _ in range(4):
            a, b = (states[i] for i in rng.choice(len(states), 2, replace=False))
            states.append(net.op("Add", net.conv(a), net.op("MaxPool", b, kernel_shape=[3, 3])))
        older, newer = newer, net.op("Concat", *states[2:], axis=1)
    return net.model(newer)


def unrolled(steps: int, layers: int) -> onnx.ModelProto:
    """A recurrent network unrolled over time: a grid."""
    net = Net()
    states = [net.input(f"state.{layer}") for layer in range(layers)]
    outs = []
    for step in range(steps):
        x = net.input(f"x.{step}")
        for layer in range(layers):
            gate = net.op("Sigmoid", net.op("Add", net.op("MatMul", x, "w"), net.op("MatMul", states[layer], "w")))
            states[layer] = x = net.op("Mul", gate, net.op("Tanh", states[layer]))
        outs.append(x)
    return net.model(net.op("Concat", *outs, axis=0))


FAMILIES: dict[str, Callable[[], onnx.ModelProto]] = {
    "resnet 4": lambda: residual(4),
    "resnet 16": lambda: residual(16),
    "resnet 50 folded": lambda: residual(50, norm=False),
    "resnet 100": lambda: residual(100),
    "densenet 2x6": lambda: dense(2, 6),
    "densenet 4x16": lambda: dense(4, 16),
    "densenet wide 2x6": lambda: dense_wide(2, 6),
    "densenet wide 3x10": lambda: dense_wide(3, 10),
    "unet 3x1": lambda: unet(3, 1),
    "unet 4x2": lambda: unet(4, 2),
    "unet 7x6": lambda: unet(7, 6),
    "inception 3": lambda: inception(3),
    "inception 20": lambda: inception(20),
    "shufflenet 16": lambda: shuffle(16),
    "efficientnet 8": lambda: excite(8),
    "efficientnet 40": lambda: excite(40),
    "qdq 6": lambda: quantized(6),
    "qdq 60": lambda: quantized(60),
    "bert 2": lambda: encoder(2, True),
    "bert 12": lambda: encoder(12, True),
    "bert 24": lambda: encoder(24, True),
    "bert 12 static": lambda: encoder(12, False),
    "bert 30 static": lambda: encoder(30, False),
    "decoder 2": lambda: decoder(2),
    "decoder 8": lambda: decoder(8),
    "decoder 25": lambda: decoder(25),
    "experts 2x4": lambda: decoder(2, 4),
    "experts 6x8": lambda: decoder(6, 8),
    "experts 4x32": lambda: decoder(4, 32),
    "recommender 12": lambda: recommender(12),
    "recommender 100": lambda: recommender(100),
    "recommender 450": lambda: recommender(450),
    "detector 3x2": lambda: pyramid(3, 2),
    "detector 5x6": lambda: pyramid(5, 6),
    "search 3": lambda: searched(3, 1),
    "search 12": lambda: searched(12, 2),
    "search 20": lambda: searched(20, 3),
    "recurrent 6x2": lambda: unrolled(6, 2),
    "recurrent 30x3": lambda: unrolled(30, 3),
}

"""Op families: what kind of work an op does, told by colour and by word."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

#: In the order of the legend; `theme.color("family.<name>")` is the colour.
FAMILIES = ("conv", "matmul", "activation", "norm", "pool", "elementwise", "shape", "quant", "control", "io", "other")

TITLES = {
    "conv": "Convolution",
    "matmul": "Matrix product",
    "activation": "Activation",
    "norm": "Normalization",
    "pool": "Pooling, reduction",
    "elementwise": "Elementwise",
    "shape": "Shape, data movement",
    "quant": "Quantization",
    "control": "Control flow",
    "io": "Input, output",
    "other": "Other",
}

_OPS = {
    "conv": "Conv ConvTranspose ConvInteger QLinearConv DeformConv FusedConv NhwcConv Col2Im CausalConvWithState",
    "matmul": "MatMul Gemm MatMulInteger QLinearMatMul QGemm Einsum FusedMatMul FusedGemm MatMulNBits Attention MultiHeadAttention "
    "GroupQueryAttention LSTM GRU RNN DFT STFT Det RotaryEmbedding LinearAttention",
    "activation": "Relu Relu6 LeakyRelu PRelu Elu Selu Celu ThresholdedRelu Sigmoid HardSigmoid HardSwish Swish Silu Tanh Gelu FastGelu "
    "BiasGelu QuickGelu Softplus Softsign Softmax LogSoftmax Hardmax Mish Erf Clip Shrink SwiGLU "
    "QLinearSigmoid QLinearLeakyRelu QLinearSoftmax",
    "norm": "BatchNormalization InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LpNormalization LRN "
    "MeanVarianceNormalization SkipLayerNormalization SimplifiedLayerNormalization SkipSimplifiedLayerNormalization "
    "EmbedLayerNormalization",
    "pool": "MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool MaxRoiPool RoiAlign QLinearGlobalAveragePool "
    "QLinearAveragePool ArgMax ArgMin TopK CumSum CumProd MaxUnpool",
    "elementwise": "Add Sub Mul Div Pow Mod Min Max Mean Sum Abs Neg Sign Sqrt Reciprocal Exp Log Ceil Floor Round Sin Cos Tan Asin Acos "
    "Atan Sinh Cosh Asinh Acosh Atanh And Or Xor Not BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot Equal Greater GreaterOrEqual Less "
    "LessOrEqual Where IsNaN IsInf Dropout QLinearAdd QLinearMul RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli",
    "shape": "Shape Size Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather GatherElements GatherND Scatter "
    "ScatterElements ScatterND Expand Tile Pad Cast CastLike BitCast Identity Constant ConstantOfShape Range DepthToSpace SpaceToDepth "
    "Resize Upsample NonZero OneHot Compress EyeLike ReverseSequence Trilu Unique GridSample AffineGrid CenterCropPad QLinearConcat "
    "TensorScatter",
    "quant": "QuantizeLinear DequantizeLinear DynamicQuantizeLinear FakeQuant",
    "control": "If Loop Scan SequenceMap SequenceConstruct SequenceAt SequenceEmpty SequenceInsert SequenceErase SequenceLength "
    "SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement",
    "io": "Input Output",
}


@cache
def _table() -> dict[str, str]:
    return {op: family for family, ops in _OPS.items() for op in ops.split()}


def family(op: str) -> str:
    """The family of an op type; ops of unknown domains are `other`."""
    found = _table().get(op)
    if found is not None:
        return found
    return "pool" if op.startswith("Reduce") else "other"


def families(index: GraphIndex) -> np.ndarray:
    """The family of every row, int8 (n) into FAMILIES; graph inputs and outputs are `io`, folded groups `other`."""
    import numpy as np

    from core.model.index import INPUT, OUTPUT

    by_op = np.array([FAMILIES.index(family(op)) for op in index.op_names], np.int8)
    found = by_op[index.op] if len(index) else np.zeros(0, np.int8)
    found[(index.kind == INPUT) | (index.kind == OUTPUT)] = FAMILIES.index("io")
    return found

"""Shape inference that never fails: what can be known is known, and a note says what stood in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from core.model.plain import skeleton

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

    M = TypeVar("M", onnx.ModelProto, ir.Model)


def infer(model: M) -> M:
    """`model` with the types of its tensors filled in, as far as they can be inferred; weights are not read.

    A ModelProto comes back as a new one without the payload of big initializers; an onnx-ir model is changed in place (types of
    values only) and returned. Symbolic dims are kept and carried on. A model that cannot be inferred comes back as it was.
    """
    import onnx

    if isinstance(model, onnx.ModelProto):
        return infer_noting(model)[0]
    inferred, _ = infer_noting(skeleton(model))
    _fill(model, inferred)
    return model


def infer_noting(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """(the model without big weights and with shapes, a note on what went wrong or empty)."""
    import onnx

    light = skeleton(model)
    try:
        return onnx.shape_inference.infer_shapes(light, check_type=False, strict_mode=False, data_prop=True), ""
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError, ValueError, TypeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return light, f"Shapes could not be inferred: {first}"


def _fill(model: ir.Model, inferred: onnx.ModelProto) -> None:
    from onnx_ir import serde

    known = {value.name: value for value in inferred.graph.value_info}
    for node in model.graph:
        for value in node.outputs:
            if value.name in known and not value.is_graph_output():
                serde.deserialize_value_info_proto(known[value.name], value)

"""What ONNX's own documentation says of an operator: read from the schema that the model's opset has, made plain text."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.model.attributes import attribute_text

if TYPE_CHECKING:
    import onnx

#: The schemas take no larger opset version.
_NEWEST = (1 << 31) - 1
_KINDS = {
    "FLOAT": "number",
    "INT": "whole number",
    "STRING": "text",
    "TENSOR": "tensor",
    "GRAPH": "graph",
    "FLOATS": "numbers",
    "INTS": "whole numbers",
    "STRINGS": "texts",
    "TENSORS": "tensors",
    "GRAPHS": "graphs",
    "SPARSE_TENSOR": "sparse tensor",
    "SPARSE_TENSORS": "sparse tensors",
    "TYPE_PROTO": "type",
    "TYPE_PROTOS": "types",
}


@dataclass(frozen=True)
class AttributeManual:
    """One attribute: what it may be, its default as text (empty: none is stated), and what it does."""

    name: str
    kind: str
    required: bool
    default: str
    doc: str


@dataclass(frozen=True)
class SlotManual:
    """One formal input or output: `type` is the schema's word for it (`T`), `option` is empty, `optional` or `variadic`."""

    name: str
    type: str
    option: Literal["", "optional", "variadic"]
    doc: str


@dataclass(frozen=True)
class TypeManual:
    """One type variable and the types that it stands for."""

    name: str
    allowed: tuple[str, ...]
    doc: str


@dataclass(frozen=True)
class Manual:
    """An operator's documentation. `text` is made of blocks: words (unwrapped, without markup) and code (as it stands).

    A function of the model itself has what its author wrote, and no types.
    """

    op: str
    domain: str
    since: int
    deprecated: bool
    attributes: tuple[AttributeManual, ...]
    inputs: tuple[SlotManual, ...]
    outputs: tuple[SlotManual, ...]
    types: tuple[TypeManual, ...]
    text: tuple[tuple[Literal["words", "code"], str], ...]

    def attribute(self, name: str) -> AttributeManual | None:
        """What is said of an attribute."""
        return next((each for each in self.attributes if each.name == name), None)

    def allowed(self, slot: SlotManual) -> str:
        """The types that a slot takes, for people: `float16, float32`."""
        found = next((each.allowed for each in self.types if each.name == slot.type), (slot.type,))
        return ", ".join(sorted(plain_type(each) for each in found))

    @staticmethod
    def allowed_of(variable: TypeManual) -> str:
        """The types that a variable stands for, for people."""
        return ", ".join(sorted(plain_type(each) for each in variable.allowed))


def schema_of(node: onnx.NodeProto, opsets: Iterable[onnx.OperatorSetIdProto]) -> onnx.defs.OpSchema | None:
    """The schema that a node is written by; None for what ONNX does not define."""
    from onnx import defs

    domain = "" if node.domain == "ai.onnx" else node.domain
    version = next((entry.version for entry in opsets if entry.domain in ((domain, "ai.onnx") if not domain else (domain,))), 1)
    try:
        return defs.get_schema(node.op_type, min(version, _NEWEST), domain)
    except defs.SchemaError:
        return None


def of_schema(schema: onnx.defs.OpSchema) -> Manual:
    """The documentation of an operator of ONNX."""
    attributes = [
        AttributeManual(
            name=name,
            kind=_KINDS.get(_name(each.type), "any"),
            required=each.required,
            default=attribute_text(each.default_value) if each.default_value.type else "",
            doc=words(each.description),
        )
        for name, each in schema.attributes.items()
    ]
    return Manual(
        op=schema.name,
        domain=schema.domain,
        since=int(schema.since_version),
        deprecated=bool(schema.deprecated),
        attributes=tuple(sorted(attributes, key=lambda each: (not each.required, each.name))),
        inputs=_slots(schema.inputs),
        outputs=_slots(schema.outputs),
        types=tuple(
            TypeManual(each.type_param_str, tuple(sorted(each.allowed_type_strs)), words(each.description))
            for each in schema.type_constraints
        ),
        text=blocks(schema.doc or ""),
    )


def of_function(function: onnx.FunctionProto) -> Manual:
    """The documentation of a function that the model brings along."""
    plain = [AttributeManual(name, "any", True, "", "") for name in function.attribute]
    given = [AttributeManual(each.name, "any", False, attribute_text(each), words(each.doc_string)) for each in function.attribute_proto]
    said = blocks(function.doc_string)
    count = len(function.node)
    return Manual(
        op=function.name,
        domain=function.domain,
        since=0,
        deprecated=False,
        attributes=(*plain, *given),
        inputs=tuple(SlotManual(name, "", "", "") for name in function.input),
        outputs=tuple(SlotManual(name, "", "", "") for name in function.output),
        types=(),
        text=said or (("words", f"A function of this model, {count} node{'s' * (count != 1)}."),),
    )


def _slots(formal: Iterable[onnx.defs.OpSchema.FormalParameter]) -> tuple[SlotManual, ...]:
    options: dict[str, Literal["", "optional", "variadic"]] = {"Optional": "optional", "Variadic": "variadic"}
    return tuple(SlotManual(each.name, each.type_str, options.get(_name(each.option), ""), words(each.description)) for each in formal)


def _name(member: object) -> str:
    """The name of a member of one of onnx's enums (its stubs know only the members)."""
    return str(getattr(member, "name", ""))


def slot(schema: onnx.defs.OpSchema | None, place: int, side: str) -> str:
    """The operator's own word for its input or output (`side`: `inputs`, `outputs`) at `place`."""
    formal = list(getattr(schema, side)) if schema is not None else []
    if place < len(formal):
        return str(formal[place].name)
    if formal and formal[-1].option == type(formal[-1].option).Variadic:
        return f"{formal[-1].name} {place - len(formal) + 2}"
    return str(place)


def plain_type(text: str) -> str:
    """`tensor(float)` as `float32`; sequences and the rest as ONNX writes them."""
    inner = re.fullmatch(r"tensor\((\w+)\)", text)
    return {"float": "float32", "double": "float64"}.get(inner[1], inner[1]) if inner else text


def words(text: str | None) -> str:
    """A short description as one line of plain text."""
    return " ".join(part for _, part in blocks(text or "")).replace("\n", " ").strip()


def blocks(doc: str) -> tuple[tuple[Literal["words", "code"], str], ...]:
    """Markdown as paragraphs of plain text and blocks of code; entries of lists keep lines of their own."""
    found: list[tuple[Literal["words", "code"], str]] = []
    for number, part in enumerate(re.split(r"^[ \t]*```.*$", inspect.cleandoc(doc), flags=re.MULTILINE)):
        for paragraph in [part] if number % 2 else re.split(r"\n[ \t]*\n", part):
            lines = [line for line in paragraph.splitlines() if line.strip()]
            if number % 2 or all(line.startswith("    ") for line in lines):  # fenced, or indented
                code = textwrap.dedent(paragraph.strip("\n")).rstrip()
                if code:
                    found.append(("code", code))
                continue
            text = _unwrapped(paragraph)
            if text:
                found.append(("words", text))
    return tuple(found)


def _unwrapped(paragraph: str) -> str:
    """Lines put together, except where a list goes on to its next entry; markup taken out."""
    lines: list[str] = []
    for line in paragraph.splitlines():
        line = line.strip()
        if not line or set(line) <= {"=", "-"}:
            continue
        entry = re.match(r"(?:[-*+]|\d+[.)])\s+", line)
        if entry and line[0] in "-*+":
            line = f"• {line[entry.end() :]}"
        if lines and not entry:
            lines[-1] = f"{lines[-1]} {line}"
        else:
            lines.append(line)
    text = "\n".join(lines)
    text = re.sub(r"\[([^\]]+)\]\((?:https?:|[\w./#-]+\.md)[^)]*\)", r"\1", text)
    text = re.sub(r"</?(?:i|b|br|sub|sup)\s*/?>", "", text)
    text = re.sub(r"(?<![\w)])\*\*(\S(?:[^*]*\S)?)\*\*", r"\1", text)
    text = text.replace('\\"', '"').replace("`", "")
    return re.sub(r"^#+\s*", "", text)

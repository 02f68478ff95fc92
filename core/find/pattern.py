"""Small graphs that are looked for in large ones, written as text: `y = Mul(x, Sigmoid(x))`, `Relu(Add(Conv(a), b))`.

    Gemm|MatMul(x, const)             one of several ops; a weight (initializer or Constant) as its second input
    Reduce*(x)    *(x)                ops by * and ?
    Conv{k=1, group=1}(x)             attributes and numbers, as in queries; all of them must hold
    Add(x, scalar)    Mul(x, 0.5)     a weight of one element; one that holds this number (to 4 digits)
    Clip(x, none, _)                  an input that is left out; one that may be any tensor
    Mul(x, s: Sigmoid(x)!)            `s` names what Sigmoid makes; ! says that nothing outside of the match reads it
    q, k = Split(x); MatMul(q, k)     statements (; or a new line between them) that share tensors; a node's outputs in their order

The same name is the same tensor. Inputs that are not written may be anything. `Add(a, b)` finds its inputs in either order, as do
Mul, And, Or, Xor, Equal, Min, Max, Sum, Mean and the bitwise ones. Different nodes of a pattern are different nodes of the graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import UsageError
from core.find.catalogue import Catalogue
from core.find.facts import NOTHING, Value
from core.find.grammar import DEEP, Compare, QueryError, number
from core.find.numbers import CONVOLUTIONS

#: Ops whose inputs may stand in any order.
COMMUTATIVE = frozenset({"Add", "Mul", "And", "Or", "Xor", "Equal", "Min", "Max", "Sum", "Mean", "BitwiseAnd", "BitwiseOr", "BitwiseXor"})
#: A pattern made of what is selected has at most this many nodes.
MOST = 64

#: What a convolution that does not say it has 1 of: what queries call it, and the attribute.
_USUAL = (("group", "group"), ("stride", "strides"), ("dilation", "dilations"))

Kind = Literal["any", "made", "const", "scalar", "number", "none"]
_WORDS: dict[str, Kind] = {"const": "const", "scalar": "scalar", "none": "none"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?![\w.])
      | (?P<ops>(?:"[^"]+"|[\w.*?]+(?:::[\w.*?]+)*)(?:\|(?:"[^"]+"|[\w.*?]+(?:::[\w.*?]+)*))*)
      | (?P<sign>[(){},;=:!])
      | (?P<other>.)""",
    re.VERBOSE,
)
_CONDITION = re.compile(r"""\s*([A-Za-z_][\w-]*)\s*(<=|>=|!=|==|=|<|>)\s*(\[[^\]]*\]|"[^"]*"|[^\s,}]+)\s*(,|\})""")


@dataclass(frozen=True)
class Variable:
    """A tensor of a pattern: what a node makes, or what comes from outside, where it must be of a kind."""

    name: str = ""
    kind: Kind = "any"
    value: float = 0.0


@dataclass(frozen=True)
class Node:
    """A node of a pattern; `inputs` and `outputs` are numbers of variables, in the order of the op's own."""

    ops: tuple[str, ...]
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    conditions: tuple[Compare, ...] = ()
    #: Only nodes of the match read what it makes.
    alone: bool = False

    @property
    def commutative(self) -> bool:
        """Whether its inputs may stand in any order."""
        return all(op in COMMUTATIVE for op in self.ops)


@dataclass(frozen=True)
class Pattern:
    """A small graph to look for; `parse` reads one, `like` makes one of nodes of a graph."""

    nodes: tuple[Node, ...]
    variables: tuple[Variable, ...]
    text: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What is captured."""
        return tuple(variable.name for variable in self.variables if variable.name)


def parse(text: str) -> Pattern:
    """Read a pattern; raises `QueryError` with the place of what is wrong."""
    return _Parser(text).pattern()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.nodes: list[Node] = []
        self.variables: list[Variable] = []
        self.named: dict[str, int] = {}
        #: a tensor that was read before it was made -> what makes it
        self.same: dict[int, int] = {}

    def pattern(self) -> Pattern:
        while self._peek() == ";" or self._statement():
            rest = self._peek()
            if rest and not self._take(";") and "\n" not in self.text[len(self.text[: self.at].rstrip()) : self.at]:
                raise QueryError(f"A ; is missing before '{self._peek()}'.", at=self.at)
        if not self.nodes:
            raise QueryError("A pattern has at least one node.", at=self.at, hint="For example Mul(x, Sigmoid(x)).")
        nodes = [replace(node, inputs=tuple(self.same.get(each, each) for each in node.inputs)) for node in self.nodes]
        found = Pattern(tuple(nodes), tuple(self.variables), self.text.strip())
        if not _joined(found):
            raise QueryError("The pattern falls into parts that share no tensor.", hint="Give a tensor of both parts the same name.")
        return found

    # ---- tokens ----
    def _next(self) -> re.Match[str] | None:
        found = _TOKEN.match(self.text, self.at)
        while found is not None and found["space"]:
            self.at = found.end()
            found = _TOKEN.match(self.text, self.at)
        return found

    def _peek(self) -> str:
        found = self._next()
        return found[0] if found is not None else ""

    def _take(self, sign: str) -> bool:
        found = self._next()
        if found is None or found[0] != sign:
            return False
        self.at = found.end()
        return True

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            before = self._peek()
            raise QueryError(f"A {sign} is missing{f' before {before!r}' if before else ' at the end'}.", at=self.at)

    # ---- rules ----
    def _statement(self) -> bool:
        if self._next() is None:
            return False
        start, names = self.at, self._names()
        if not names:
            self.at = start
        began = self.at
        made = self._expression()
        if self.variables[made].kind != "made":
            raise QueryError("A statement is a node, such as Relu(x).", at=began)
        if names:
            node = next(place for place, each in enumerate(self.nodes) if made in each.outputs)
            outputs = [self._call(made, names[0], start), *(self._make(name, start) for name in names[1:])]
            self.nodes[node] = replace(self.nodes[node], outputs=tuple(outputs))
        return True

    def _names(self) -> list[str]:
        """`a, b =` at the beginning of a statement; none where it does not begin so."""
        names = []
        while True:
            found = self._next()
            if found is None or not found["ops"] or not found[0].isidentifier():
                return []
            names.append(found[0])
            self.at = found.end()
            if self._take("="):
                return names
            if not self._take(","):
                return []

    def _expression(self) -> int:
        found = self._next()
        if found is None or (found["sign"] or found["other"]):
            raise QueryError(f"A node or a tensor is missing{f' before {found[0]!r}' if found is not None else ' at the end'}.", at=self.at)
        start, word = self.at, found[0]
        self.at = found.end()
        if found["number"]:
            return self._variable(Variable(kind="number", value=float(word)))
        if self._peek() in ("(", "{"):
            return self._node(word)
        if self._take(":"):
            if not word.isidentifier() or word in _WORDS:
                raise QueryError(f"'{word}' is no name for a tensor.", at=start)
            return self._call(self._expression(), word, start)
        if word in _WORDS:
            return self._variable(Variable(kind=_WORDS[word]))
        if word == "_":
            return self._variable(Variable())
        if not word.isidentifier():
            raise QueryError(f"'{word}' is no name for a tensor.", at=start, hint=f"A node has brackets: {word}(x).")
        if word not in self.named:
            self.named[word] = self._variable(Variable(name=word))
        return self.named[word]

    def _node(self, word: str) -> int:
        ops = tuple(op.strip('"') for op in re.findall(r'"[^"]+"|[^|]+', word))
        conditions = self._conditions() if self._take("{") else ()
        self._need("(")
        inputs: list[int] = []
        self.depth += 1
        if self.depth > DEEP:
            raise QueryError("There are too many brackets in brackets.", at=self.at)
        if not self._take(")"):
            inputs.append(self._expression())
            while self._take(","):
                inputs.append(self._expression())
            self._need(")")
        self.depth -= 1
        made = self._variable(Variable(kind="made"))
        self.nodes.append(Node(ops, tuple(inputs), (made,), conditions, alone=self._take("!")))
        return made

    def _conditions(self) -> tuple[Compare, ...]:
        found, end = [], ","
        while end == ",":
            each = _CONDITION.match(self.text, self.at)
            if each is None:
                raise QueryError("A condition is missing, such as k>1.", at=self.at)
            name, sign, value, end = each.groups()
            value = value.strip('"')
            found.append(Compare(name, "=" if sign == "==" else sign, value, number(value), self.at))
            if found[-1].number is None and sign not in ("=", "==", "!="):
                raise QueryError(f"'{value}' is no number to compare {name} with.", at=self.at)
            self.at = each.end()
        return tuple(found)

    # ---- variables ----
    def _variable(self, variable: Variable) -> int:
        self.variables.append(variable)
        return len(self.variables) - 1

    def _make(self, name: str, at: int) -> int:
        return self._call(self._variable(Variable(kind="made")), name, at)

    def _call(self, made: int, name: str, at: int) -> int:
        """Give a tensor a name; one that was read under it before is this one."""
        if name == "_":
            return made
        known = self.named.get(name)
        if known is not None and self.variables[known].kind != "any":
            raise QueryError(f"'{name}' is already the name of another tensor.", at=at)
        if self.variables[made].name:
            raise QueryError(f"The tensor '{self.variables[made].name}' has a name.", at=at)
        self.variables[made] = replace(self.variables[made], name=name)
        if known is not None:
            self.variables[known] = Variable()
            self.same[known] = made
        self.named[name] = made
        return made


def _joined(pattern: Pattern) -> bool:
    """Whether one comes from each node to each other one by what they share."""
    reached, waiting = {0}, [0]
    while waiting:
        own = {*pattern.nodes[waiting[-1]].inputs, *pattern.nodes[waiting.pop()].outputs}
        for place, node in enumerate(pattern.nodes):
            if place not in reached and not own.isdisjoint((*node.inputs, *node.outputs)):
                reached.add(place)
                waiting.append(place)
    return len(reached) == len(pattern.nodes)


# ---- from nodes of a graph ----
def like(catalogue: Catalogue, rows: Iterable[int], *, attributes: bool = False) -> Pattern:
    """What some nodes are as a pattern: their ops (their attributes too, if wanted), and how they are wired among each other.

    Tensors from outside are joined where they are the same; weights are weights, whichever. Raises `UsageError` for nodes that
    share nothing, for none, and for too many.
    """
    chosen = [row for row in sorted(set(rows)) if catalogue.index.kind[row] == 0]
    if not chosen:
        raise UsageError("There is nothing to look for: no node is selected.", hint="Select one or more nodes in the graph.")
    if len(chosen) > MOST:
        raise UsageError(f"{len(chosen)} nodes are too many for a pattern.", hint=f"Select at most {MOST} of them.")
    text = "; ".join(_statements(catalogue, chosen, attributes))
    try:
        return parse(text)
    except QueryError as error:
        raise UsageError(
            "The selected nodes share no tensor, so that they are no pattern.",
            hint="Select nodes that are linked, or read the same.",
            detail=text,
        ) from error


def _statements(catalogue: Catalogue, rows: list[int], attributes: bool) -> Iterator[str]:
    facts, index = catalogue.facts, catalogue.index
    assert facts is not None
    inside, named = set(rows), dict[int, str]()
    outputs: dict[int, dict[int, int]] = {row: {} for row in rows}
    read = {value for row in rows for value in facts.of(row)}
    for row in rows:
        for tensor in catalogue.tensors_of(row):
            if tensor in read and facts.made[tensor] >= 0:
                outputs[row][int(facts.made[tensor])] = tensor
    for row in rows:
        words = []
        for value in facts.of(row):
            if value == NOTHING:
                words.append("none")
            elif value >= len(index.tensors):
                words.append("const")
            else:
                outside = int(catalogue.maker[value]) not in inside
                words.append(named.setdefault(value, f"{'x' if outside else 't'}{len(named) + 1}"))
        while len(words) > 1 and (words[-1] == "none" or (words[-1] == "const" and len(words) > 2)):
            words.pop()  # a bias, an optional scale: there or not
        made = [named.setdefault(outputs[row][place], f"t{len(named) + 1}") if place in outputs[row] else "_"
                for place in range(max(outputs[row], default=-1) + 1)]  # fmt: skip
        op = index.op_names[int(index.op[row])]
        held = dict(facts.distinct[int(facts.attributes[row])]) if attributes else {}
        said = [f"{name}={_written(value)}" for name, value in held.items() if _written(value)]
        if attributes and op in CONVOLUTIONS:
            said += [f"{name}=1" for name, attribute in _USUAL if attribute not in held]
        conditions = ", ".join(said)
        yield f"{', '.join(made)}{' = ' if made else ''}{_op(op)}{f'{{{conditions}}}' if conditions else ''}({', '.join(words)})"


def _op(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else f'"{name}"'


def _written(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]" if value and not isinstance(value[0], str) else ""
    if isinstance(value, str):
        return f'"{value}"' if value and '"' not in value and "*" not in value and "?" not in value else ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)

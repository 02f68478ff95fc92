"""The words of a query, read: plain words, "quoted ones", /expressions/, filters such as `op:Conv` and `k>3`, and, or, not, brackets."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from core.errors import UsageError

#: Filter -> what it looks at.
FIELDS = {
    "op": "the operator's name, whole: op:Conv, op:Conv*",
    "name": "the node's name",
    "scope": "the module that the node belongs to",
    "tensor": "a tensor or weight that the node reads or makes, by name",
    "in": "what the node reads: a name, a type or a shape",
    "out": "what the node makes: a name, a type or a shape",
    "shape": "the shape of what the node makes; * is any dim: shape:1x32x*x*",
    "dtype": "the type of what the node makes: dtype:float16",
    "attr": "an attribute that the node has: attr:kernel_shape",
    "is": "what kind of node it is: is:input, is:output, is:unused, is:quantized, is:inside, is:weighted",
}
KINDS = ("input", "output", "unused", "quantized", "inside", "weighted")
#: Brackets in brackets.
DEEP = 60
_UNITS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 1024.0, "Mi": 1024.0**2, "Gi": 1024.0**3, "Ti": 1024.0**4}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(Ki|Mi|Gi|Ti|k|K|M|G|T)?B?")
_AGAIN = re.compile(r"[*+]|\{\d*,(?:\d{2,})?\}")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<open>\() | (?P<close>\))
      | "(?P<quoted>[^"]*)(?P<end>"?)
      | /(?P<expression>\S+?)/(?=[\s)]|$)
      | (?P<name>[A-Za-z_][\w-]*)\s*(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<value>\[[^\]]*\]|"[^"]*"|[^\s()"]*)
      | (?P<field>[A-Za-z_]+):(?!:)(?:"(?P<field_quoted>[^"]*)"|/(?P<field_expression>\S+?)/(?=[\s)]|$)|(?P<field_value>[^\s()"]*))
      | (?P<word>[^\s()"]+)""",
    re.VERBOSE,
)
_KEYS = {"and": "and", "AND": "and", "or": "or", "OR": "or", "not": "not", "NOT": "not"}


class QueryError(UsageError):
    """A query that cannot be understood, or not yet: `at` is the place in it where that shows."""

    def __init__(self, message: str, *, at: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.at = at


@dataclass(frozen=True)
class Text:
    """What is looked for in texts: a part of one, one with * and ? from end to end (`glob`), or an expression."""

    text: str
    kind: str = "part"


@dataclass(frozen=True)
class Words:
    """A text that may stand anywhere in what is said of a node."""

    text: Text
    at: int


@dataclass(frozen=True)
class Filter:
    """`op:Conv`: a text in one of `FIELDS`."""

    field: str
    text: Text
    at: int


@dataclass(frozen=True)
class Compare:
    """`k>3`, `params>1M`, `mode=linear`: a number or an attribute, and what it is compared with (as a number too, if it is one)."""

    name: str
    sign: str
    value: str
    number: float | None
    at: int


@dataclass(frozen=True)
class Not:
    """What does not hold."""

    of: Term


@dataclass(frozen=True)
class Both:
    """What all holds."""

    of: tuple[Term, ...]


@dataclass(frozen=True)
class Either:
    """What holds in part."""

    of: tuple[Term, ...]


Term = Words | Filter | Compare | Not | Both | Either


def terms(term: Term) -> Iterator[Words | Filter | Compare]:
    """The leaves of a query."""
    if isinstance(term, Not):
        yield from terms(term.of)
    elif isinstance(term, Both | Either):
        for each in term.of:
            yield from terms(each)
    else:
        yield term


def parse(text: str) -> Term | None:
    """Read a query; None for one that says nothing. Raises `QueryError`, also for one that is only half typed."""
    return _Parser(text).whole()


def expression(text: str) -> Term | None:
    """The whole of `text` as one regular expression."""
    return Words(Text(checked(text, 0), "expression"), 0) if text else None


def number(text: str) -> float | None:
    """`3`, `1.5M`, `64KiB` as a number; None for what is none."""
    found = _NUMBER.fullmatch(text)
    return float(found[1]) * _UNITS[found[2] or ""] if found else None


def checked(text: str, at: int) -> str:
    """A regular expression that compiles, and that no name can keep busy for ever."""
    try:
        compiled(text)
    except (re.error, OverflowError, RecursionError) as error:
        place = getattr(error, "pos", None) or 0
        raise QueryError(f"The expression is not complete: {error}.", at=at + place) from error
    if _endless(text):
        raise QueryError(
            "The expression repeats what repeats, which can take for ever.",
            at=at,
            hint="Take one * or + away: (a+)+ finds what a+ finds.",
        )
    return text


@lru_cache(maxsize=64)
def compiled(text: str) -> re.Pattern[str]:
    """A regular expression, ready; it takes no notice of small and capital letters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what Python may read otherwise one day: [[a], [a||b]
        return re.compile(text, re.IGNORECASE)


def _endless(text: str) -> bool:
    """Whether a repetition without a (small) limit stands inside of another."""
    groups = [False]
    place, inside = 0, False
    while place < len(text):
        char = text[place]
        if char == "\\":
            place += 1
        elif inside:
            inside = char != "]"
        elif char == "[":
            inside = True
            place += text[place + 1 : place + 2] == "]" or text[place + 1 : place + 3] == "^]"
        elif char == "(":
            groups.append(False)
        elif char == ")" and len(groups) > 1:
            repeats = groups.pop()
            again = _AGAIN.match(text, place + 1) is not None
            if repeats and again:
                return True
            groups[-1] |= repeats or again
        elif _AGAIN.match(text, place):
            groups[-1] = True
        place += 1
    return False


@dataclass(frozen=True)
class _Token:
    kind: str  # "(", ")", "and", "or", "not", "term", "end"
    at: int
    term: Term | None = None
    said: str = ""


class _Parser:
    """Not binds tighter than and, and tighter than or; terms side by side are joined by and."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.place = 0
        self.depth = 0

    def whole(self) -> Term | None:
        if self.now.kind == "end":
            return None
        found = self._either()
        if self.now.kind == ")":
            raise QueryError("This ) closes nothing.", at=self.now.at)
        return found

    @property
    def now(self) -> _Token:
        return self.tokens[self.place]

    def _take(self) -> _Token:
        token = self.now
        self.place += 1
        return token

    def _either(self) -> Term:
        found = [self._both()]
        while self.now.kind == "or":
            self._take()
            found.append(self._both())
        return found[0] if len(found) == 1 else Either(tuple(found))

    def _both(self) -> Term:
        found = [self._one()]
        while self.now.kind in ("and", "not", "term", "("):
            if self.now.kind == "and":
                self._take()
            found.append(self._one())
        return found[0] if len(found) == 1 else Both(tuple(found))

    def _one(self) -> Term:
        token = self._take()
        if token.kind in ("not", "("):
            self.depth += 1
            if self.depth > DEEP:
                raise QueryError("There are too many brackets in brackets.", at=token.at)
        if token.kind == "not":
            found: Term = Not(self._one())
            self.depth -= 1
            return found
        if token.kind == "term":
            assert token.term is not None
            return token.term
        if token.kind == "(":
            found = self._either()
            if self.now.kind != ")":
                raise QueryError("A ) is missing.", at=self.now.at)
            self._take()
            self.depth -= 1
            return found
        before = self.tokens[self.place - 2].said if self.place > 1 else ""
        where = f"after '{before}'" if before else "at the beginning"
        raise QueryError(f"Something to look for is missing {where}.", at=token.at)


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        assert found is not None
        at, place = place, found.end()
        said = found[0]
        if found["space"]:
            continue
        if found["open"] or found["close"] or said in _KEYS:
            yield _Token(_KEYS.get(said, said), at, said=said)
        else:
            yield _Token("term", at, _term(found, at), said)
    yield _Token("end", len(text))


def _term(found: re.Match[str], at: int) -> Term:
    if found["quoted"] is not None:
        if not found["end"]:
            raise QueryError('The closing " is missing.', at=len(found.string))
        if not found["quoted"]:
            raise QueryError("There is nothing between the quotation marks.", at=at)
        return Words(Text(found["quoted"].lower()), at)
    if found["expression"] is not None:
        return Words(Text(checked(found["expression"], at + 1), "expression"), at)
    if found["sign"]:
        return _compare(found["name"], "=" if found["sign"] == "==" else found["sign"], found["value"].strip('"'), at, found.end())
    if found["field"]:
        return _filter(found, at)
    return Words(Text(found["word"].lower()), at)


def _compare(name: str, sign: str, value: str, at: int, end: int) -> Term:
    if not value:
        raise QueryError(f"A value is missing after '{name}{sign}'.", at=end)
    if name.lower() in FIELDS and sign in ("=", "!="):
        term = Filter(name.lower(), _text(value), at)
        return Not(term) if sign == "!=" else term
    found = number(value)
    if found is None and sign not in ("=", "!="):
        raise QueryError(
            f"'{value}' is no number to compare {name} with.",
            at=end - len(value),
            hint=f'To find the text, write "{name}{sign}{value}".',
        )
    return Compare(name, sign, value, found, at)


def _filter(found: re.Match[str], at: int) -> Term:
    field, start = found["field"].lower(), at + len(found["field"]) + 1
    if field not in FIELDS and (found["field_value"] or "")[:1].isdigit():
        return Words(Text(found[0].lower()), at)  # `Identity:0`, as TensorFlow calls its tensors
    if field not in FIELDS:
        near = difflib.get_close_matches(field, FIELDS, 1)
        hint = f"Perhaps {near[0]}:?" if near else f"Filters are {', '.join(f'{each}:' for each in FIELDS)}."
        raise QueryError(f"There is no filter '{field}:'.", at=at, hint=f'{hint} To look for the text, write "{found[0]}".')
    if found["field_expression"] is not None:
        return Filter(field, Text(checked(found["field_expression"], start + 1), "expression"), at)
    value = found["field_quoted"] if found["field_quoted"] is not None else found["field_value"]
    if not value:
        raise QueryError(f"Something is missing after '{field}:'.", at=start)
    if field == "is" and value.lower() not in KINDS:
        raise QueryError(f"'{value}' is no kind of node.", at=start, hint=f"Kinds are {', '.join(KINDS)}.")
    return Filter(field, Text(value.lower()) if found["field_quoted"] is not None else _text(value), at)


def _text(value: str) -> Text:
    low = value.lower()
    return Text(low, "glob") if "*" in low or "?" in low else Text(low)

"""Result dataclasses as JSON, and the JSON schema that tells what to expect: one generator for every document.

    encode      `plain` for readers (a number that is not finite is null), `exact` for our own files, `decode` back
    describe    the published JSON schema (draft 2020-12) of a dataclass, from its type hints
    envelope    what every published document carries: `"schema": "sardonyx.<command>/1"` and `"version"`

Rules of `plain`: a dataclass is an object with all its fields; a Path is its text; a tuple, list or array is an array;
an enum is its value; inf, -inf and nan are null, because JSON has no word for them. So a null where a number is meant
says "not a finite number", and the schema allows it there.
"""

from __future__ import annotations

from core.schemas.describe import describe
from core.schemas.encode import decode, exact, plain
from core.schemas.envelope import envelope, schema_of

__all__ = ["decode", "describe", "envelope", "exact", "plain", "schema_of"]

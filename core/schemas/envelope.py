"""What every published JSON document carries, whatever is in it."""

from __future__ import annotations

from typing import Any

import core
from core.schemas.describe import describe
from core.schemas.encode import plain

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOT_FINITE = "null in the place of a number: not a finite number (inf or nan). New fields may appear within one version."


def envelope(name: str, result: Any, version: int = 1) -> dict[str, Any]:
    """The document `sardonyx.<name>/<version>`: `result`, a dataclass, with its schema's name and ours on top."""
    return {"schema": f"sardonyx.{name}/{version}", "version": core.__version__, **plain(result)}


def schema_of(name: str, cls: type, version: int = 1, *, strict: bool = False) -> dict[str, Any]:
    """The JSON schema of `envelope(name, <a cls>)`."""
    inner = describe(cls, strict=strict)
    head = {"schema": {"const": f"sardonyx.{name}/{version}"}, "version": {"type": "string", "description": "of Sardonyx"}}
    inner["properties"] = {**head, **inner["properties"]}
    inner["required"] = [*head, *inner["required"]]
    inner["description"] = f"{inner.get('description', '')} ({NOT_FINITE})".strip()
    return {"$schema": DIALECT, "$id": f"sardonyx.{name}/{version}", "title": f"sardonyx {name} --json", **inner}

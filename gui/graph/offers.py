"""Overlays as a person chooses them: what they are called, and how they are to be read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from core.overlays.base import Combine, Good, Overlay
from core.overlays.latency import ID as LATENCY
from core.overlays.latency import TITLE
from core.overlays.numbers import Numbers


@dataclass(frozen=True)
class Offer:
    """One overlay as a person chooses it: computed from the model, or published with the session by something that measured."""

    id: str
    title: str
    unit: str
    tip: str
    mark: str = ""
    category: bool = False
    good: Good = ""
    combine: Combine = "sum"
    over_time: bool = False
    has_dim: bool = False
    published: bool = False


def has_dim(cls: type[Overlay]) -> bool:
    """Whether what symbolic dims count as makes a difference."""
    return any(field.name == "dim" for field in dataclasses.fields(cls))


def computed(cls: type[Overlay]) -> Offer:
    """An overlay that is computed from the model."""
    return Offer(
        id=cls.id,
        title=cls.title,
        unit=cls.unit,
        tip=(cls.__doc__ or cls.title).strip(),
        mark=cls.mark,
        category=cls.kind == "category",
        good=cls.good,
        combine=cls.combine,
        over_time=cls.over_time,
        has_dim=has_dim(cls),
    )


def published(numbers: Numbers) -> Offer:
    """Numbers that something measured."""
    return Offer(
        id=numbers.id,
        title=numbers.title,
        unit=numbers.unit,
        tip=f"{numbers.title}: {numbers.source}.",
        category=bool(numbers.names),
        good=numbers.good,
        combine=numbers.combine,
        has_dim=numbers.id == LATENCY,
        published=True,
    )


#: What stands for the latency of nodes before it was measured.
LATENCY_OFFER = Offer(
    LATENCY,
    TITLE,
    "ms",
    "How long each node takes in one inference, by ONNX Runtime's own profiler.",
    good="low",
    has_dim=True,
    published=True,
)

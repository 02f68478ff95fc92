"""How far two variants are apart: by their outputs on the same inputs, and by accuracy when labels are given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutputError:
    """One output of B against A over all samples.

    `sqnr` in dB is 10 log10(sum a^2 / sum (a-b)^2), inf when equal; `cosine` of the flattened outputs, mean over
    samples; `top1` is the share of rows whose argmax over the last axis agrees (None when the last axis has one element
    or the output is not floating point).
    """

    name: str
    max_abs: float
    mean_abs: float
    cosine: float
    sqnr: float
    top1: float | None
    equal: bool
    finite: bool


@dataclass(frozen=True)
class Comparison:
    """B against A on the same inputs. Accuracies are top-1 against labels, None without labels."""

    a: str
    b: str
    samples: int
    outputs: tuple[OutputError, ...]
    accuracy_a: float | None
    accuracy_b: float | None
    data: str
    seconds: float
    notes: tuple[str, ...] = ()

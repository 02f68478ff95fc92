"""Error statistics of one output against another, gathered batch by batch in constant memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from core.compare import OutputError
from core.errors import ModelError

if TYPE_CHECKING:
    import numpy as np

#: Elements that are worked on at once in float64.
_CHUNK = 1 << 20


class Running:
    """Statistics of output `name` of B against A; `add` a batch of each, then `result`.

    Sums are float64. Elements that are not finite in A or B are left out of the sums and told by `finite`; where they are
    not the same in both, the noise is infinite (SQNR is -inf) and the sample's cosine 0: a B that answers NaN is never
    close. SQNR is 10 log10(sum a² / sum (a - b)²), in dB.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.elements = 0
        self._max = 0.0
        self._abs = 0.0
        self._signal = 0.0
        self._noise = 0.0
        self._cosine = 0.0
        self._samples = 0
        self._agree = 0
        self._rows = 0
        self._counted = 0
        self._ranked = True
        self._equal = True
        self._finite = True

    def add(self, a: np.ndarray, b: np.ndarray, samples: int) -> None:
        """One batch of `samples`; both arrays have the same shape."""
        import numpy as np

        if a.shape != b.shape:
            raise ModelError(
                f"Output '{self.name}' is {list(a.shape)} in one model and {list(b.shape)} in the other.",
                hint="Compare variants of the same model: the shapes of their outputs must agree.",
            )
        if a.dtype.kind not in "fiub" and not _real(a.dtype):
            raise ModelError(f"Output '{self.name}' is {a.dtype}, which has no numeric error.", hint="Compare models with numeric outputs.")
        self._equal = self._equal and a.dtype == b.dtype
        self._rank(a, b)
        if a.size == 0:
            return
        # a sample is a row of the first axis where that is the batch, else the whole output is one
        rows = samples if a.ndim and a.shape[0] == samples else 1
        flat_a, flat_b = a.reshape(rows, -1), b.reshape(rows, -1)
        step = max(1, _CHUNK // max(1, flat_a.shape[1]))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, rows, step):
                self._rows_of(flat_a[start : start + step], flat_b[start : start + step])
        self.elements += int(np.prod(a.shape, dtype=np.int64))

    def _rows_of(self, a: np.ndarray, b: np.ndarray) -> None:
        import numpy as np

        dots, norms_a, norms_b = np.zeros(len(a)), np.zeros(len(a)), np.zeros(len(a))
        broken = np.zeros(len(a), bool)
        for start in range(0, a.shape[1], _CHUNK):
            x, y = a[:, start : start + _CHUNK], b[:, start : start + _CHUNK]
            self._equal = self._equal and bool(np.array_equal(x, y, equal_nan=_real(x.dtype)))  # NaN equals NaN
            x, y = x.astype(np.float64), y.astype(np.float64)
            good = np.isfinite(x) & np.isfinite(y)
            if not good.all():
                self._finite = False
                same = (x == y) | (np.isnan(x) & np.isnan(y))
                broken |= ~(good | same).all(axis=1)
                x, y = np.where(good, x, 0.0), np.where(good, y, 0.0)
            error = np.abs(x - y)
            self._max = max(self._max, float(error.max(initial=0.0)))
            self._abs += float(error.sum())
            self._noise += float((error * error).sum())
            self._counted += int(good.sum())
            dots += (x * y).sum(axis=1)
            norms_a += (x * x).sum(axis=1)
            norms_b += (y * y).sum(axis=1)
        self._signal += float(norms_a.sum())
        self._samples += len(a)
        scale = np.sqrt(norms_a) * np.sqrt(norms_b)
        both_zero = (norms_a == 0) & (norms_b == 0)
        cosines = np.where(both_zero, 1.0, np.divide(dots, scale, out=np.zeros_like(dots), where=scale > 0))
        self._cosine += float(np.where(broken, 0.0, np.clip(np.nan_to_num(cosines), -1.0, 1.0)).sum())
        if broken.any():
            self._noise = math.inf

    def _rank(self, a: np.ndarray, b: np.ndarray) -> None:
        """Count rows whose argmax over the last axis agrees; a row with a NaN agrees with nothing."""
        import numpy as np

        if not (_real(a.dtype) and _real(b.dtype)) or a.ndim == 0 or a.shape[-1] < 2:
            self._ranked = False
            return
        x, y = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
        x, y = (item.astype(np.float32) if item.dtype.kind != "f" else item for item in (x, y))
        sane = ~np.isnan(x.max(axis=1)) & ~np.isnan(y.max(axis=1))
        self._agree += int(np.count_nonzero((x.argmax(axis=1) == y.argmax(axis=1)) & sane))
        self._rows += len(x)

    def result(self) -> OutputError:
        """The statistics of everything added so far."""
        if self._noise == 0:
            sqnr = math.inf
        else:
            known = self._signal > 0 and math.isfinite(self._signal) and math.isfinite(self._noise)
            sqnr = 10 * math.log10(self._signal / self._noise) if known else -math.inf
        return OutputError(
            name=self.name,
            max_abs=self._max,
            mean_abs=self._abs / self._counted if self._counted else 0.0,
            cosine=self._cosine / self._samples if self._samples else 1.0,
            sqnr=sqnr,
            top1=self._agree / self._rows if self._ranked and self._rows else None,
            equal=self._equal,
            finite=self._finite,
        )


def _real(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype holds fractions (numpy's floats, and bfloat16 and 8-bit floats of ml_dtypes)."""
    return dtype.kind == "f" or "float" in dtype.name


class Accuracy:
    """Top-1 accuracy of one model against labels, gathered batch by batch."""

    def __init__(self) -> None:
        self._right = 0
        self._count = 0

    def add(self, output: np.ndarray, labels: np.ndarray) -> None:
        """`output` is [samples, ..., classes] (the other axes being 1) or [samples] of predicted labels."""
        import numpy as np

        flat = output.reshape(len(labels), -1)
        guess = flat.argmax(axis=1) if flat.shape[1] > 1 else flat[:, 0]
        # the largest of some numbers and a NaN is the NaN, wherever it stands: that is no guess
        sane = ~np.isnan(flat).any(axis=1) if flat.dtype.kind == "f" else True
        self._right += int(((guess == labels) & sane).sum())
        self._count += len(labels)

    def result(self) -> float | None:
        """The share of samples that are right; None when there were none."""
        return self._right / self._count if self._count else None

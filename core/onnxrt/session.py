"""ONNX Runtime on the CPU for work beside benchmarks: sessions that fail in plain words, and libraries kept quiet.

Passes verify what they made with it, comparisons run on it. (The backend `onnxruntime` is the one that is raced.)
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.onnxrt.errors import explain, first_line, kinds
from core.onnxrt.types import tensor_types

if TYPE_CHECKING:
    import numpy as np

#: ONNX Runtime's own severities: 2 is its default (warning), 4 is fatal only.
_DEFAULT, _SILENT = 2, 4
#: Session setting: x86 CPUs with AVX2 but without VNNI add 8-bit products in 16 bits that saturate, silently; with it
#: ONNX Runtime takes the exact kernels there. Seen on EfficientNet-Lite0 INT8: cosine to fp32 0.91 without, 0.99 with.
EXACT_INT8 = "session.x64quantprecision"


class Session:
    """A model open in ONNX Runtime on the CPU; `run` takes and returns name -> array.

    `optimize` off keeps the graph as it is, which 8-bit floating point Q/DQ models need (they are refused otherwise).
    With `basic`, only the optimisations are done that stay within standard operators: quickest for a run or two; with
    `basic_to`, the graph that they leave is written there.
    Raises `ModelError` with ONNX Runtime's own words when it cannot be opened or run.
    """

    def __init__(
        self, model: Path | bytes, *, optimize: bool = True, name: str = "", basic: bool = False, basic_to: Path | None = None
    ) -> None:
        import onnxruntime as ort

        self.name = name or (model.name if isinstance(model, Path) else "the model")
        options = ort.SessionOptions()
        options.log_severity_level = _SILENT
        options.add_session_config_entry(EXACT_INT8, "1")
        levels = ort.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize else levels.ORT_DISABLE_ALL
        if basic or basic_to is not None:
            options.graph_optimization_level = levels.ORT_ENABLE_BASIC
        if basic_to is not None:
            options.optimized_model_filepath = str(basic_to)
        source = str(model) if isinstance(model, Path) else model
        with plain(f"ONNX Runtime cannot open {self.name}"):
            self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.inputs = tensor_types(self._session.get_inputs())
        self.outputs = tensor_types(self._session.get_outputs())

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None) -> dict[str, Any]:
        """One inference; only `outputs` are computed when they are given."""
        wanted = list(outputs) if outputs is not None else [item.name for item in self.outputs]
        with plain(f"ONNX Runtime cannot run {self.name}"):
            return dict(zip(wanted, self._session.run(wanted, dict(feeds)), strict=True))

    def close(self) -> None:
        """Let the session go; calling it twice is harmless."""
        self._session = None


def open_session(model: Path | bytes, *, name: str = "") -> tuple[Session, str]:
    """A session, and a note when it could only be opened without graph optimisations (or an empty text).

    ONNX Runtime's optimiser turns Q/DQ of 8-bit floats into operators that it does not have.
    """
    try:
        return Session(model, name=name), ""
    except ModelError as refused:
        try:
            session = Session(model, optimize=False, name=name)
        except ModelError:
            raise refused from None
        return session, f"{session.name} runs without graph optimisations: ONNX Runtime's optimiser does not take it."


@contextlib.contextmanager
def plain(what: str) -> Iterator[None]:
    """Turn ONNX Runtime's exceptions, which share no base but Exception, into a `ModelError`."""
    try:
        yield
    except kinds() as error:
        text = str(error)
        message, hint = explain(text) or (first_line(text), _hint(text))
        raise ModelError(f"{what}: {message}", hint=hint, detail=text) from error


def _hint(text: str) -> str:
    if "NOT_IMPLEMENTED" in text or "Could not find an implementation" in text:
        return "This operator or type does not run on the CPU; build an engine for a device that has it instead."
    if "INVALID_ARGUMENT" in text or "Got invalid dimensions" in text:
        return "Check the shapes of the inputs; give data that fits the model."
    if "opset" in text.lower() or "ir_version" in text.lower() or "IR version" in text:
        return "The model is newer than this ONNX Runtime; save it with an older opset."
    return "Check the model with the summary panel or `sardonyx inspect`."


class _Drop(logging.Filter):
    """Drops records made in files whose path holds one of `parts`, and keeps their text."""

    def __init__(self, parts: Sequence[str]) -> None:
        super().__init__()
        self.parts = tuple(parts)
        self.kept: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        path = record.pathname.replace("\\", "/")
        if not any(part in path for part in self.parts):
            return True
        self.kept.append(record.getMessage())
        return False


@contextlib.contextmanager
def quiet(*libraries: str) -> Iterator[list[str]]:
    """Keep what `libraries` (`onnxruntime`, `onnxslim`) print, log and warn away from the person; yields the lines they log.

    They write through `print`, the root logger and loggers of their own. The root logger is given a handler that does
    nothing while this lasts: without one, `logging.warning` installs a handler on stderr for good.
    """
    import onnxruntime as ort

    drop = _Drop([f"/{library}/" for library in libraries])
    root = logging.getLogger()
    silent = logging.NullHandler()
    own = [logging.getLogger(library) for library in libraries]
    before = [(logger, logger.propagate) for logger in own]
    root.addFilter(drop)
    root.addHandler(silent)
    for logger in own:
        # a library that finds its logger without a handler adds one on stderr
        logger.addHandler(silent)
        logger.addFilter(drop)
        logger.propagate = False
    ort.set_default_logger_severity(_SILENT)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield drop.kept
    finally:
        ort.set_default_logger_severity(_DEFAULT)
        for logger, propagate in before:
            logger.removeFilter(drop)
            logger.removeHandler(silent)
            logger.propagate = propagate
        root.removeHandler(silent)
        root.removeFilter(drop)

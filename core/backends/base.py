"""A backend turns a model into an engine and runs it; this is the interface, and what flows through it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.errors import BackendError
from core.job import Job
from core.model import Model, TensorType

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Availability:
    """Whether a backend can build, and run, on this machine; where not, the reason and what to do about it.

    A backend may be able to build what it cannot run (TensorRT-RTX without a GPU): `can_build` and not `can_run`.
    """

    can_build: bool
    can_run: bool
    version: str = ""
    device: str = ""
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class BuildOptions:
    """The base of every backend's options: a frozen dataclass made of params."""


@dataclass(frozen=True)
class Layer:
    """One layer of an engine: its name, kind, precision, and the ONNX node names that it came from (may be empty)."""

    name: str
    kind: str = ""
    precision: str = ""
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """What a backend built: a file (or folder) and everything needed to open it again and to trust it.

    `options` is the params dict of the backend's `Options`; `fingerprint` that of the model it was built from; `size`
    in bytes; `seconds` the wall time of the build; `device` what it was built for; `log` what the builder had to say, a
    line each, beginning with `[E]`, `[W]`, `[I]` or `[V]` where it comes with a level; `extra` what the backend itself
    wants to remember.
    """

    backend: str
    options: dict[str, Any]
    path: Path
    model: Model
    size: int
    seconds: float
    device: str
    version: str
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    layers: tuple[Layer, ...] = ()
    log: tuple[str, ...] = ()
    created: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


class Runner:
    """An open engine, a context manager: `with backend.open(engine) as runner: outputs = runner.run(feeds)`.

    `run` takes and returns name -> numpy array. `prepare(feeds)` returns a function of no arguments that runs those
    feeds once, with everything that does not belong to inference (binding, copying of inputs that stay the same)
    already done: it is what a benchmark calls in its loop.

    `device` is what it runs on; `notes` is what somebody who times `prepare` must know (transfers that are left out).
    """

    inputs: tuple[TensorType, ...] = ()
    outputs: tuple[TensorType, ...] = ()
    device: str = ""
    notes: tuple[str, ...] = ()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference."""
        raise NotImplementedError

    def prepare(self, feeds: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """A callable of no arguments that runs `feeds` once; its return value is not specified."""
        return lambda: self.run(feeds)

    def guard(self) -> AbstractContextManager[None]:
        """Where prepared calls are made: what the engine's library raises inside comes out as a `BackendError`."""
        return nullcontext()

    def close(self) -> None:
        """Give back what the engine holds; calling it twice is harmless."""


class Backend:
    """Builds engines and runs them. Stateless: everything it needs is in its arguments.

    Public methods check and frame; subclasses implement the underscored ones, which run in a worker process.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    order: ClassVar[int] = 100
    #: True for backends that exist for tests and demonstrations; hidden from menus, allowed on the command line.
    hidden: ClassVar[bool] = False
    #: The suffix of the engine file.
    suffix: ClassVar[str] = ".engine"
    Options: ClassVar[type[BuildOptions]] = BuildOptions

    def available(self) -> Availability:
        """Whether this machine can build and run with it; cheap after the first call, never raises.

        May import the backend's library: call it in a worker process or from the command line, not in the GUI thread.
        """
        raise NotImplementedError

    def build(self, model: Model, options: BuildOptions, path: Path, job: Job) -> Engine:
        """Build an engine at `path` (written whole or not at all); raises `BackendError` with the decoded reason."""
        from core import params

        if not isinstance(options, self.Options):
            raise TypeError(f"{self.title} takes {self.Options.__qualname__}, not {type(options).__qualname__}")
        params.validate(options)
        state = self.available()
        if not state.can_build:
            raise BackendError(f"{self.title} cannot build here: {state.reason}", hint=state.hint)
        if not model.path.is_file():
            raise BackendError(f"The model {model.path.name} is gone: {model.path} does not exist.", hint="Open it again.")
        path.parent.mkdir(parents=True, exist_ok=True)
        return self._build(model, options, path, job)

    def open(self, engine: Engine) -> Runner:
        """Load an engine to run it; raises `BackendError` with the reason when this machine cannot."""
        state = self.available()
        if not state.can_run:
            raise BackendError(f"{self.title} cannot run engines here: {state.reason}", hint=state.hint)
        if not engine.path.exists():
            raise BackendError(f"The engine {engine.path.name} is gone: {engine.path} does not exist.", hint="Build it again.")
        return self._open(engine)

    def _build(self, model: Model, options: BuildOptions, path: Path, job: Job) -> Engine:
        raise NotImplementedError

    def _open(self, engine: Engine) -> Runner:
        raise NotImplementedError


def publish(source: Path, path: Path) -> None:
    """Move a finished file to its place, so that there is never half a file at `path`.

    A job's scratch folder may be on another disk; then the file is copied beside `path` first. The copy does not carry
    the engine's suffix, and goes when this is interrupted (a kill may leave it, never under the engine's name).
    """
    try:
        os.replace(source, path)
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    half = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        shutil.copyfile(source, half)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
    source.unlink(missing_ok=True)

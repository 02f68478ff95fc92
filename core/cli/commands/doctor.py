"""`sardonyx doctor`: what this machine can do, and what to do about the rest."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import core
from core import folders
from core.backends import BACKENDS
from core.backends.base import Availability
from core.cli import display
from core.cli.command import Command
from core.cli.terminal import Terminal

#: Distribution -> the extra that brings it, and what it is for.
EXTRAS = {
    "tensorrt-rtx-cu13": ("rtx", "TensorRT for RTX"),
    "tensorrt-cu13": ("tensorrt", "TensorRT"),
    "onnxruntime-gpu": ("gpu", "ONNX Runtime on CUDA"),
    "cuda-bindings": ("gpu", "CUDA from Python"),
    "nvidia-ml-py": ("gpu", "GPU telemetry"),
    "pycuda": ("pycuda", "CUDA from Python, the second provider"),
    "netron": ("netron", "Netron in a panel"),
}
ALWAYS = ("PySide6-Essentials", "PySide6-QtAds", "pyqtgraph", "numpy", "onnx", "onnx-ir", "onnxruntime", "onnxslim", "pillow", "psutil")


@dataclass(frozen=True)
class BackendEntry:
    """One backend, and whether it can be used here."""

    id: str
    title: str
    availability: Availability


@dataclass(frozen=True)
class ExtraEntry:
    """An optional library: its version (empty when it is not installed), and the extra that brings it."""

    name: str
    version: str
    extra: str
    purpose: str


@dataclass(frozen=True)
class DoctorDocument:
    """What this machine can do. `versions` has an empty text for what is not installed; `broken` backends say why."""

    backends: tuple[BackendEntry, ...]
    broken: dict[str, str]
    versions: dict[str, str]
    extras: tuple[ExtraEntry, ...]
    python: str
    system: str
    cores: int
    display: str
    data_folder: Path
    config_folder: Path
    log_folder: Path


class Doctor(Command):
    """Looks at the machine."""

    id = "doctor"
    help = "What this machine can do: each backend usable, or the reason and what to do."
    order = 80
    Document = DoctorDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """None."""

    def run(self, args: argparse.Namespace, terminal: Terminal) -> DoctorDocument:
        from core import settings
        from core.backends.tasks import availability

        found: dict[str, Availability] = terminal.run(availability, title="Look at the backends")
        backends = tuple(BackendEntry(b.id, b.title, found[b.id]) for b in BACKENDS if not b.hidden and b.id in found)
        extras = tuple(ExtraEntry(name, _version(name), extra, purpose) for name, (extra, purpose) in EXTRAS.items())
        return DoctorDocument(
            backends=backends,
            broken=BACKENDS.broken,
            versions={"sardonyx": core.__version__, **{name: _version(name) for name in ALWAYS}},
            extras=extras,
            python=f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})",
            system=platform.platform(),
            cores=os.cpu_count() or 1,
            display=_display(),
            data_folder=folders.data(),
            config_folder=settings.folder(),
            log_folder=folders.logs(),
        )

    def show(self, document: DoctorDocument, terminal: Terminal) -> None:
        terminal.heading("Backends")
        rows = []
        for entry in document.backends:
            state = entry.availability
            rows.append((entry.title, _yes(state.can_build), _yes(state.can_run), state.version or "-", state.device or "-"))
        terminal.table(("backend", "builds", "runs", "version", "device"), rows)
        for entry in document.backends:
            if entry.availability.reason:
                terminal.line(f"  {entry.title}: {entry.availability.reason}")
            if entry.availability.hint:
                terminal.line(f"    -> {entry.availability.hint}")
        for name, reason in document.broken.items():
            terminal.warn(f"backend {name} could not be loaded: {reason}")
        terminal.line()
        terminal.heading("Versions")
        terminal.table(("library", "version"), [(name, version or "not installed") for name, version in document.versions.items()])
        terminal.line()
        terminal.heading("Optional")
        optional = [(e.name, e.version or "not installed", e.extra, e.purpose) for e in document.extras]
        terminal.table(("library", "version", "extra", "for"), optional)
        terminal.line(f"An extra is installed by: {folders.install('EXTRA')}")
        terminal.line()
        terminal.heading("Machine")
        for name, value in (
            ("python", document.python),
            ("system", document.system),
            ("cores", str(document.cores)),
            ("display", document.display),
            ("data", str(document.data_folder)),
            ("settings", str(document.config_folder)),
            ("logs", str(document.log_folder)),
        ):
            terminal.line(f"  {name:<10} {value}")


def _display() -> str:
    if display.has_display():
        return os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "the system's"
    if os.environ.get("QT_QPA_PLATFORM"):
        return f"none (QT_QPA_PLATFORM is {os.environ['QT_QPA_PLATFORM']})"
    return f"none: {display.problem()}, so the window cannot be opened here; everything else works"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"

"""Tasks that only the command line needs: they run in a worker process like all others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError
from core.job import Job
from core.model import Model

#: Libraries whose import is checked: distribution name -> module.
LIBRARIES = {
    "numpy": "numpy",
    "onnx": "onnx",
    "onnx-ir": "onnx_ir",
    "onnxruntime": "onnxruntime",
    "onnxslim": "onnxslim",
    "pillow": "PIL",
    "psutil": "psutil",
    "rich": "rich",
}


@dataclass(frozen=True)
class Imports:
    """What a worker process can import: version by distribution, and the reason for each that fails."""

    versions: dict[str, str]
    broken: dict[str, str]


def finish(model: Model, path: Path, source: Path, place: Path, job: Job) -> Model:
    """Write `model` to `path` as a model that stands alone: its large weights in one file beside it.

    It will be moved into the folder `place`: `UsageError` when its data would take the place of what `source` reads.
    """
    from core.model import document

    job.step(0.0, f"Writing {path.name}")
    made = document.save(document.clone(document.load(model.path)), path, standalone=True, job=job)
    read = {item.resolve() for item in document.files(source)}
    for item in document.files(path):
        if (place / item.name).resolve() in read:
            raise UsageError(f"The output's data would replace {item.name}, which {source.name} reads.", hint="Choose another -o.")
    return made


def imports(job: Job) -> Imports:
    """Import every library that the work needs, and say which version it is."""
    import importlib

    versions: dict[str, str] = {}
    broken: dict[str, str] = {}
    for number, (name, module) in enumerate(LIBRARIES.items()):
        job.step(number / len(LIBRARIES), name)
        try:
            found = importlib.import_module(module)
        except (ImportError, OSError, AttributeError) as error:
            broken[name] = f"{type(error).__name__}: {error}"
            continue
        versions[name] = str(getattr(found, "__version__", "") or _installed(name))
    return Imports(versions, broken)


def _installed(name: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""

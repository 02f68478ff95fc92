"""Run two variants on the same inputs in ONNX Runtime and say how far their outputs are apart."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.compare import Comparison
from core.compare.errors import Accuracy, Running
from core.data import DataSpec
from core.data import labels as label_files
from core.data.feeds import Batch, Feeds, feeds
from core.errors import DataError, ModelError
from core.job import Job
from core.model import Model, TensorType
from core.onnxrt.session import Session, open_session

if TYPE_CHECKING:
    import numpy as np

_SAME = "Compare variants of the same model."


def compare(a: Model, b: Model, spec: DataSpec, labels: str, job: Job) -> Comparison:
    """How far the outputs of `b` are from those of `a`, and the accuracy of both where there are labels (a task).

    Both run in ONNX Runtime on the CPU, batch by batch. `labels` is a label file, or empty: then labels come from the
    data when it has any. Raises `ModelError` when the models do not take the same inputs, `DataError` when the data
    does not fit them.
    """
    began = time.perf_counter()
    notes: list[str] = []
    job.step(0.0, f"Opening {a.name}")
    first, note = open_session(a.path, name=a.path.name)
    notes += [note] if note else []
    try:
        job.step(0.03, f"Opening {b.name}")
        second, note = open_session(b.path, name=b.path.name)
        notes += [note] if note else []
        try:
            notes += _same_inputs(first, second)
            names = _shared(first, second, notes)
            data = feeds(first.inputs, spec)
            done = _run(first, second, names, data, _labels(labels, data), job, notes)
        finally:
            second.close()
    finally:
        first.close()
    if data.random:
        notes.append("Compared on seeded random inputs: errors on real data may differ. Give data to know.")
    running, accuracies, samples = done
    return Comparison(
        a=a.fingerprint,
        b=b.fingerprint,
        samples=samples,
        outputs=tuple(item.result() for item in running.values()),
        accuracy_a=accuracies[0].result(),
        accuracy_b=accuracies[1].result(),
        data=data.description,
        seconds=time.perf_counter() - began,
        notes=tuple(notes) + data.notes,
    )


def _run(
    first: Session, second: Session, names: list[str], data: Feeds, truth: np.ndarray | None, job: Job, notes: list[str]
) -> tuple[dict[str, Running], tuple[Accuracy, Accuracy], int]:
    running = {name: Running(name) for name in names}
    accuracies = (Accuracy(), Accuracy())
    samples, by_class = 0, ""
    for batch, answers in _with_labels(data, truth):
        job.step(0.05 + 0.95 * samples / max(1, data.count), f"Compared {samples} of {data.count} samples")
        x = first.run(_cast(batch.inputs, first.inputs), names)
        job.check()
        y = second.run(_cast(batch.inputs, second.inputs), names)
        for name, item in running.items():
            item.add(x[name], y[name], batch.count)
        if answers is not None and samples == 0:
            by_class = _class_output(x, names, batch.count)
            if not by_class:
                notes.append("Warning: no output has one row a sample, so no accuracy was measured.")
        if answers is not None and by_class:
            _in_range(x[by_class], answers, by_class)
            accuracies[0].add(x[by_class], answers)
            accuracies[1].add(y[by_class], answers)
        samples += batch.count
    if truth is not None:
        _check_aligned(data)
    if by_class and len(names) > 1:
        notes.append(f"Accuracy is that of output '{by_class}'.")
    job.step(1.0, f"Compared {samples} samples")
    return running, accuracies, samples


def _with_labels(data: Feeds, truth: np.ndarray | None) -> Iterator[tuple[Batch, np.ndarray | None]]:
    """Batches with the labels from a file (by position) or from the data itself."""
    done = 0
    for batch in data.batches():
        if truth is None:
            yield batch, batch.labels
        else:
            answers = truth[done : done + batch.count]
            if len(answers) < batch.count:
                hint = "Give one label for each sample, in their order."
                raise DataError(f"There are {len(truth)} labels for at least {done + batch.count} samples.", hint=hint)
            yield batch, answers
        done += batch.count


def _labels(path: str, data: Feeds) -> np.ndarray | None:
    """The labels of a file in sample order, cut to the samples that will come; None when `path` is empty."""
    if not path:
        return None
    found = label_files.load(Path(os.path.expanduser(path)))
    if isinstance(found, dict):
        hint = "Put it into the folder of images as labels.csv, or give one label a line in the order of the samples."
        raise DataError(f"{Path(path).name} names files.", hint=hint)
    _check_aligned(data)
    if len(found) < data.count:
        raise DataError(f"There are {len(found)} labels for {data.count} samples.", hint="Give one label for each sample, in their order.")
    return found[: data.count]


def _check_aligned(data: Feeds) -> None:
    """Raise `DataError` when labels that are told apart by their line only would be those of other samples."""
    if not data.aligned:
        hint = "Mend the data, or give the labels with it: labels.csv in the folder of images, an array `labels` in the .npz."
        raise DataError("Samples in the middle of the data were left out, so the lines of the label file do not fit it.", hint=hint)


def _same_inputs(first: Session, second: Session) -> list[str]:
    """Notes on inputs whose type differs; a `ModelError` when names or shapes do."""
    ours, theirs = ({item.name: item for item in session.inputs} for session in (first, second))
    if set(ours) != set(theirs):
        told = f"{', '.join(sorted(ours)) or 'none'} and {', '.join(sorted(theirs)) or 'none'}"
        raise ModelError(f"The models take different inputs: {told}.", hint=_SAME)
    notes = []
    for name, item in ours.items():
        other = theirs[name]
        if item.shape is None or other.shape is None or len(item.shape) != len(other.shape) or _clash(item, other):
            raise ModelError(f"Input '{name}' is {item.text()} in one model and {other.text()} in the other.", hint=_SAME)
        if item.dtype != other.dtype:
            if not (_castable(item.dtype) and _castable(other.dtype)):
                raise ModelError(f"Input '{name}' is {item.text()} in one model and {other.text()} in the other.", hint=_SAME)
            notes.append(f"Input '{name}' is {item.dtype} in one model and {other.dtype} in the other; it was converted.")
    return notes


def _clash(item: TensorType, other: TensorType) -> bool:
    pairs = zip(item.shape or (), other.shape or (), strict=True)
    return any(isinstance(x, int) and isinstance(y, int) and x != y for x, y in pairs)


def _castable(dtype: str) -> bool:
    return dtype in ("float16", "float32", "float64")


def _shared(first: Session, second: Session, notes: list[str]) -> list[str]:
    """Outputs that both models have, in the first one's order."""
    ours, theirs = ([item.name for item in session.outputs] for session in (first, second))
    names = [name for name in ours if name in theirs]
    if not names:
        raise ModelError(f"The models share no output: {', '.join(ours)} and {', '.join(theirs)}.", hint=_SAME)
    only = [name for name in (*ours, *theirs) if name not in names]
    if only:
        notes.append(f"Warning: not compared, for only one of the models has them: {', '.join(only)}.")
    return names


def _cast(inputs: dict[str, np.ndarray], types: tuple[TensorType, ...]) -> dict[str, np.ndarray]:
    wanted = {item.name: item.dtype for item in types}
    return {name: array if array.dtype.name == wanted[name] else array.astype(wanted[name]) for name, array in inputs.items()}


def _class_output(outputs: dict[str, np.ndarray], names: list[str], samples: int) -> str:
    """The output that accuracy is read from: scores [samples, classes] first, else labels [samples]; empty for none."""
    per_sample = [name for name in names if outputs[name].ndim and outputs[name].shape[0] == samples]
    for name in per_sample:
        array = outputs[name]
        if array.dtype.kind == "f" and array.size == samples * array.shape[-1] and array.shape[-1] > 1:
            return name
    return next((name for name in per_sample if outputs[name].dtype.kind in "iu" and outputs[name].size == samples), "")


def _in_range(output: np.ndarray, labels: np.ndarray, name: str) -> None:
    classes = output.size // len(labels)
    if classes > 1 and len(labels) and (labels.max() >= classes or labels.min() < 0):
        hint = f"Labels of this model run from 0 to {classes - 1}."
        raise DataError(f"Label {labels.max()} is none of the {classes} classes of output '{name}'.", hint=hint)

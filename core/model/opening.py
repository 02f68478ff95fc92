"""Opening a model: the task behind File > Open and `sardonyx inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.job import Job
from core.model import Model, Summary, bodies, identity, index, summary
from core.model.index import GraphIndex
from core.model.source import Source, read


@dataclass(frozen=True)
class Opened:
    """A model and what there is to show of it at once."""

    model: Model
    summary: Summary
    index: GraphIndex


def open_model(path: Path, job: Job) -> Opened:
    """Open, check, infer shapes, count and index the model at `path` (a task); raises `ModelError` for a bad file."""
    job.step(0.0, f"Reading {path.name}")
    source = read(path)
    job.step(0.1, "Reading weights")
    model = identity.snapshot(path, job.part(0.1, 0.4))
    job.step(0.4, "Inferring shapes")
    light, _ = summary.shaped(source)
    job.step(0.7, "Indexing the graph")
    columns = index_of(source)
    job.step(0.9, "Counting")
    found = summary.of(source, light, model.name, columns)
    job.step(1.0, "Opened")
    return Opened(model=model, summary=found, index=columns)


def read_index(model: Model, job: Job) -> GraphIndex:
    """The graph of a model as columns (a task); kept for as long as the file does not change and is among the last few."""
    job.step(0.0, f"Reading {model.path.name}")
    source = read(model.path)
    job.step(0.3, "Indexing the graph")
    return index_of(source)


def read_deep(model: Model, job: Job) -> GraphIndex:
    """The same with what is inside of nodes (a task)."""
    job.step(0.0, f"Reading {model.path.name}")
    source = read(model.path)
    job.step(0.3, "Indexing the graph")
    return deep_of(source)


def read_summary(model: Model, job: Job) -> Summary:
    """The summary of a model (a task)."""
    job.step(0.0, f"Reading {model.path.name}")
    source = read(model.path)
    return summary.of(source, summary.shaped(source)[0], model.name)


def index_of(source: Source) -> GraphIndex:
    """The index of an open source, with shapes; made once."""
    found: GraphIndex | None = source.facts.get("index")
    if found is None:
        light, _ = summary.shaped(source)
        found = source.facts["index"] = index.build(light, places=source.places or range(len(light.graph.node)))
    return found


def deep_of(source: Source) -> GraphIndex:
    """The index of an open source with what is inside of its nodes; made once, and the plain one where nothing is."""
    found: GraphIndex | None = source.facts.get("deep")
    if found is None:
        found = source.facts["deep"] = bodies.deepen(index_of(source), summary.shaped(source)[0])
    return found

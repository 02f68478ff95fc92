"""Sardonyx without a window: everything that a person can do, as functions that a program can call.

The map of the house. Arrows point down: a room imports only rooms on lines below its own; siblings in passes,
backends and panels never meet (import-linter holds all of it, see pyproject.toml).

    cli                 the commands, one file each, in a straight line over everything below
    session             what is open now: variants, engines, results; saved to and restored from a folder
    record recipe       what stands beside an engine file; steps as TOML
    bench  compare      latency samples and their statistics; how far two variants' outputs are apart
    history             the tree of variants; `apply`, the task that turns a Model and a Pass into a Step
    passes  backends    one file a pass; one file a backend (base.py holds what a file must declare)
    archive netron_server   the session folder on disk; one model served to the netron viewer, on this machine only
    prune               what pruning passes share: which weights may be cut, their magnitudes, the axis that is summed over
    rewrite             what passes share: questions about a graph, small edits, proof that outputs stayed the same
    overlays            numbers and words on a graph's nodes, one file each; those that others measured
    tensorrt  onnxrt    what the backends stand on: adapters to TensorRT (both flavours) and to ONNX Runtime
    data  layout  find  feeds (seeded random, .npz, images) and labels; coordinates of a graph; queries, traces and patterns in one
    model  cuda         Model, the frozen snapshot: load, save, index, shapes, summary, weights; the GPU's memory and streams
    schemas  workers    results as JSON with a published schema; `run(task, ..., where="inline" | "process")`
    settings            what the person prefers, kept between runs
    params registry events job folders   the mechanisms
    scratch             a job's folder for unfinished files, and those that killed programs left
    errors              what can go wrong, and what to do about it

Nouns: Model, Pass, Variant, Backend, Engine, Job, Session, Panel.

Laws: every slow thing is a top-level picklable `task(frozen inputs..., job) -> frozen result`. Workers compute, the
thread that owns the Session commits. Models are never edited: a pass receives a private clone. Parameters are declared
once (`core.params`). Heavy libraries (numpy, onnx, onnxruntime, tensorrt) are imported inside functions, on first use.
"""

import os

__version__ = "0.1.0"

# ONNX Runtime's wheels report what they run to their maker unless this is set before they load. Nothing that a person
# opens here is anybody else's business; whoever wants it can set the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

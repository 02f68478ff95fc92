"""TensorRT in both its flavours: parse, build with progress and cancel, errors in plain words, run.

One adapter over one API. What differs between TensorRT-RTX and the full TensorRT is in a `Flavour`; a backend is a
flavour, its options and a few lines. (Only TensorRT-RTX is registered; the full one is a `Flavour` with `cpu_build`,
`targets` and `validity` off, and a child process that first makes sure of a driver: without one its runtime crashes.)

    flavour     what one of them can do; loading its module
    options     parameters -> builder configuration, each read back, since setters that fail do not raise
    profiles    symbolic dims -> min, opt and max of an optimization profile
    progress    nested phases of the builder -> job.step; cancel
    lines       the builder's log, with levels
    errors      refusals of parser, builder and runtime, decoded: which node, and what to do next
    builder     model file -> engine file
    execution   engine file -> inferences on a GPU
"""

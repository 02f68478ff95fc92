#!/bin/sh
# Writes the locks anew from pyproject.toml (uv must be installed). The `tensorrt`, `gpu` and `pycuda` extras stay out:
# they are for machines with a GPU, and the first cannot be resolved without its maker's own index.
set -eu
cd "$(dirname "$0")/../.."
lock() {
    out="packaging/locks/$1/requirements.lock"
    shift
    uv pip compile --quiet pyproject.toml packaging/locks/build.in "$@" --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file "$out"
}
lock app --extra rtx
lock test --extra rtx --extra netron --extra real --extra test --extra dev --constraint packaging/locks/app/requirements.lock

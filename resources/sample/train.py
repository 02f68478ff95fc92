"""Makes the sample: a small residual CNN on scikit-learn's digits, with calibration and evaluation data beside it.

Run it in an environment of its own that has the CPU build of torch 2.13, onnx and scikit-learn:

    python resources/sample/train.py

It writes digits.onnx (float32, symbolic batch, batch normalisation left as nodes so that there is something to
simplify), calibration.npz (256 training images, no labels) and digits.npz (the 540 held-out images and their labels);
everything is seeded. It takes about a minute on two cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

HERE = Path(__file__).resolve().parent
SEED = 7
EPOCHS = 40


class Block(nn.Module):
    """Two 3x3 convolutions around which the input is carried; the first may halve the resolution."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outside)
        self.shortcut = (
            nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)) if stride != 1 else nn.Identity()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Digits(nn.Module):
    """8x8 grey images in, ten logits out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.block1 = Block(16, 16, 1)
        self.block2 = Block(16, 32, 2)
        self.block3 = Block(32, 32, 1)
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = self.block3(self.block2(self.block1(x)))
        return self.head(x.mean(dim=(2, 3)))


def main() -> None:
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    train_x, test_x, train_y, test_y = train_test_split(images, digits.target, test_size=540, random_state=SEED, stratify=digits.target)
    net = Digits()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    x, y = torch.from_numpy(train_x), torch.from_numpy(train_y)
    steps = EPOCHS * -(-len(x) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(64):
            shift = [int(v) for v in torch.randint(-1, 2, (2,))]
            batch = torch.roll(x[rows], shift, (2, 3)) if torch.rand(1) < 0.5 else x[rows]
            loss = nn.functional.cross_entropy(net(batch), y[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        accuracy = float((net(torch.from_numpy(test_x)).argmax(1).numpy() == test_y).mean())
    # The tracing exporter, unfolded: batch normalisation stays, and names carry the module path.
    torch.onnx.export(
        net,
        (torch.from_numpy(test_x[:2]),),
        str(HERE / "digits.onnx"),
        dynamo=False,
        do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        input_names=["x"],
        output_names=["logits"],
        opset_version=17,
        dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}},
    )
    model = onnx.load(str(HERE / "digits.onnx"))
    model.producer_name, model.producer_version = "sardonyx sample", "1"
    model.doc_string = "A residual CNN on scikit-learn's digits (8x8 grey images, values 0 to 1)."
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(HERE / "digits.onnx"))
    np.savez_compressed(HERE / "calibration.npz", x=train_x[:256])
    np.savez_compressed(HERE / "digits.npz", x=test_x, y=test_y.astype(np.int64))
    count = sum(p.numel() for p in net.parameters())
    sys.stdout.write(f"{count} parameters, accuracy {accuracy:.4f} on {len(test_x)} held-out images, {len(model.graph.node)} nodes\n")


if __name__ == "__main__":
    main()

"""Our pictures beside dagre's, as Netron carries it: `python tests/bench/crossings.py [MODEL.onnx ...]`.

Needs `node` and the `netron` package (extra `netron`). Without arguments: the models inside the onnx wheel and those of
`tests/real/make_models.py` (their If branches and loops too), and the graphs of `families.py`, all with 10 to 2,000 drawn nodes.

Both tools get the same boxes and the same edges; dagre gets Netron's parameters. Measured is what each would draw: Netron one
line for each (producer, consumer), ours one trunk for each tensor, and tags instead of lines for tensors that far too many
read (`tags`, how many). Pairs of lines that carry the same tensor never count as crossing, nor do lines that touch or run along
each other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import onnx

from core.layout import Placed
from core.layout.boxes import sizes
from core.layout.layered import lay
from core.model.index import GraphIndex, build
from core.model.opening import index_of
from core.model.source import read
from tests.bench.families import FAMILIES

LEAST, MOST = 10, 2000
MODELS = Path(os.environ.get("SARDONYX_MODELS", Path(__file__).parents[1] / ".models"))
#: Netron's own: `layout` in grapher.js, `minlen` of what reads nothing (graph inputs, dequantized weights) in view.js.
SCRIPT = """
import { readFileSync } from 'node:fs';
const dagre = await import(process.argv[2]);
const { nodes, edges } = JSON.parse(readFileSync(0));
const layout = { nodesep: 20, ranksep: 20 };
if (nodes.length > 3000) layout.ranker = 'longest-path';
const begin = process.cpuUsage().user;
dagre.layout(nodes, edges, layout, {});
process.stdout.write(JSON.stringify({ nodes, edges, seconds: (process.cpuUsage().user - begin) / 1e6 }));
"""


@dataclass(frozen=True)
class Drawn:
    """Lines float64 (s, 4) x0, y0, x1, y1 with y0 <= y1, and the tensor of each; width and height; CPU seconds to lay out."""

    lines: np.ndarray
    tensor: np.ndarray
    width: float
    height: float
    seconds: float

    @property
    def length(self) -> float:
        """Pixels of line."""
        return float(np.hypot(self.lines[:, 2] - self.lines[:, 0], self.lines[:, 3] - self.lines[:, 1]).sum())

    def crossings(self) -> int:
        """Pairs of lines of different tensors that properly cross."""
        by = np.argsort(self.lines[:, 1], kind="stable")
        lines, tensor, total = self.lines[by], self.tensor[by], 0
        for low in range(0, len(lines), 256):
            a = lines[low : low + 256]
            high = int(np.searchsorted(lines[:, 1], a[:, 3].max()))
            b = lines[low:high]
            later = np.arange(low, high)[None, :] > np.arange(low, low + len(a))[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                total += int(np.count_nonzero(later & (tensor[low : low + 256, None] != tensor[None, low:high]) & _cross(a, b)))
        return total


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which of `a` (p, 4) and `b` (q, 4) cross within both: bool (p, q)."""
    p, q = a[:, None, :], b[None, :, :]
    ax, ay, bx, by = p[..., 2] - p[..., 0], p[..., 3] - p[..., 1], q[..., 2] - q[..., 0], q[..., 3] - q[..., 1]
    cross = ax * by - ay * bx
    dx, dy = q[..., 0] - p[..., 0], q[..., 1] - p[..., 1]
    t, u = (dx * by - dy * bx) / cross, (dx * ay - dy * ax) / cross
    return np.asarray((np.abs(cross) > 1e-6) & (t > 1e-6) & (t < 1 - 1e-6) & (u > 1e-6) & (u < 1 - 1e-6))


def ours(index: GraphIndex, w: np.ndarray, h: np.ndarray) -> tuple[Drawn, Placed]:
    """What we draw."""
    begin = time.process_time()
    placed = lay(w, h, index.src, index.dst, index.tensor, index.tensors)
    seconds = time.process_time() - begin
    rect = np.stack((placed.x - w / 2, placed.y - h / 2, placed.x + w / 2, placed.y + h / 2), 1)
    return Drawn(placed.links, placed.link_tensor, *_extent(rect, placed.links), seconds), placed


def dagre(index: GraphIndex, w: np.ndarray, h: np.ndarray, node: str, module: Path) -> Drawn:
    """What Netron draws of the same boxes."""
    fed = np.bincount(index.dst, minlength=len(index)) > 0
    pairs, first = np.unique(np.stack((index.src, index.dst), 1), axis=0, return_index=True)
    by = np.argsort(first)
    pairs, first = pairs[by].tolist(), first[by]
    nodes = [{"v": f"n{i}", "width": a, "height": b} for i, (a, b) in enumerate(zip(w.tolist(), h.tolist(), strict=True))]
    edges = [{"v": f"n{a}", "w": f"n{b}", "minlen": 1 if fed[a] else 2} for a, b in pairs]
    command = [node, "--max-old-space-size=4096", "--stack-size=8000", str(module.with_name("run.mjs")), module.as_uri()]
    asked = json.dumps({"nodes": nodes, "edges": edges}).encode()
    said = json.loads(subprocess.run(command, input=asked, stdout=subprocess.PIPE, check=True, timeout=600).stdout)
    at = {one["v"]: number for number, one in enumerate(said["nodes"])}
    lines, tensor = [], []
    for edge, number in zip(said["edges"], first.tolist(), strict=True):
        ends = [said["nodes"][at[edge[end]]] for end in ("v", "w")]
        inner = [(point["x"], point["y"]) for point in edge["points"][1:-1]]
        route = [_border(ends[0], inner[0]), *inner, _border(ends[1], inner[-1])]
        lines += [(*a, *b) if a[1] <= b[1] else (*b, *a) for a, b in pairwise(route)]
        tensor += [index.tensor[number]] * (len(route) - 1)
    x, y = (np.array([one[axis] for one in said["nodes"]]) for axis in "xy")
    rect = np.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), 1)
    drawn = np.array(lines).reshape(-1, 4)
    return Drawn(drawn, np.array(tensor), *_extent(rect, drawn), said["seconds"])


def _border(box: dict[str, float], point: tuple[float, float]) -> tuple[float, float]:
    """Where a line from the middle of a box to a point leaves it (grapher.js, `intersectRect`)."""
    dx, dy, w, h = point[0] - box["x"], point[1] - box["y"], box["width"] / 2, box["height"] / 2
    if abs(dy) * w > abs(dx) * h:
        h = -h if dy < 0 else h
        return box["x"] + h * dx / dy, box["y"] + h
    w = -w if dx < 0 else w
    return box["x"] + w, box["y"] + (w * dy / dx if dx else 0.0)


def _extent(rect: np.ndarray, lines: np.ndarray) -> tuple[float, float]:
    x = np.concatenate((rect[:, 0], rect[:, 2], lines[:, 0], lines[:, 2]))
    y = np.concatenate((rect[:, 1], rect[:, 3], lines[:, 1], lines[:, 3]))
    return float(np.ptp(x)), float(np.ptp(y))


def graphs(asked: list[str]) -> Iterator[tuple[str, GraphIndex]]:
    """What to measure: a name and an index of each, those with too few or too many nodes left out."""
    if asked:
        yield from ((Path(name).stem, index_of(read(Path(name)))) for name in asked)
        return
    found = sorted((Path(onnx.__file__).parent / "backend" / "test" / "data").rglob("*.onnx")) + sorted(MODELS.glob("*.onnx"))
    made = [(path.stem, index_of(read(path))) for path in found]
    for path in sorted(MODELS.glob("*.onnx")):
        made += [
            (f"{path.stem} {name}", build(_alone(graph), places=range(len(graph.node))))
            for name, graph in _bodies(onnx.load(path).graph, "")
        ]
    made += [(name, build(make())) for name, make in FAMILIES.items()]
    seen = set()
    for name, index in made:
        if LEAST <= len(index) <= MOST and (key := (index.src.tobytes(), index.dst.tobytes())) not in seen:
            seen.add(key)
            yield name, index


def _bodies(graph: onnx.GraphProto, path: str) -> Iterator[tuple[str, onnx.GraphProto]]:
    for number, node in enumerate(graph.node):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                name = f"{path}/{number}.{attribute.name}"
                yield name, attribute.g
                yield from _bodies(attribute.g, name)


def _alone(graph: onnx.GraphProto) -> onnx.ModelProto:
    """A branch as a model: what it takes from around it comes from nowhere."""
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])


def main() -> None:
    """Measure what was asked for."""
    import importlib.util

    node, netron = shutil.which("node"), importlib.util.find_spec("netron")
    if node is None or netron is None or netron.origin is None:
        sys.exit(f"Not measured: {'node' if node is None else 'the netron package'} is not here.")
    print(
        f"{'graph':28} {'nodes':>5} {'edges':>5} {'tags':>4}   {'crossings':>13}   {'length, 1000 px':>15}   {'Mpx':>13}   {'CPU ms':>13}"
    )
    print(f"{'':45}" + "   ".join(("  ours  dagre", "   ours   dagre", "  ours  dagre", "  ours  dagre")))
    held = []
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "dagre.mjs"
        shutil.copy(Path(netron.origin).with_name("dagre.js"), module)
        module.with_name("run.mjs").write_text(SCRIPT)
        for name, index in graphs(sys.argv[1:]):
            w, h = sizes(index)
            mine, placed = ours(index, w, h)
            theirs = dagre(index, w, h, node, module)
            cross, length = (mine.crossings(), theirs.crossings()), (mine.length, theirs.length)
            # Half a pixel for each box: two pictures of one chain are the same.
            few, short = cross[0] <= cross[1], length[0] <= length[1] + 0.5 * len(index)
            held.append((few, short))
            print(
                f"{name[-28:]:28} {len(index):5} {len(index.src):5} {len(placed.ports):4}   {cross[0]:6} {cross[1]:6}   "
                f"{length[0] / 1e3:7.1f} {length[1] / 1e3:7.1f}   "
                f"{mine.width * mine.height / 1e6:6.1f} {theirs.width * theirs.height / 1e6:6.1f}   "
                f"{mine.seconds * 1e3:6.1f} {theirs.seconds * 1e3:6.0f}{'' if few else '  more crossings'}{'' if short else '  longer'}",
                flush=True,
            )
    share = np.array(held).reshape(-1, 2)
    print(f"{len(share)} graphs; at most equal to dagre in crossings on {share[:, 0].mean():.0%}, in length on ", end="")
    print(f"{share[:, 1].mean():.0%}, in both on {share.all(1).mean():.0%}")


if __name__ == "__main__":
    main()

"""Pictures as SVG: valid whatever a name holds, complete, written whole or not at all."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import shape_inference

from core.errors import AppError, Cancelled
from core.job import Job
from core.layout import Placed, boxes, picture
from core.layout.colours import colours, mix
from core.layout.families import FAMILIES, TITLES
from core.layout.layered import arrange
from core.layout.legend import families_in
from core.layout.picture import Badges, Style
from core.model import Model
from core.model.index import GraphIndex, build
from tests import models

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def graph() -> tuple[GraphIndex, Placed]:
    index = build(shape_inference.infer_shapes(models.residual_cnn()))
    return index, arrange(index, Job())


def drawn(index: GraphIndex, placed: Placed, style: Style | None = None) -> ET.Element:
    return ET.fromstring("".join(text for _, text in picture.svg(index, placed, style or Style())))


def marked(root: ET.Element, kind: str) -> list[ET.Element]:
    return [each for each in root.iter() if each.get("class") == kind]


def test_every_box_and_every_tensor_is_there(graph: tuple[GraphIndex, Placed]) -> None:
    index, placed = graph
    root = drawn(index, placed)
    assert len(marked(root, "box")) == len(index)
    tips = [each.text or "" for each in root.iter(f"{SVG}title")]
    for row, name in enumerate(index.names):
        assert any(tip.split("\n")[:2] == [index.op_names[int(index.op[row])], name] for tip in tips)
    paths = root.findall(f".//{SVG}path")
    assert len(paths) == len(np.unique(placed.link_tensor))
    pieces = sum(len(re.findall("M", path.get("d") or "")) for path in paths)
    assert pieces == len(placed.links)
    written = {each.text for each in marked(root, "op")}
    assert {"Conv", "Add"} <= written
    assert marked(root, "tagged"), "shapes on links"
    assert not marked(drawn(index, placed, Style(shapes=False)), "tagged")


def test_each_family_has_its_colour(graph: tuple[GraphIndex, Placed]) -> None:
    index, placed = graph
    root = drawn(index, placed, Style(theme="dark"))
    sheet = root.find(f"{SVG}style")
    assert sheet is not None
    conv = FAMILIES.index("conv")
    assert f".f{conv} {{ fill: {colours('dark').families[conv]}; }}" in (sheet.text or "")
    convs = sum(index.op_names[op] == "Conv" for op in index.op.tolist())
    assert len(marked(root, f"f{conv}")) == convs + 1, "and the legend's"
    assert len(marked(drawn(index, placed, Style(legend=False)), f"f{conv}")) == convs


def test_a_transparent_picture_has_no_ground(graph: tuple[GraphIndex, Placed]) -> None:
    assert marked(drawn(*graph), "ground")
    assert not marked(drawn(*graph, Style(transparent=True)), "ground")


def test_a_part_holds_what_it_shows(graph: tuple[GraphIndex, Placed]) -> None:
    index, placed = graph
    region = (0.0, 100.0, placed.width, 400.0)
    root = drawn(index, placed, Style(region=region, legend=False))
    assert root.get("viewBox") == f"0 100 {placed.width:g} 300"
    seen = (placed.y - placed.h / 2 < 400.0) & (placed.y + placed.h / 2 > 100.0)
    assert len(marked(root, "box")) == int(seen.sum()) < len(index)
    uprights = [(float(a), float(b)) for a, b in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", ET.tostring(root, "unicode"))]
    assert uprights
    assert all(100.0 <= a <= b <= 400.0 for a, b in uprights), "trunks end at the edge"
    assert root.find(f"{SVG}clipPath") is not None
    assert len(drawn(index, placed, Style(region=(-500.0, -500.0, -400.0, -400.0))).findall(f".//{SVG}path")) == 0


def test_badges_are_drawn_where_there_is_a_number(graph: tuple[GraphIndex, Placed]) -> None:
    index, placed = graph
    shade = np.full(len(index), -1, np.int8)
    shade[2] = 1
    texts = ("", "", "1.5 <ms>", *[""] * (len(index) - 3))
    badges = Badges(shade, ("#000001", "#000002"), ("#ffffff", "#fffffe"), texts, "time <x> (ms)", "0.1", "9")
    root = drawn(index, placed, Style(badges=badges))
    assert [(each.get("fill"), each.text) for each in marked(root, "badge")] == [("#fffffe", "1.5 <ms>")]
    words = [each.text for each in root.iter(f"{SVG}text")]
    assert {"time <x> (ms)", "0.1", "9"} <= set(words)
    assert any("time <x> (ms): 1.5 <ms>" in (each.text or "") for each in root.iter(f"{SVG}title"))


@pytest.mark.parametrize("width", [90.0, 300.0, 3000.0])
def test_the_legend_names_every_family_within_its_width(graph: tuple[GraphIndex, Placed], width: float) -> None:
    index, _ = graph
    high, text = picture.legend_svg(index, Style(), width)
    root = ET.fromstring(text)
    assert (float(root.get("height") or 0), float(root.get("width") or 0)) == (high, width)
    words = marked(root, "detail")
    assert [each.text for each in words] == [TITLES[FAMILIES[kind]] for kind in families_in(index)]
    assert all(float(each.get("y") or 0) < high for each in words)
    if width >= 300.0:
        assert all(float(each.get("x") or 0) + boxes.text_width(each.text or "", boxes.DETAIL) <= width for each in words)
    places = [(each.get("x"), each.get("y")) for each in words]
    assert len(set(places)) == len(places)


def odd() -> Any:
    model = models.mlp()
    model.graph.node[0].name = "a<b>&\"c' \x01\x0b \ufffe ]]> 名 \U0001f600"
    return model


def test_names_that_xml_cannot_hold_are_written_as_near_as_can_be(tmp_path: Path) -> None:
    index = build(odd())
    index.names[-1] = "half \udcff of a character"
    style = Style(title="<odd> & \x00", font="Not'a font}")
    path = picture.save(index, arrange(index, Job()), style, tmp_path / "odd.svg", Job())
    root = ET.parse(path).getroot()
    tips = [each.text or "" for each in root.iter(f"{SVG}title")]
    assert any("a<b>&\"c' \ufffd\ufffd \ufffd ]]> 名 \U0001f600" in tip for tip in tips)
    assert any("half \ufffd of a character" in tip for tip in tips)
    assert "Not'a" not in path.read_text(encoding="utf-8")


def test_long_texts_are_cut_in_the_middle() -> None:
    for text in ("a_very_long_name_of_an_operator_that_somebody_wrote", "WWWWWWWWWWWWWWWW", "ab"):
        cut = picture._cut(text, 80.0, 13.0)
        assert boxes.text_width(cut, 13.0) <= 80.0
        assert cut == text or (cut[0] == text[0] and "…" in cut)


def test_a_graph_without_nodes_is_a_picture_too() -> None:
    index = build(models.empty_graph())
    drawn(index, arrange(index, Job()))


def test_a_model_is_drawn_from_its_file(tmp_path: Path) -> None:
    path = models.save(models.residual_cnn(), tmp_path / "m.onnx")
    target = picture.draw(Model(path, "f" * 64, path.stat().st_size), None, Style(), tmp_path / "m.svg", Job())
    assert ET.parse(target).getroot().tag == f"{SVG}svg"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["m.onnx", "m.svg"]


def test_what_is_stopped_or_fails_leaves_the_old_picture(graph: tuple[GraphIndex, Placed], tmp_path: Path) -> None:
    target = tmp_path / "old.svg"
    target.write_text("the old one")
    with pytest.raises(Cancelled):
        picture.save(*graph, Style(), target, Job(is_cancelled=lambda: True, scratch=tmp_path))
    assert target.read_text() == "the old one"
    with pytest.raises(AppError, match="cannot be written"):
        picture.save(*graph, Style(), tmp_path / "no" / "such.svg", Job(scratch=tmp_path))
    assert sorted(item.name for item in tmp_path.iterdir()) == ["old.svg", "picture.svg"], "the draft goes with the job's folder"


def test_colours_are_mixed() -> None:
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
    assert mix("#102030", "#102030", 0.3) == "#102030"


def test_frames_and_folded_boxes(tmp_path: Path) -> None:
    from core.layout import folding
    from core.layout.nested import Unfolder, nest
    from core.layout.tree import grow
    from tests.core.layout.test_tree import deep, layers

    columns = deep(layers(24))
    whole = nest(columns, grow(columns))
    shown = Unfolder(whole).show(folding.first(whole))
    text = "".join(part for _, part in picture.svg(shown.index, shown.plain(), Style(folds=shown.folds())))
    root = ET.fromstring(text)
    names = [each.text for each in root.iter() if each.get("class") == "name"]
    assert names[0] == "model"
    frames = [each for each in root.iter() if str(each.get("class")).startswith("frame")]
    assert len(frames) == len(shown.frames)
    boxes = [each for each in root.iter() if each.get("class") == "box"]
    assert len(boxes) > len(shown.index)  # cards behind the stack
    assert "layers.0…23 ×24" in text

"""Images as inputs: layout, size, colours, normalisation, labels, and damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import DataSpec
from core.data.feeds import feeds
from core.errors import DataError
from core.model import TensorType

NCHW = TensorType("image", "float32", ("N", 3, 16, 24))


def picture(path: Path, color: tuple[int, int, int] = (255, 128, 0), size: tuple[int, int] = (60, 40)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def only(folder: Path, item: TensorType, **values: object) -> np.ndarray:
    return next(iter(feeds((item,), DataSpec(path=str(folder), **values))))[item.name]  # type: ignore[arg-type]


def test_nchw_values(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    array = only(tmp_path, NCHW)
    assert array.shape == (1, 3, 16, 24)
    assert array.dtype == np.float32
    assert np.allclose(array[0, :, 8, 8], [1.0, 128 / 255, 0.0], atol=1e-6)
    bgr = only(tmp_path, NCHW, mean="100,110,120", std="50, 60, 70", channels="bgr")
    assert np.allclose(bgr[0, :, 8, 8], [(0 - 100) / 50, (128 - 110) / 60, (255 - 120) / 70], atol=1e-5)


def test_nhwc_grey_and_integers(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", (100, 100, 100))
    assert only(tmp_path, TensorType("x", "float32", (1, 16, 24, 3))).shape == (1, 16, 24, 3)
    grey = only(tmp_path, TensorType("x", "float32", ("N", 1, 8, 8)))
    assert grey.shape == (1, 1, 8, 8)
    assert np.allclose(grey, 100 / 255)
    raw = only(tmp_path, TensorType("x", "uint8", (1, 16, 24, 3)))
    assert raw.dtype == np.uint8
    assert np.all(raw == 100)
    no_batch = only(tmp_path, TensorType("x", "float32", (3, 8, 8)))
    assert no_batch.shape == (3, 8, 8)
    assert only(tmp_path, TensorType("x", "float32", ("N", 3, "H", "W")), dim=32).shape == (1, 3, 32, 32)


def test_the_centre_is_kept_and_never_too_small(tmp_path: Path) -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[30:70, 30:70] = 255
    Image.fromarray(image).save(tmp_path / "a.png")
    kept = only(tmp_path, TensorType("x", "float32", ("N", 3, 20, 20)), resize=50)
    assert np.allclose(kept[..., 3:-3, 3:-3], 1.0, atol=1e-3)  # 50 px wide, the centre 20 of it are the white 20
    assert only(tmp_path, TensorType("x", "float32", ("N", 3, 64, 64)), resize=10).shape == (1, 3, 64, 64)


def test_batches_and_labels_from_subfolders(tmp_path: Path) -> None:
    for number in range(5):
        picture(tmp_path / str(number % 2) / f"{number}.jpg")
    made = feeds((NCHW,), DataSpec(path=str(tmp_path), batch=2))
    assert [b["image"].shape[0] for b in made] == [2, 2, 1]
    assert made.labels is not None
    assert made.labels.tolist() == [0, 0, 0, 1, 1]
    assert made.count == 5
    assert "5 images" in made.description


def test_labels_from_csv(tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("file,label\nb.png,7\na.png,3\n")
    made = feeds((NCHW,), DataSpec(path=str(tmp_path)))
    assert made.labels is not None
    assert made.labels.tolist() == [3, 7]
    (tmp_path / "labels.csv").write_text("b.png,7\n")
    with pytest.raises(DataError, match=r"no label for a\.png"):
        feeds((NCHW,), DataSpec(path=str(tmp_path)))


def test_damaged_files_are_named_and_left_out(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"{number}.png", size=(200, 200))
    (tmp_path / "1.png").write_bytes(b"not an image")
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "2.png")
    data = (tmp_path / "2.png").read_bytes()
    (tmp_path / "2.png").write_bytes(data[: len(data) // 2])  # a good header, then nothing
    (tmp_path / "labels.csv").write_text("0.png,0\n1.png,1\n2.png,2\n3.png,3\n")
    picture(tmp_path / "3.png")
    made = feeds((NCHW,), DataSpec(path=str(tmp_path)))
    batches = list(made.batches())
    assert [batch.labels.tolist() for batch in batches if batch.labels is not None] == [[0], [3]]
    assert [note for note in made.notes if "1.png" in note]
    assert [note for note in made.notes if "2.png" in note]
    assert len(made.notes) == 2
    assert all(note.startswith("Warning: ") for note in made.notes)


def test_a_file_is_no_image_by_its_name_alone(tmp_path: Path) -> None:
    """Pillow would hand this to Ghostscript, which does what it says."""
    seen = tmp_path / "seen"
    (tmp_path / "a.png").write_text(
        f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n({seen}) (w) file closefile\nshowpage\n%%EOF\n"
    )
    with pytest.raises(DataError, match="None of 1 images could be read"):
        list(feeds((NCHW,), DataSpec(path=str(tmp_path))))
    assert not seen.exists()


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 3)])
def test_long_thin_images_are_resized_where_they_are_kept(tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []
    resize = Image.Image.resize

    def watched(self: Image.Image, size: tuple[int, int], *args: object, **keywords: object) -> Image.Image:
        made.append(size)
        return resize(self, size, *args, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "resize", watched)
    picture(tmp_path / "a.png", size=size)
    assert only(tmp_path, NCHW, mean="0", std="255").shape == (1, 3, 16, 24)
    assert made == [(24, 16)]


@pytest.mark.parametrize("size", [(60, 40), (41, 97), (300, 301), (8, 8), (9, 8), (640, 480)])
def test_resizing_what_is_kept_is_resizing_all_and_cropping(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.save(tmp_path / "a.png")
    found = only(tmp_path, NCHW, mean="0", std="1")
    high, wide = found.shape[-2:]
    scale = max(round(min(high, wide) / 0.875) / min(size), wide / size[0], high / size[1])
    whole = (max(round(size[0] * scale), wide), max(round(size[1] * scale), high))
    left, top = (whole[0] - wide) // 2, (whole[1] - high) // 2
    wanted = image.resize(whole, Image.Resampling.BICUBIC).crop((left, top, left + wide, top + high))
    assert np.abs(found[0].transpose(1, 2, 0) - np.asarray(wanted, np.float32)).max() <= 1.0  # of 255: the last bit of rounding


def test_folder_names_that_are_no_labels(tmp_path: Path) -> None:
    (tmp_path / ("9" * 30)).mkdir()
    picture(tmp_path / ("9" * 30) / "a.png")
    assert feeds((NCHW,), DataSpec(path=str(tmp_path))).labels is None


def test_when_all_are_damaged_it_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no")
    (tmp_path / "y.jpg").write_bytes(b"no")
    with pytest.raises(DataError, match=r"None of 2 images could be read; the first was x\.png") as caught:
        feeds((NCHW,), DataSpec(path=str(tmp_path)))
    assert "y.jpg" in caught.value.detail


@pytest.mark.parametrize("inputs", [(TensorType("x", "float32", ("N", 16)),), (NCHW, NCHW), (TensorType("x", "bool", ("N", 3, 8, 8)),)])
def test_models_that_take_no_images(tmp_path: Path, inputs: tuple[TensorType, ...]) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(DataError) as caught:
        feeds(inputs, DataSpec(path=str(tmp_path)))
    assert ".npz" in caught.value.hint


@pytest.mark.parametrize(("mean", "std"), [("a", "1"), ("1,2", "1"), ("1", "0")])
def test_wrong_normalisation(tmp_path: Path, mean: str, std: str) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(DataError):
        feeds((NCHW,), DataSpec(path=str(tmp_path), mean=mean, std=std))

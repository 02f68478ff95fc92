"""Inputs from a folder of images: resized, cropped, normalised and laid out as the model's input asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.data import DataSpec, labels
from core.data.feeds import Batch, fixed_batch
from core.errors import DataError
from core.model import TensorType

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
#: Pillow goes by what is in a file, not by its name, and gives EPS to Ghostscript: only these are opened.
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
#: The usual share of the resized shorter side that the centre crop keeps.
_CROP = 0.875
#: Whole numbers of fewer digits fit int64.
_DIGITS = 19
_NPZ = "Prepare the inputs yourself and save them as .npz."


class Images:
    """The images of a folder as batches for a model with one image input.

    NCHW or NHWC, grey or colour, is read off the input's shape. A file that cannot be read is left out and named in
    `notes`; when none can, that is a `DataError`.
    """

    def __init__(self, inputs: tuple[TensorType, ...], spec: DataSpec, folder: Path, files: tuple[Path, ...]) -> None:
        import numpy as np

        if len(inputs) != 1:
            told = ", ".join(f"{item.name} {item.text()}" for item in inputs)
            raise DataError(f"Images fill one input, the model has {len(inputs)} ({told}).", hint=_NPZ)
        self.input, self.spec, self.folder = inputs[0], spec, folder
        self.notes: list[str] = []
        self.aligned = True
        self._bad: dict[Path, str] = {}
        self._layout(inputs[0])
        self._mean = _numbers(spec.mean, "mean", self._channels)
        self._std = _numbers(spec.std, "std", self._channels)
        if bool(np.any(self._std == 0)):
            raise DataError("std is 0.", hint="Give the divisor on the 0..255 scale, such as 255.")
        self._files = self._readable(files, spec.limit)
        fixed = fixed_batch(inputs) if self._batched else None
        self._size = (fixed or spec.batch) if self._batched else 1
        if fixed and fixed > 1 and len(self._files) % fixed:
            kept = len(self._files) - len(self._files) % fixed
            if not kept:
                hint = f"Give at least {fixed} images, or a model with an open batch."
                raise DataError(f"The model takes {fixed} images at a time, the folder holds {len(self._files)}.", hint=hint)
            self.notes.append(f"{len(self._files) - kept} images left out: the model takes {fixed} at a time.")
            self._files = self._files[:kept]
        self._fixed = fixed
        self.count = len(self._files)
        self.batch_count = -(-self.count // self._size)
        self.labels: np.ndarray | None = self._labels()
        self.description = f"{self.count} image{'s' * (self.count != 1)} from {folder.name or folder}"

    def _layout(self, item: TensorType) -> None:
        """Read rank, layout, channels and size off the input's shape."""
        import numpy as np

        dims = item.shape or ()
        self._batched = len(dims) == 4
        rest = dims[1:] if self._batched else dims
        if len(rest) != 3 or not any(rest[axis] in (1, 3) for axis in (0, 2)):
            hint = f"{_NPZ} (Images need [N, 1 or 3, H, W] or [N, H, W, 1 or 3].)"
            raise DataError(f"Input '{item.name}' is {item.text()}, which is no image.", hint=hint)
        self._first = rest[0] in (1, 3)
        channels, height, width = rest if self._first else (rest[2], rest[0], rest[1])
        assert isinstance(channels, int)
        self._channels = channels
        self._height = height if isinstance(height, int) else self.spec.dim
        self._width = width if isinstance(width, int) else self.spec.dim
        self._dtype = np.dtype(item.dtype)
        if self._dtype.kind not in "fiu":
            raise DataError(f"Input '{item.name}' is {item.text()}; images are numbers.", hint=_NPZ)

    def _readable(self, files: tuple[Path, ...], limit: int) -> list[Path]:
        """The first `limit` files with an image header; the others are noted."""
        from PIL import Image

        good: list[Path] = []
        for path in files:
            if len(good) == limit:
                break
            try:
                with Image.open(path, formats=_FORMATS):
                    good.append(path)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                self._spoiled(path, error)
        if not good:
            raise self._none()
        return good

    def _spoiled(self, path: Path, error: Exception) -> None:
        if path not in self._bad:
            self._bad[path] = str(error)
            self.aligned = False
            self.notes.append(f"Warning: {path.name} was left out, it cannot be read as an image.")

    def _none(self) -> DataError:
        first, why = next(iter(self._bad.items()), (self.folder, ""))
        detail = "\n".join(f"{path}: {reason}" for path, reason in self._bad.items())
        return DataError(f"None of {len(self._bad)} images could be read; the first was {first.name}: {why}", hint=_NPZ, detail=detail)

    def _labels(self) -> np.ndarray | None:
        """From labels.csv, else from the names of subfolders when these are whole numbers."""
        import numpy as np

        table = self.folder / "labels.csv"
        if table.is_file():
            known = labels.load(table)
            if not isinstance(known, dict):
                raise DataError("labels.csv has no column of file names.", hint="Write file,label on each line.")
            found = []
            for path in self._files:
                name = path.relative_to(self.folder).as_posix()
                label = known.get(name, known.get(path.name))
                if label is None:
                    raise DataError(f"labels.csv has no label for {name}.", hint="Write file,label on each line, or remove labels.csv.")
                found.append(label)
            return np.asarray(found, np.int64)
        names = [path.relative_to(self.folder).parts[0] if path.parent != self.folder else "" for path in self._files]
        if all(name.isdecimal() and len(name) < _DIGITS for name in names):
            return np.asarray([int(name) for name in names], np.int64)
        return None

    def prepare(self, path: Path) -> np.ndarray:
        """One image as the model wants it, without the batch axis; raises what Pillow raises."""
        import numpy as np
        from PIL import Image, ImageOps

        with Image.open(path, formats=_FORMATS) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB" if self._channels == 3 else "L")
        short = self.spec.resize or max(round(min(self._height, self._width) / _CROP), 1)
        # the crop must fit inside, whatever the shorter side was told to be
        scale = max(short / min(image.size), self._width / image.width, self._height / image.height)
        size = (max(round(image.width * scale), self._width), max(round(image.height * scale), self._height))
        left, top = (size[0] - self._width) // 2, (size[1] - self._height) // 2
        # only what the crop keeps is resized: of a long thin image that is little, and the whole may not fit into memory
        across, down = image.width / size[0], image.height / size[1]
        kept = (left * across, top * down, (left + self._width) * across, (top + self._height) * down)
        image = image.resize((self._width, self._height), Image.Resampling.BICUBIC, box=_within(kept, image.size))
        pixels = np.asarray(image).reshape(self._height, self._width, self._channels)
        if self._channels == 3 and self.spec.channels == "bgr":
            pixels = pixels[..., ::-1]
        if self._dtype.kind != "f" and self.spec.mean == DataSpec.mean and self.spec.std == DataSpec.std:
            done = pixels  # an integer input takes pixels as they are
        else:
            done = (pixels.astype(np.float32) - self._mean) / self._std
        if self._dtype.kind != "f":
            info = np.iinfo(self._dtype)
            done = np.clip(np.rint(done), info.min, info.max)
        if self._first:
            done = done.transpose(2, 0, 1)
        return np.ascontiguousarray(done, dtype=self._dtype)

    def batches(self) -> Iterator[Batch]:
        """Every batch from the first; decoded as they are asked for."""
        from PIL import Image

        held: list[np.ndarray] = []
        told: list[int] = []
        given = 0
        for number, path in enumerate(self._files):
            try:
                held.append(self.prepare(path))
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                self._spoiled(path, error)
                continue
            if self.labels is not None:
                told.append(int(self.labels[number]))
            if len(held) == self._size:
                yield self._batch(held, told)
                given += len(held)
                held, told = [], []
        if held and not (self._fixed and len(held) < self._fixed):
            yield self._batch(held, told)
            given += len(held)
        if not given:
            raise self._none()

    def _batch(self, held: list[np.ndarray], told: list[int]) -> Batch:
        import numpy as np

        array = np.stack(held) if self._batched else held[0]
        return Batch({self.input.name: array}, len(held), np.asarray(told, np.int64) if self.labels is not None else None)


def _within(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """`box`, where rounding put it a little outside of an image of `size`, inside."""
    return max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(size[0])), min(box[3], float(size[1]))


def _numbers(text: str, what: str, channels: int) -> np.ndarray:
    """`0.5` or `123.7,116.3,103.5` as float32 that broadcasts over channels-last pixels."""
    import numpy as np

    try:
        values = [float(item) for item in text.replace(";", ",").replace(" ", ",").split(",") if item]
    except ValueError:
        raise DataError(f"{what}: '{text}' is not a number or a list of numbers.", hint="Write 127 or 123.7,116.3,103.5.") from None
    if len(values) not in (1, channels):
        raise DataError(f"{what}: {len(values)} numbers for {channels} channels.", hint="Give one number, or one a channel.")
    return np.asarray(values, np.float32)

"""External data: weights in files beside the model, and the walls around them.

A model file is somebody else's: what it points to must be a plain file inside the model's own folder, links resolved,
and as long as the tensor says.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.model.tensors import Region, byte_size, describe

if TYPE_CHECKING:
    import onnx


class Regions:
    """The files that one model's tensors are in, each checked once and mapped once."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self._folder = Path(os.path.realpath(model.parent))
        self._files: dict[str, Region] = {}

    def add(self, location: str, region: Region) -> None:
        """Make `location` known without a check: the model's own file."""
        self._files[location] = region

    def files(self) -> list[Region]:
        """Every file that was asked for so far."""
        return list(self._files.values())

    def place(self, tensor: onnx.TensorProto) -> tuple[Region, int, int]:
        """Where the bytes of an external tensor are: (file, offset, length); raises `ModelError` naming file and reason."""
        said = {entry.key: entry.value for entry in tensor.external_data}
        location = said.get("location", "")
        if not location:
            raise ModelError(
                f"Tensor '{tensor.name}' is said to be in an external file, but no file is named.",
                hint="The model is damaged: export it again.",
            )
        expected = byte_size(tensor.data_type, tensor.dims)
        try:
            offset = int(said.get("offset") or 0)
            length = int(said.get("length") or expected)
        except ValueError as error:
            raise ModelError(
                f"Tensor '{tensor.name}' has an external offset or length that is no number.", hint="The model is damaged: export it again."
            ) from error
        region = self._files.get(location)
        if region is None:
            region = self._files[location] = self._check(location, tensor.name)
        if offset < 0 or length < expected:
            raise ModelError(
                f"Tensor '{tensor.name}' is {describe(tensor.data_type, tensor.dims)}, {expected:,} bytes, "
                f"but its place in {location} is {length:,} bytes at {offset:,}.",
                hint="The model and its data file do not belong together: export the model again.",
            )
        if offset + expected > region.size:
            raise ModelError(
                f"{location} is too short: tensor '{tensor.name}' needs bytes {offset:,} to {offset + expected:,}, "
                f"the file has {region.size:,}.",
                hint="The data file was cut, perhaps by an unfinished download or copy: get it again.",
            )
        return region, offset, expected

    def _check(self, location: str, name: str) -> Region:
        refused = ModelError(
            f"External data of tensor '{name}' points outside the model's folder: {location}",
            hint=f"A model may only read files inside its own folder ({self._folder}): put the data file there and export again.",
        )
        # a backslash or a drive is a way out on Windows, and no honest exporter writes either
        if "\0" in location or os.path.isabs(location) or PureWindowsPath(location).drive or PureWindowsPath(location).root:
            raise refused
        parts = location.replace("\\", "/").split("/")
        if ".." in parts:
            raise refused
        path = self._folder.joinpath(*parts)
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self._folder):
            refused.message += f" (a link to {real})"
            refused.args = (refused.message,)
            refused.hint = "Replace the link by a copy of the file (cp -L), beside the model."
            raise refused
        try:
            found = os.stat(real)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            raise ModelError(
                f"External data is missing: {location}" if missing else f"External data {location} cannot be read: {error.strerror}.",
                hint=f"Tensor '{name}' is in it; it was expected at {path}. Put it there and open the model again.",
            ) from error
        if not stat.S_ISREG(found.st_mode):
            raise ModelError(f"External data {location} is not a plain file.", hint=f"It was expected at {path}.")
        if not os.access(real, os.R_OK):
            raise ModelError(f"External data {location} may not be read.", hint=f"Change the permissions of {path}.")
        return Region(real, found.st_size)

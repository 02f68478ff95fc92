"""What the person prefers, kept between runs in one small TOML file.

The file holds only what differs from the defaults; keys that this version does not know stay in it. It is
`settings.toml` in the user's configuration folder, or in the folder that SARDONYX_CONFIG_DIR names.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from core import params
from core.errors import AppError, UsageError
from core.events import Event
from core.params import param

#: Keys of former versions -> what they are called now.
RENAMED: dict[str, str] = {}


def folder() -> Path:
    """Where the settings are kept; not made before something is saved."""
    chosen = os.environ.get("SARDONYX_CONFIG_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_config_dir("sardonyx", appauthor=False))


@dataclass(eq=False)
class Settings:
    """Preferences; change them with `update`, which checks, saves and tells through `changed`.

    `problems` says in sentences what was wrong with the file when it was loaded.
    """

    theme: str = param("system", "Light or dark window, or as the desktop has it", choices=("system", "light", "dark"))
    reduced_motion: bool = param(False, "Change views at once instead of gliding")
    link_shapes: bool = param(True, "Write the shapes of tensors on the links of the graph", title="Shapes on links")
    graph_columns: bool = param(
        True, "Show a long graph, when all of its nodes stand side by side, in columns like a text", title="Long graphs in columns"
    )
    confirm_close: bool = param(True, "Ask before leaving while a job runs")
    confirm_remove: bool = param(True, "Ask before removing a variant")
    backend: str = param("onnxruntime", "Backend that is chosen at first", title="Default backend")
    worker_timeout: float = param(
        0.0,
        "Stop a job that takes longer (0: never)",
        title="Time limit of a job",
        min=0.0,
        max=604800.0,
        step=60.0,
        unit="s",
        advanced=True,
    )
    recent_length: int = param(12, "Number of recent models remembered", min=0, max=50, advanced=True)
    recent: tuple[str, ...] = param((), "Models opened lately, newest first", advanced=True)
    searches: tuple[str, ...] = param((), "What was looked for in graphs lately, newest first", advanced=True)
    geometry: str = param("", "Size and place of the window", advanced=True)
    arrangement: str = param("", "Arrangement of the panels", advanced=True)

    #: Kept by the program for the person, not offered in a form.
    HIDDEN: ClassVar[tuple[str, ...]] = ("recent", "searches", "geometry", "arrangement")

    changed: Event[[]] = field(default_factory=Event, repr=False)
    problems: list[str] = field(default_factory=list, repr=False)
    path: Path = field(default_factory=lambda: folder() / "settings.toml", repr=False)
    _saved: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path | None = None) -> Settings:
        """Read the settings; never fails: what cannot be read is told in `problems`, and a broken file moved aside."""
        settings = cls() if path is None else cls(path=path)
        values = settings._read()
        known = {spec.name: spec for spec in params.specs(cls)}
        for name, value in values.items():
            if name not in known:
                continue
            try:
                setattr(settings, name, params.check(known[name], value))
            except UsageError as error:
                settings.problems.append(f"{settings.path}: {error.message} {error.hint} The default is used.")
        settings._saved = params.to_dict(settings)
        return settings

    def update(self, **values: Any) -> None:
        """Change some settings, save them, and tell; a wrong name or value is a `UsageError` and changes nothing."""
        checked = params.from_dict(Settings, values)
        new = {name: getattr(checked, name) for name in values}
        if all(getattr(self, name) == value for name, value in new.items()):
            return
        for name, value in new.items():
            setattr(self, name, value)
        try:
            self.save()
        finally:
            self.changed.emit()

    def remember(self, path: Path) -> None:
        """Put a model at the top of the recent ones; one whose name is no text is not remembered."""
        name = str(path.absolute())
        try:
            name.encode()
        except UnicodeEncodeError:  # a name that is no UTF-8 has no place in TOML
            return
        others = [other for other in self.recent if other != name]
        self.update(recent=(name, *others)[: self.recent_length])

    def save(self) -> None:
        """Write the file, whole or not at all; what another window has changed in it meanwhile stays.

        Raises `AppError` when it cannot be written.
        """
        import tomli_w

        now = params.to_dict(self)
        defaults = params.to_dict(Settings())
        document = self._read()
        for name, value in now.items():
            if value != self._saved.get(name, defaults[name]):
                document[name] = value
            if document.get(name) == defaults[name]:
                del document[name]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, tomli_w.dumps(document).encode())
        except OSError as error:
            raise AppError(f"The settings could not be saved: {error}", hint=f"Look at the permissions of {self.path.parent}.") from error
        self._saved = now

    def _read(self) -> dict[str, Any]:
        """The file's keys under their names of today; a file that is no TOML is moved aside and told."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.problems.append(f"The settings could not be read: {error}. The defaults are used.")
            return {}
        except UnicodeDecodeError as error:
            return self._aside(error)
        import tomllib

        try:
            found = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # no TOML, a number of 5,000 digits, brackets without end
            return self._aside(error)
        for old, new in RENAMED.items():
            if old in found:
                value = found.pop(old)
                found.setdefault(new, value)
        return found

    def _aside(self, error: Exception) -> dict[str, Any]:
        """Move a damaged file out of the way, and tell."""
        aside = self.path.with_suffix(".broken.toml")
        with contextlib.suppress(OSError):
            os.replace(self.path, aside)
        self.problems.append(f"The settings file was damaged ({error}). It is now {aside}; the defaults are used.")
        return {}


def _replace(path: Path, data: bytes) -> None:
    import tempfile

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def reset(settings: Settings) -> None:
    """Bring back the defaults of everything that a form offers."""
    defaults = {one.name: one.default for one in dataclasses.fields(Settings) if "param" in one.metadata}
    settings.update(**{name: value for name, value in defaults.items() if name not in Settings.HIDDEN})

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from core import params
from core import settings as settings_module
from core.errors import AppError, UsageError
from core.settings import Settings, folder, reset


def written(settings: Settings) -> dict[str, object]:
    return tomllib.loads(settings.path.read_text())


def test_defaults_are_valid_and_need_no_file() -> None:
    settings = Settings.load()
    assert settings.theme == "system"
    assert settings.problems == []
    assert not settings.path.exists()
    for spec in params.specs(Settings):
        assert params.check(spec, spec.default) == spec.default
        assert spec.help
    assert set(Settings.HIDDEN) <= {spec.name for spec in params.specs(Settings)}


def test_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SARDONYX_CONFIG_DIR", str(tmp_path))
    assert folder() == tmp_path
    assert Settings().path == tmp_path / "settings.toml"
    monkeypatch.delenv("SARDONYX_CONFIG_DIR")
    assert folder().name.startswith("sardonyx")
    assert str(folder()).startswith(os.environ["HOME"].removesuffix("/home"))


def test_update_saves_only_what_differs_and_tells() -> None:
    settings = Settings.load()
    told = []
    settings.changed.connect(lambda: told.append(settings.theme))
    settings.update(theme="dark", worker_timeout=60)
    assert told == ["dark"]
    assert written(settings) == {"theme": "dark", "worker_timeout": 60.0}
    again = Settings.load()
    assert (again.theme, again.worker_timeout) == ("dark", 60.0)
    again.update(theme="system")
    assert written(settings) == {"worker_timeout": 60.0}


def test_update_with_nothing_new_is_silent() -> None:
    settings = Settings.load()
    settings.changed.connect(lambda: pytest.fail("told of nothing"))
    settings.update(theme="system")
    assert not settings.path.exists()


@pytest.mark.parametrize("wrong", [{"theme": "purple"}, {"nothing": 1}, {"worker_timeout": -1.0}, {"reduced_motion": "yes"}])
def test_a_wrong_update_changes_nothing(wrong: dict[str, object]) -> None:
    settings = Settings.load()
    with pytest.raises(UsageError):
        settings.update(confirm_close=False, **wrong)
    assert settings.confirm_close
    assert not settings.path.exists()


def test_unknown_keys_stay() -> None:
    settings = Settings.load()
    settings.path.parent.mkdir(parents=True)
    settings.path.write_text('future = "x"\ntheme = "dark"\n[later]\na = 1\n')
    settings = Settings.load()
    assert settings.problems == []
    settings.update(theme="light")
    assert written(settings) == {"future": "x", "theme": "light", "later": {"a": 1}}


def test_two_windows_do_not_undo_each_other() -> None:
    one, two = Settings.load(), Settings.load()
    one.update(theme="dark")
    two.update(reduced_motion=True)
    assert written(one) == {"theme": "dark", "reduced_motion": True}


def test_renamed_keys_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings_module.RENAMED, "colours", "theme")
    path = Settings().path
    path.parent.mkdir(parents=True)
    path.write_text('colours = "dark"\n')
    settings = Settings.load()
    assert settings.theme == "dark"
    settings.update(reduced_motion=True)
    assert written(settings) == {"theme": "dark", "reduced_motion": True}
    path.write_text('colours = "dark"\ntheme = "light"\n')
    assert Settings.load().theme == "light"


def test_a_wrong_value_is_told_and_the_rest_is_used() -> None:
    path = Settings().path
    path.parent.mkdir(parents=True)
    path.write_text('theme = "purple"\nreduced_motion = true\n')
    settings = Settings.load()
    assert settings.theme == "system"
    assert settings.reduced_motion
    assert len(settings.problems) == 1
    assert "purple" in settings.problems[0]
    assert "system, light, dark" in settings.problems[0]


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe\x00", b"[[[[", b"a = " + b"[" * 100_000, b"a = " + b"9" * 5000])
def test_a_broken_file_is_moved_aside_and_told(content: bytes) -> None:
    path = Settings().path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    settings = Settings.load()
    assert settings.theme == "system"
    assert not path.exists()
    aside = path.with_suffix(".broken.toml")
    assert aside.read_bytes() == content
    assert str(aside) in settings.problems[0]
    settings.update(theme="dark")
    assert Settings.load().theme == "dark"


def test_a_file_that_cannot_be_read_is_told() -> None:
    path = Settings().path
    path.mkdir(parents=True)
    settings = Settings.load()
    assert "could not be read" in settings.problems[0]


def test_saving_where_one_cannot_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings(path=tmp_path / "file" / "settings.toml")
    with pytest.raises(AppError, match="could not be saved") as caught:
        settings.update(theme="dark")
    assert caught.value.hint
    assert settings.theme == "dark"


def test_a_failed_write_leaves_the_old_file_and_no_scrap(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    settings.update(theme="dark")

    def fail(source: object, target: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(settings_module.os, "replace", fail)
    with pytest.raises(AppError, match="disk full"):
        settings.update(theme="light")
    assert written(settings) == {"theme": "dark"}
    assert [one.name for one in settings.path.parent.iterdir()] == ["settings.toml"]


def test_recent_models(tmp_path: Path) -> None:
    settings = Settings.load()
    settings.update(recent_length=3)
    for name in "abcab":
        settings.remember(tmp_path / f"{name}.onnx")
    assert [Path(one).stem for one in settings.recent] == ["b", "a", "c"]
    settings.remember(tmp_path / "d.onnx")
    assert [Path(one).stem for one in Settings.load().recent] == ["d", "b", "a"]


def test_a_model_whose_name_is_no_text_is_not_remembered(tmp_path: Path) -> None:
    settings = Settings.load()
    settings.remember(tmp_path / "a.onnx")
    settings.remember(tmp_path / "\udcff.onnx")
    assert settings.recent == (str(tmp_path / "a.onnx"),)
    assert Settings.load().recent == settings.recent


def test_reset_keeps_what_no_form_offers(tmp_path: Path) -> None:
    settings = Settings.load()
    settings.update(theme="dark", confirm_close=False)
    settings.remember(tmp_path / "a.onnx")
    reset(settings)
    assert (settings.theme, settings.confirm_close, len(settings.recent)) == ("system", True, 1)
    assert set(written(settings)) == {"recent"}

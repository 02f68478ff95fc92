"""netron over loopback: the model arrives whole, nothing else does, and nothing points to another host."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import folders, netron_server
from core.errors import AppError
from core.model import Model
from core.netron_server import NetronServer
from tests import models

pytest.importorskip("netron", reason="the netron extra is not installed")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NetronServer]:
    path = models.save(models.residual_cnn(), tmp_path / 'a "model" & more.onnx')
    (tmp_path / "private.txt").write_text("not for the page")
    with NetronServer(Model(path, "f" * 64, path.stat().st_size)) as server:
        yield server


def get(url: str) -> tuple[int, bytes, dict[str, str]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_the_page_serves_the_model_and_names_no_other_host(server: NetronServer) -> None:
    status, content, headers = get(server.url)
    text = content.decode()
    assert status == 200
    assert re.findall(r"https?://[^\"'\s<]+", text) == []
    assert 'name="date"' not in text, "netron would stop 180 days after its release"
    assert '<meta name="version" content="0.0.0">' in text, "any other version sends telemetry"
    assert headers["Set-Cookie"].startswith("consent=1;"), "else the page asks where the reader is"
    assert "connect-src 'self'" in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]
    found = re.search(r'<meta name="file" content="([^"]*)">', text)
    assert found
    status, content, _ = get(server.url + found[1])
    assert status == 200
    assert content == server.model.path.read_bytes()


def test_every_script_that_the_page_loads_is_there(server: NetronServer) -> None:
    scripts = ("index", "view", "browser", "base", "onnx", "onnx-proto", "grapher", "worker")
    for name in (*(f"{script}.js" for script in scripts), "onnx-metadata.json", "grapher.css"):
        status, content, headers = get(server.url + name)
        assert status == 200, name
        assert content == (netron_server.folder() or Path()).joinpath(name).read_bytes()
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_what_netron_reads_is_still_so() -> None:
    """The page is rewritten by what this version of netron decides with; another version must be looked at again."""
    files = netron_server.folder()
    assert files is not None
    script = (files / "browser.js").read_text()
    assert "this._meta.version[0] !== '0.0.0'" in script
    assert "days > 180" in script
    assert "this._getCookie('consent')" in script
    assert "? new Date(" in script
    assert ": new Date()," in script


OUTSIDE = [
    "data/private.txt",
    "data/../private.txt",
    "data/%2e%2e/private.txt",
    "server.py",
    "../../core/errors.py",
    "%2e%2e/%2e%2e/README.md",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_else_is_served(server: NetronServer, path: str) -> None:
    connection = http.client.HTTPConnection(netron_server.HOST, server.port, timeout=10)
    connection.request("GET", urllib.parse.urlsplit(server.url).path + path)
    assert connection.getresponse().status == 404
    connection.close()


def test_the_secret_and_the_own_name_are_needed(server: NetronServer) -> None:
    assert get(f"http://127.0.0.1:{server.port}/")[0] == 404
    assert get(f"http://127.0.0.1:{server.port}/guess/data/x.onnx")[0] == 404
    assert get(server.url.replace("127.0.0.1", "localhost"))[0] in (403, 404)


def test_external_data_that_the_model_names_is_served(tmp_path: Path) -> None:
    path = models.with_external(tmp_path)
    (tmp_path / "other.bin").write_bytes(b"x")
    with NetronServer(Model(path, "f" * 64, path.stat().st_size)) as server:
        beside = [file for file in tmp_path.iterdir() if file not in (path, tmp_path / "other.bin") and file.is_file()]
        assert beside
        for file in beside:
            status, content, _ = get(f"{server.url}data/{file.name}")
            assert (status, content) == (200, file.read_bytes())
        assert get(f"{server.url}data/other.bin")[0] == 404


def test_only_this_machine_is_listened_to(server: NetronServer) -> None:
    assert server._server.server_address[0] == "127.0.0.1"


def test_closing_ends_every_thread_though_a_browser_holds_a_connection(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    path = models.save(models.residual_cnn(), tmp_path / "m.onnx")
    server = NetronServer(Model(path, "f" * 64, path.stat().st_size))
    held = socket.create_connection((netron_server.HOST, server.port))
    assert get(server.url)[0] == 200, "so the held connection was accepted before"
    server.close()
    server.close()
    assert set(threading.enumerate()) <= before
    assert held.recv(1) == b""
    held.close()
    with pytest.raises(OSError, match=r"refused|reset"):
        get(server.url)


@pytest.mark.parametrize("content", [None, "<html>another page</html>"])
def test_a_netron_that_is_not_known_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "index.html").write_text(content)
    monkeypatch.setattr(netron_server, "folder", lambda: tmp_path)
    path = models.save(models.mlp(), tmp_path / "m.onnx")
    with pytest.raises(AppError, match="not one that Sardonyx knows"):
        NetronServer(Model(path, "f" * 64, path.stat().st_size))


def test_a_model_whose_name_is_no_text_is_served(tmp_path: Path) -> None:
    path = models.save(models.mlp(), tmp_path / "a b\udcff'.onnx")
    with NetronServer(Model(path, "f" * 64, path.stat().st_size)) as server:
        name = re.search(r'name="file" content="([^"]*)"', get(server.url)[1].decode())
        assert name is not None
        assert get(server.url + name[1])[1] == path.read_bytes()


def test_absent_netron_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(netron_server.importlib.util, "find_spec", lambda name: None)
    assert not netron_server.installed()
    with pytest.raises(AppError) as caught:
        NetronServer(Model(tmp_path / "m.onnx", "f", 0))
    assert folders.install("netron") in caught.value.hint

"""Serves one model to the netron viewer on this machine only, with nothing fetched from, or sent to, anywhere else.

netron as shipped asks a web service where the reader is, reports to another, and refuses to show anything 180 days
after its release. We serve its files with a handler of our own: the page loses the date and the version by which it
decides that, carries its consent cookie, and a content security policy forbids every other host.
"""

from __future__ import annotations

import html
import http.server
import importlib.util
import mmap
import os
import re
import secrets
import shutil
import socket
import threading
import urllib.parse
from pathlib import Path
from typing import Any

from core import folders
from core.errors import AppError
from core.model import Model

HOST = "127.0.0.1"
#: Only these of netron's files are served.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; frame-src 'none'; form-action 'none'; base-uri 'none'"
)
IDLE_SECONDS = 10.0


def folder() -> Path | None:
    """Where netron's files are; None when it is not installed (it is not imported)."""
    spec = importlib.util.find_spec("netron")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def installed() -> bool:
    """Whether there is a netron to serve."""
    return folder() is not None


class NetronServer:
    """Serves `model` until `close`, from a thread of its own, on a free port of 127.0.0.1.

    `url` holds a secret, so that other people on this machine cannot read the model. Raises `AppError` when netron is
    not installed, not one that we know, or the port cannot be opened. A context manager.
    """

    def __init__(self, model: Model) -> None:
        files = folder()
        if files is None:
            raise AppError("The netron viewer is not installed.", hint=f"Install it: {folders.install('netron')}")
        if not model.path.is_file():
            raise AppError(f"{model.path.name} is not where it was.", hint="Open the model again.", detail=str(model.path))
        self.model = model
        secret = secrets.token_urlsafe(18)
        index = page(files, model.path)  # here, where a netron that we do not know can still be told
        try:
            self._server = _Server((HOST, 0), files, model.path, index, secret)
        except OSError as error:
            hint = "Check what blocks connections within this machine."
            raise AppError(f"No port could be opened on {HOST}: {error}", hint=hint) from error
        self.port = int(self._server.server_address[1])
        self.url = f"http://{HOST}:{self.port}/{secret}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="sardonyx-netron", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving, end open connections and join every thread; calling it twice is harmless."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def __enter__(self) -> NetronServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # joined when the server closes
    block_on_close = True

    def __init__(self, address: tuple[str, int], files: Path, model: Path, index: str, secret: str) -> None:
        self.files = files.resolve()
        self.model = model
        self.index = index.encode(errors="replace")
        self.secret = secret
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that went away is no news."""

    def hang_up(self) -> None:
        """End what readers keep open (browsers connect ahead of need), so that their threads can be joined."""
        with self._lock:
            for request in self._open:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:  # the reader was faster
                    continue


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = IDLE_SECONDS
    server_version = "Sardonyx"
    sys_version = ""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests carry the secret."""

    def _answer(self, *, body: bool) -> None:
        if self.headers.get("Host", "") != f"{HOST}:{self.server.server_address[1]}":
            self._refuse(403)  # a page elsewhere that pointed its own name at this machine
            return
        parts = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path, errors="surrogateescape").split("/", 2)
        if len(parts) != 3 or not secrets.compare_digest(os.fsencode(parts[1]), self.server.secret.encode()):
            self._refuse(404)
            return
        name = parts[2] or "index.html"
        if name == "index.html":
            self._send(self.server.index, TYPES[".html"], body=body)
        elif name.startswith("data/"):
            self._send_file(self._data(name.removeprefix("data/")), "application/octet-stream", body=body)
        else:
            asset = (self.server.files / name).resolve()
            known = asset.parent == self.server.files and asset.suffix in TYPES
            self._send_file(asset if known else None, TYPES.get(asset.suffix, ""), body=body)

    def _data(self, name: str) -> Path | None:
        """The model itself, or a file beside it that the model names as its external data; nothing else in that folder."""
        model = self.server.model
        if name == model.name:
            return model
        root = model.parent.resolve()
        wanted = (root / name).resolve()
        if root not in wanted.parents or not wanted.is_file() or model.stat().st_size == 0:
            return None
        with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            named = content.find(os.fsencode(name)) >= 0
        return wanted if named else None

    def _send_file(self, path: Path | None, kind: str, *, body: bool) -> None:
        try:
            file = path.open("rb") if path is not None and path.is_file() else None
        except OSError:
            file = None
        if file is None or path is None:
            self._refuse(404)
            return
        with file:
            self._head(kind, path.stat().st_size)
            if body:
                shutil.copyfileobj(file, self.wfile, 1 << 20)

    def _send(self, content: bytes, kind: str, *, body: bool) -> None:
        self._head(kind, len(content), cookie=True)
        if body:
            self.wfile.write(content)

    def _head(self, kind: str, size: int, *, cookie: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        if cookie:
            self.send_header("Set-Cookie", f"consent=1; Path=/{self.server.secret}/; SameSite=Strict")
        self.end_headers()

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def page(files: Path, model: Path) -> str:
    """netron's page for `model`: without its release date (it would stop after 180 days), as version 0.0.0 (that one
    sends no telemetry), and without links to other hosts."""
    try:
        text = (files / "index.html").read_text(encoding="utf-8")
    except OSError:
        text = ""
    text = re.sub(r'<meta name="date"[^>]*>\s*', "", text)
    name = html.escape(model.name, quote=True)
    metas = (
        '<meta name="type" content="Python">\n<meta name="version" content="0.0.0">\n'
        f'<meta name="file" content="data/{html.escape(urllib.parse.quote(os.fsencode(model.name)), quote=True)}">\n'
        f'<meta name="identifier" content="{name}">'
    )
    text, replaced = re.subn(r'<meta name="version" content="[^"]*">', lambda _: metas, text)
    if not replaced:
        raise AppError("This version of netron is not one that Sardonyx knows.", hint="Install netron 9.3.3.")
    return re.sub(r'href="https?://[^"]*"', 'href="#"', text)

"""A web server on loopback that misbehaves as it is told, and counts what it is asked."""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import socket
import struct
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HTML = b"<!doctype html><title>Sorry</title><p>Please come back later."


def picture(seed: int, *, side: int = 96, kind: str = "JPEG") -> bytes:
    """Noise, so that it does not compress and a cut is felt."""
    noise = random.Random(seed).randbytes(side * side * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), noise).save(out, kind)
    return out.getvalue()


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    way: str


@dataclass
class Site:
    """Files, and for each a list of ways to misbehave, used up one a request; then it is served as it should be."""

    files: dict[str, bytes] = field(default_factory=dict)
    plans: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    asked: list[Asked] = field(default_factory=list)
    etags: bool = True
    ranges: bool = True
    types: dict[str, str] = field(default_factory=dict)
    hold: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def counts(self) -> Counter[str]:
        return Counter(asked.path for asked in self.asked)

    def add(self, name: str, seed: int = 0, **options: object) -> bytes:
        self.files[f"/{name}"] = picture(seed, **options)  # type: ignore[arg-type]
        return self.files[f"/{name}"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        site, path = self.site, self.path
        with site.lock:
            way = site.plans[path].pop(0) if site.plans[path] else "good"
            site.asked.append(Asked(path, {key.lower(): value for key, value in self.headers.items()}, way))
        name, _, value = way.partition(":")
        with contextlib.suppress(ConnectionError):
            WAYS[name](self, path, value)

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, text in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, text)
        self.end_headers()
        self.wfile.write(body)

    def body(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """What a good server sends."""
        whole = self.site.files.get(path)
        if whole is None:
            return 404, b"no such file", {}
        headers = {"Content-Type": self.site.types.get(path, "image/jpeg"), "Accept-Ranges": "bytes"}
        etag = f'"{hashlib.sha1(whole).hexdigest()}"'
        if self.site.etags:
            headers["ETag"] = etag
        wanted = self.headers.get("Range", "")
        condition = self.headers.get("If-Range", etag)
        if not (wanted and self.site.ranges and condition == etag):
            return 200, whole, headers
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(whole):
            return 416, b"", {"Content-Range": f"bytes */{len(whole)}"}
        return 206, whole[start:], headers | {"Content-Range": f"bytes {start}-{len(whole) - 1}/{len(whole)}"}

    def hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        self.wfile.flush()
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def good(handler: Handler, path: str, value: str) -> None:
    handler.answer(*handler.body(path))


def status(handler: Handler, path: str, value: str) -> None:
    """``status:429`` or ``status:429 <Retry-After>``."""
    code, _, wait = value.partition(" ")
    handler.answer(int(code), b"not now", {"Retry-After": wait} if wait else {})


def cut(handler: Handler, path: str, value: str) -> None:
    """Half of what is due, with the length of all of it; ``cut:reset`` with a reset."""
    code, body, headers = handler.body(path)
    handler.send_response(code)
    for key, text in (headers | {"Content-Length": str(len(body))}).items():
        handler.send_header(key, text)
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.hang_up(reset=value == "reset")


def short(handler: Handler, path: str, value: str) -> None:
    """A length that is less than the file has: the receiver cannot tell."""
    code, body, headers = handler.body(path)
    handler.close_connection = True
    # Said, or the client may send its next request into a connection that is just being closed.
    handler.answer(code, body[:-40], {**headers, "Connection": "close"})


def long(handler: Handler, path: str, value: str) -> None:
    code, body, headers = handler.body(path)
    handler.close_connection = True
    handler.answer(code, body + bytes(40), {**headers, "Connection": "close"})


def endless(handler: Handler, path: str, value: str) -> None:
    """``endless:1`` sends pieces of 1 byte until the other hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Type", "image/jpeg")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    piece = bytes(int(value))
    handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while not handler.site.hold.wait(0.0005):
        handler.wfile.write(piece)
        handler.wfile.flush()


def held(handler: Handler, path: str, value: str) -> None:
    """Half of the file, then nothing until told."""
    code, body, headers = handler.body(path)
    handler.send_response(code)
    for key, text in (headers | {"Content-Length": str(len(body))}).items():
        handler.send_header(key, text)
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.site.held.set()
    handler.site.hold.wait(300)
    handler.hang_up(reset=True)


def tampered(handler: Handler, path: str, value: str) -> None:
    """A picture, but another one; of the same length."""
    code, body, headers = handler.body(path)
    handler.answer(code, body[:-20] + bytes(byte ^ 1 for byte in body[-20:]), headers)


def page(handler: Handler, path: str, value: str) -> None:
    handler.answer(200, HTML, {"Content-Type": value or "text/html; charset=utf-8"})


def redirect(handler: Handler, path: str, value: str) -> None:
    handler.answer(302, b"over there", {"Location": value})


def headed(handler: Handler, path: str, value: str) -> None:
    """``headed:Name=value`` adds a header to a good answer, or takes it out if there is no value."""
    code, body, headers = handler.body(path)
    key, _, text = value.partition("=")
    handler.answer(code, body, {**headers, key: text})


def whole_as_part(handler: Handler, path: str, value: str) -> None:
    """Status 206, whatever was asked for, with a Content-Range of one's own."""
    _, _, headers = handler.body(path)
    handler.answer(206, handler.site.files[path], {**headers, "Content-Range": value})


def mute(handler: Handler, path: str, value: str) -> None:
    handler.close_connection = True
    handler.site.hold.wait(300)


def reason(handler: Handler, path: str, value: str) -> None:
    """``reason:PHRASE`` answers 404 with any phrase."""
    handler.close_connection = True
    handler.wfile.write(f"HTTP/1.1 404 {value}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))


WAYS: dict[str, Callable[[Handler, str, str], None]] = {
    way.__name__: way
    for way in (
        good,
        status,
        cut,
        short,
        long,
        endless,
        held,
        tampered,
        page,
        redirect,
        headed,
        whole_as_part,
        mute,
        reason,
    )
}


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()

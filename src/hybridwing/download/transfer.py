"""Receive one file: redirects, resuming, speed and size; what it holds is checked elsewhere."""

from __future__ import annotations

import contextlib
import re
import threading
from typing import TYPE_CHECKING

import httpx

from hybridwing.download.connection import Connection
from hybridwing.download.errors import (
    BusyError,
    NoAnswerError,
    RefusedError,
    TransientError,
    WrongContentError,
    disk_error,
)
from hybridwing.download.partial import Version
from hybridwing.download.rate import retry_after
from hybridwing.download.urls import redirect_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.download.partial import PartialFile
    from hybridwing.download.rate import Hosts, NetworkLimits, Stop

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Too many requests, and unavailable for now: said of the host, not of the file.
_BUSY = frozenset({429, 503})
_TRANSIENT = frozenset({408, 425})
#: Kinds of content that are a page about the file and not the file. An image may come as application/octet-stream.
_PAGES = ("text/", "application/json", "application/xml", "application/xhtml", "application/problem")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
#: Bodies of redirects up to this size are read, which keeps the connection for the next request.
_SMALL = 16_384
_WORDS = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ConnectError: "no connection",
    httpx.ProxyError: "the proxy refused",
    httpx.ReadTimeout: "the server fell silent",
    httpx.RemoteProtocolError: "the server broke off",
    httpx.ReadError: "the connection broke",
}
_NOT_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


class Transfer:
    """Receives files, in any number of threads; each thread has a connection of its own."""

    def __init__(self, user_agent: str, hosts: Hosts, limits: NetworkLimits, stop: Stop) -> None:
        self._user_agent = user_agent
        self._hosts = hosts
        self._limits = limits
        self._stop = stop
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._connections: list[Connection] = []
        self._connection()  # settings that cannot be used are told at once
        self.requests = 0
        self.bytes_received = 0

    def close(self) -> None:
        """Close all connections, after the threads have ended."""
        for connection in self._connections:
            connection.close()

    def interrupt(self) -> None:
        """End all that is being received; may be called from any thread."""
        with self._lock:
            for connection in self._connections:
                connection.interrupt()

    def receive(self, url: str, part: PartialFile, *, checked: bool) -> None:
        """Ask for a file once, and once more if what there is of it cannot be continued.

        Parameters
        ----------
        url : str
            Plain address.
        part : PartialFile
            Is continued where possible. Afterwards it holds the whole file, as far as the server tells.
        checked : bool
            Whether the result will be held against a digest.

        Raises
        ------
        FileError
            If it was not received, or cannot be written.
        """
        try:
            if not self._receive(url, part, checked=checked):
                part.discard()
                self._receive(url, part, checked=checked)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise RefusedError(f"its address cannot be used: {error}") from error
        except TimeoutError as error:
            self._stop.check()
            speed = f"{self._limits.slowest * self._limits.window:,.0f} bytes in {self._limits.window:g} s"
            raise TransientError(f"too slow: less than {speed}") from error
        except httpx.TransportError as error:
            self._stop.check()
            raise TransientError(_in_words(error)) from error
        except OSError as error:
            raise disk_error(error) from error

    def _connection(self) -> Connection:
        """Connection of this thread."""
        if not hasattr(self._of_thread, "connection"):
            connection = Connection(self._user_agent, self._limits.connect, self._limits.read)
            with self._lock:
                self._connections.append(connection)
            self._of_thread.connection = connection
        found: Connection = self._of_thread.connection
        return found

    def _receive(self, url: str, part: PartialFile, *, checked: bool) -> bool:
        """Whether the answer fits what there is; False asks for a fresh start."""
        version = part.can_continue(url, checked=checked)
        headers = {}
        if version is not None:
            headers["Range"] = f"bytes={part.size}-"
            if version.etag or version.modified:
                headers["If-Range"] = version.etag or version.modified
        with self._answer(url, headers) as response:
            if version is not None and response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return False
            self._check_answer(response)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                if version is None:
                    raise WrongContentError("the server sent a part of the file when asked for the whole")
                if not _continues(response, version, part.size):
                    return False
            else:
                version = _version(url, response)
                part.begin(version)
            self._write(response, part, version)
        return True

    @contextlib.contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Answer to a request, after redirects; its body is not read yet."""
        address = url
        for _ in range(self._limits.redirects + 1):
            self._hosts.of(address).acquire()
            with self._lock:
                self.requests += 1
            with contextlib.ExitStack() as stack:
                response = self._first_byte(stack, address, headers)
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                location = response.headers.get("location", "")
                if not location:
                    raise RefusedError(f"HTTP {response.status_code} without saying where the file is")
                address = redirect_target(address, location)
                if 0 <= _number(response.headers.get("content-length", "")) <= _SMALL:
                    with self._connection().time_limit(self._limits.answer):
                        for _ in response.iter_raw():
                            pass
        raise RefusedError(f"redirected more than {self._limits.redirects} times")

    def _first_byte(self, stack: contextlib.ExitStack, url: str, headers: dict[str, str]) -> httpx.Response:
        """Answer to one request; the stack closes it."""
        try:
            return stack.enter_context(self._connection().get(url, headers, self._limits.answer))
        except TimeoutError as error:
            self._stop.check()
            raise NoAnswerError(f"no whole answer after {self._limits.answer:g} s", url, connected=True) from error
        except httpx.TransportError as error:
            self._stop.check()
            connected = not isinstance(error, _NOT_CONNECTED)
            raise NoAnswerError(_in_words(error), url, connected=connected) from error

    def _check_answer(self, response: httpx.Response) -> None:
        """Raise unless the answer promises an image."""
        status = response.status_code
        told = f"HTTP {status} {response.reason_phrase}".rstrip()
        if status in _BUSY:
            raise BusyError(told, str(response.url), retry_after(response.headers, self._limits.longest_wait))
        if status in _TRANSIENT or status >= 500:
            raise TransientError(told)
        if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise RefusedError(told)
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            # Asked for as it is. Unpacking what was packed nonetheless could fill memory from a few bytes.
            raise WrongContentError(f"the server packed the file ({coding[:40]}) though asked not to")
        kind = response.headers.get("content-type", "").strip().lower()
        if kind.startswith(_PAGES):
            raise WrongContentError(f"the server sent {kind[:60]} in place of an image")

    def _write(self, response: httpx.Response, part: PartialFile, version: Version) -> None:
        try:
            self._check_size(version.total)
            size = self._append(response, part)
        except RefusedError:
            part.discard()
            raise
        if 0 <= version.total != size:
            raise TransientError(f"cut short: {size:,} of {version.total:,} bytes")

    def _append(self, response: httpx.Response, part: PartialFile) -> int:
        """Size of the part after the body, of which each stretch must come within the window."""
        size, stretch = part.size, self._limits.slowest * self._limits.window
        pieces = response.iter_raw()
        with part.append() as write:
            ended = False
            while not ended:
                begun, ended = size, True
                with self._connection().time_limit(self._limits.window):
                    for piece in pieces:
                        self._stop.check()
                        size += len(piece)
                        self._check_size(size)
                        write(piece)
                        with self._lock:
                            self.bytes_received += len(piece)
                        if size - begun >= stretch:
                            ended = False
                            break
        return size

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise RefusedError(f"larger than {self._limits.max_bytes:,} bytes")


def _version(url: str, response: httpx.Response) -> Version:
    etag = response.headers.get("etag", "").strip()
    return Version(
        url=url,
        # A weak tag promises the same meaning, not the same bytes.
        etag=etag if etag.startswith('"') else "",
        modified=response.headers.get("last-modified", "").strip(),
        total=_number(response.headers.get("content-length", "")),
    )


def _continues(response: httpx.Response, version: Version, size: int) -> bool:
    """Whether a partial answer is the rest of what there is."""
    told = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if told is None or int(told[1]) != size:
        return False
    if told[3] == "*":
        return version.total < 0
    total = int(told[3])
    etag = response.headers.get("etag", "").strip()
    same = not etag or not version.etag or etag == version.etag
    return same and int(told[2]) == total - 1 and version.total in (-1, total)


def _number(value: str) -> int:
    """A number of at most 18 digits, else -1."""
    value = value.strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 18 else -1


def _in_words(error: httpx.TransportError) -> str:
    what = _WORDS.get(type(error), type(error).__name__)
    return f"{what}: {str(error).splitlines()[0]}" if str(error) else what

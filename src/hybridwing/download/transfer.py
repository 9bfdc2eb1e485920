"""Receive one body: redirects, resuming, pace and size; what it holds is checked elsewhere."""

from __future__ import annotations

import contextlib
import re
import threading
from typing import TYPE_CHECKING

import httpx

from hybridwing.download.backoff import retry_after
from hybridwing.download.faults import RefusedError, SuspectError, TransientError, disk_problem
from hybridwing.download.limits import Pace
from hybridwing.download.partial import Version
from hybridwing.download.sources import redirect_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.download.halt import Halt
    from hybridwing.download.limits import Clock, Gates, Limits
    from hybridwing.download.partial import Part

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Too many requests, and unavailable for now: said of the host, not of the file.
_BUSY = frozenset({429, 503})
_PASSING = frozenset({408, 425})
#: Kinds of content that are a page about the file and not the file. An image may come as application/octet-stream.
_PAGES = ("text/", "application/json", "application/xml", "application/xhtml", "application/problem")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
#: Bodies of redirects up to this size are read, which keeps the connection for the next request.
_SMALL = 16_384


class Transfer:
    """Receives bodies into parts.

    Parameters
    ----------
    client : httpx.Client
        Which follows no redirects.
    gates : Gates
    limits : Limits
    clock : Clock
    halt : Halt
        Ends the download at the next piece of a body.
    """

    def __init__(self, client: httpx.Client, gates: Gates, limits: Limits, clock: Clock, halt: Halt) -> None:
        self._client = client
        self._gates = gates
        self._limits = limits
        self._clock = clock
        self._halt = halt
        self._lock = threading.Lock()
        self.requests = 0
        self.bytes_received = 0

    def receive(self, url: str, part: Part, *, checked: bool) -> None:
        """Ask for a file once (and once more if what there is of it cannot be continued).

        Parameters
        ----------
        url : str
            Plain address.
        part : Part
            Is continued where possible. Afterwards it holds the whole file, as far as the server tells.
        checked : bool
            Whether the result will be held against a digest.

        Raises
        ------
        TransientError, SuspectError, RefusedError
            If it did not come.
        DiskError
            If it cannot be written.
        StoppedError
            If the download is being ended.
        """
        try:
            if not self._receive(url, part, checked=checked):
                part.discard()
                self._receive(url, part, checked=checked)
        except httpx.TransportError as error:
            raise TransientError(_in_words(error)) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise RefusedError(f"its address cannot be used: {error}") from error
        except OSError as error:
            raise disk_problem(error) from error

    def _receive(self, url: str, part: Part, *, checked: bool) -> bool:
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
            self._judge(response)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                if version is None:
                    raise SuspectError("the server sent a part of the file when asked for the whole")
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
        for _ in range(self._limits.hops + 1):
            self._gates.of(address).acquire()
            with self._lock:
                self.requests += 1
            with self._client.stream("GET", address, headers=headers) as response:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                location = response.headers.get("location", "")
                if not location:
                    raise RefusedError(f"HTTP {response.status_code} without saying where the file is")
                address = redirect_target(address, location)
                self._drain(response)
        raise RefusedError(f"redirected more than {self._limits.hops} times")

    def _drain(self, response: httpx.Response) -> None:
        if int(_digits(response.headers.get("content-length", "")) or _SMALL + 1) <= _SMALL:
            pace = Pace(self._limits, self._clock)
            for piece in response.iter_raw():
                pace.received(len(piece))

    def _judge(self, response: httpx.Response) -> None:
        """Raise unless the answer promises an image."""
        status = response.status_code
        told = f"HTTP {status} {response.reason_phrase}".rstrip()
        if status in _BUSY:
            wait = retry_after(response.headers, self._clock.wall(), self._limits.longest_wait)
            raise TransientError(told, busy=str(response.url), wait=wait)
        if status in _PASSING or status >= 500:
            raise TransientError(told)
        if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise RefusedError(told)
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            # Asked for as it is. Unpacking what was packed nonetheless could fill memory from a few bytes.
            raise SuspectError(f"the server packed the file ({coding[:40]}) though asked not to")
        kind = response.headers.get("content-type", "").strip().lower()
        if kind.startswith(_PAGES):
            raise SuspectError(f"the server sent {kind[:60]} in place of an image")
        self._check_size(int(_digits(response.headers.get("content-length", "")) or 0))

    def _write(self, response: httpx.Response, part: Part, version: Version) -> None:
        try:
            self._check_size(version.total)
            size = self._append(response, part)
        except RefusedError:
            part.discard()
            raise
        if 0 <= version.total != size:
            raise TransientError(f"cut short: {size:,} of {version.total:,} bytes")

    def _append(self, response: httpx.Response, part: Part) -> int:
        """Size of the part after the body."""
        size = part.size
        pace = Pace(self._limits, self._clock)
        with part.append() as write:
            for piece in response.iter_raw():
                self._halt.check()
                size += len(piece)
                self._check_size(size)
                write(piece)
                with self._lock:
                    self.bytes_received += len(piece)
                pace.received(len(piece))
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
        total=int(_digits(response.headers.get("content-length", "")) or -1),
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


def _digits(value: str) -> str:
    """A number of at most 18 digits, else nothing."""
    value = value.strip()
    return value if value.isascii() and value.isdecimal() and len(value) <= 18 else ""


def _in_words(error: httpx.TransportError) -> str:
    what = {
        httpx.ConnectTimeout: "no connection in time",
        httpx.ReadTimeout: "the server fell silent",
        httpx.ConnectError: "no connection",
        httpx.RemoteProtocolError: "the server broke off",
        httpx.ReadError: "the connection broke",
    }.get(type(error), type(error).__name__)
    return f"{what}: {str(error).splitlines()[0]}" if str(error) else what

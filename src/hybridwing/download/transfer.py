"""Receive one file: redirects, resuming, speed and size. Its content is checked elsewhere."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from typing import TYPE_CHECKING

import httpx

from hybridwing.download.errors import DownloadError, RefusedError, TransientError, WrongContentError
from hybridwing.download.hosts import retry_after
from hybridwing.download.partial import Version
from hybridwing.download.urls import redirect_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.download.hosts import Hosts, Politeness, Stop
    from hybridwing.download.partial import PartialFile

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_ASK_LATER = frozenset({408, 425, 429, 503})
#: Kinds of content that are a page about the file and not the file. An image may come as application/octet-stream.
_PAGES = ("text/", "application/json", "application/xml", "application/xhtml", "application/problem")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
#: Bytes a second that a body must bring, once it has taken the time that a silence may last.
_SLOWEST = 10_240
_WORDS = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ConnectError: "no connection",
    httpx.ProxyError: "the proxy refused",
    httpx.ReadTimeout: "the server fell silent",
    httpx.RemoteProtocolError: "the server broke off",
    httpx.ReadError: "the connection broke",
}


class Transfer:
    """Receives files, in any number of threads."""

    def __init__(self, hosts: Hosts, politeness: Politeness, stop: Stop) -> None:
        self._hosts = hosts
        self._politeness = politeness
        self._stop = stop
        self._lock = threading.Lock()
        self.requests = 0
        self.bytes_received = 0
        accepted = "image/*, application/octet-stream;q=0.9, */*;q=0.1"
        try:
            self._client = httpx.Client(
                headers={"User-Agent": politeness.user_agent, "Accept": accepted, "Accept-Encoding": "identity"},
                follow_redirects=False,  # each is checked, and waits for its turn at the host
                timeout=politeness.timeout,
                limits=httpx.Limits(max_connections=politeness.jobs),
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            raise DownloadError(
                "The proxy or the certificates that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, "
                f"SSL_CERT_FILE) cannot be used: {error}"
            ) from error

    def close(self) -> None:
        """Close all connections, after the threads have ended."""
        self._client.close()

    def receive(self, url: str, part: PartialFile, *, checked: bool) -> None:
        """Ask for a file once, and once more if what there is of it cannot be continued.

        Afterwards `part` holds the whole file, as far as the server tells. `checked` says whether the result will be
        held against a digest. Raises FileError if it was not received, and OSError if it cannot be written.
        """
        try:
            if not self._receive(url, part, checked=checked):
                part.discard()
                self._receive(url, part, checked=checked)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise RefusedError(f"its address cannot be used: {error}") from error

    def _receive(self, url: str, part: PartialFile, *, checked: bool) -> bool:
        """Receive once; return False if the answer does not continue what there is, to start afresh."""
        version = part.can_continue(url, checked=checked)
        headers = {}
        if version is not None:
            headers["Range"] = f"bytes={part.size}-"
            if version.etag or version.modified:
                headers["If-Range"] = version.etag or version.modified
        with self._answer(url, headers) as (response, place):
            if version is not None and response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return False
            self._check_answer(response, place)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                if version is None:
                    raise WrongContentError("the server sent a part of the file when asked for the whole")
                if not _continues(response, version, part.size):
                    return False
            else:
                version = _version(url, response)
                part.begin(version)
            self._write(response, place, part, version)
            self._hosts.of(place).succeeded()
        return True

    @contextlib.contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[tuple[httpx.Response, str]]:
        """Answer to a request and its address, after redirects; the body is not read yet. Hosts learn of failures."""
        answered = False
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                self._hosts.of(url).acquire()
                with self._lock:
                    self.requests += 1
                answered = False
                with self._client.stream("GET", url, headers=headers) as response:
                    answered = True
                    if response.status_code not in _REDIRECTS:
                        yield response, url
                        return
                    location = response.headers.get("location", "")
                    if not location:
                        raise RefusedError(f"HTTP {response.status_code} without saying where the file is")
                    self._hosts.of(url).succeeded()
                    url = redirect_target(url, location)
        except httpx.TransportError as error:
            self._stop.check()
            raise self._failed(url, _in_words(error), answered=answered) from error
        raise RefusedError(f"redirected more than {_MOST_REDIRECTS} times")

    def _failed(self, url: str, reason: str, *, answered: bool = True, wait: float | None = None) -> TransientError:
        self._hosts.of(url).failed(reason, answered=answered, wait=wait)
        return TransientError(reason)

    def _check_answer(self, response: httpx.Response, url: str) -> None:
        """Raise unless the answer promises an image."""
        status = response.status_code
        told = f"HTTP {status} {response.reason_phrase}".rstrip()
        if status in _ASK_LATER or status >= 500:
            raise self._failed(url, told, wait=retry_after(response.headers))
        if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise RefusedError(told)
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            # Asked for as it is. Unpacking what was packed nonetheless could fill memory from a few bytes.
            raise WrongContentError(f"the server packed the file ({coding[:40]}) though asked not to")
        kind = response.headers.get("content-type", "").strip().lower()
        if kind.startswith(_PAGES):
            raise WrongContentError(f"the server sent {kind[:60]} in place of an image")

    def _write(self, response: httpx.Response, url: str, part: PartialFile, version: Version) -> None:
        begun, received = time.monotonic(), 0
        try:
            self._check_size(version.total)
            with part.path.open("ab") as file:
                for piece in response.iter_raw():
                    self._stop.check()
                    received += len(piece)
                    self._check_size(file.tell() + len(piece))
                    file.write(piece)
                    seconds = time.monotonic() - begun
                    if seconds > self._politeness.timeout and received < _SLOWEST * seconds:
                        raise self._failed(url, f"too slow: {received:,} bytes in {seconds:.0f} s")
        except RefusedError:
            part.discard()
            raise
        finally:
            with self._lock:
                self.bytes_received += received
        if 0 <= version.total != part.size:
            raise self._failed(url, f"cut short: {part.size:,} of {version.total:,} bytes")

    def _check_size(self, size: int) -> None:
        if size > self._politeness.max_bytes:
            raise RefusedError(f"larger than {self._politeness.max_bytes:,} bytes")


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

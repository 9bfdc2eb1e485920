"""How often a host may be asked, how long to wait, and when to stop asking."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from hybridwing import __version__
from hybridwing.download.errors import DownloadError, RefusedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)

#: Seconds: bounds of the first and of any later back-off. They double in between.
_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0
#: Seconds that a server's ``Retry-After`` is cut to.
_LONGEST_WAIT = 900.0
#: Failed requests in a row after which a host is given up: before its first answer, and later.
_FIRST_CONTACT, _PATIENCE = 3, 20


@dataclass(frozen=True)
class Politeness:
    """How a download treats the servers that it asks.

    Parameters
    ----------
    rate : float, above 0
        Requests a minute and host, whatever `jobs` is. Zenodo answers 429 above about 100.
    jobs : int, at least 1
        Files fetched at a time; also the requests that a host gets at once after a rest.
    contact : str
        Your e-mail or web address, told to the server in the ``User-Agent``, as Zenodo asks for.
    attempts : int, at least 1
        Failed requests after which a file is given up.
    timeout : float, above 0
        Seconds until a connection must stand, and between two pieces of an answer.
    max_bytes : int, at least 1
        A larger file is refused.

    Raises
    ------
    DownloadError
        If a value is out of its range, or the contact does not fit into a header.

    Examples
    --------
    >>> Politeness(contact="someone@example.org").user_agent.startswith("hybridwing/")
    True
    """

    rate: float = 60.0
    jobs: int = 4
    contact: str = ""
    attempts: int = 6
    timeout: float = 30.0
    max_bytes: int = 200_000_000

    def __post_init__(self) -> None:
        for name in ("rate", "jobs", "attempts", "timeout", "max_bytes"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise DownloadError(f"The setting {name} (--{name.replace('_', '-')}) must be above 0; got {value}.")
        contact = self.contact.strip()
        if not (contact.isascii() and contact.isprintable()) or set("();") & set(contact):
            raise DownloadError(f"The contact (--contact) must be plain ASCII without brackets; got {contact!r}.")

    @property
    def user_agent(self) -> str:
        """Name and version of this project, and the contact."""
        contact = self.contact.strip()
        return f"hybridwing/{__version__}" + (f" ({contact})" if contact else "")


class Stop:
    """Ends a download early, after an interrupt or on a full disk. Whoever waits on it wakes up then."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = "interrupted"

    def set(self, reason: str) -> None:
        """Stop the download; the first reason counts."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    def check(self) -> None:
        """Raise `StoppedError` if the download is to stop."""
        if self._event.is_set():
            raise StoppedError(self.reason)

    @property
    def is_set(self) -> bool:
        """Whether the download is being stopped."""
        return self._event.is_set()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or less if the download is being stopped."""
        self._event.wait(seconds)


class Host:
    """Requests to one host, by all threads: a bounded rate, pauses, and a count of failures in a row."""

    def __init__(self, name: str, politeness: Politeness, stop: Stop) -> None:
        self._name = name
        self._stop = stop
        self._interval = 60.0 / politeness.rate
        self._burst = (politeness.jobs - 1) * self._interval
        self._rng = np.random.default_rng()
        self._lock = threading.Lock()
        self._due = 0.0  # when the next request would be due if they came one by one
        self._answered = False
        self._failures = 0
        self._given_up = ""

    def acquire(self) -> None:
        """Wait until one more request may be sent; raises if the host was given up or the download is being stopped."""
        while (wait := self._try()) > 0:
            self._stop.sleep(wait)

    def _try(self) -> float:
        """Take a turn, or say in how many seconds there may be one (the generic cell rate algorithm)."""
        self._stop.check()
        with self._lock:
            if self._given_up:
                raise RefusedError(self._given_up)
            now = self._stop.monotonic()
            wait = self._due - self._burst - now
            if wait > 1e-9:  # sums of waits fall short by rounding
                return wait
            self._due = max(self._due, now) + self._interval
            return 0.0

    def succeeded(self) -> None:
        """Note that the host works."""
        with self._lock:
            self._answered = True
            self._failures = 0

    def failed(self, reason: str, *, answered: bool, wait: float | None = None) -> None:
        """Note a failed request, and send nothing for some seconds: a back-off, or what the server asks for.

        After too many failures in a row the host is given up, with a warning.
        """
        with self._lock:
            self._answered |= answered
            self._failures += 1
            bound = min(_FIRST_BACKOFF * 2.0 ** min(self._failures - 1, 30), _LONGEST_BACKOFF)
            seconds = float(self._rng.uniform(0.0, bound)) if wait is None else wait
            # Requests begin again one by one and not with a burst.
            self._due = max(self._due, self._stop.monotonic() + seconds + self._burst)
            if self._given_up or self._failures < (_PATIENCE if self._answered else _FIRST_CONTACT):
                return
            self._given_up = f"{self._name} is not asked any more: {self._failures} requests in a row failed ({reason})"
        _log.warning("%s", self._given_up)


class Hosts:
    """One `Host` for each host, made when first asked for."""

    def __init__(self, politeness: Politeness, stop: Stop) -> None:
        self._politeness, self._stop = politeness, stop
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}

    def of(self, url: str) -> Host:
        """Host of an address from `hybridwing.download.urls.plain_address`."""
        name = urlsplit(url).netloc
        with self._lock:
            if name not in self._hosts:
                self._hosts[name] = Host(name, self._politeness, self._stop)
            return self._hosts[name]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, in [0, 900], from its ``Retry-After`` (RFC 9110, section 10.2.3).

    None if the header is absent or not understood. The keys of `headers` are in lower case, or the mapping ignores
    case.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:12]), _LONGEST_WAIT)  # more digits are past any limit, and past what int() takes
    until = _http_date(value)
    if until is None:
        return None
    server_now = _http_date(headers.get("date", ""))
    return min(max(until - (time.time() if server_now is None else server_now), 0.0), _LONGEST_WAIT)


def _http_date(value: str) -> float | None:
    """Seconds since 1970."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

"""How often a host may be asked, how long to wait, and when to stop asking."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hybridwing.download.errors import RefusedError, StoppedError
from hybridwing.download.urls import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkLimits:
    """Bounds of one download.

    All times are in seconds.
    """

    #: Requests a minute and host. Zenodo answers 429 above about 100.
    rate: float = 60.0
    #: Requests that a host gets at once after a pause.
    burst: int = 4
    #: Failed requests after which a file is given up.
    attempts: int = 6
    #: Redirects followed for one file.
    redirects: int = 5
    #: Time until a connection must stand, and between two reads.
    connect: float = 10.0
    read: float = 30.0
    #: Time until the whole header of an answer must be there, connecting included.
    answer: float = 45.0
    #: A body must bring `slowest` bytes a second on average over each `window`.
    slowest: float = 10_240.0
    window: float = 30.0
    #: Bytes of one file.
    max_bytes: int = 200_000_000
    #: Bounds of the first and of any later back-off (they double in between), and of a ``Retry-After``.
    first_wait: float = 1.0
    longest_backoff: float = 60.0
    longest_wait: float = 900.0
    #: Failed requests in a row after which a host is given up: before its first answer, and later.
    first_contact: int = 3
    patience: int = 20


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, or less if the download is being stopped."""
        ...


class Stop:
    """Ends a download early: set once, by an interrupt or a full disk. It is also the clock that wakes up then."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = "interrupted"

    def set(self, reason: str) -> None:
        """Stop the download; the first reason counts."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    def check(self) -> None:
        """Raise :class:`StoppedError` if the download is to stop."""
        if self._event.is_set():
            raise StoppedError(self.reason)

    @property
    def is_set(self) -> bool:
        """Whether the download is being stopped."""
        return self._event.is_set()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or less if the download is being stopped."""
        self._event.wait(seconds)


class Host:
    """Requests to one host: a token bucket, pauses, and a count of failures, shared by all threads."""

    def __init__(self, name: str, limits: NetworkLimits, clock: Clock, stop: Stop, seed: int) -> None:
        self._name = name
        self._limits = limits
        self._clock = clock
        self._stop = stop
        self._rng = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._tokens = float(limits.burst)
        self._counted = self._not_before = clock.monotonic()
        self._answered = False
        self._failures = 0
        self._failed_urls: set[str] = set()
        self._given_up = ""

    def acquire(self) -> None:
        """Wait until one more request may be sent; raises if the host was given up or the download is being stopped."""
        while (wait := self._try()) > 0:
            self._clock.sleep(wait)

    def _try(self) -> float:
        """Take a token, or say in how many seconds there may be one."""
        self._stop.check()
        with self._lock:
            if self._given_up:
                raise RefusedError(self._given_up)
            now = self._clock.monotonic()
            if now < self._not_before:
                return self._not_before - now
            per_second = self._limits.rate / 60.0
            earned = max(now - self._counted, 0.0) * per_second
            self._tokens = min(self._tokens + earned, float(self._limits.burst))
            self._counted = max(now, self._counted)
            # A sum of waits falls short of the whole token by rounding; without the slack it would wait for nothing.
            if self._tokens >= 1.0 - 1e-9:
                self._tokens = max(self._tokens - 1.0, 0.0)
                return 0.0
            return (1.0 - self._tokens) / per_second

    def pause(self, seconds: float | None = None) -> None:
        """Send nothing for some seconds (by default: a back-off), then begin with one request, not with a burst."""
        if seconds is None:
            seconds = self.backoff(self._failures)
        with self._lock:
            until = self._clock.monotonic() + seconds
            if until > self._not_before:
                self._not_before = self._counted = until
                self._tokens = min(self._tokens, 1.0)

    def backoff(self, failures: int) -> float:
        """Seconds to wait after so many failures: uniform between 0 and a bound that doubles (full jitter)."""
        bound = self._limits.first_wait * 2.0 ** min(max(failures - 1, 0), 30)
        with self._lock:  # a Generator is not safe to share between threads
            return float(self._rng.uniform(0.0, min(bound, self._limits.longest_backoff)))

    def succeeded(self) -> None:
        """Note that the host works."""
        with self._lock:
            self._answered = True
            self._failures = 0
            self._failed_urls.clear()

    def failed(self, url: str, reason: str, *, answered: bool, connected: bool) -> None:
        """Note a failed request; after too many in a row the host is given up, with a warning.

        One bad file (`url`) is not enough to give up a host that takes connections.
        """
        with self._lock:
            self._answered |= answered
            self._failures += 1
            self._failed_urls.add(url)
            allowed = self._limits.patience if self._answered else self._limits.first_contact
            if self._failures < allowed or (connected and len(self._failed_urls) < 2) or self._given_up:
                return
            self._given_up = f"{self._name} is not asked any more: {self._failures} requests in a row failed ({reason})"
        _log.warning("%s", self._given_up)


class Hosts:
    """One :class:`Host` for each host, made when first asked for."""

    def __init__(self, limits: NetworkLimits, clock: Clock, stop: Stop, seed: int = 0) -> None:
        self._arguments = (limits, clock, stop, seed)
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}

    def of(self, url: str) -> Host:
        """Host of an address."""
        name = host_of(url)
        with self._lock:
            if name not in self._hosts:
                self._hosts[name] = Host(name, *self._arguments)
            return self._hosts[name]


def retry_after(headers: Mapping[str, str], longest: float) -> float | None:
    """Seconds that a server asks to wait, from its ``Retry-After`` (RFC 9110, section 10.2.3).

    Parameters
    ----------
    headers : mapping of str to str
        Of the answer, with lower-case keys or a mapping that ignores case.
    longest : float
        Seconds; anything longer is cut to this.

    Returns
    -------
    float or None
        In [0, longest]; None if the header is absent or not understood.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:12]), longest)  # more digits are past any limit, and past what int() takes
    until = _http_date(value)
    if until is None:
        return None
    server_now = _http_date(headers.get("date", ""))
    return min(max(until - (time.time() if server_now is None else server_now), 0.0), longest)


def _http_date(value: str) -> float | None:
    """Seconds since 1970."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

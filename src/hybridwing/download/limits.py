"""How often a host may be asked, and how long anything may take."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hybridwing.download.faults import TransientError
from hybridwing.download.sources import host_of

if TYPE_CHECKING:
    from hybridwing.download.halt import Halt


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, or less if the download is being ended."""
        ...


class SystemClock:
    """The computer's clock; its sleep ends early when the download does.

    Parameters
    ----------
    halt : Halt
    """

    def __init__(self, halt: Halt) -> None:
        self._halt = halt

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait, or less if the download is being ended."""
        self._halt.wait(seconds)


@dataclass(frozen=True)
class Limits:
    """Bounds of one download.

    Attributes
    ----------
    rate : float
        Requests a minute and host. Zenodo answers 429 above about 100.
    burst : int
        Requests that a host gets at once after a pause.
    attempts : int
        Requests for one file that may fail in passing before it is given up.
    hops : int
        Redirects followed for one file.
    connect, read : float
        Seconds until a connection must stand and between two pieces of a body.
    slowest, window : float
        A body must bring `slowest` bytes a second on average over each `window` seconds.
    deadline : float
        Seconds that one body may take.
    max_bytes : int
        Size of one file.
    first_wait, longest_backoff : float
        Seconds: upper end of the first back-off and of any later one; it doubles between them.
    longest_wait : float
        Seconds: a longer ``Retry-After`` is cut to this.
    give_up_after : int
        Files of one host that fail in a row before its others are not tried.
    """

    rate: float = 60.0
    burst: int = 4
    attempts: int = 6
    hops: int = 5
    connect: float = 10.0
    read: float = 30.0
    slowest: float = 10_240.0
    window: float = 30.0
    deadline: float = 1800.0
    max_bytes: int = 200_000_000
    first_wait: float = 1.0
    longest_backoff: float = 60.0
    longest_wait: float = 900.0
    give_up_after: int = 5


class HostGate:
    """Token bucket of one host, shared by all threads.

    Parameters
    ----------
    limits : Limits
    clock : Clock
    halt : Halt
        Ends the waiting.
    """

    def __init__(self, limits: Limits, clock: Clock, halt: Halt) -> None:
        self._limits = limits
        self._clock = clock
        self._halt = halt
        self._lock = threading.Lock()
        self._tokens = float(limits.burst)
        self._counted = clock.monotonic()
        self._not_before = self._counted
        self._throttled = 0
        self._failed = 0

    def acquire(self) -> None:
        """Wait until one more request may be sent."""
        while (wait := self._try()) > 0:
            self._clock.sleep(wait)

    def _try(self) -> float:
        """Take a token, or say in how many seconds there may be one."""
        self._halt.check()
        with self._lock:
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

    def pause(self, seconds: float) -> None:
        """Send nothing for a while; afterwards begin with one request, not with a burst."""
        with self._lock:
            until = self._clock.monotonic() + seconds
            if until > self._not_before:
                self._not_before = self._counted = until
                self._tokens = min(self._tokens, 1.0)

    def throttled(self) -> int:
        """Note that the host wants fewer requests; returns how often in a row."""
        with self._lock:
            self._throttled += 1
            return self._throttled

    def answered(self) -> None:
        """Note that the host is well."""
        with self._lock:
            self._throttled = self._failed = 0

    def failed(self) -> None:
        """Note that a file was given up because of the host."""
        with self._lock:
            self._failed += 1

    @property
    def given_up(self) -> bool:
        """Whether so many files failed in a row that the others are not worth a request."""
        return self._failed >= self._limits.give_up_after


class Gates:
    """One :class:`HostGate` a host, made when first asked for."""

    def __init__(self, limits: Limits, clock: Clock, halt: Halt) -> None:
        self._limits = limits
        self._clock = clock
        self._halt = halt
        self._lock = threading.Lock()
        self._gates: dict[str, HostGate] = {}

    def of(self, address: str) -> HostGate:
        """Gate of the host in an address."""
        host = host_of(address)
        with self._lock:
            if host not in self._gates:
                self._gates[host] = HostGate(self._limits, self._clock, self._halt)
            return self._gates[host]


class Pace:
    """Watches one body: too slow, or too long, and it ends.

    Parameters
    ----------
    limits : Limits
    clock : Clock
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._begun = self._window_begun = clock.monotonic()
        self._window_bytes = 0

    def received(self, count: int) -> None:
        """Note some bytes.

        Raises
        ------
        TransientError
            If the body is too slow or took too long.
        """
        now = self._clock.monotonic()
        self._window_bytes += count
        if now - self._begun > self._limits.deadline:
            raise TransientError(f"not whole after {self._limits.deadline:g} s")
        if now - self._window_begun >= self._limits.window:
            speed = self._window_bytes / (now - self._window_begun)
            if speed < self._limits.slowest:
                raise TransientError(f"too slow: {speed:.0f} bytes a second")
            self._window_begun, self._window_bytes = now, 0

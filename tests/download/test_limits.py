from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.download.backoff import Backoff, retry_after
from hybridwing.download.faults import StoppedError, TransientError
from hybridwing.download.halt import Halt
from hybridwing.download.limits import Gates, HostGate, Limits, Pace, SystemClock

if TYPE_CHECKING:
    from typing import Any

LIMITS = Limits(rate=60.0, burst=4)


def test_a_burst_then_one_request_a_second(clock: Any) -> None:
    gate = HostGate(LIMITS, clock, Halt())
    begun = clock.now
    times = []
    for _ in range(10):
        gate.acquire()
        times.append(clock.now - begun)
    assert times == pytest.approx([0, 0, 0, 0, 1, 2, 3, 4, 5, 6])


@given(rate=st.floats(0.5, 5000), burst=st.integers(1, 8), idle=st.lists(st.floats(0, 300), max_size=40))
def test_never_more_than_rate_and_burst_in_a_minute(rate: float, burst: int, idle: list[float]) -> None:
    class Hands:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

        wall = monotonic

        def sleep(self, seconds: float) -> None:
            self.now += seconds

    hands = Hands()
    gate = HostGate(replace(LIMITS, rate=rate, burst=burst), hands, Halt())
    times = []
    for pause in [*idle, *[0.0] * 20]:
        hands.sleep(pause)
        gate.acquire()
        times.append(hands.now)
    for first in times:
        assert sum(first <= moment <= first + 60 for moment in times) <= rate * (1 + 1e-6) + burst + 1


def test_after_a_pause_requests_come_one_by_one(clock: Any) -> None:
    gate = HostGate(LIMITS, clock, Halt())
    gate.pause(30)
    gate.pause(5)  # a shorter one does not cut it
    begun = clock.now
    times = []
    for _ in range(4):
        gate.acquire()
        times.append(clock.now - begun)
    assert times == pytest.approx([30, 31, 32, 33])


def test_one_gate_a_host(clock: Any) -> None:
    gates = Gates(LIMITS, clock, Halt())
    assert gates.of("https://zenodo.org/a.jpg") is gates.of("https://zenodo.org/b.jpg")
    assert gates.of("https://zenodo.org/a.jpg") is not gates.of("https://zenodo.org:444/a.jpg")


def test_a_halt_ends_the_waiting() -> None:
    halt = Halt()
    gate = HostGate(replace(LIMITS, burst=1), SystemClock(halt), halt)
    gate.pause(3600)
    halt.now("enough")
    halt.now("more than enough")
    SystemClock(halt).sleep(3600)
    with pytest.raises(StoppedError, match=r"^enough$"):
        gate.acquire()


def test_the_system_clock_runs() -> None:
    clock = SystemClock(Halt())
    assert clock.monotonic() <= clock.monotonic()
    assert clock.wall() > 1.6e9


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (" 0 ", 0.0),
        ("86400", 900.0),
        ("9" * 5000, 900.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        (formatdate(1_000_060, usegmt=True), 60.0),
        (formatdate(999_000, usegmt=True), 0.0),
        (formatdate(9_000_000, usegmt=True), 900.0),
        ("Mon, 12 Jan 1970 13:47:40", 60.0),
        ("Mon, 99 Jan 1970 13:47:40 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, 1_000_000.0, 900.0) == seconds


def test_a_date_is_taken_by_the_servers_own_clock() -> None:
    headers = {"retry-after": formatdate(5_000_060, usegmt=True), "date": formatdate(5_000_000, usegmt=True)}
    assert retry_after(headers, 1_000_000.0, 900.0) == 60.0


@given(st.text())
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after({"retry-after": value, "date": value}, 0.0, 900.0)
    assert seconds is None or 0 <= seconds <= 900


def test_backoff_is_jittered_doubles_and_is_bounded() -> None:
    drawn = {n: [Backoff(LIMITS, seed).seconds(n) for seed in range(200)] for n in (1, 3, 1000)}
    for failures, bound in ((1, 1.0), (3, 4.0), (1000, 60.0)):
        assert 0 <= min(drawn[failures]) < 0.1 * bound
        assert 0.9 * bound < max(drawn[failures]) <= bound
    assert Backoff(LIMITS, 1).seconds(3) == Backoff(LIMITS, 1).seconds(3)


def test_pace(clock: Any) -> None:
    limits = replace(LIMITS, slowest=100, window=10, deadline=60)
    pace = Pace(limits, clock)
    for _ in range(5):
        clock.sleep(10)
        pace.received(1000)
    clock.sleep(10)
    with pytest.raises(TransientError, match="too slow: 99 bytes a second"):
        pace.received(999 - 9)
    pace = Pace(limits, clock)
    clock.sleep(61)
    with pytest.raises(TransientError, match="not whole after 60 s"):
        pace.received(10**9)

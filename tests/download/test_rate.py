from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.download.errors import RefusedError, StoppedError
from hybridwing.download.rate import Host, Hosts, NetworkLimits, Stop, retry_after

if TYPE_CHECKING:
    from typing import Any

LIMITS = NetworkLimits(rate=60.0, burst=4)


def test_a_burst_then_one_request_a_second(clock: Any) -> None:
    host = Host("h", LIMITS, clock, Stop(), 0)
    begun = clock.now
    times = []
    for _ in range(10):
        host.acquire()
        times.append(clock.now - begun)
    assert times == pytest.approx([0, 0, 0, 0, 1, 2, 3, 4, 5, 6])


@given(rate=st.floats(0.5, 5000), burst=st.integers(1, 8), idle=st.lists(st.floats(0, 300), max_size=40))
def test_never_more_than_rate_and_burst_in_a_minute(rate: float, burst: int, idle: list[float]) -> None:
    class Hands:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

        def sleep(self, seconds: float) -> None:
            self.now += seconds

    hands = Hands()
    host = Host("h", replace(LIMITS, rate=rate, burst=burst), hands, Stop(), 0)
    times = []
    for pause in [*idle, *[0.0] * 20]:
        hands.sleep(pause)
        host.acquire()
        times.append(hands.now)
    for first in times:
        assert sum(first <= moment <= first + 60 for moment in times) <= rate * (1 + 1e-6) + burst + 1


def test_after_a_pause_requests_come_one_by_one(clock: Any) -> None:
    host = Host("h", LIMITS, clock, Stop(), 0)
    host.pause(30)
    host.pause(5)  # a shorter one does not cut it
    begun = clock.now
    times = []
    for _ in range(4):
        host.acquire()
        times.append(clock.now - begun)
    assert times == pytest.approx([30, 31, 32, 33])


def test_one_bucket_a_host(clock: Any) -> None:
    hosts = Hosts(LIMITS, clock, Stop())
    assert hosts.of("https://zenodo.org/a.jpg") is hosts.of("https://zenodo.org/b.jpg")
    assert hosts.of("https://zenodo.org/a.jpg") is not hosts.of("https://zenodo.org:444/a.jpg")


def test_a_stop_ends_the_waiting() -> None:
    stop = Stop()
    host = Host("h", replace(LIMITS, burst=1), stop, stop, 0)
    host.pause(3600)
    assert stop.monotonic() <= stop.monotonic()
    stop.set("enough")
    stop.set("more than enough")
    stop.sleep(3600)
    with pytest.raises(StoppedError, match=r"^enough$"):
        host.acquire()


def failures_until_given_up(host: Host, urls: int, *, answered: bool, connected: bool) -> int:
    for number in range(1, 100):
        host.failed(f"http://h/{number % urls}", "why", answered=answered, connected=connected)
        try:
            host.acquire()
        except RefusedError as error:
            return number if error.reason == f"h is not asked any more: {number} requests in a row failed (why)" else 0
    return 100


def test_a_host_is_given_up_sooner_before_its_first_answer(clock: Any) -> None:
    def new() -> Host:
        return Host("h", LIMITS, clock, Stop(), 0)

    assert failures_until_given_up(new(), 1, answered=False, connected=False) == LIMITS.first_contact
    assert failures_until_given_up(new(), 2, answered=False, connected=True) == LIMITS.first_contact
    assert failures_until_given_up(new(), 1, answered=False, connected=True) == 100, "it may be that one file"
    assert failures_until_given_up(new(), 2, answered=True, connected=True) == LIMITS.patience
    host = new()
    host.failed("http://h/a", "why", answered=False, connected=False)
    host.succeeded()
    assert failures_until_given_up(host, 2, answered=False, connected=False) == LIMITS.patience


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
def test_retry_after(value: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridwing.download.rate.time.time", lambda: 1_000_000.0)
    assert retry_after({"retry-after": value}, 900.0) == seconds


def test_a_date_is_taken_by_the_servers_own_clock() -> None:
    headers = {"retry-after": formatdate(5_000_060, usegmt=True), "date": formatdate(5_000_000, usegmt=True)}
    assert retry_after(headers, 900.0) == 60.0


@given(st.text())
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after({"retry-after": value, "date": value}, 900.0)
    assert seconds is None or 0 <= seconds <= 900


def test_backoff_is_jittered_doubles_and_is_bounded(clock: Any) -> None:
    def drawn(failures: int) -> list[float]:
        return [Host("h", LIMITS, clock, Stop(), seed).backoff(failures) for seed in range(200)]

    for failures, bound in ((0, 1.0), (1, 1.0), (3, 4.0), (1000, 60.0)):
        seconds = drawn(failures)
        assert 0 <= min(seconds) < 0.1 * bound
        assert 0.9 * bound < max(seconds) <= bound
        assert drawn(failures) == seconds

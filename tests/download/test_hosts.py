from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.download.errors import RefusedError, StoppedError
from hybridwing.download.hosts import Host, Hosts, Politeness, Stop, retry_after


class Hands(Stop):
    """Sleeping moves the hands at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def times(host: Host, hands: Hands, count: int) -> list[float]:
    begun, found = hands.now, []
    for _ in range(count):
        host.acquire()
        found.append(hands.now - begun)
    return found


def test_a_burst_then_one_request_a_second() -> None:
    hands = Hands()
    assert times(Host("h", Politeness(), hands), hands, 10) == pytest.approx([0, 0, 0, 0, 1, 2, 3, 4, 5, 6])


@given(rate=st.floats(0.5, 5000), jobs=st.integers(1, 8), idle=st.lists(st.floats(0, 300), max_size=40))
def test_never_more_than_rate_and_burst_in_a_minute(rate: float, jobs: int, idle: list[float]) -> None:
    hands = Hands()
    host = Host("h", Politeness(rate=rate, jobs=jobs), hands)
    asked = []
    for pause in [*idle, *[0.0] * 20]:
        hands.sleep(pause)
        host.acquire()
        asked.append(hands.now)
    for first in asked:
        assert sum(first <= moment <= first + 60 for moment in asked) <= rate * (1 + 1e-6) + jobs + 1


def test_after_a_pause_requests_come_one_by_one() -> None:
    hands = Hands()
    host = Host("h", Politeness(), hands)
    host.failed("busy", answered=True, wait=30)
    host.failed("busy", answered=True, wait=5)  # a shorter one does not cut it
    assert times(host, hands, 4) == pytest.approx([30, 31, 32, 33])


def test_one_rate_a_host() -> None:
    hosts = Hosts(Politeness(), Stop())
    assert hosts.of("https://zenodo.org/a.jpg") is hosts.of("https://zenodo.org/b.jpg")
    assert hosts.of("https://zenodo.org/a.jpg") is not hosts.of("https://zenodo.org:444/a.jpg")


def test_a_stop_ends_the_waiting() -> None:
    stop = Stop()
    host = Host("h", Politeness(jobs=1), stop)
    host.failed("busy", answered=True, wait=3600)
    assert stop.monotonic() <= stop.monotonic()
    stop.set("enough")
    stop.set("more than enough")
    stop.sleep(3600)
    with pytest.raises(StoppedError, match=r"^enough$"):
        host.acquire()


def failures_until_given_up(host: Host, *, answered: bool) -> int:
    for number in range(1, 100):
        host.failed("why", answered=answered)
        try:
            host.acquire()
        except RefusedError as error:
            return number if error.reason == f"h is not asked any more: {number} requests in a row failed (why)" else 0
    return 100


def test_a_host_is_given_up_sooner_before_its_first_answer() -> None:
    assert failures_until_given_up(Host("h", Politeness(), Hands()), answered=False) == 3
    assert failures_until_given_up(Host("h", Politeness(), Hands()), answered=True) == 20
    host = Host("h", Politeness(), Hands())
    host.failed("why", answered=False)
    host.succeeded()
    assert failures_until_given_up(host, answered=False) == 20


def test_waits_are_drawn_below_a_bound_that_doubles() -> None:
    for failures, bound in ((1, 1.0), (3, 4.0), (19, 60.0)):
        waits = []
        for _ in range(200):
            hands = Hands()
            host = Host("h", Politeness(rate=1e9, jobs=1), hands)
            for _ in range(failures - 1):
                host.failed("why", answered=True, wait=0.0)
            host.failed("why", answered=True)
            waits.append(times(host, hands, 1)[0])
        assert 0 <= min(waits) < 0.2 * bound
        assert 0.8 * bound < max(waits) <= bound + 1e-6


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
    monkeypatch.setattr("hybridwing.download.hosts.time.time", lambda: 1_000_000.0)
    assert retry_after({"retry-after": value}) == seconds


def test_a_date_is_taken_by_the_servers_own_clock() -> None:
    headers = {"retry-after": formatdate(5_000_060, usegmt=True), "date": formatdate(5_000_000, usegmt=True)}
    assert retry_after(headers) == 60.0


@given(st.text())
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after({"retry-after": value, "date": value})
    assert seconds is None or 0 <= seconds <= 900

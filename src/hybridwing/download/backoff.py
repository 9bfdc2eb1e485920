"""How long to wait before asking again."""

from __future__ import annotations

import threading
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.download.limits import Limits


def retry_after(headers: Mapping[str, str], now: float, longest: float) -> float | None:
    """Seconds that a server asks to wait, from its ``Retry-After`` (RFC 9110, section 10.2.3).

    Parameters
    ----------
    headers : mapping of str to str
        Of the response, with lower-case keys or a mapping that ignores case.
    now : float
        Seconds since 1970; used for a date where the response does not say what its own clock shows.
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
    return min(max(until - (now if server_now is None else server_now), 0.0), longest)


def _http_date(value: str) -> float | None:
    """Seconds since 1970."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


class Backoff:
    """Exponential back-off with full jitter: uniform between nothing and a bound that doubles.

    Parameters
    ----------
    limits : Limits
        Its `first_wait` and `longest_backoff`.
    seed : int
    """

    def __init__(self, limits: Limits, seed: int) -> None:
        self._limits = limits
        self._rng = np.random.default_rng(seed)
        self._lock = threading.Lock()

    def seconds(self, failures: int) -> float:
        """Wait after the given number of failures in a row, at least 1."""
        bound = min(self._limits.first_wait * 2.0 ** min(failures - 1, 30), self._limits.longest_backoff)
        with self._lock:  # a Generator is not safe to share between threads
            return float(self._rng.uniform(0.0, bound))

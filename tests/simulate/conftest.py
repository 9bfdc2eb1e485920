"""One small collection that several test files read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hybridwing.simulate.collection import SimulatedCollection, simulate

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def collection(once: Callable[..., Any]) -> SimulatedCollection:
    return once("simulated", lambda folder: simulate(folder / "collection", specimens=150, seed=5, size=128, workers=1))

"""One small collection that several test files read."""

from __future__ import annotations

import pytest

from hybridwing.simulate.collection import SimulatedCollection, simulate


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> SimulatedCollection:
    return simulate(tmp_path_factory.mktemp("simulated") / "collection", specimens=150, seed=5, size=128, workers=1)

"""Fixtures that every test folder shares, and how property tests search."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Workers share the processors already. Those who set this read it when they are imported, which is later.
if "PYTEST_XDIST_WORKER" in os.environ:
    assert "numpy" not in sys.modules
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# `make test` tries the same examples each time. `make fuzz` searches afresh, for longer, and keeps in .hypothesis what
# it found.
settings.register_profile(
    "suite",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
settings.register_profile(
    "fuzz",
    settings.get_profile("suite"),
    derandomize=False,
    max_examples=1000,
    database=settings.get_profile("default").database,
    print_blob=True,
)
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of each file that imports torch at its top."""
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item.module, "torch"):
            item.add_marker(pytest.mark.torch)


@pytest.fixture(scope="session", autouse=True)
def _no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Embeddings that tests make stay out of the cache of whoever runs them, and the other way round."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRIDWING_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real inputs beside the checkout (or at ``HYBRIDWING_SHARED``); tests that need it skip without it."""
    folder = Path(os.environ.get("HYBRIDWING_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real inputs at {folder}; set HYBRIDWING_SHARED to the folder that holds data/")
    return folder / "data"

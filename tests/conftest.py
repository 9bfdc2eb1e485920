"""Fixtures every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


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

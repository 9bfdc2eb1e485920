"""Fixtures every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real inputs beside the checkout (or at ``HYBRIDWING_SHARED``); tests that need it skip without it."""
    folder = Path(os.environ.get("HYBRIDWING_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real inputs at {folder}; set HYBRIDWING_SHARED to the folder that holds data/")
    return folder / "data"

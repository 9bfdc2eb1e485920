"""Hiding the main script from worker processes."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from hybridwing.main_script import main_script_hidden


def test_the_main_module_is_as_it_was_afterwards():
    main = vars(sys.modules["__main__"])
    before = {name: main.get(name) for name in ("__spec__", "__file__")}

    def hide(_: int) -> bool:
        with main_script_hidden():
            return "__file__" not in main and main["__spec__"] is None

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(hide, range(200)))
    with pytest.raises(KeyError), main_script_hidden():
        raise KeyError
    assert {name: main.get(name) for name in before} == before

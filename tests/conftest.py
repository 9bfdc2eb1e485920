"""Fixtures that every test folder shares, and how property tests search."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hybridwing.audit.report import AuditReport
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.run import Run
    from hybridwing.simulate.collection import SimulatedCollection

# Workers share the processors already. Those who set this read it when they are imported, which is later.
if "PYTEST_XDIST_WORKER" in os.environ:
    assert "numpy" not in sys.modules
    os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent

# `make test` tries the same examples each time. `make fuzz` searches afresh, for longer, and keeps in .hypothesis what
# it found.
settings.register_profile(
    "suite",
    derandomize=True,
    max_examples=30,
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


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: many tests wait for a program that they started."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of a file that imports torch at its top, and those of the audit of the official tables, which is slow.

    Those that others would wait for come first.
    """
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if hasattr(item.module, "torch"):
            item.add_marker(pytest.mark.torch)
        if "official_report" in item.fixturenames:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.parent != HERE or item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def _nothing_is_left_to_the_next_test() -> Iterator[None]:
    """The command line sets which messages are told for its whole process; a test puts all else back by itself."""
    logging.getLogger("hybridwing").setLevel(logging.NOTSET)

    def settings_now() -> tuple[str, dict[str, str]]:
        ours = ("HYBRIDWING_", "HF_", "PATH", "HOME")
        return os.getcwd(), {name: value for name, value in os.environ.items() if name.startswith(ours)}  # noqa: PTH109

    before = settings_now()
    yield
    assert settings_now() == before


@pytest.fixture(scope="session", autouse=True)
def _one_processor_a_worker() -> Iterator[None]:
    """What starts a process a processor unless told otherwise starts none: it would load all it imports again."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
        yield


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright; tests that need it skip without."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def serious() -> Callable[[Any], list[tuple[str, str]]]:
    """What axe finds on a page of the browser that shuts somebody out: the rule, and the first element at fault."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()

    def serious(page: Any) -> list[tuple[str, str]]:
        found = axe.run(page).response
        assert found["passes"]
        shut_out = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        return [(one["id"], one["nodes"][0]["html"]) for one in shut_out]

    return serious


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], Any]], Any]:
    """Make something once for all workers: the first that asks makes it in a new folder, the others read the result.

    Nobody may change what lies in the folder.
    """
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent

    def once(name: str, make: Callable[[Path], Any]) -> Any:
        result = place / f"{name}.pickle"
        with FileLock(place / f"{name}.lock"):
            if not result.exists():
                result.write_bytes(pickle.dumps(make(tmp_path_factory.mktemp(name))))
            return pickle.loads(result.read_bytes())

    return once


@pytest.fixture(scope="session")
def official_report(shared: Path, once: Callable[..., Any]) -> AuditReport:
    """The audit of the official tables."""

    def make(folder: Path) -> AuditReport:
        from hybridwing.audit.run import audit
        from hybridwing.catalogue.readers import read_catalogue

        names = ("butterfly_anomaly_train.csv", "ref_val.csv", "ref_test.csv")
        train, *references = (read_catalogue(shared / "challenge" / name) for name in names)
        return audit(train, references=references)

    return once("official-report", make)


@pytest.fixture(scope="session")
def small(once: Callable[..., Any]) -> tuple[SimulatedCollection, EmbeddingTable, EmbeddingTable]:
    """A small simulated collection, and the embeddings of its training and its test table by `pattern`."""

    def make(folder: Path) -> tuple[SimulatedCollection, EmbeddingTable, EmbeddingTable]:
        import hybridwing as hw

        made = hw.simulate_collection(folder / "collection", specimens=180, size=96, workers=1)
        one = hw.Compute(workers=1)
        train, test = (
            hw.embed(hw.read_catalogue(table), made.images, compute=one) for table in (made.train, made.ref_test)
        )
        return made, train, test

    return once("small", make)


@pytest.fixture(scope="session")
def small_embeddings(small: tuple[SimulatedCollection, EmbeddingTable, EmbeddingTable]) -> EmbeddingTable:
    """The embeddings of all its photographs."""
    import numpy as np

    _, train, test = small
    vectors = np.concatenate([train.vectors, test.vectors])
    return replace(train, uuids=(*train.uuids, *test.uuids), vectors=vectors, metadata=None)


@pytest.fixture(scope="session")
def small_run(small: tuple[SimulatedCollection, EmbeddingTable, EmbeddingTable], once: Callable[..., Any]) -> Run:
    """A run on that collection. A random split of so small a table may hold out no hybrid at all."""

    def make(folder: Path) -> Run:
        import hybridwing as hw

        made, embeddings, _ = small
        return hw.train(
            hw.read_catalogue(made.train),
            embeddings,
            folder / "run",
            detectors=("svm", "knn"),
            split_method="stratified",
            test_fraction=0.3,
        )

    return once("small-run", make)

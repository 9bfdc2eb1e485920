"""A misbehaving server, a clock that does not wait, and catalogues that point to them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import importlib.util
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.download.fetch import download
from hybridwing.download.hosts import Politeness, Stop
from hybridwing.download.plan import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.download.fetch import DownloadReport

TRAIN = (
    "CAMID", "file_url", "hybrid_stat", "split", "zenodo_link", "md5", "subspecies", "parent_subspecies_1",
    "parent_subspecies_2", "filename",
)  # fmt: skip
REFERENCE = ("CAMID", "file_url", "hybrid_stat", "X", "subspecies_ref", "filename", "ssp_indicator")


def _load_server() -> object:
    """The server's module; tests are imported by path, so there is no package to import it from."""
    name = "download_test_server"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("server.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


class FakeClock:
    """Sleeping moves the hands at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> object:
    """The module server.py."""
    return _load_server()


@pytest.fixture
def site() -> Iterator[object]:
    with _load_server().serving() as site:  # type: ignore[attr-defined]
        yield site


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of all downloads of a test."""
    hands = FakeClock()
    monkeypatch.setattr(Stop, "monotonic", lambda stop: hands.monotonic())
    monkeypatch.setattr(Stop, "sleep", lambda stop, seconds: hands.sleep(seconds))
    return hands


POLITENESS = {field.name for field in dataclasses.fields(Politeness)}
SAMPLE = {field.name for field in dataclasses.fields(Sample)}


@pytest.fixture
def fetch(tmp_path: Path, clock: FakeClock) -> Callable[..., DownloadReport]:
    """Download into ``out`` at once; the fields of `Politeness` and `Sample` are options too."""

    def run(catalogue: Catalogue, out: Path | None = None, **options: Any) -> DownloadReport:
        polite = {name: options.pop(name) for name in POLITENESS & set(options)}
        chosen = {name: options.pop(name) for name in SAMPLE & set(options)}
        politeness = Politeness(**{"rate": 60_000.0, **polite})
        return download(catalogue, out or tmp_path / "out", politeness=politeness, sample=Sample(**chosen), **options)

    return run


@pytest.fixture
def training(site: object, tmp_path: Path) -> Callable[..., Catalogue]:
    """Make pictures on the site and the training table that lists them, with their digests."""

    def make(*names: str, digests: bool = True, side: int = 96) -> Catalogue:
        for seed, name in enumerate(names):
            site.add(name, seed, side=side)  # type: ignore[attr-defined]
        rows = []
        for number, name in enumerate(names):
            md5 = hashlib.md5(site.files[f"/{name}"]).hexdigest()  # type: ignore[attr-defined]
            own = ("", "8.0", "9.0") if number % 3 == 0 else (f"{number % 2}.0", "", "")
            label = "hybrid" if number % 3 == 0 else "non-hybrid"
            url = f"{site.base}/{name}"  # type: ignore[attr-defined]
            rows.append((f"C{number}", url, label, "train", "", md5 if digests else "", *own, name))
        return table(tmp_path / "train.csv", TRAIN, rows)

    return make


def table(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> Catalogue:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return read_catalogue(path)


@pytest.fixture
def reference(site: object, tmp_path: Path) -> Callable[..., Catalogue]:
    """A reference table (no digests) of addresses and file names."""

    def make(*files: tuple[str, str], base: str | None = None) -> Catalogue:
        start = site.base if base is None else base  # type: ignore[attr-defined]
        rows = [
            (f"C{number}", f"{start}/{url}", 0, number, "erato", name, "major")
            for number, (url, name) in enumerate(files)
        ]
        return table(tmp_path / "ref.csv", REFERENCE, rows)

    return make

"""On a real cluster of two workers, started on this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.embeddings.job import embed_to_file
from hybridwing.embeddings.ray_engine import RayEngine, _Actor
from hybridwing.embeddings.store import read_table
from hybridwing.errors import EmbeddingError, MissingExtraError

from .conftest import paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.backbones.base import LoadedBackbone

HERE = Path(__file__).parent
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra 'ray' is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two processors, and workers that find the backbones beside this file."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # Ray's own
        for name, value in (
            ("RAY_USAGE_STATS_ENABLED", "0"),
            ("RAY_BACKEND_LOG_LEVEL", "fatal"),
            ("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])),
        ):
            patch.setenv(name, value)
        patch.syspath_prepend(str(HERE))
        import ray

        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield
        ray.shutdown()
        sys.modules.pop("ray_backbones", None)


def backbones() -> object:
    import importlib

    return importlib.import_module("ray_backbones")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


def embed(
    pictures: list[tuple[str, Path]], out: Path, load: partial[LoadedBackbone] | None, made: Path, **options: int
) -> bytes:
    """Bytes of the table, by a cluster or, with nothing to load, by this process."""
    here = backbones().Counting(made)  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own
        engine = None if load is None else RayEngine(load, actors=2, **options)
        embed_to_file(pictures, here, out, shard_size=2, engine=engine)
    return out.read_bytes()


@pytest.mark.ray
@needs_ray
@pytest.mark.usefixtures("cluster")
def test_the_table_is_that_of_the_local_engine_though_a_worker_dies(pictures, tmp_path, made):
    pictures = pictures + [(f"v{n}", paint(tmp_path / "pictures" / f"v{n}.png", 50 + n)) for n in range(20)]
    far = embed(pictures, tmp_path / "far.parquet", partial(backbones().DyingOnce, made), made)
    assert (made / "died").exists()
    assert far == embed(pictures, tmp_path / "near.parquet", None, made)
    assert [failure.uuid for failure in read_table(tmp_path / "far.parquet").failures] == ["u8"]
    # This process, two workers and the one that took the place of the dead: each loaded it once.
    assert len(list(made.glob("loaded-*"))) == 4


@pytest.mark.ray
@needs_ray
@pytest.mark.usefixtures("cluster")
def test_images_that_kill_every_worker_end_the_job_and_it_can_go_on(pictures, tmp_path, made):
    out = tmp_path / "far.parquet"
    # One shard, and a worker that dies: each takes seconds to start.
    with pytest.raises(EmbeddingError, match=r"a worker of the cluster failed: 1 worker died over the images"):
        embed(pictures[:2], out, partial(backbones().AlwaysDying, made), made, attempts=1)
    assert not out.exists()
    assert embed(pictures[:2], out, None, made)


def test_a_worker_without_the_backbone_says_so(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    worker = _Actor(partial(backbones().Absent, tmp_path), Compute(), attempts=None, most=4)
    answer = worker({"number": [7], "uuids": [["u"]], "paths": [["u.png"]]})
    assert (answer["number"], answer["shard"].tolist()) == ([7], ["no folder /models/x here"])


@needs_ray
def test_no_cluster_at_the_address(pictures, tmp_path, made, monkeypatch):
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def unreachable(**_: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nPlease start one")

    monkeypatch.setattr(ray, "init", unreachable)
    monkeypatch.syspath_prepend(str(HERE))
    load = partial(backbones().Counting, made)
    with pytest.raises(EmbeddingError, match=r"there is no Ray cluster at head:6379: Could not find any running"):
        list(RayEngine(load, "head:6379")({0: pictures}, Compute(batch_size=2, workers=1), lambda: None))


def test_without_ray(monkeypatch, pictures):
    monkeypatch.setitem(sys.modules, "ray", None)
    engine = RayEngine(partial(object))  # type: ignore[arg-type]
    with pytest.raises(MissingExtraError, match=r"--engine ray needs the package 'ray'.*hybridwing\[ray\]"):
        list(engine({0: pictures}, Compute(batch_size=2, workers=1), lambda: None))
    assert list(engine({}, Compute(batch_size=2, workers=1), lambda: None)) == []

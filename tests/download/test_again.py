"""After any mix of faults, and after any death, the same call ends right and asks for nothing twice."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridwing.download.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.catalogue.schema import Catalogue

NAMES = ("a.jpg", "b.jpg", "c.jpg")
FAULTS = (
    "status:429",
    "status:429 7",
    "status:503",
    "status:500",
    "status:404",
    "status:416",
    "cut",
    "cut:reset",
    "short",
    "long",
    "tampered",
    "page",
    "redirect:/gone.jpg",
    "redirect:file:///etc/passwd",
    "headed:Content-Encoding=gzip",
    "whole_as_part:bytes 0-9/10",
)


def wrong(out: Path, site: Any) -> set[str]:
    """Names under which something stands that is not the whole file."""
    there = {path.name for path in out.glob("*.jpg")}
    return {name for name in there if (out / name).read_bytes() != site.files[f"/{name}"]}


def lacking(out: Path) -> set[str]:
    return {name for name in NAMES if not (out / name).exists()}


@settings(max_examples=settings.default.max_examples // 3)
@given(
    st.fixed_dictionaries({name: st.lists(st.sampled_from(FAULTS), max_size=9) for name in NAMES}), st.integers(1, 3)
)
@pytest.mark.slow
def test_any_mix_of_faults(site: Any, training: Any, fetch: Any, plans: dict[str, list[str]], jobs: int) -> None:
    catalogue = training(*NAMES)
    for name, plan in plans.items():
        site.plans[f"/{name}"] = list(plan)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        asked = len(site.asked)
        for _ in range(1 + max(map(len, plans.values()))):
            report = fetch(catalogue, out, jobs=jobs)
            assert not wrong(out, site)
            assert {failure.path for failure in report.failed} == lacking(out)
            if report.complete:
                break
        assert report.complete
        good = [entry.path for entry in site.asked[asked:] if entry.way == "good" and entry.path != "/gone.jpg"]
        assert sorted(good) == [f"/{name}" for name in NAMES], "no file is asked for that was served as it should be"
        asked = len(site.asked)
        assert fetch(catalogue, out).requests == len(site.asked) - asked == 0


@contextlib.contextmanager
def running(script: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "ignore", str(script), *map(str, arguments)]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.slow
def test_killed_at_any_moment(site: Any, training: Any, fetch: Any, tmp_path: Path) -> None:
    catalogue = training(*NAMES[:2])
    names = NAMES[:2]
    script = Path(__file__).with_name("killed.py")
    moments, resumed_without_request = 0, 0
    with running(script, catalogue.source, tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "warm\n", process.communicate()
        while True:
            process.stdin.write("\n")
            process.stdin.flush()
            moment, end = process.stdout.readline().split()
            out = tmp_path / moment
            assert not wrong(out, site)
            before = {name for name in names if (out / name).exists()}
            asked = len(site.asked)
            report = fetch(catalogue, out)
            assert report.complete
            assert set(report.already_there) == before
            again = [entry.path for entry in site.asked[asked:]]
            assert len(again) == len(set(again))
            assert {path[1:] for path in again} <= set(names) - before
            resumed_without_request += len(names) - len(before) - len(again)
            assert not wrong(out, site)
            assert (out / "manifest.csv").read_bytes() == (tmp_path / "warm" / "manifest.csv").read_bytes()
            assert sorted(path.name for path in out.iterdir() if path.name[0] != ".") == sorted(
                ["catalogue.csv", "manifest.csv", "missing.csv", *names]
            )
            if end == "ended":
                break
            moments += 1
    assert moments > 15
    assert resumed_without_request > 0, "some died between the last byte and the name"


SCRIPT = """
import sys
from pathlib import Path
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.download.fetch import download
from hybridwing.download.hosts import Politeness
from hybridwing.errors import HybridwingError
try:
    print(download(read_catalogue(Path(sys.argv[1])), Path(sys.argv[2]), politeness=Politeness(rate=1e6)).summary())
except HybridwingError as error:
    print(error)
"""


@pytest.mark.slow
def test_killed_in_mid_body_while_another_waits_outside(site: Any, training: Any, fetch: Any, tmp_path: Path) -> None:
    catalogue: Catalogue = training(*NAMES, side=400)
    site.plans["/b.jpg"] = ["held"]
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(SCRIPT)
    with running(script, catalogue.source, out) as process:
        assert site.held.wait(60)
        with pytest.raises(DownloadError, match="another download is running"):
            fetch(catalogue, out)
        part = out / ".hybridwing-download" / "parts" / f"{hashlib.sha256(b'b.jpg').hexdigest()[:32]}.part"
        half = len(site.files["/b.jpg"]) // 2
        while not (part.exists() and part.stat().st_size > half // 2):
            assert process.poll() is None
        process.kill()
    assert not wrong(out, site)
    before = lacking(out)
    assert "b.jpg" in before
    asked = len(site.asked)
    report = fetch(catalogue, out)
    assert report.complete
    assert set(report.fetched) == before
    assert not wrong(out, site)
    (again,) = [entry for entry in site.asked[asked:] if entry.path == "/b.jpg"]
    assert "range" in again.headers
    assert report.bytes_received < sum(len(site.files[f"/{name}"]) for name in before)

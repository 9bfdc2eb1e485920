"""What a download leaves behind, and what the next one makes of it."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from PIL import Image

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.download import fetch as fetch_module
from hybridwing.download.errors import DownloadError
from hybridwing.download.folder import DownloadFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_tables(site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training("a.jpg", "b.jpg", "c.jpg")
    site.plans["/b.jpg"] = ["status:404"]
    seen: list[tuple[int, int]] = []
    report = fetch(catalogue, by="hybrid_stat", progress=lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert (report.fetched, report.already_there, report.complete) == (("hybrid/a.jpg", "non-hybrid/c.jpg"), (), False)
    assert report.summary().endswith(" s), 0 already there, 1 failed")
    assert report.summary().startswith("2 fetched (0.0 MB in ")
    assert replace(report, bytes_received=1_600_000_000).summary().startswith("2 fetched (1.6 GB in ")
    whole = site.files["/a.jpg"]
    assert rows(report.manifest)[0] == {
        "path": "hybrid/a.jpg",
        "bytes": str(len(whole)),
        "md5": hashlib.md5(whole).hexdigest(),
        "sha256": hashlib.sha256(whole).hexdigest(),
        "url": f"{site.base}/a.jpg",
        "licence": "",
    }
    assert rows(report.missing) == [
        {"path": "non-hybrid/b.jpg", "url": f"{site.base}/b.jpg", "reason": "HTTP 404 Not Found"}
    ]
    there = read_catalogue(out / "catalogue.csv")
    assert there.table["filename"].tolist() == ["hybrid/a.jpg", "non-hybrid/c.jpg"]
    assert there.table["specimen"].tolist() == ["C0", "C2"]
    assert fetch(catalogue, by="hybrid_stat").complete
    assert rows(report.missing) == []
    assert site.asked[0].headers["user-agent"].startswith("hybridwing/")
    assert site.asked[0].headers["accept-encoding"] == "identity"


def test_only_what_is_missing_or_wrong_is_fetched(site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training(*(f"{n}.jpg" for n in range(6)))
    fetch(catalogue)
    (out / "1.jpg").unlink()
    (out / "2.jpg").write_bytes(site.files["/2.jpg"][:-1])
    status = (out / "3.jpg").stat()
    (out / "3.jpg").write_bytes(site.files["/3.jpg"][:-1] + b"x")
    os.utime(out / "3.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
    quick = fetch(catalogue, verify=False)
    assert quick.fetched == ("1.jpg", "2.jpg"), "size and time of 3.jpg are as before"
    report = fetch(catalogue)
    assert report.fetched == ("3.jpg",)
    assert site.counts == {f"/{n}.jpg": 2 if n in (1, 2, 3) else 1 for n in range(6)}


def test_an_earlier_sample_is_not_fetched_again(site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training(*(f"{n}.jpg" for n in range(9)))
    first = fetch(catalogue, fraction=0.3)
    assert 3 <= len(first.fetched) < 9
    second = fetch(catalogue)
    assert set(first.fetched) == set(second.already_there)
    third = fetch(catalogue, limit=2)
    assert len(third.already_there) == 2
    assert len(rows(third.manifest)) == 9, "the manifest tells all that is in the folder"
    assert len(rows(out / "catalogue.csv")) == 2
    assert sum(site.counts.values()) == 9


def test_files_from_elsewhere_are_taken_over(site: Any, training: Any, fetch: Any, out: Path) -> None:
    out.mkdir()
    site.add("a.jpg", 0)
    (out / "a.jpg").write_bytes(site.files["/a.jpg"])
    assert fetch(training("a.jpg")).already_there == ("a.jpg",)
    assert site.asked == []
    assert len(rows(out / "manifest.csv")) == 1


def test_without_digests_what_is_no_image_is_fetched(site: Any, training: Any, fetch: Any, out: Path) -> None:
    out.mkdir()
    (out / "a.jpg").write_bytes(b"<html>")
    catalogue = training("a.jpg", "b.jpg", digests=False)
    (out / "b.jpg").write_bytes(site.files["/b.jpg"])
    report = fetch(catalogue)
    assert (report.fetched, report.already_there) == (("a.jpg",), ("b.jpg",))


def test_what_was_first_received_is_in_the_manifest(site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training("a.jpg", "b.jpg", digests=False)
    fetch(catalogue)
    (out / "b.jpg").write_bytes(site.files["/a.jpg"])
    report = fetch(catalogue)
    assert (report.fetched, report.already_there) == (("b.jpg",), ("a.jpg",))


@pytest.mark.parametrize("spoilt", [b"\x00\xff", b"a.jpg,12,0123", b"a.jpg,1,x,y,z,\n", b"a.jpg,1\n"])
def test_a_torn_manifest_costs_no_request(spoilt: bytes, site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training("a.jpg", "b.jpg")
    fetch(catalogue)
    (out / "manifest.csv").write_bytes(spoilt)
    assert fetch(catalogue).complete
    assert site.counts == {"/a.jpg": 1, "/b.jpg": 1}


def test_another_address_for_the_same_name(site: Any, reference: Any, fetch: Any, out: Path) -> None:
    site.add("x.jpg", 1)
    site.add("y.jpg", 2)
    fetch(reference(("x.jpg", "a.jpg")))
    assert fetch(reference(("x.jpg", "a.jpg")), base_url=site.base).already_there == ("a.jpg",)
    assert fetch(reference(("y.jpg", "a.jpg"))).fetched == ("a.jpg",)
    assert (out / "a.jpg").read_bytes() == site.files["/y.jpg"]
    assert rows(out / "manifest.csv")[0]["url"] == f"{site.base}/y.jpg"


def test_another_address_for_the_same_bytes(site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training("a.jpg")
    fetch(catalogue)
    moved = catalogue.table.assign(file_url=["http://127.0.0.1:9/moved.jpg"]).astype({"file_url": "string"})
    assert fetch(replace(catalogue, table=moved)).already_there == ("a.jpg",)
    assert rows(out / "manifest.csv")[0]["url"] == "http://127.0.0.1:9/moved.jpg"


def test_smaller_copies(site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training("a.jpg", "b.jpg", "c.png", side=96)
    Image.new("RGB", (200, 100), "orange").save(out.parent / "wide.jpg")
    site.files["/a.jpg"] = (out.parent / "wide.jpg").read_bytes()
    Image.new("RGB", (20, 30), "orange").save(out.parent / "small.png")
    site.files["/c.png"] = (out.parent / "small.png").read_bytes()
    options = {"by": "hybrid_stat", "downsize": 50, "verify": False}
    report = fetch(catalogue, **options)
    assert report.complete, report.failed
    downsized = out.parent / "out_downsized"
    copies = {path: Image.open(downsized / path) for path in report.fetched}
    assert {path: (copy.size, copy.format) for path, copy in copies.items()} == {
        "hybrid/a.jpg": ((100, 50), "JPEG"),
        "non-hybrid/b.jpg": ((50, 50), "JPEG"),
        "non-hybrid/c.png": ((20, 30), "PNG"),
    }
    for copy in copies.values():
        copy.close()
    times = {path: (downsized / path).stat().st_mtime_ns for path in report.fetched}
    (downsized / "non-hybrid/b.jpg").write_bytes(b"not any more")
    fetch(catalogue, **options)
    changed = [path for path, then in times.items() if (downsized / path).stat().st_mtime_ns != then]
    assert changed == ["non-hybrid/b.jpg"]
    fetch(catalogue, **{**options, "downsize": 25})
    with Image.open(downsized / "hybrid/a.jpg") as copy:
        assert copy.size == (50, 25)
    with pytest.raises(DownloadError, match="--downsize"):
        fetch(catalogue, downsize=0)


def test_a_smaller_copy_that_cannot_be_made(site: Any, training: Any, fetch: Any, out: Path, monkeypatch: Any) -> None:
    catalogue = training("a.jpg")
    (out.parent / "out_downsized" / "a.jpg").mkdir(parents=True)
    report = fetch(catalogue, downsize=50)
    assert (report.fetched, report.failed[0].reason) == (("a.jpg",), "a folder stands in its place")
    (out.parent / "out_downsized" / "a.jpg").rmdir()
    (out / "a.jpg").write_bytes(site.files["/a.jpg"][:3000])
    cut = hashlib.md5(site.files["/a.jpg"][:3000]).hexdigest()
    damaged = replace(catalogue, table=catalogue.table.assign(md5=[cut]).astype({"md5": "string"}))
    assert fetch(damaged, downsize=50).failed[0].reason.startswith("no smaller copy: damaged")
    fetch(catalogue)

    def full(*args: Any, **options: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("hybridwing.download.downsample.Image.Image.save", full)
    assert fetch(catalogue, downsize=50).failed[0].reason == "cannot be written: Input/output error"


def test_a_name_never_leaves_the_folder(site: Any, reference: Any, fetch: Any, out: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.jpg").write_bytes(b"kept")
    (out / "real").mkdir(parents=True)
    (out / "away").symlink_to(outside)
    (out / "within").symlink_to(out / "real")
    (out / "loop").symlink_to(out / "loop")
    (out / "link.jpg").symlink_to(outside / "kept.jpg")
    (out / "folder.jpg").mkdir()
    (out / "file").write_bytes(b"")
    names = ["away/a.jpg", "within/a.jpg", "link.jpg", "folder.jpg", "file/a.jpg", f"{'n' * 300}.jpg", "loop/a.jpg"]
    site.add("x.jpg", 1)
    for number in range(len(names)):
        site.add(f"{number}.jpg", number)
    report = fetch(reference(*((f"{number}.jpg", name) for number, name in enumerate(names))))
    assert report.fetched == ("within/a.jpg", "link.jpg")
    reasons = {failure.path[:12]: failure.reason for failure in report.failed}
    assert reasons["away/a.jpg"].startswith("its name leads out of")
    assert reasons["folder.jpg"] == "a folder stands in its place"
    assert set(reasons) == {"away/a.jpg", "folder.jpg", "file/a.jpg", "nnnnnnnnnnnn", "loop/a.jpg"}
    assert [path.name for path in outside.iterdir()] == ["kept.jpg"]
    assert (outside / "kept.jpg").read_bytes() == b"kept"
    assert not (out / "link.jpg").is_symlink()
    assert sum(site.counts.values()) == 2, "what has no place is not asked for"


def test_folders_that_cannot_be_used(training: Any, tmp_path: Path, fetch: Any) -> None:
    catalogue = training("a.jpg")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be used as a folder"):
        fetch(catalogue, tmp_path / "file")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".hybridwing-download").symlink_to(tmp_path)
    with pytest.raises(DownloadError, match="symbolic link"):
        fetch(catalogue, tmp_path / "linked")
    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / ".hybridwing-download").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be used as a folder"):
        fetch(catalogue, tmp_path / "spoilt")
    (tmp_path / "taken" / "missing.csv").mkdir(parents=True)
    with pytest.raises(DownloadError, match="its tables cannot be written"):
        fetch(catalogue, tmp_path / "taken")


def test_one_download_at_a_time(site: Any, training: Any, fetch: Any, out: Path, monkeypatch: Any) -> None:
    catalogue = training("a.jpg")
    with DownloadFolder(out).locked(), pytest.raises(DownloadError, match="another download is running"):
        fetch(catalogue)
    assert site.asked == []
    assert fetch(catalogue).complete

    def unknown(lock: object, timeout: float) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("hybridwing.download.folder.FileLock.acquire", unknown)
    with pytest.raises(DownloadError, match=r"cannot be locked \(.*No locks available\)"):
        fetch(catalogue)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"jobs": 0}, "--jobs"),
        ({"rate": 0.0}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"max_bytes": 0}, "--max-bytes"),
        ({"seed": -1}, "seed"),
        ({"contact": "me (here)"}, "--contact"),
        ({"fraction": 0.1, "limit": 3}, "not both"),
        ({"limit": 0}, "at least 1"),
        ({"base_url": "ftp://x"}, "base address"),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], told: str, training: Any, fetch: Any, out: Path) -> None:
    with pytest.raises(DownloadError, match=told):
        fetch(training("a.jpg"), **options)
    assert not out.exists()


def test_a_full_disk_ends_it(site: Any, training: Any, fetch: Any, monkeypatch: Any) -> None:
    catalogue = training(*(f"{n}.jpg" for n in range(8)))

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hybridwing.download.partial._sync", full)
        report = fetch(catalogue, jobs=1)
    assert len(site.asked) == 1
    assert [failure.reason for failure in report.failed] == [
        "cannot be written: No space left on device",
        *["not tried: cannot be written: No space left on device"] * 7,
    ]
    assert fetch(catalogue).complete
    assert site.counts["/0.jpg"] == 1, "its bytes were all there"


def test_ctrl_c_leaves_a_state_that_goes_on(site: Any, training: Any, fetch: Any, out: Path) -> None:
    names = {f"{n}.jpg" for n in range(5)}
    catalogue = training(*sorted(names))
    site.plans["/1.jpg"] = ["held"]

    def interrupt(done: int, total: int) -> None:
        assert site.held.wait(60)
        site.hold.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(catalogue, jobs=2, progress=interrupt)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("download")]
    there = {path.name for path in out.glob("*.jpg")}
    assert there
    assert {row["path"] for row in rows(out / "manifest.csv")} == there
    assert {row["path"] for row in rows(out / "missing.csv")} == names - there
    assert {row["reason"] for row in rows(out / "missing.csv")} <= {"interrupted", "not tried: interrupted"}
    asked = len(site.asked)
    assert fetch(catalogue).complete
    assert sorted(entry.path[1:] for entry in site.asked[asked:]) == sorted(names - there)


def test_a_fault_of_ours_is_not_swallowed(training: Any, fetch: Any, monkeypatch: Any) -> None:
    def broken(self: object, wanted: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(fetch_module.FileFetcher, "fetch", broken)
    with pytest.raises(ZeroDivisionError):
        fetch(training("a.jpg"))


def test_a_catalogue_whose_file_is_gone_or_changed(
    site: Any, training: Any, fetch: Any, out: Path, caplog: Any
) -> None:
    catalogue = training("a.jpg")
    assert fetch(catalogue).catalogue == out / "catalogue.csv"
    text = catalogue.source.read_text()
    catalogue.source.write_text(text + text.splitlines()[1].replace("a.jpg", "b.jpg") + "\n")
    assert fetch(catalogue).catalogue is None
    assert not (out / "catalogue.csv").exists()
    catalogue.source.unlink()
    assert fetch(catalogue).catalogue is None
    assert "changed since it was read" in caplog.text


def test_nothing_there_no_catalogue(site: Any, training: Any, fetch: Any, out: Path) -> None:
    catalogue = training("a.jpg")
    site.plans["/a.jpg"] = ["status:404"]
    assert fetch(catalogue).catalogue is None
    assert not (out / "catalogue.csv").exists()


def test_of_a_data_frame_no_rows_are_written(site: Any, training: Any, fetch: Any, caplog: Any) -> None:
    report = fetch(pd.read_csv(training("a.jpg").source))
    assert (report.fetched, report.catalogue) == (("a.jpg",), None)
    assert "catalogue.csv is not written: the catalogue is a data frame" in caplog.text

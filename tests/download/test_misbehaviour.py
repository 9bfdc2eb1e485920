"""One way to misbehave at a time, against a real server on loopback."""

from __future__ import annotations

import errno
import hashlib
import re
import socket
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from hybridwing.download.errors import DownloadError


def is_whole(out: Path, site: Any, name: str = "a.jpg") -> bool:
    return (out / name).read_bytes() == site.files[f"/{name}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ways", "requests"),
    [
        ([], 1),
        (["status:503"] * 5, 6),
        (["status:500", "status:408"], 3),
        (["cut:reset"], 2),
        (["cut", "cut:reset", "cut"], 4),
        (["short"], 2),
        (["long"], 2),
        (["tampered"], 2),
        (["page"], 2),
        (["page:application/json"], 2),
        (["headed:Content-Encoding=gzip"], 2),
        (["whole_as_part:bytes 0-9/10"], 2),
        (["cut", "whole_as_part:bytes 5-9/10"], 3),
        (["cut", "whole_as_part:nonsense"], 3),
        (["cut", "status:416"], 3),
        (["cut", "short", "cut"], 4),
        (["cut", "long"], 3),
        (["cut", "tampered"], 3),
    ],
)
def test_what_passes_is_overcome(
    ways: list[str], requests: int, site: Any, training: Any, fetch: Any, tmp_path: Path
) -> None:
    catalogue = training("a.jpg")
    site.plans["/a.jpg"] = list(ways)
    report = fetch(catalogue)
    assert report.complete, report.failed
    assert report.requests == len(site.asked) == requests
    assert is_whole(tmp_path / "out", site)
    again = fetch(catalogue)
    assert (again.already_there, again.requests) == (("a.jpg",), 0)
    assert not list((tmp_path / "out" / ".hybridwing-download" / "parts").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ways", "requests", "reason"),
    [
        (["status:503"] * 6, 6, "HTTP 503 Service Unavailable; given up after 6 requests"),
        (["status:404"], 1, "HTTP 404 Not Found"),
        (["status:403"], 1, "HTTP 403 Forbidden"),
        (["status:416"], 1, "HTTP 416"),
        (["status:204"], 1, "HTTP 204"),
        (["status:302"], 1, "HTTP 302 without saying where"),
        (["page", "page"], 2, "text/html; charset=utf-8 in place of an image; asked 2 times"),
        (["tampered", "tampered"], 2, "wrong content: md5 is .*, the catalogue says .*; asked 2 times"),
        (["redirect:file:///etc/passwd"], 1, "redirected to 'file:///etc/passwd': only http and https"),
        (["redirect:ftp://127.0.0.1/a.jpg"], 1, "only http and https addresses are fetched, not ftp"),
        (["redirect:http://localhost/a.jpg"], 1, r"redirected to another host \(localhost\)"),
        (["redirect:http://127.0.0.1:9/a.jpg"], 1, r"redirected to another host \(127.0.0.1:9\)"),
        (["redirect:/a.jpg"] * 6, 6, "redirected more than 5 times"),
        (["headed:Content-Length=999999999"], 1, "larger than 200,000,000 bytes"),
        (["headed:Content-Encoding=gzip"] * 2, 2, "packed"),
    ],
)
def test_what_does_not_pass_is_told(
    ways: list[str], requests: int, reason: str, site: Any, training: Any, fetch: Any, tmp_path: Path
) -> None:
    catalogue = training("a.jpg", "b.jpg")
    site.plans["/a.jpg"] = list(ways)
    report = fetch(catalogue)
    (failure,) = report.failed
    assert (failure.path, failure.url, failure.row) == ("a.jpg", f"{site.base}/a.jpg", 2)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(failure.reason)
    assert site.counts["/a.jpg"] == requests
    assert not (tmp_path / "out" / "a.jpg").exists()
    assert is_whole(tmp_path / "out", site, "b.jpg")
    assert fetch(catalogue).complete
    assert site.counts["/b.jpg"] == 1


def test_redirects_are_followed_and_take_their_turn(site: Any, training: Any, fetch: Any, tmp_path: Path) -> None:
    catalogue = training("a.jpg")
    site.files["/records/a%20b.jpg"] = site.files["/a.jpg"]
    site.plans["/a.jpg"] = ["redirect:/records/a b.jpg"]
    report = fetch(catalogue)
    assert report.complete
    assert report.requests == 2
    assert (tmp_path / "out" / "manifest.csv").read_text().splitlines()[1].split(",")[4] == f"{site.base}/a.jpg"


def test_retry_after_holds_all_files_of_the_host(site: Any, training: Any, fetch: Any, clock: Any) -> None:
    catalogue = training("a.jpg", "b.jpg")
    site.plans["/a.jpg"] = ["status:429 120", f"status:429 {formatdate(4e9, usegmt=True)}", "status:429"]
    report = fetch(catalogue, jobs=1, rate=60.0)
    assert report.complete
    # two minutes; a date in the far future, cut to the longest wait; the third is a jittered back-off
    assert [slept for slept in clock.slept if slept > 60] == pytest.approx([120.0, 900.0])
    assert 120.0 + 900.0 <= report.seconds <= 120.0 + 900.0 + 4 + 10


def test_a_broken_body_is_continued_where_it_broke(site: Any, training: Any, fetch: Any) -> None:
    catalogue = training("a.jpg", side=300)
    whole = site.files["/a.jpg"]
    site.plans["/a.jpg"] = ["cut"]
    report = fetch(catalogue)
    asked = site.asked[1].headers
    assert asked["range"] == f"bytes={len(whole) // 2}-"
    assert asked["if-range"] == f'"{hashlib.sha1(whole).hexdigest()}"'
    assert report.bytes_received == len(whole)


def test_without_a_tag_a_digest_allows_continuing(site: Any, training: Any, fetch: Any) -> None:
    site.etags = False
    site.plans["/a.jpg"] = ["cut"]
    report = fetch(training("a.jpg"))
    assert report.complete
    assert "range" in site.asked[1].headers
    assert "if-range" not in site.asked[1].headers


def test_without_tag_and_digest_it_begins_anew(site: Any, training: Any, fetch: Any, tmp_path: Path) -> None:
    site.etags = False
    site.plans["/a.jpg"] = ["cut"]
    assert fetch(training("a.jpg", digests=False)).complete
    assert "range" not in site.asked[1].headers
    assert is_whole(tmp_path / "out", site)


def test_a_server_without_ranges_sends_it_all(site: Any, training: Any, fetch: Any, tmp_path: Path) -> None:
    site.ranges = False
    site.plans["/a.jpg"] = ["cut", "cut"]
    report = fetch(training("a.jpg"))
    assert report.complete
    assert report.requests == 3
    assert is_whole(tmp_path / "out", site)


@pytest.mark.parametrize("kept", ["/a.jpg ignores If-Range", ""])
def test_a_file_that_changes_between_is_begun_anew(
    kept: str, site: Any, server: Any, training: Any, fetch: Any, tmp_path: Path
) -> None:
    catalogue = training("a.jpg", digests=False)
    site.plans["/a.jpg"] = ["cut", *["status:503"] * 5]
    assert not fetch(catalogue).complete
    site.files["/a.jpg"] = server.picture(99, side=120)
    if kept:
        size = len(site.files["/a.jpg"])
        site.plans["/a.jpg"] = [f"whole_as_part:bytes 3000-{size - 1}/{size}"]
    assert fetch(catalogue).complete
    assert is_whole(tmp_path / "out", site)


def test_without_digests_a_cut_picture_is_still_noticed(site: Any, training: Any, fetch: Any, tmp_path: Path) -> None:
    catalogue = training("a.jpg", digests=False)
    site.plans["/a.jpg"] = ["short"]
    report = fetch(catalogue)
    assert report.complete
    assert report.requests == 2
    assert is_whole(tmp_path / "out", site)
    (tmp_path / "out" / "a.jpg").write_bytes(site.files["/a.jpg"][:-1])
    assert fetch(catalogue).fetched == ("a.jpg",), "what was first received is the measure"


def test_content_that_is_no_image_is_refused_whatever_it_is_called(site: Any, training: Any, fetch: Any) -> None:
    catalogue = training("a.jpg", digests=False)
    site.files["/a.jpg"] = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    (failure,) = fetch(catalogue).failed
    assert failure.reason.startswith("not a whole image: an SVG drawing")


def test_no_image_although_the_digest_is_right(
    site: Any, training: Any, fetch: Any, tmp_path: Path, caplog: Any
) -> None:
    catalogue = training("text.jpg", "cut.jpg")
    site.files["/text.jpg"], site.files["/cut.jpg"] = b"text", site.files["/cut.jpg"][:3000]
    digests = [hashlib.md5(site.files[f"/{name}"]).hexdigest() for name in catalogue.table["filename"]]
    changed = catalogue.table.assign(md5=digests).astype({"md5": "string"})
    report = fetch(replace(catalogue, table=changed))
    assert [(failure.path, failure.reason.split(" (")[0]) for failure in report.failed] == [
        ("text.jpg", "not a whole image: not an image in a known format")
    ]
    assert report.fetched == ("cut.jpg",), "byte for byte what the catalogue describes"
    assert "cut.jpg is as the catalogue describes it, but damaged or cut short" in caplog.text
    assert site.counts == {"/text.jpg": 1, "/cut.jpg": 1}


def test_an_endless_body_ends_at_the_size_cap(site: Any, training: Any, fetch: Any, tmp_path: Path) -> None:
    catalogue = training("a.jpg")
    site.plans["/a.jpg"] = ["endless:1000"]
    (failure,) = fetch(catalogue, max_bytes=20_000).failed
    assert failure.reason == "larger than 20,000 bytes"
    assert not list((tmp_path / "out" / ".hybridwing-download" / "parts").iterdir())
    assert fetch(catalogue).complete


@pytest.mark.slow
def test_a_body_that_drips_is_too_slow(site: Any, reference: Any, fetch: Any) -> None:
    site.add("a.jpg")
    site.plans["/a.jpg"] = ["endless:1"] * 2
    (failure,) = fetch(reference(("a.jpg", "a.jpg")), timeout=0.2, attempts=2).failed
    assert re.fullmatch(r"too slow: \d+ bytes in 0 s; given up after 2 requests", failure.reason)
    assert fetch(reference(("a.jpg", "a.jpg"))).complete


@pytest.mark.slow
def test_a_host_that_never_answers_is_not_asked_for_every_file(site: Any, training: Any, fetch: Any) -> None:
    names = [f"{number}.jpg" for number in range(15)]
    catalogue = training(*names)
    site.plans.update({f"/{name}": ["mute"] * 9 for name in names})
    report = fetch(catalogue, timeout=0.2)
    assert report.requests <= 8
    assert all("the server fell silent" in failure.reason for failure in report.failed)


@pytest.mark.parametrize("fault", ["dns", "refused", "tls", "proxy"])
def test_a_host_that_cannot_be_reached_is_told_once_and_left(
    fault: str, site: Any, training: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    bases = {
        "dns": "http://nowhere.example",
        "refused": "http://127.0.0.1:9",
        "tls": site.base.replace("http:", "https:"),
        "proxy": "http://somewhere.example",
    }
    if fault == "proxy":
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    if fault == "dns":

        def unknown(*arguments: object, **options: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    report = fetch(training(*(f"{number}.jpg" for number in range(15))), base_url=bases[fault])
    assert len(report.failed) == 15
    assert report.requests <= 6
    host = bases[fault].split("//")[1]
    assert all(f"{host} is not asked any more: " in failure.reason for failure in report.failed)
    assert caplog.text.count(f"{host} is not asked any more: ") == 1


@pytest.mark.parametrize("proxy", ["socks9://127.0.0.1:1", "http://[::1"])
def test_a_proxy_setting_that_cannot_be_used(
    proxy: str, training: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(DownloadError, match="HTTP_PROXY"):
        fetch(training("a.jpg"))


@pytest.mark.parametrize(
    "phrase", ["Not\x1b[31m\x07 Found", "Not\x9b31m Found", "Not\tFound", "N" * 5000, "=cmd|'x'!A0"]
)
def test_what_a_server_says_is_one_printable_line(
    phrase: str, site: Any, training: Any, fetch: Any, tmp_path: Path
) -> None:
    catalogue = training("a.jpg")
    site.plans["/a.jpg"] = [f"reason:{phrase}"] * 6
    (failure,) = fetch(catalogue).failed
    assert failure.reason.isprintable()
    assert len(failure.reason) < 400
    text = (tmp_path / "out" / "missing.csv").read_text()
    assert text.count("\n") == 2
    assert text.replace("\n", "").isprintable()


@pytest.mark.slow
def test_a_silent_server_is_left(site: Any, training: Any, fetch: Any) -> None:
    catalogue = training("a.jpg")
    site.plans["/a.jpg"] = ["held"] * 2
    (failure,) = fetch(catalogue, timeout=0.25, attempts=2).failed
    assert failure.reason == "the server fell silent: timed out; given up after 2 requests"
    assert fetch(catalogue).complete
    assert "range" in site.asked[-1].headers


def test_a_dead_host_is_not_asked_for_every_file(site: Any, training: Any, fetch: Any) -> None:
    names = [f"{number}.jpg" for number in range(17)]
    catalogue = training(*names)
    for name in names:
        site.plans[f"/{name}"] = ["status:500"] * 2
    report = fetch(catalogue, jobs=1, attempts=2)
    assert report.requests == 10 * 2
    assert [failure.reason for failure in report.failed][10:] == [
        f"127.0.0.1:{site.port} is not asked any more: 20 requests in a row failed (HTTP 500 Internal Server Error)"
    ] * 7


def test_an_address_that_only_the_client_refuses(fetch: Any, reference: Any) -> None:
    (failure,) = fetch(reference(("a.jpg", "a.jpg"), base="http://☃-.invalid")).failed
    assert failure.reason.startswith("its address cannot be used: ")


def test_a_disk_that_fills_in_mid_body(site: Any, training: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = training("a.jpg", "b.jpg")

    usual = Path.open

    def full(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        if mode == "ab":
            raise OSError(errno.ENOSPC, "No space left on device")
        return usual(path, mode, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        report = fetch(catalogue, jobs=1)
    assert report.failed[0].reason == "cannot be written: No space left on device"
    assert fetch(catalogue).complete

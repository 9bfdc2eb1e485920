"""The verbs before any model."""

from __future__ import annotations

import functools
import http.server
import json
import threading

import pytest


@pytest.fixture
def mirror(files):
    """A server on this machine that has the collection's photographs."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(files.images))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def own(files, tmp_path):
    """A table with two photographs, one of which the mirror does not have."""
    name = sorted(p.name for p in files.images.iterdir())[0]

    def write(*names: str):
        table = tmp_path / "own.csv"
        table.write_text("\n".join(["filename", *names]), encoding="utf-8")
        return table

    return name, write


@pytest.mark.slow
def test_download_says_what_it_did_and_what_comes_next(call, own, mirror, tmp_path):
    name, write = own
    arguments = ("--out", tmp_path / "got", "--base-url", mirror, "--rate", "6000/min")
    answer = call("download", write(name), *arguments)
    assert answer.code == 0
    assert (tmp_path / "got" / name).is_file()
    assert f"hybridwing train {tmp_path / 'got' / 'catalogue.csv'} --images {tmp_path / 'got'}" in answer.out
    again = call("download", write(name, "absent.jpg"), *arguments)
    assert again.code == 1
    assert "1 files are missing" in again.err
    assert "absent.jpg" in again.err
    assert "missing.csv" in again.err


def test_a_rate_is_requests_a_minute(call, own, tmp_path):
    name, write = own
    answer = call("download", write(name), "--out", tmp_path / "got", "--rate", "fast")
    assert answer.code == 2
    assert "--rate takes requests a minute, as 60 or 60/min; got 'fast'" in answer.err


def test_describe_says_how_a_table_of_ones_own_is_read(call, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "A.JPG").write_bytes(b"x")
    table = tmp_path / "t.csv"
    table.write_text("Photo;Hybrid?;Taxon\na;?;Heliconius erato cf. venus\nb.jpg;yes;H. erato venus x cyrbia\n;no;x\n")
    answer = call("describe", table, "--images", tmp_path / "photos")
    assert answer.code == 0
    printed = " ".join(answer.out.split())
    for line in (
        "Photo filename by its name: 'a', 'b.jpg'",
        "H. erato venus x cyrbia 1 hybrid H. erato cyrbia x venus",
        "H. erato venus: names one subspecies, in doubt by 'cf.'",
        "unsure rows, which are not learned from: 1",
        "rows that name no photograph, which are left out: 1",
        "1 of 2 photographs found",
        "a A.JPG",
    ):
        assert line in printed
    assert "not found: b.jpg" in answer.err
    refused = call("describe", table, "--strict")
    assert refused.code == 2
    assert "row 2: column 'Hybrid?': '?' is not a label" in refused.err
    assert "has no sheet 'x'" in call("describe", table, "--sheet", "x").err


def test_describe_says_how_many_files_it_does_not_list(call, tmp_path):
    names = [f"{number:02d}.jpg" for number in range(42)]
    (tmp_path / "photos" / "drawer").mkdir(parents=True)
    for name in names:
        (tmp_path / "photos" / "drawer" / name).write_bytes(b"x")
    table = tmp_path / "own.csv"
    table.write_text("filename,taxon\n" + "".join(f"{name},Heliconius erato venus\n" for name in names))
    said = call("describe", table, "--images", tmp_path / "photos").out
    assert "42 of 42 photographs found" in said
    assert "found in another folder" in said
    assert "19.jpg" in said
    assert "20.jpg" not in said.split("another folder")[1]
    assert "… and 22 more" in said
    assert "another spelling" not in said


@pytest.mark.slow
def test_describe(call, files, tmp_path):
    answer = call("describe", files.train, "--out", tmp_path / "counts")
    assert answer.code == 0
    assert "lativitta (8)" in answer.out
    assert "names beside codes are inferred" in answer.out
    written = {p.name for p in (tmp_path / "counts").iterdir()}
    assert {"description.json", "classes.png", "classes.svg", "records.png", "metadata.png"} <= written
    assert call("describe", files.train, "--out", tmp_path / "counts").code == 2
    assert call("describe", files.train, "--out", tmp_path / "counts", "--overwrite").code == 0
    printed = json.loads(call("describe", files.test, "--json").out)
    assert printed["form"] == "reference"


@pytest.mark.slow
def test_audit(call, files, tmp_path):
    answer = call("audit", files.train, "--reference", files.test, "--out", tmp_path / "audit")
    assert answer.code == 0
    assert "serious" in answer.out
    assert "not checked: copies among the images" in answer.err
    assert {p.name for p in (tmp_path / "audit").iterdir()} == {"audit.html", "audit.json"}
    assert "confounding" in (tmp_path / "audit" / "audit.json").read_text(encoding="utf-8")
    assert call("audit", files.train, "--out", tmp_path / "audit").code == 2
    bib = tmp_path / "references.bib"
    bib.write_text("@misc{a,\ntitle = {Bred broods},\ndoi = {10.5281/zenodo.9000018}\n}\n", encoding="utf-8")
    assert call("audit", files.train, "--bib", bib, "--out", tmp_path / "audit", "--overwrite").code == 0

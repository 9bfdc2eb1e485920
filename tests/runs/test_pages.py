"""Pages of explanations, predictions and runs: whole, self-contained, and unharmed by hostile names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.errors import RunError
from hybridwing.report.explained import write_explanations
from hybridwing.report.prediction_page import write_prediction
from hybridwing.report.run_page import held_out, judged_by, write_run_report
from hybridwing.runs.explaining import Explainer
from hybridwing.runs.predict import RankedImage

ONE = Compute(workers=1)
HOSTILE = "<img src=x onerror=alert(1)>&'.jpg"
_VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags with their attributes, checked to be closed, and the text of scripts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(self.text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts.append(data)

    def check(self) -> None:
        """Nothing is fetched, no handler stands in a tag, and every picture says what it shows."""
        for tag, attributes in self.tags:
            assert not any(name.startswith("on") for name in attributes)
            address = attributes.get("src") or ""
            assert address.startswith("data:image/webp") or not address
            assert tag != "link"
            if tag == "img":
                assert attributes["alt"]
        policy = next(
            one["content"] or "" for tag, one in self.tags if tag == "meta" and "content" in one and "http-equiv" in one
        )
        assert policy.startswith("default-src 'none'")


@pytest.fixture
def drawer(data, tmp_path: Path) -> Path:
    """Three photographs, one of them with a name that is markup, and a file that is none."""
    folder = tmp_path / "drawer"
    folder.mkdir()
    names = [str(name) for name in data.test.table["filename"][:3]]
    for name, to in zip(names, [HOSTILE, *names[1:]], strict=True):
        shutil.copy(data.images / name, folder / to)
    (folder / "broken.jpg").write_text("no picture")
    return folder


def test_a_prediction_is_one_page(trained, drawer, tmp_path):
    ranked = trained.predict(drawer, tnr=0.8, compute=ONE)
    write_prediction(ranked, trained, tmp_path / "page.html", compute=ONE)
    page = Page(tmp_path / "page.html")
    page.check()
    rows = json.loads(page.scripts[0])
    assert [row[0] for row in rows] == [1, 2, 3]
    assert {Path(row[1]).name for row in rows} == {path.name for path in drawer.iterdir()} - {"broken.jpg"}
    assert [row[2] for row in rows] == [image.score for image in ranked.images]
    script = page.scripts[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.text
    assert "broken.jpg" in page.text
    assert "<img src=x" not in page.text
    assert sum(tag == "article" for tag, _ in page.tags) == sum(not image.reason for image in ranked.images)
    for word in ("False alarms.", "What nobody sees in a picture.", "Not read"):
        assert word in page.text


@pytest.mark.slow
def test_a_prediction_shows_the_table_s_own_columns(trained, data, tmp_path):
    names = [str(name) for name in data.test.table["filename"][:4]]
    lines = [f"{name},{place},{verdict},x{n}" for n, (name, place, verdict) in
             enumerate(zip(names, ["Puyo", "Tena", "Puyo", "<b>"], ["kept", "", "", ""], strict=True))]  # fmt: skip
    (tmp_path / "drawer.csv").write_text("\n".join(["filename,locality,verdict,number", *lines]), encoding="utf-8")
    ranked = trained.predict(tmp_path / "drawer.csv", data.images, tnr=0.8, compute=ONE)
    write_prediction(ranked, trained, tmp_path / "page.html", compute=ONE)
    page = Page(tmp_path / "page.html")
    page.check()
    titles = re.findall(r"<th scope=\"col\"[^>]*><button type=\"button\">([^<]*)", page.text)
    assert titles[-3:] == ["locality", "verdict (table)", "number"]
    told = ranked.to_frame()
    rows = json.loads(page.scripts[0])
    assert [row[6] for row in rows] == told["locality"].tolist()
    # What has two values or more can be chosen among; a lone one cannot.
    assert [attributes["data-place"] for tag, attributes in page.tags if tag == "select"] == ["3", "6", "8"]
    assert "<b>" not in page.text
    assert 'locality: <span class="fact">Puyo</span>' in page.text


@pytest.mark.slow
def test_twenty_thousand_images_fit_on_a_page(trained, data, tmp_path):
    ranked = trained.predict(data.test_embeddings, tnr=0.8)
    images = tuple(RankedImage(n, Path(f"drawer {n % 40}/{n:06d}.jpg"), 0.5, False) for n in range(1, 20001))
    write_prediction(replace(ranked, images=images), trained, tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert len(json.loads(page.scripts[0])) == 20000
    assert (tmp_path / "page.html").stat().st_size < 5e6
    assert "No photographs were at hand" in page.text


@pytest.mark.slow
def test_explanations_are_a_page_and_pngs(trained, drawer, tmp_path):
    knows = Explainer(trained)
    found = knows.explain(sorted(drawer.iterdir()), compute=ONE)
    out = tmp_path / "why"
    page = write_explanations(found, knows, out)
    Page(page).check()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.read_text(encoding="utf-8")
    assert len(found) == 3
    said = page.read_text(encoding="utf-8").count("left out for fewer than 5 specimens")
    assert said == sum(bool(one.remark) for one in found) > 0
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == 3 * len(found)
    assert all(re.fullmatch(r"\d{3}-[A-Za-z0-9_-]+\.png", path.name) for path in pictures)
    with Image.open(next(path for path in pictures if path.name.endswith("-parents.png"))) as opened:
        assert np.asarray(opened).std(axis=2).max() > 20  # in colour
    with pytest.raises(RunError, match="exists"):
        write_explanations(found, knows, out)
    write_explanations(found[:1], knows, out, overwrite=True)
    assert len(list(out.glob("*.png"))) == 3


def test_a_run_has_a_page_of_its_held_out_images(trained, data, tmp_path):
    write_run_report(trained, held_out(trained), tmp_path / "run.html", images=data.images)
    page = Page(tmp_path / "run.html")
    page.check()
    judged = held_out(trained)
    assert sum(tag == "circle" for tag, _ in page.tags) == len(judged.labels) == trained.manifest.n_heldout
    for word in ("svm", "knn", "record alone", "hybridwing train", "False alarms, by record"):
        assert word in page.text
    assert any(tag == "img" for tag, _ in page.tags)


def test_a_damaged_table_of_held_out_scores_is_refused(trained, tmp_path):
    folder = Path(shutil.copytree(trained.folder, tmp_path / "run"))
    (folder / "scores.csv").write_text("detector,uuid\nsvm,a\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"scores\.csv cannot be read"):
        held_out(replace(trained, folder=folder))


def test_a_run_has_a_page_on_a_reference(trained, data, tmp_path):
    evaluation = trained.evaluate(data.test, data.test_embeddings, resamples=20)
    judged = judged_by(evaluation, data.test_embeddings)
    write_run_report(trained, judged, tmp_path / "run.html")
    page = Page(tmp_path / "run.html")
    page.check()
    assert "challenge score" in page.text
    crosses = {str(name) for name in data.test.classes[data.test.labels == 1]}
    assert all(name in page.text for name in crosses)


def test_the_record_alone_does_not_see_the_image_itself(trained):
    judged = held_out(trained)
    alone = replace(judged, records=np.array([str(n) for n in range(len(judged.labels))]))
    np.testing.assert_allclose(alone.control, judged.labels.mean())

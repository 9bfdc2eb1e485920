"""Figures of a catalogue: there, the same every time, and unharmed by hostile names."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hybridwing.catalogue.describe import CatalogueDescription, StatusCount
from hybridwing.report.catalogue_figures import draw_classes, draw_metadata, draw_records, write_description
from hybridwing.report.drawing import plain, save_plain, svg_of

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "<script>alert(1)</script>",
    "$\\frac{1}{$",
    "one $ only",
    "control \x07 and \x1b",
    "蝶 🦋",
    "]]> & <!-- \" '",
    "x" * 500,
    "{} %s {{7*7}}",
)


@pytest.fixture
def description() -> CatalogueDescription:
    classes = (
        StatusCount("a", 0, 856, 0),
        StatusCount("b", 0, 90, 3),
        StatusCount("a × b", 91, 0, 0),
        StatusCount("c", 0, 2, 0),
    )
    records = (StatusCount("11", 83, 700, 3), StatusCount("12", 8, 248, 0))
    sides = (StatusCount("dorsal", 89, 945, 3), StatusCount("ventral", 2, 3, 0))
    types = (StatusCount("JPG", 91, 948, 3),)
    return CatalogueDescription(
        "t.csv", "custom", "0" * 64, 1042, 1042, 91, 948, 3, classes, records, sides, types,
        (StatusCount("not known", 91, 948, 3),), False,
    )  # fmt: skip


def _texts(svg: str) -> list[str]:
    root = ET.fromstring(svg)
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_classes_have_their_names_and_values(description: CatalogueDescription) -> None:
    texts = _texts(svg_of(draw_classes(description), "classes"))
    assert {"a", "b", "a × b", "c", "856", "90", "91", "2", "non-hybrids", "hybrids", "unlabelled"} <= set(texts)
    assert "images (logarithmic scale)" in texts
    assert "names inferred from the codes in brackets" not in texts
    inferred = _texts(svg_of(draw_classes(replace(description, names_inferred=True)), "classes"))
    assert "names inferred from the codes in brackets" in inferred


def test_small_ranges_are_drawn_to_scale(description: CatalogueDescription) -> None:
    few = replace(description, classes=(StatusCount("a", 0, 20, 0), StatusCount("b", 0, 10, 0)))
    axis = draw_classes(few).axes[0]
    assert axis.get_xscale() == "linear"
    assert axis.get_xlabel() == "images"


def test_groups_are_drawn_where_they_are_known(description: CatalogueDescription) -> None:
    assert len(draw_metadata(description).axes) == 2
    known = replace(description, groups=(StatusCount("mimic", 3, 4, 0), StatusCount("major", 5, 6, 0)))
    assert len(draw_metadata(known).axes) == 3


def test_of_many_records_the_most_frequent_are_shown(description: CatalogueDescription) -> None:
    many = replace(description, records=tuple(StatusCount(f"r{n}", 1, 200 - n, 0) for n in range(100)))
    texts = _texts(svg_of(draw_records(many), "records"))
    assert "the 60 most frequent of 100" in texts
    assert "r59" in texts
    assert "r60" not in texts


@pytest.mark.slow
def test_hostile_names_are_text(description: CatalogueDescription, tmp_path: Path) -> None:
    hostile = replace(
        description,
        classes=tuple(StatusCount(name, 1, 0, 0) for name in HOSTILE),
        records=tuple(StatusCount(name, 1, 2, 0) for name in HOSTILE),
        file_types=tuple(StatusCount(name, 1, 2, 0) for name in HOSTILE),
    )
    written = write_description(hostile, tmp_path)
    for path in written:
        assert path.stat().st_size > 1000
        if path.suffix == ".svg":
            root = ET.parse(path).getroot()
            assert not any("script" in str(node.tag) for node in root.iter())
            assert "<script>alert(1)</script>" in _texts(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_files_are_the_same_every_time(description: CatalogueDescription, tmp_path: Path) -> None:
    first, second = write_description(description, tmp_path / "1"), write_description(description, tmp_path / "2")
    assert [path.name for path in first] == [
        "description.json", "classes.png", "classes.svg", "records.png", "records.svg", "metadata.png", "metadata.svg",
    ]  # fmt: skip
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert json.loads(first[0].read_text(encoding="utf-8"))["images"] == 1042


def test_an_empty_catalogue_has_no_figures(description: CatalogueDescription, tmp_path: Path) -> None:
    empty = replace(description, images=0, classes=(), records=(), sides=(), file_types=(), groups=())
    assert [path.name for path in write_description(empty, tmp_path)] == ["description.json"]


def test_identifiers_of_figures_on_one_page_differ(description: CatalogueDescription, tmp_path: Path) -> None:
    def identifiers(svg: str) -> set[str]:
        return {node.get("id", "") for node in ET.fromstring(svg).iter()} - {""}

    one, two = (svg_of(draw_classes(description), name) for name in ("one", "two"))
    assert identifiers(one)
    assert not identifiers(one) & identifiers(two)
    assert all(f"{link}" in one for link in ("url(#one-",))
    assert [path.suffix for path in save_plain(draw_classes(description), tmp_path / "f.g")] == [".png", ".svg"]


def test_plain_names() -> None:
    assert plain("$a$") == r"\$a\$"
    assert plain("abcdef", 4) == "abc…"
    assert plain("a\x00b") == "a\N{REPLACEMENT CHARACTER}b"

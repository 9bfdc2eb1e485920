"""A run asked about a table: what its owner wrote stands beside the verdicts, and limits the names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from hybridwing.backbones.base import BackboneSpec
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import EmbeddingError, RunError
from hybridwing.report.run_page import judged_by
from hybridwing.runs.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.runs.run import Run

SUBSPECIES = {"erato": ("cyrbia", "venus", "hydara"), "melpomene": ("malleti", "rosina")}
PLACES = {"cyrbia": "Mindo", "venus": "Mindo", "hydara": "Panama", "malleti": "Mindo", "rosina": "Panama"}


@dataclass(frozen=True)
class Museum:
    run: Run
    specimens: Catalogue
    embeddings: EmbeddingTable
    folder: Path


def table(folder: Path, name: str, rows: list[tuple[str, ...]]) -> Catalogue:
    header = "Photo,Catalog No.,Taxon,Locality,path,Collector"
    path = folder / name
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return read_catalogue(path)


def embedded(uuids: list[str], vectors: list[np.ndarray]) -> EmbeddingTable:
    spec = BackboneSpec.elsewhere(8)
    return EmbeddingTable(tuple(uuids), np.array(vectors, dtype=np.float32), spec)


@pytest.fixture(scope="module")
def museum(tmp_path_factory) -> Museum:
    """Five subspecies of two species; *cyrbia* and *malleti* are mimics and hardly differ."""
    folder = tmp_path_factory.mktemp("museum")
    rng = np.random.default_rng(0)
    means = {name: rng.normal(size=8) * 3 for names in SUBSPECIES.values() for name in names}
    means["malleti"] = means["cyrbia"] + 0.5
    rows, vectors = [], []
    for species, names in SUBSPECIES.items():
        for name in names:
            for number in range(8):
                photo = f"{name}{number}.jpg"
                rows.append((photo, f"{name}-{number}", f"Heliconius {species} {name}", PLACES[name], "/x/y", "=Ann"))
                vectors.append(means[name] + rng.normal(size=8) * 0.3)
    known = table(folder, "known.csv", rows)
    learned = embedded([row[0] for row in rows], vectors)
    run = train(known, learned, folder / "run", detectors=["mahalanobis"])
    asked = [
        ("1.jpg", "M1", "Heliconius melpomene", "Mindo", "/m/1", "Bea"),
        ("2.jpg", "M2", "", "Mindo", "/m/2", ""),
        ("3.jpg", "M3", "Heliconius numata", "Nowhere", "/m/3", "Cy"),
        ("4.jpg", "M4", "H. erato (cyrbia x hydara)", "Panama", "/m/4", "Baños"),
        ("5.jpg", "M5", "Heliconius erato venus", "Mindo", "/m/5", "Eve"),
    ]
    near = [means["cyrbia"], means["cyrbia"], means["venus"], (means["cyrbia"] + means["hydara"]) / 2]
    made = embedded([f"{number}.jpg" for number in range(1, 5)], near)
    return Museum(run, table(folder, "asked.csv", asked), made, folder)


def test_what_the_curator_knows_stands_beside_the_verdict(museum, tmp_path):
    ranked = museum.run.predict(museum.specimens, museum.embeddings, tnr=0.9)
    frame = ranked.to_frame()
    assert list(frame.columns[:9]) == [
        "rank", "path", "score", "verdict", "Catalog No.", "Taxon", "Locality", "path (table)", "Collector",
    ]  # fmt: skip
    numbers = dict(zip(frame["path"], frame["Catalog No."], strict=True))
    assert numbers == {f"{number}.jpg": f"M{number}" for number in range(1, 6)}
    assert frame["failure"].tolist()[-1] == "table: the table of embeddings does not hold it"
    assert frame["Catalog No."].tolist()[-1] == "M5"
    for ending in (".csv", ".xlsx", ".parquet"):
        if ending == ".xlsx":
            pytest.importorskip("openpyxl")
        path = tmp_path / f"ranked{ending}"
        ranked.write(path)
        readers = {".csv": pd.read_csv, ".xlsx": partial(pd.read_excel, engine="openpyxl"), ".parquet": pd.read_parquet}
        read = readers[ending](path)
        assert list(read.columns) == list(frame.columns)
        assert read["Collector"].dropna().tolist() == frame["Collector"].dropna().tolist()
        assert read["score"].dtype.kind == "f"


def test_identities_and_darwin_core_have_the_table_too(museum, tmp_path):
    found = museum.run.identify(museum.specimens, museum.embeddings)
    assert found.to_frame()["Catalog No."].tolist() == ["M1", "M2", "M3", "M4", "M5"]
    found.write(tmp_path / "dwc.csv", dwc=True)
    said = pd.read_csv(tmp_path / "dwc.csv").fillna("")
    assert said["catalogNumber"].tolist() == ["M1", "M2", "M3", "M4", "M5"]
    assert said["recordedBy"].tolist() == ["Bea", "", "Cy", "Baños", "Eve"]
    assert said["identificationQualifier"].tolist()[-1] == "undetermined"
    assert set(said["identificationReferences"]) == {str(museum.folder / "run")}


def test_a_mimic_gets_a_name_of_its_own_species(museum):
    named = {image.path.name: image for image in museum.run.identify(museum.specimens, museum.embeddings).images}
    assert named["1.jpg"].name == "malleti"
    assert {name for name, _ in named["1.jpg"].looks.identities} == {"malleti", "rosina"}
    assert named["2.jpg"].name == "cyrbia"
    assert named["3.jpg"].reason == "training shows no subspecies of Heliconius numata"
    free = museum.run.identify(museum.specimens, museum.embeddings, candidates="all").images
    assert [image.name for image in free[:3]] == ["cyrbia", "cyrbia", "venus"]
    verdicts = {i.path.name: i.verdict for i in museum.run.predict(museum.specimens, museum.embeddings, tnr=0.9).images}
    assert verdicts["3.jpg"] == "cannot tell"


def test_parents_are_of_one_species(museum):
    for image in museum.run.identify(museum.embeddings, candidates="all").images:
        assert sum(parent in SUBSPECIES["erato"] for parent in image.looks.parents) in (0, 2)


def test_candidates_by_locality_and_by_name(museum):
    found = museum.run.identify(museum.specimens, museum.embeddings, candidates="locality")
    named = {image.path.name: image.looks for image in found.images}
    assert {name for name, _ in named["2.jpg"].identities} == {"cyrbia", "venus", "malleti"}
    assert {name for name, _ in named["1.jpg"].identities} == {"malleti", "rosina"}, "one of a species is not enough"
    assert found.notes == (
        "3 of 4 images come from no locality of which training shows two possible parents: their candidates are those "
        "of their species",
    )
    for asked in ("venus, hydara", ["VENUS", "hydara"]):
        for image in museum.run.identify(museum.embeddings, candidates=asked).images:
            assert image.looks.parents == ("hydara", "venus")
    (image, *_) = museum.run.predict(museum.embeddings, candidates="melpomene", tnr=0.9).images
    assert image.looks.parents == ("malleti", "rosina")
    two_species = museum.run.identify(museum.embeddings, candidates="malleti,cyrbia").images
    assert {image.looks.parents for image in two_species} == {("cyrbia", "malleti")}, "as it was asked for"


def test_candidates_that_cannot_be_had(museum):
    for asked, message in (
        ("lativitta", "knows no subspecies or species 'lativitta'"),
        ("venus", "name one subspecies"),
        ("", "name one subspecies"),
    ):
        with pytest.raises(RunError, match=message):
            museum.run.identify(museum.embeddings, candidates=asked)
    with pytest.raises(RunError, match="need a table"):
        museum.run.identify(museum.embeddings, candidates="locality")
    path = museum.folder / "bare.csv"
    path.write_text("Photo\n1.jpg\n2.jpg\n", encoding="utf-8")
    with pytest.raises(RunError, match="has no column of localities"):
        museum.run.identify(path, museum.embeddings, candidates="locality")


def test_a_subspecies_alone_has_no_pair_of_parents(museum):
    known = museum.run.embeddings
    kept = [row for row, uuid in enumerate(known.uuids) if not uuid.startswith("rosina")]
    alone = read_catalogue(museum.folder / "known.csv").select(kept)
    run = train(alone, known, museum.folder / "alone", detectors=["mahalanobis"])
    (first, *_) = run.identify(museum.specimens, museum.embeddings).images
    assert first.looks.identities == (("malleti", 1.0),)
    assert first.looks.parents == ()
    assert not first.is_cross
    ranked = run.predict(museum.specimens, museum.embeddings, tnr=0.9).to_frame()
    row = ranked[ranked["Catalog No."] == "M1"].iloc[0]
    assert pd.isna(row["parent_1"])
    assert pd.isna(row["hybrid_index"])


def test_no_hybrid_has_one_parent_or_an_index_of_nothing(museum):
    for frame in (
        museum.run.predict(museum.specimens, museum.embeddings, tnr=0.5).to_frame(),
        museum.run.predict(museum.specimens, museum.embeddings, tnr=0.999).to_frame(),
        museum.run.identify(museum.specimens, museum.embeddings).to_frame(),
    ):
        parents, index = frame[["parent_1", "parent_2"]].notna(), frame["hybrid_index"]
        assert (parents["parent_1"] == parents["parent_2"]).all()
        assert (index[parents["parent_1"]] > 0).all()
        assert index[~parents["parent_1"]].isna().all()
        assert not (parents["parent_1"] & frame["identity_1"].notna()).any()


def test_images_go_with_a_table(museum, tmp_path):
    with pytest.raises(EmbeddingError, match="goes with a table"):
        museum.run.embed(tmp_path, images=tmp_path)


def test_a_page_on_a_table_whose_keys_are_others(museum):
    known, learned = read_catalogue(museum.folder / "known.csv"), museum.run.embeddings
    keys = tuple(uuid.removesuffix(".jpg") for uuid in learned.uuids[1:])
    elsewhere = EmbeddingTable(keys, learned.vectors[1:], learned.backbone)
    judged = judged_by(museum.run.evaluate(known, elsewhere, resamples=5), elsewhere)
    assert np.array_equal(judged.vectors[1:], learned.vectors[1:])
    assert not judged.vectors[0].any()
    assert judged.failures == 1

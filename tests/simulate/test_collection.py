from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hybridwing.errors import SimulationError
from hybridwing.main_script import processors
from hybridwing.simulate.collection import SimulatedCollection, simulate
from hybridwing.simulate.genetics import LOCI, Aristaless, Cortex, Genotype, Optix, Ro, WntA, express
from hybridwing.simulate.plan import plan
from hybridwing.simulate.proportions import least_specimens, scale
from hybridwing.simulate.specimen import mask_name, render
from hybridwing.simulate.taxa import TAXA

if TYPE_CHECKING:
    from pathlib import Path

KINDS = dict(zip(LOCI, (Optix, WntA, Cortex, Aristaless, Ro), strict=True))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def all_bytes(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_tables_have_the_official_columns_and_counts(collection):
    train, test, val = (pd.read_csv(p) for p in (collection.train, collection.ref_test, collection.ref_val))
    assert list(train.columns) == [
        "CAMID",
        "file_url",
        "hybrid_stat",
        "split",
        "zenodo_link",
        "md5",
        "subspecies",
        "parent_subspecies_1",
        "parent_subspecies_2",
        "filename",
    ]
    reference = ["CAMID", "file_url", "hybrid_stat", "X", "subspecies_ref", "filename", "ssp_indicator"]
    assert list(test.columns) == list(val.columns) == reference
    assert (len(train), len(val), len(test)) == (collection.n_train, collection.n_val, collection.n_test)
    assert len(train) + len(test) == 150
    shares = scale(150)
    assert train.subspecies.value_counts().to_dict() == {
        float(TAXA[share.stratum.name].code): share.train
        for share in shares
        if share.train and not share.stratum.hybrid
    }
    assert test.subspecies_ref.value_counts().to_dict() == {share.stratum.name: share.test for share in shares}
    assert set(val.filename) <= set(test.filename)
    assert not set(train.CAMID) & set(test.CAMID)


def test_tables_are_written_as_the_official_ones(collection, shared):
    official = {"train": "butterfly_anomaly_train.csv", "ref_test": "ref_test.csv", "ref_val": "ref_val.csv"}
    for ours, name in official.items():
        theirs = pd.read_csv(shared / "challenge" / name)
        mine = pd.read_csv(getattr(collection, ours))
        assert list(mine.columns) == list(theirs.columns)
        assert list(mine.dtypes) == list(theirs.dtypes)
        first_lines = (shared / "challenge" / name).read_bytes(), getattr(collection, ours).read_bytes()
        assert len({line.split(b"\n")[0].strip() for line in first_lines}) == 1


def test_training_rows_are_of_the_official_form(collection):
    for row in rows(collection.train):
        assert row["split"] == "train"
        assert row["file_url"].startswith(f"{row['zenodo_link']}/files/{row['CAMID']}_")
        assert row["filename"] == f"{row['CAMID']}.jpg"
        if row["hybrid_stat"] == "hybrid":
            own = (row["subspecies"], row["parent_subspecies_1"], row["parent_subspecies_2"])
            assert own == ("", "8.0", "9.0")
        else:
            assert row["hybrid_stat"] == "non-hybrid"
            assert float(row["subspecies"]) in range(14)
            assert row["subspecies"].endswith(".0")
            assert row["parent_subspecies_1"] == row["parent_subspecies_2"] == ""


def test_reference_rows_are_of_the_official_form(collection):
    for row in rows(collection.ref_test):
        assert row["filename"] == f"{row['X']}_{row['file_url'].rsplit('/', 1)[1]}"
        assert row["hybrid_stat"] == str(int(" x " in row["subspecies_ref"]))
        assert row["ssp_indicator"] in {"major", "minor", "mimic"}


def test_md5_sums_are_those_of_the_files(collection):
    for row in rows(collection.train):
        content = (collection.images / row["filename"]).read_bytes()
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == row["md5"]


def test_every_row_has_its_image_and_mask_and_no_file_is_left_over(collection):
    names = {row["filename"] for table in (collection.train, collection.ref_test) for row in rows(table)}
    assert {path.name for path in collection.images.iterdir()} == names
    masks = collection.truth.parent / "masks"
    assert {path.name for path in masks.iterdir()} == {mask_name(name) for name in names}
    for name in sorted(names)[:20]:
        with Image.open(collection.images / name) as image, Image.open(masks / mask_name(name)) as mask:
            assert image.format == "JPEG"
            assert image.size == mask.size == (128, 96)
            assert mask.mode == "P"
            assert np.asarray(mask).max() < 10 << 3


def test_truth_agrees_with_the_tables_and_with_itself(collection):
    truth = {row["filename"]: row for row in rows(collection.truth)}
    assert len(truth) == 150
    for row in rows(collection.train):
        assert (truth[row["filename"]]["hybrid"] == "True") == (row["hybrid_stat"] == "hybrid")
        assert truth[row["filename"]]["split"] == "train"
        assert row["zenodo_link"].endswith(truth[row["filename"]]["record"])
    val = {row["filename"] for row in rows(collection.ref_val)}
    for row in rows(collection.ref_test):
        known = truth[row["filename"]]
        assert row["subspecies_ref"] == known["subspecies"] + known["cross"]
        assert known["in_val"] == str(row["filename"] in val)
        assert (known["side"] == "ventral") == ("_v" in row["filename"])


def test_looks_like_parent_can_be_told_from_the_genotype_columns(collection):
    for row in rows(collection.truth):
        genotype = Genotype(*(tuple(KINDS[k][a.upper()] for a in row[k].split("/")) for k in LOCI))
        shown = express(genotype)
        parents = (row["subspecies"] or row["cross"]).split(" x ")
        alike = shown in [express(TAXA[name].genotype) for name in parents]
        assert row["looks_like_parent"] == str(alike)
        assert row["elements"].split() == list(shown.elements())
        assert 0 <= float(row["hybrid_index"]) <= 1


def test_the_account_says_that_it_is_simulated(collection):
    text = (collection.truth.parent / "README.txt").read_text(encoding="utf-8")
    assert text.startswith("SIMULATED SPECIMENS")
    columns = next(iter(rows(collection.truth)))
    assert {"looks_like_parent", "hybrid_index", "generation"} <= set(columns)
    assert all(name in text for name in ("looks_like_parent", "hybrid_index", "value & 7", "value >> 3"))


@pytest.mark.slow
def test_same_seed_same_bytes_whatever_the_workers(tmp_path):
    few = least_specimens()
    seen: list[tuple[int, int]] = []
    one = simulate(tmp_path / "one", specimens=few, seed=9, size=64, workers=1, progress=lambda *p: seen.append(p))
    two = simulate(tmp_path / "two", specimens=few, seed=9, size=64, workers=2)
    assert all_bytes(one.root) == all_bytes(two.root)
    assert seen == [(done, few) for done in range(1, few + 1)]


@pytest.mark.slow
def test_a_script_needs_no_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from hybridwing.simulate.collection import simulate\n"
        "from hybridwing.simulate.proportions import least_specimens\n"
        f"simulate(Path({str(tmp_path / 'out')!r}), specimens=least_specimens(), size=64, workers=2)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "train.csv").exists()


def test_another_seed_gives_other_specimens():
    assert plan(150, 6) != plan(150, 5)


def test_size_changes_the_pictures_and_not_the_animals():
    for slot in plan(150, 5)[:4]:
        small, large = render(slot, 5, 64), render(slot, 5, 128)
        assert (small.animal, small.pose, small.wear) == (large.animal, large.pose, large.wear)
        assert (small.picture.size, large.picture.size) == ((64, 48), (128, 96))


def test_by_default_every_usable_cpu_works(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    (tmp_path / "new" / "empty").mkdir(parents=True)
    made = simulate(tmp_path / "new" / "empty", specimens=least_specimens(), size=64)
    assert isinstance(made, SimulatedCollection)
    assert made.train.is_file()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["empty"]
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 63}, "from 64 to 4096 pixels .*got 63"),
        ({"size": 4097}, "got 4097"),
        ({"specimens": 10}, "10 specimens are too few .*at least"),
        ({"seed": -1}, "must not be negative"),
        ({"workers": 0}, "workers must be at least 1"),
    ],
)
def test_settings_out_of_range_say_so(tmp_path, settings, message):
    with pytest.raises(SimulationError, match=message):
        simulate(tmp_path / "out", **{"workers": 1, **settings})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(SimulationError, match="is not an empty folder"):
        simulate(tmp_path, workers=1)
    with pytest.raises(SimulationError, match="is not an empty folder"):
        simulate(tmp_path / "keep.txt", workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_stopped_leaves_nothing(tmp_path, workers):
    def stop(done: int, total: int) -> None:
        assert not (tmp_path / "out").exists()
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "out", specimens=least_specimens(), size=64, workers=workers, progress=stop)
    assert list(tmp_path.iterdir()) == []

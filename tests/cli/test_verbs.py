"""Every verb does its work, says so on standard output, and says everything else on standard error."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hybridwing as hw
from hybridwing import __version__
from hybridwing.backbones.base import BackboneSpec
from hybridwing.cli.grouping import VERBS as SECTIONS
from hybridwing.embeddings.store import read_table, write_table
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.runs.run import load_run
from hybridwing.runs.training_choice import choice_of
from hybridwing.runtime.pattern import DIMENSION
from hybridwing.runtime.preprocess import Preprocess

VERBS = (
    "simulate",
    "embed",
    "train",
    "validate",
    "evaluate",
    "predict",
    "score",
    "quickstart",
    "backbones",
    "detectors",
    "leaderboard",
    "submission",
)


def test_help_lists_the_verbs_in_the_order_of_work_with_whole_sentences(call):
    answer = call("--help")
    assert answer.code == 0
    lines = answer.out.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line.strip() and line[2] != " "]
    order = [verb for verbs in SECTIONS.values() for verb in verbs]
    assert [verb for verb in listed if verb in order] == order
    assert set(VERBS) <= set(order)
    assert "More:" not in answer.out, "each verb has its place in a section"
    assert "..." not in "".join(lines[1:]), "the usage alone has dots"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(call, verb):
    answer = call(verb, "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: hybridwing {verb}")
    assert verb in ("submission", "embeddings") or f"Example:\n    hybridwing {verb} " in answer.out
    assert answer.err == ""
    undocumented = [line for line in answer.out.splitlines() if line.startswith("  --") and len(line.split()) < 2]
    assert undocumented == []


def test_version_and_no_arguments(call):
    assert call("--version").out == f"hybridwing {__version__}\n"
    answer = call()
    assert answer.code == 2
    assert "Photographs and tables:" in answer.out + answer.err


@pytest.mark.slow
def test_simulate(call, tmp_path, monkeypatch):
    monkeypatch.setattr("hybridwing.simulate.collection.processors", lambda: 1)
    answer = call("simulate", tmp_path / "new", "--specimens", "150", "--size", "64", "--seed", "3")
    assert answer.code == 0
    assert f"next: hybridwing train {tmp_path / 'new' / 'train.csv'} --images" in answer.out
    assert answer.err.startswith("simulating: 150 of 150 (")
    with (tmp_path / "new" / "train.csv").open() as file:
        assert f": {sum(1 for _ in file) - 1} to train on, " in answer.out


def few(table, tmp_path, n=6):
    """The first rows of a table."""
    part = tmp_path / "few.csv"
    part.write_text("".join(table.read_text().splitlines(keepends=True)[: n + 1]))
    return part


def test_embed(call, files, tmp_path):
    images = shutil.copytree(files.images, tmp_path / "images")
    table = few(files.train, tmp_path)
    names = read_table(files.train_embeddings).uuids[:6]
    (images / names[2]).write_bytes(b"no picture")
    answer = call("embed", table, "--images", images, "--out", tmp_path / "e.parquet", "--batch-size", "4")
    assert answer.code == 0
    first, second = answer.out.splitlines()
    assert first == f"{tmp_path / 'e.parquet'}: 5 embeddings of dimension {DIMENSION}, 1 failed"
    assert re.fullmatch(
        r"6 images in \d+ s \([\d.]+ a second; fp32, batches of 4\): forward [\d.]+ s, write [\d.]+ s; "
        r"beside them, on \d+ workers, decode [\d.]+ s, preprocess [\d.]+ s",
        second,
    )
    assert "1 of 6 images could not be used" in answer.err
    assert "open: not an image in a known format" in answer.err
    assert read_table(tmp_path / "e.parquet").uuids == (*names[:2], *names[3:])
    again = call("embed", table, "--images", images, "--out", tmp_path / "e.parquet")
    assert again.code == 0, "a table of embeddings may be written again"
    assert "5 were known from the cache" in again.out


def test_embed_a_folder_in_shares(call, files, tmp_path):
    images = tmp_path / "images"
    (images / "deep").mkdir(parents=True)
    for n, path in enumerate(sorted(files.images.iterdir())[:3]):
        shutil.copy(path, images / "deep" / f"{n}.jpg" if n else images / "0.jpg")
    (images / "notes.txt").write_text("not a picture")
    answer = call("embed", images, "--out", tmp_path / "e.parquet", "--cache", tmp_path / "cache", "--json")
    assert answer.code == 0
    summary = json.loads(answer.out)
    assert (summary["embedded"], summary["cached"], summary["resumed"]) == (3, 0, 0)
    assert summary["timings"]["decode"] > 0
    assert "1 .txt" in answer.err
    assert read_table(tmp_path / "e.parquet").uuids == ("0.jpg", "deep/1.jpg", "deep/2.jpg")
    part = call("embed", images, "--out", tmp_path / "e.parquet", "--no-cache", "--shard", "1/1")
    assert part.out.startswith(f"{tmp_path / 'e.part-1-of-1.parquet'}: 3 embeddings of dimension {DIMENSION}")
    merged = call("embeddings", "merge", tmp_path / "e.part-1-of-1.parquet", "--out", tmp_path / "m.parquet")
    assert merged.out == f"{tmp_path / 'm.parquet'}: 3 embeddings of dimension {DIMENSION}, 0 failed\n"
    assert (tmp_path / "m.parquet").read_bytes() == (tmp_path / "e.parquet").read_bytes()


def test_the_cache_is_sized_and_cleared(call, files, tmp_path):
    place = tmp_path / "cache"
    table = few(files.train, tmp_path)
    assert call("embed", table, "--images", files.images, "--out", tmp_path / "e.parquet", "--cache", place).code == 0
    assert re.fullmatch(rf"{place}: 0\.\d MB in 1 files\n", call("embeddings", "cache", "--cache", place).out)
    assert "MB removed" in call("embeddings", "cache", "--cache", place, "--clear").out
    assert call("embeddings", "cache", "--cache", place).out == f"{place}: 0.0 MB in 0 files\n"


@pytest.mark.slow
def test_train(call, files, tmp_path):
    answer = call(
        "train", files.train, "--out", tmp_path / "run", "--detector", "svm, knn,",
        "--split", "stratified", "--test-fraction", "0.3", "--embeddings", files.train_embeddings,
    )  # fmt: skip
    assert answer.code == 0
    assert "this rests on 2 known hybrids: each decides much of it" in answer.err
    manifest = load_run(tmp_path / "run").manifest
    assert manifest == load_run(files.run).manifest
    lines = answer.out.splitlines()
    assert lines[1] == f"{tmp_path / 'run'}: trained on {manifest.n_train} images, measured on others"
    assert lines[2].split()[:3] == ["detector", "images", "hybrids"]
    assert [line.split()[:3] for line in lines[3:5]] == [
        [name, str(manifest.n_heldout), str(manifest.n_heldout_hybrids)] for name in ("svm", "knn")
    ]


def test_train_learns_from_decisions(call, files, tmp_path):
    with files.train.open(newline="") as file:
        pure = [row["filename"] for row in csv.DictReader(file) if row["hybrid_stat"] != "hybrid"]
    decided = tmp_path / "decisions.csv"
    decided.write_text("".join(["file,decision\n", *(f"{name},hybrid\n" for name in pure[:5])]), encoding="utf-8")
    answer = call(
        "train", files.train, "--embeddings", files.train_embeddings, "--out", tmp_path / "run", "--detector", "knn",
        "--decisions", decided, "--split", "folds",
    )  # fmt: skip
    assert answer.code == 0
    now, before = load_run(tmp_path / "run").manifest, load_run(files.run).manifest
    assert (now.decisions_name, len(now.decisions_sha256), before.decisions_name) == ("decisions.csv", 64, "")
    known = int(hw.read_catalogue(files.train).labels.sum())
    assert now.n_heldout_hybrids == known + 5
    assert "--decisions decisions.csv" in choice_of(now).command("train.csv", "photos", "run")


@pytest.mark.parametrize("at_hand", [True, False])
def test_train_says_that_there_is_a_better_backbone(call, files, tmp_path, monkeypatch, at_hand):
    monkeypatch.setattr("hybridwing.backbones.load.is_at_hand", lambda name, compute: at_hand)
    monkeypatch.setattr("hybridwing.runs.explaining.write_wings", lambda *_: None)
    monkeypatch.setattr("hybridwing.embeddings.embed.embed", lambda *_, **__: read_table(files.train_embeddings))
    answer = call(
        "train", files.train, "--images", files.images, "--out", tmp_path / "run", "--detector", "knn",
        "--split", "stratified", "--test-fraction", "0.3",
    )  # fmt: skip
    assert answer.code == 0
    said = "--backbone best finds more hybrids, and its weights are here; photographs of 18 megapixels take"
    assert (said in answer.err) == at_hand


@pytest.mark.slow
def test_train_says_when_a_network_beside_pattern_hides_hybrids(call, files, tmp_path, monkeypatch):
    embeddings = read_table(files.train_embeddings)
    network = BackboneSpec("stub", "transformers", "v1", "", "cls", 3, Preprocess())
    several = BackboneSpec.of_parts([embeddings.backbone, network])
    wide = replace(embeddings, vectors=np.pad(embeddings.vectors, ((0, 0), (0, 3))), backbone=several)
    monkeypatch.setattr("hybridwing.embeddings.embed.embed", lambda *_, **__: wide)
    pure = pd.read_csv(files.train, dtype=str).query("hybrid_stat == 'non-hybrid'")
    pure.to_csv(tmp_path / "pure.csv", index=False)
    said = "where no hybrid is known, pattern alone found more hybrids of real specimens"
    for table, expected in ((tmp_path / "pure.csv", True), (files.train, False)):
        answer = call("train", table, "--images", files.images, "--out", tmp_path / table.stem, "--split", "folds")
        assert answer.code == 0, answer.err
        assert (said in " ".join(answer.err.split())) == expected


@pytest.mark.slow
def test_train_says_when_nothing_is_known_of_hybrids(call, files, tmp_path):
    from hybridwing.catalogue.readers import read_catalogue
    from hybridwing.catalogue.splits import split

    table = read_catalogue(files.train)
    seed = next(s for s in range(50) if not table.labels[split(table, seed=s, test_fraction=0.1).test].any())
    answer = call(
        "train", files.train, "--out", tmp_path / "run", "--seed", seed,
        "--test-fraction", "0.1", "--embeddings", files.train_embeddings,
    )  # fmt: skip
    assert answer.code == 0
    row = answer.out.splitlines()[3].split()
    assert row[0] == "ridge"
    assert row[2] == "0"
    assert row[4:] == ["–"] * 4
    assert "no hybrid was held out" in answer.err


def test_train_on_a_table_of_ones_own(call, files, tmp_path):
    with files.train.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "mine.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Foto", "Status"])
        writer.writerows([row["filename"], "H" if row["hybrid_stat"] == "hybrid" else "P"] for row in rows)
    answer = call(
        "train", tmp_path / "mine.csv", "--out", tmp_path / "run", "--detector", "knn",
        "--column", "filename=Foto", "--column", "label=Status", "--hybrid-value", "H", "--non-hybrid-value", "P",
        "--embeddings", files.train_embeddings,
    )  # fmt: skip
    assert answer.code == 0
    manifest = load_run(tmp_path / "run").manifest
    assert (manifest.split_method, manifest.n_train, manifest.n_heldout) == ("folds", len(rows), len(rows))


@pytest.mark.slow
def test_evaluate_and_score_agree(call, files, tmp_path):
    answer = call(
        "evaluate", files.run, files.test, "--images", files.images, "--embeddings", files.test_embeddings,
        "--out", tmp_path / "ev",
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    assert "recall at 95 % true-negative rate" in answer.out
    assert answer.out.endswith(f"\n{tmp_path / 'ev'}: predictions, scores, metrics and the figure evaluation.png\n")
    predictions = tmp_path / "ev" / "predictions_svm.txt"
    shown = next(line for line in answer.out.splitlines() if line.startswith("svm"))
    official = score_files(predictions, files.test)
    assert shown.split()[1] == f"{official.challenge_score:.3f}"

    scored = call("score", predictions, files.test, "--json")
    assert scored.out == (tmp_path / "ev" / "scores_svm.json").read_text() + "\n"
    assert json.loads(scored.out) == official.leaderboard()
    table = call("score", predictions, files.test)
    assert [line.split()[0] for line in table.out.splitlines()[3:]] == list(official.leaderboard())
    assert call("score", predictions, files.test, "--lower-is-hybrid", "--json").out != scored.out


def test_score_with_predictions_for_more_files(call, files, tmp_path):
    predictions = tmp_path / "p.txt"
    predictions.write_text("".join(f"{u},0.5\n" for u in read_table(files.test_embeddings).uuids) + "more.jpg,0.1\n")
    assert call("score", predictions, files.test).code == 2
    assert call("score", predictions, files.test, "--allow-extra").code == 0


def test_evaluate_without_groups_and_without_a_folder(call, files):
    answer = call("evaluate", files.run, files.train, "--images", files.images, "--embeddings", files.train_embeddings)
    assert answer.code == 0
    heading = " ".join(answer.out.splitlines()[2].split())
    assert heading == "detector images hybrids TNR recall precision PRC AUC ROC AUC"
    assert "this is the table that the run was trained on" in answer.err


def test_evaluate_says_what_missing_photographs_do_to_the_figures(call, files, tmp_path):
    whole = read_table(files.test_embeddings)
    common = ("evaluate", files.run, files.test, "--resamples", 5, "--embeddings")
    assert "typical training specimen" not in call(*common, files.test_embeddings).err
    for kept in (12, len(whole) - 1):
        failures = tuple(Failure(uuid, uuid, "open", "no such file") for uuid in whole.uuids[kept:])
        few = EmbeddingTable(whole.uuids[:kept], whole.vectors[:kept], whole.backbone, failures)
        write_table(few, tmp_path / f"{kept}.parquet")
        answer = call(*common, tmp_path / f"{kept}.parquet")
        assert answer.code == 0, answer.err
        missing, (were, count) = len(failures), ("was", "counts") if len(failures) == 1 else ("were", "count")
        given = f"{missing} of {len(whole)} images {were} given the score of a typical training specimen"
        assert f"\n{given} and {count} in every figure\n" in answer.err


@pytest.mark.slow
def test_predict(call, files, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    for path in sorted(files.images.iterdir())[:23]:
        shutil.copy(path, new)
    (new / "zz.jpg").write_bytes(b"")
    answer = call("predict", files.run, new, "--out", tmp_path / "ranked.csv", "--tnr", "0.9", "--detector", "svm")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert "of 23 images score above" in lines[1]
    assert "(svm; 90 % of non-hybrids stay at or below)" in lines[1]
    assert [line.split()[0] for line in lines[3:23]] == [str(n) for n in range(1, 21)]
    assert lines[23] == "… and 3 more"
    assert lines[-1] == f"{tmp_path / 'ranked.csv'}: all 24 images"
    assert "1 of 24 images could not be used" in answer.err
    assert "open: the file is empty" in answer.err
    with (tmp_path / "ranked.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 24


def test_predict_and_identify_of_a_table(call, files, tmp_path):
    asked = ("--embeddings", files.test_embeddings)
    ranked = call("predict", files.run, files.test, *asked, "--tnr", "0.9", "--out", tmp_path / "ranked.parquet")
    assert ranked.code == 0
    assert "in the table" in ranked.out.splitlines()[2]
    table, reference = pd.read_parquet(tmp_path / "ranked.parquet"), pd.read_csv(files.test)
    assert sorted(table["specimen"]) == sorted(reference["CAMID"])
    named = call("identify", files.run, files.test, *asked, "--format", "dwc", "--out", tmp_path / "names.csv")
    assert named.code == 0
    assert "look like something else than the table says" in named.out
    written = pd.read_csv(tmp_path / "names.csv")
    assert written["catalogNumber"].tolist() == reference["CAMID"].tolist()
    assert set(written["identificationReferences"]) == {str(files.run)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "dwc"), "name it with --out"),
        (("--format", "pdf"), "--format is table or dwc"),
        (("--images", "photos"), "go with one table of specimens"),
        (("--candidates", "nobody"), "knows no subspecies or species 'nobody'"),
    ],
)
def test_what_predict_refuses(call, files, options, message):
    answer = call("predict", files.run, files.test_embeddings, *options)
    assert answer.code == 2
    assert message in answer.err


def test_predict_many_failures(call, files, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    for number in range(12):
        (new / f"{number}.png").write_bytes(b"")
    Image.new("RGB", (64, 48)).save(new / "good.png")
    answer = call("predict", files.run, new, "--tnr", "0.9")
    assert answer.code == 0
    assert "… and 2 more" in answer.err
    assert "all " not in answer.out.splitlines()[-1]


def test_quickstart(call, files, tmp_path, monkeypatch):
    import hybridwing.quickstart as job

    asked = {}

    def tiny(out, *, specimens, seed, overwrite, progress):
        from hybridwing.catalogue.readers import read_catalogue
        from hybridwing.runs.evaluate import evaluate

        asked.update(specimens=specimens, seed=seed, overwrite=overwrite)
        with progress("simulating photographs") as report:
            report(1, 1)
        table = read_catalogue(files.test)
        result = evaluate(load_run(files.run), table, read_table(files.test_embeddings))
        ceilings = (job.Ceiling("major", 20, 3), job.Ceiling("minor", 8, 5), job.Ceiling("mimic", 12, 2))
        return job.QuickstartResult(out / "images", out / "run", out / "evaluation", result, ceilings)

    monkeypatch.setattr(job, "quickstart", tiny)
    answer = call("quickstart", "--out", tmp_path / "q", "--specimens", "200", "--seed", "7")
    assert answer.code == 0
    assert asked == {"specimens": 200, "seed": 7, "overwrite": False}
    assert "no picture tells them: 3 of 20 signal, 5 of 8 non-signal, 2 of 12 mimic" in answer.out
    assert answer.err.startswith("simulating photographs: 1 of 1")
    assert f"figure:  {tmp_path / 'q' / 'evaluation' / 'evaluation.png'}" in answer.out
    assert f"  hybridwing predict {tmp_path / 'q' / 'run'} " in answer.out


@pytest.mark.parametrize(("verb", "first"), [("backbones", "pattern"), ("detectors", "svm")])
def test_listings(call, verb, first):
    shown, details, values = call(verb), call(verb, "--details"), json.loads(call(verb, "--json").out)
    assert values[0]["name"] == first
    for entry in values:
        assert {"name", "summary"} <= set(entry)
        assert not {"module", "class_name"} & set(entry)
        assert any(line.startswith(entry["name"]) for line in shown.out.splitlines())
        assert f"{entry['name']}\n  {entry['summary']}\n" in details.out
    assert shown.err == ""


@pytest.mark.parametrize("verb", ["train", "embed", "validate"])
def test_the_background_is_handed_on(call, files, tmp_path, verb):
    out = {"train": ("--out", tmp_path / "run"), "embed": ("--out", tmp_path / "t.parquet"), "validate": ()}[verb]
    answer = call(verb, files.train, "--images", files.images, *out, "--background", "kept", "--no-cache")
    assert answer.code == 2
    assert "the pattern backbone masks the background; it has no background 'kept'" in " ".join(answer.err.split())

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.errors import RunError, SubmissionError
from hybridwing.evaluation.bootstrap import detection_uncertainty
from hybridwing.leaderboard.comparing import compare_places
from hybridwing.report.evaluation_folder import write_evaluation
from hybridwing.runs.evaluate import evaluate
from hybridwing.runs.run import Run
from hybridwing.runs.tables import read_scores
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.publish.citation import EXAMPLE, Citation, citation_cff, read_citation, zenodo_json
from hybridwing.submission.publish.publishing import (
    CONTENTS,
    compare_submission,
    line_of,
    marked,
    publish,
    training_commands,
)
from hybridwing.submission.publish.references import count_entries, read_bib, records_of, references

pytestmark = pytest.mark.slow

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

MERIAN = {
    "family-names": "Merian",
    "given-names": "Maria Sibylla",
    "orcid": "https://orcid.org/0000-0002-1825-0097",
    "affiliation": "Naturkundekabinett, Frankfurt",
}
FIELDS = {"title": "Wings | registered", "authors": [MERIAN, {"name": "The Group"}], "date-released": "2026-11-24"}
CITATION = Citation.model_validate(FIELDS)
BIB = "@misc{a,\ntitle = {One},\ndoi = {10.5281/zenodo.9000008}\n}\n"
lines = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def repository(collection, built, ran, tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    comparison = compare_places([ran.folder], collection.test, resamples=20)
    table = read_catalogue(collection.train)
    options = {"bib": BIB, "comparison": comparison, "reference": "ref_test.csv"}
    publish(collection.run, built, root / "repo", CITATION, catalogue=table, **options)
    return root / "repo"


def test_the_repository_holds_what_is_asked_for(repository, built):
    assert {path.name for path in repository.iterdir()} == set(CONTENTS)
    assert open_submission(repository / "submission").names == open_submission(built).names
    assert (repository / "submission" / "detector.npz").read_bytes() == (built / "detector.npz").read_bytes()
    assert (
        (repository / "LICENSE").read_text().startswith("MIT License\n\nCopyright (c) 2026 Maria Sibylla Merian, The")
    )
    assert {path.name for path in (repository / "results").iterdir()} == {
        "held_out.csv", "held_out_metrics.csv", "held_out_scores.csv", "leaderboard.csv",
    }  # fmt: skip


def test_readme_and_card_say_what_there_is_to_know(repository, collection):
    readme = (repository / "README.md").read_text()
    assert r"# Wings \| registered" in readme
    for text in (
        "hybridwing train train.csv",
        "| Challenge Score |",
        "resamples of specimens within their label",
        "  model.py",
        "ref_test.csv",
    ):
        assert text in readme
    assert re.search(r"\| Mimic Hybrid Recall \| \d\.\d{3} \| \[\d\.\d{3}, \d\.\d{3}\] \|", readme)
    card = (repository / "MODEL_CARD.md").read_text()
    assert collection.run.manifest.catalogue_sha256 in card
    assert yaml.safe_load(card.split("---")[1])["license"] == "mit"
    assert "{{" not in readme + card


def test_the_citation_holds_to_the_schema(repository):
    cff = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(cff)
    assert cff["cff-version"] == "1.2.0"
    assert cff["authors"][0] == {
        "family-names": "Merian",
        "given-names": "Maria Sibylla",
        "orcid": "https://orcid.org/0000-0002-1825-0097",
        "affiliation": "Naturkundekabinett, Frankfurt",
    }
    assert cff["authors"][1] == {"name": "The Group"}
    assert cff["license"] == "MIT"
    assert cff["date-released"] == "2026-11-24"
    zenodo = json.loads((repository / ".zenodo.json").read_text())
    assert zenodo["creators"][0]["name"] == "Merian, Maria Sibylla"
    assert zenodo["publication_date"] == "2026-11-24"
    assert zenodo["related_identifiers"]


@given(lines, lines, lines, lines)
def test_no_name_changes_what_the_citation_means(title, family, given_name, affiliation):
    author = {"family-names": family, "given-names": given_name, "affiliation": affiliation}
    citation = Citation.model_validate(
        {"title": title, "authors": [author], "repository-code": "https://example.org/a"}
    )
    cff = yaml.safe_load(citation_cff(citation, title, (affiliation,)))
    assert cff["title"] == citation.title
    assert cff["authors"] == [author]
    assert cff["keywords"] == [affiliation]
    assert json.loads(zenodo_json(citation, title, (), ()))["title"] == citation.title


def test_every_record_is_cited_once(repository, collection):
    records = records_of(read_catalogue(collection.train))
    bib = (repository / "references.bib").read_text()
    assert "9000008" in records
    assert bib.startswith(BIB)
    assert all(bib.count(f"doi = {{10.5281/zenodo.{record}}}") == 1 for record in records)
    assert count_entries(bib) == len(records)
    assert references("", ("1",)).startswith("@misc{zenodo_1,")


def test_the_challenge_s_references_cover_its_training_table(shared):
    bib = read_bib(shared / "challenge" / "butterfly_anomaly.bib")
    assert count_entries(bib) == 24
    table = read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv")
    assert references(bib, records_of(table)) == bib


def test_bad_references(tmp_path):
    path = tmp_path / "a.bib"
    for content, problem in ((b"\xff", "UTF-8"), (b"nothing", "no BibTeX entry"), (b"@misc{" * 400_000, "larger")):
        path.write_bytes(content)
        with pytest.raises(SubmissionError, match=problem):
            read_bib(path)
    with pytest.raises(SubmissionError, match="cannot be read"):
        read_bib(tmp_path / "none.bib")


def test_the_commands_reproduce_the_run(repository, collection):
    script = (repository / "training" / "commands.sh").read_text()
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    spec = replace(
        collection.run.manifest.backbone, name="local:/home/me/w", family="transformers", weights_sha256="ab"
    )
    manifest = replace(collection.run.manifest, backbone=spec, catalogue_name="my table`; rm -rf $HOME.csv")
    commands = training_commands(Run(collection.run.folder, manifest), "svm", reference="my_answers.csv")
    assert "/home/me" not in commands
    assert "local:weights" in commands
    assert "SHA-256 ab" in commands
    assert "hybridwing train my_table___rm_-rf__HOME.csv" in commands
    assert "--images scored_images --reference my_answers.csv" in commands
    assert "ref_val.csv" not in commands
    assert line_of("--option") == "option"


def test_the_commands_name_what_was_used_and_install_without_an_index(repository, collection):
    script = (repository / "training" / "commands.sh").read_text()
    assert "--reference ref_test.csv" in script
    assert collection.run.manifest.catalogue_sha256 in script
    assert 'python -m pip install "${HYBRIDWING:?' in script
    assert "pip install 'hybridwing" not in script
    unset = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin"})
    assert unset.returncode != 0
    assert "set it to the folder or wheel of hybridwing" in unset.stderr
    alone = training_commands(collection.run, "svm", addresses=False)
    assert "submission run" not in alone
    assert "hybridwing download" not in alone
    assert "the photographs that train.csv names" in alone


def test_the_notebook_runs(repository, pictures):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    notebook = nbformat.read(repository / "notebook" / "submission.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    code = code.replace('ROOT / "images"', f"Path({str(pictures)!r})")
    program = "import matplotlib; matplotlib.use('agg')\n" + code
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], capture_output=True, text=True, check=False, cwd=repository / "notebook"
    )
    assert done.returncode == 0, done.stderr
    assert "8 photographs" in done.stdout


def test_the_held_out_images_are_measured_as_an_evaluation_measures(collection, built, tmp_path):
    publish(collection.run, built, tmp_path / "repo", CITATION, bib="@misc{a, title={b}}")
    held = read_scores(collection.run.folder / "scores.csv", "svm")
    measured = detection_uncertainty({"svm": held.scores}, held.labels, held.specimens).measures["svm"]
    with (tmp_path / "repo" / "results" / "held_out.csv").open(newline="") as file:
        rows = {row["measure"]: (float(row["low"]), float(row["high"])) for row in csv.DictReader(file)}
    assert rows == {name: (one.interval.low, one.interval.high) for name, one in measured.items()}
    text = (tmp_path / "repo" / "README.md").read_text()
    recall = measured["hybrid_recall"]
    assert f"{recall.value:.3f} | [{recall.interval.low:.3f}, {recall.interval.high:.3f}]" in text
    assert "resamples of specimens within their label" in text


@pytest.fixture
def evaluation(collection, small, tmp_path):
    """Of the run's two detectors, of which the submission's is the second by name."""
    done = evaluate(collection.run, read_catalogue(collection.test), small[2], resamples=5)
    write_evaluation(done, tmp_path / "evaluation")
    return tmp_path / "evaluation"


def test_of_an_evaluation_the_submission_s_own_detector_is_reported(collection, built, ran, evaluation, tmp_path):
    options = {"bib": BIB, "reference": "ref_test.csv"}
    for place, name in ((evaluation, "evaluated"), (ran.folder, "ran")):
        found = compare_submission(collection.run, built, place, collection.test, resamples=20)
        publish(collection.run, built, tmp_path / name, CITATION, comparison=found, **options)
        if place == evaluation:
            assert [system.name for system in found.systems] == ["evaluation svm", "evaluation knn"]
            assert not found.systems[0].differences, "the others are held against the submission"
    scores = [
        [line for line in (tmp_path / name / "README.md").read_text().splitlines() if line.startswith("| ")]
        for name in ("evaluated", "ran")
    ]
    assert scores[0] == scores[1]
    with (tmp_path / "evaluated" / "results" / "leaderboard.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["system"] == "evaluation svm"


def test_an_evaluation_of_something_else_is_refused(collection, built, evaluation):
    asked = (collection.run, built, evaluation, collection.test)
    (evaluation / "predictions_svm.txt").rename(evaluation / "predictions_ridge.txt")
    with pytest.raises(RunError, match="has no scores of the detector svm: it holds those of knn, ridge"):
        compare_submission(*asked)
    summary = json.loads((evaluation / "evaluation.json").read_text())
    summary["run"]["seed"] += 1
    (evaluation / "evaluation.json").write_text(json.dumps(summary))
    with pytest.raises(SubmissionError, match="is the evaluation of another run"):
        compare_submission(*asked)
    (evaluation / "evaluation.json").write_text("{}")
    with pytest.raises(RunError, match="is damaged"):
        compare_submission(*asked)


def test_what_is_refused(collection, built, tmp_path):
    run, repo = collection.run, tmp_path / "repo"
    with pytest.raises(SubmissionError, match="there are no references"):
        publish(run, built, repo, CITATION)
    with pytest.raises(SubmissionError, match="is not the table"):
        publish(run, built, repo, CITATION, catalogue=read_catalogue(collection.test))
    other = tmp_path / "other"
    shutil.copytree(built, other)
    (other / "detector.npz").write_bytes((run.folder / "detectors" / "knn.npz").read_bytes())
    with pytest.raises(SubmissionError, match="was not built from"):
        publish(run, other, repo, CITATION, bib=BIB)
    (other / "detector.npz").unlink()
    with pytest.raises(SubmissionError, match="is not what `hybridwing submission build"):
        publish(run, other, repo, CITATION, bib=BIB)
    assert not repo.exists()
    licensed = CITATION.model_copy(update={"licence": "BSD-3-Clause"})
    made = publish(run, built.with_name("submission.zip"), repo, licensed, bib=BIB)
    assert "Not yet measured" in (made.folder / "README.md").read_text()
    assert (made.folder / "LICENSE").read_text().startswith("BSD 3-Clause")
    (made.folder / ".git").mkdir()
    with pytest.raises(RunError, match=r"also holds \.git"):
        publish(run, built, repo, CITATION, bib=BIB, overwrite=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"title": " "}, "title: "),
        ({"title": None}, "title: "),
        ({"version": "a\x07b"}, "version: "),
        ({"authors": []}, "authors: "),
        ({"authors": [{"family-names": "A", "orcid": "1"}]}, r"authors\.0\.orcid: "),
        ({"license": "GPL"}, "license: Input should be 'MIT' or 'BSD-3-Clause'"),
        ({"date-released": "24.11.2026"}, "date-released: "),
        ({"repository-code": "javascript:x"}, "repository-code: "),
    ],
)
def test_a_citation_is_checked(tmp_path, change, problem):
    path = tmp_path / "CITATION.cff"
    path.write_text(json.dumps(FIELDS | change))
    with pytest.raises(SubmissionError, match=f"{problem}.*For example"):
        read_citation(path)


def test_the_example_of_a_citation_is_one(tmp_path):
    (tmp_path / "CITATION.cff").write_text(EXAMPLE)
    citation = read_citation(tmp_path / "CITATION.cff")
    assert citation.holders == "Maria Sibylla Merian"
    assert (citation.version, str(citation.released)) == ("1.0.0", "2026-11-24")
    assert marked("a*b<c>") == r"a\*b\<c\>"

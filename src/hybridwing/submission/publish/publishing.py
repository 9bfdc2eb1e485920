"""Write the repository that the challenge asks of a participant.

::

    REPO/
      README.md, MODEL_CARD.md, LICENSE, CITATION.cff, .zenodo.json, .gitignore
      references.bib            of the training photographs
      submission/               what goes to Codabench
      training/                 commands.sh, versions.txt, run.json
      results/                  held_out.csv; leaderboard.csv where the submission was scored
      notebook/submission.ipynb
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

from hybridwing import __version__
from hybridwing.csv_files import write_rows
from hybridwing.errors import RunError, SubmissionError
from hybridwing.evaluation.bootstrap import Uncertainty, detection_uncertainty
from hybridwing.evaluation.comparison import COLUMNS, Comparison
from hybridwing.evaluation.resampling import RESAMPLES
from hybridwing.files import write_text
from hybridwing.folders import check_new_folder, new_folder
from hybridwing.leaderboard.comparing import compare_places, write_table
from hybridwing.report.evaluation_folder import EVALUATION
from hybridwing.runs.folder import MANIFEST, METRICS, SCORES
from hybridwing.runs.tables import HeldOutImages, read_scores
from hybridwing.runtime.serving import DETECTOR, SETTINGS
from hybridwing.runtime.settings import Settings
from hybridwing.submission.build.building import backbone_title
from hybridwing.submission.build.weights import without_paths
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.publish.citation import citation_cff, zenodo_json
from hybridwing.submission.publish.commands import line_of, training_commands
from hybridwing.submission.publish.references import count_entries, records_of, references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jinja2 import Environment

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.evaluation.intervals import Estimate
    from hybridwing.runs.run import Run
    from hybridwing.submission.package.archive import Submission
    from hybridwing.submission.publish.citation import Citation

CITATION = "CITATION.cff"
KEYWORDS = ("anomaly detection", "hybrids", "Heliconius", "butterflies", "HDR ML challenge")
_IGNORED = "__pycache__/\n*.zip\n/images/\n/run/\n"
#: Measures of the held-out images that the README reports, with what to call them.
_MEASURES = {
    "hybrid_recall": "Hybrid recall at 95 % true-negative rate",
    "prc_auc": "PRC AUC",
    "roc_auc": "ROC AUC",
}
#: What of its manifest tells a run from others, wherever its folder and its backbone's lie.
_ORIGIN = ("catalogue_sha256", "decisions_sha256", "embeddings_sha256", "seed", "split_method", "test_fraction")
#: All that a published repository holds, and what its README says of each.
_NOTES = {
    "README.md": "what this is, its scores, how to reproduce it",
    "MODEL_CARD.md": "what the model is for, and what to be wary of",
    "LICENSE": "",
    "CITATION.cff": "how to cite it",
    ".zenodo.json": "",
    ".gitignore": "",
    "references.bib": "references of the training photographs",
    "submission": "what goes to Codabench",
    "training": "the exact commands, and what they have to give",
    "results": "scores with intervals",
    "notebook": "load the submission and score photographs",
}
#: A folder that holds anything else, such as ``.git``, is never replaced.
CONTENTS = tuple(_NOTES)


@dataclass(frozen=True)
class Published:
    """A repository that was written: its folder, files, entries of ``references.bib``, and detector."""

    folder: Path
    files: int
    references: int
    detector: str


def publish(
    run: Run,
    submission: Path,
    out: Path,
    citation: Citation,
    *,
    catalogue: Catalogue | None = None,
    bib: str = "",
    comparison: Comparison | None = None,
    reference: str = "",
    overwrite: bool = False,
) -> Published:
    """Write a repository ready for ``git init``: a submission, the run that it was built from, and what explains them.

    `catalogue` is the table that the run was trained on; its records are cited. `bib` is BibTeX text, to which records
    that it lacks are added. `comparison` is what `compare_submission` gives for the table called `reference`; its
    first system is reported. `overwrite` replaces what an earlier call wrote.

    Raises HybridwingError if the submission is not built from this run, the catalogue is another, or `out` may not be
    replaced. Nothing is written then.
    """
    check_new_folder(out, overwrite=overwrite, mark=CITATION, contents=CONTENTS)
    built = open_submission(submission)
    name = _detector_of(built, run)
    if catalogue is not None and catalogue.sha256 != run.manifest.catalogue_sha256:
        raise SubmissionError(f"{catalogue.source} is not the table that {run.folder} was trained on")
    records = () if catalogue is None else records_of(catalogue)
    cited = references(bib, records)
    if not cited:
        raise SubmissionError("there are no references: name the training table with --catalogue, or --bib FILE")
    held_out = read_scores(run.folder / SCORES, name)
    measured = _measured(held_out, name)
    addresses = catalogue is None or bool(catalogue.table["file_url"].notna().any())
    commands = training_commands(run, name, reference=reference, addresses=addresses)
    with new_folder(out, overwrite=overwrite, mark=CITATION, contents=CONTENTS) as partial:
        built.unpack(partial / "submission")
        _write_training(partial / "training", run, commands)
        _write_results(partial / "results", run, measured.measures[name], comparison)
        (partial / "notebook").mkdir()
        write_text(partial / "notebook" / "submission.ipynb", _notebook(citation.title))
        abstract = (
            f"A submission to the 2024 HDR Anomaly Challenge 'Hybrid Butterfly Detection': detector {name} on "
            f"embeddings by {backbone_title(run)}, trained and packaged by hybridwing {__version__}."
        )
        values = {
            "citation": citation.model_copy(update={"title": marked(citation.title)}),
            "authors": marked(citation.holders),
            "holders": citation.holders,
            "year": citation.released.year if citation.released else "",
            "detector": name,
            "backbone": backbone_title(run),
            "version": __version__,
            "manifest": run.manifest,
            "catalogue": line_of(run.manifest.catalogue_name),
            "comparison": comparison,
            "columns": COLUMNS,
            "reference": line_of(reference),
            "held_images": len(held_out.labels),
            "held_hybrids": int(held_out.labels.sum()),
            "held": measured,
            "held_measures": measured.measures[name],
            "held_titles": _MEASURES,
            "commands": commands.rstrip(),
            "n_references": count_entries(cited),
            "picture": "; ".join(dict.fromkeys(map(_picture, run.manifest.backbone.leaves))),
            "weights": _weights(run),
            "tree": _tree(partial),
        }
        templates = _templates()
        texts = {
            ".gitignore": _IGNORED,
            "references.bib": cited,
            CITATION: citation_cff(citation, abstract, KEYWORDS),
            ".zenodo.json": zenodo_json(citation, abstract, KEYWORDS, records),
            "MODEL_CARD.md": templates.get_template("MODEL_CARD.md.j2").render(values),
            "LICENSE": templates.get_template(f"{citation.licence}.j2").render(values),
            "README.md": templates.get_template("README.md.j2").render(values),
        }
        for file, text in texts.items():
            write_text(partial / file, text)
        count = sum(path.is_file() for path in partial.rglob("*"))
    return Published(out, count, count_entries(cited), name)


def compare_submission(
    run: Run,
    submission: Path,
    evaluation: Path,
    reference: Path,
    *,
    resamples: int = RESAMPLES,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Measures of a submission on a reference table, for `publish`: its own detector stands first.

    `evaluation` is the folder of an evaluation of the run, whose other detectors are held against the submission's, or
    of the submission that was run, or a file of its predictions.

    Raises HybridwingError if the submission is not built from this run, or the evaluation is of another run or has not
    the submission's detector.
    """
    name = _detector_of(open_submission(submission), run)
    if (evaluation / EVALUATION).is_file():
        try:
            evaluated = json.loads((evaluation / EVALUATION).read_text(encoding="utf-8"))["run"]
            same = all(evaluated[key] == getattr(run.manifest, key) for key in _ORIGIN)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{evaluation / EVALUATION} is damaged; evaluate the run again") from error
        if not same:
            raise SubmissionError(f"{evaluation} is the evaluation of another run than {run.folder}")
    return compare_places([evaluation], reference, first=name, resamples=resamples, progress=progress)


def _detector_of(submission: Submission, run: Run) -> str:
    """Name of a submission's detector. It must be a detector of this run."""
    if SETTINGS not in submission.names or DETECTOR not in submission.names:
        raise SubmissionError(f"{submission.source} is not what `hybridwing submission build {run.folder}` makes")
    name = Settings.from_json(submission.read(SETTINGS).decode(errors="replace")).detector
    saved = run.folder / "detectors" / f"{name}.npz"
    if name not in run.manifest.detectors or submission.read(DETECTOR) != saved.read_bytes():
        raise SubmissionError(f"{submission.source} was not built from {run.folder}: its detector {name} is another")
    return name


def _write_training(folder: Path, run: Run, commands: str) -> None:
    folder.mkdir()
    versions = "".join(f"{name} {version}\n" for name, version in sorted(run.manifest.versions.items()))
    write_text(folder / "commands.sh", f"#!/bin/sh\nset -eu\n{commands}")
    write_text(folder / "versions.txt", versions)
    named = replace(run.manifest, backbone=without_paths(run.manifest.backbone))
    write_text(folder / MANIFEST, named.to_json())


def _measured(held_out: HeldOutImages, detector: str) -> Uncertainty:
    """Measures with intervals as an evaluation gives them; none where nothing was held out."""
    if not len(held_out.labels):
        return Uncertainty({detector: {}}, {}, 0, 0.95, 0)
    return detection_uncertainty({detector: held_out.scores}, held_out.labels, held_out.specimens)


def _write_results(folder: Path, run: Run, measured: Mapping[str, Estimate], comparison: Comparison | None) -> None:
    folder.mkdir()
    shutil.copyfile(run.folder / METRICS, folder / f"held_out_{METRICS}")
    shutil.copyfile(run.folder / SCORES, folder / f"held_out_{SCORES}")
    rows = ((name, one.value, one.interval.low, one.interval.high) for name, one in measured.items())
    write_rows(folder / "held_out.csv", ("measure", "value", "low", "high"), rows)
    if comparison is not None:
        write_table(comparison, folder / "leaderboard.csv")


def _tree(folder: Path) -> str:
    """The repository as a tree, each folder with its files."""
    lines = []
    for name in sorted(CONTENTS):
        place = folder / name
        lines.append(f"{f'{name}/' if place.is_dir() else name:28}{_NOTES[name]}".rstrip())
        if place.is_dir():
            inner = sorted(f"{p.name}/" if p.is_dir() else p.name for p in place.iterdir())
            lines += [f"  {entry}" for entry in inner]
    return "\n".join(lines)


def _picture(spec: BackboneSpec) -> str:
    """How a picture is prepared for a backbone."""
    prep = spec.preprocess
    if spec.family == "pattern":
        return "upright 8-bit RGB; the wings are found and registered by the descriptor itself"
    cut = (
        f"squashed to {prep.size} × {prep.size}"
        if prep.resize == "squash"
        else f"short side to {prep.resize_to}, {prep.size} × {prep.size} cut from the middle"
    )
    around = f" with its background {prep.background}" if prep.background else ""
    return f"upright 8-bit RGB, view {prep.view}{around}, {cut}, {prep.interpolation}; mean {prep.mean}, std {prep.std}"


def _weights(run: Run) -> str:
    kept = {part.weights_sha256: part for part in run.manifest.backbone.leaves if part.weights_sha256}
    told = (f"{part.source or part.revision}, SHA-256 {digest}" for digest, part in kept.items())
    return "; ".join(told) or "none"


def _notebook(title: str) -> str:
    """The notebook of a published submission: it loads the submission, scores photographs and draws the scores."""
    text = files("hybridwing.submission.publish").joinpath("templates", "notebook.json").read_text(encoding="utf-8")
    return text.replace("# TITLE", json.dumps(f"# {title}", ensure_ascii=False)[1:-1])


def marked(text: str) -> str:
    """Escape text, so that Markdown shows it as it is."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in text)


def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Markdown and licences: what comes from outside was escaped by `marked` and `line_of`.
    return Environment(  # noqa: S701
        loader=PackageLoader("hybridwing.submission.publish"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

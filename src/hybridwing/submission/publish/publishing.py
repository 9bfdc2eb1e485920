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
from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.csv_files import write_rows
from hybridwing.errors import SubmissionError
from hybridwing.evaluation.bootstrap import Uncertainty, detection_uncertainty
from hybridwing.evaluation.comparison import COLUMNS, Comparison
from hybridwing.files import write_text
from hybridwing.folders import check_new_folder, new_folder
from hybridwing.leaderboard.comparing import write_table
from hybridwing.runs.folder import MANIFEST, METRICS, SCORES
from hybridwing.runs.tables import HeldOutImages, read_scores
from hybridwing.submission.build.building import backbone_title, build_submission
from hybridwing.submission.build.weights import without_paths
from hybridwing.submission.publish.citation import Publication, citation_cff, zenodo_json
from hybridwing.submission.publish.commands import line_of, training_commands
from hybridwing.submission.publish.references import count_entries, records_of, references

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jinja2 import Environment

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.evaluation.intervals import Estimate
    from hybridwing.runs.run import Run

CITATION = "CITATION.cff"
KEYWORDS = ("anomaly detection", "hybrids", "Heliconius", "butterflies", "HDR ML challenge")
_IGNORED = "__pycache__/\n*.zip\n/images/\n/run/\n"
#: Measures of the held-out images that the README reports, with what to call them.
_MEASURES = {
    "hybrid_recall": "Hybrid recall at 95 % true-negative rate",
    "prc_auc": "PRC AUC",
    "roc_auc": "ROC AUC",
}
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
#: One with a history of its own, or with anything else in it, is never replaced.
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
    out: Path,
    publication: Publication,
    *,
    catalogue: Catalogue | None = None,
    bib: str = "",
    comparison: Comparison | None = None,
    reference: str = "",
    detector: str | None = None,
    bundle_weights: bool = False,
    backbone: str | None = None,
    compute: Compute = DEFAULT,
    overwrite: bool = False,
) -> Published:
    """Write a repository ready for ``git init``.

    Parameters
    ----------
    run : Run
    out : Path
        New folder.
    publication : Publication
        Title, authors, licence and so on.
    catalogue : Catalogue, optional
        The table the run was trained on: its records are cited.
    bib : str
        BibTeX text; records that it lacks are added.
    comparison : Comparison, optional
        The submission's measures on a reference table; its first system is reported.
    reference : str
        Name of that table.
    detector, bundle_weights, backbone, compute
        See :func:`hybridwing.submission.build.building.build_submission`.
    overwrite : bool
        Replace what an earlier call wrote.

    Raises
    ------
    HybridwingError
        If the run does not serve, the catalogue is another, or `out` may not be replaced; nothing is written then.
    """
    name = detector or run.manifest.best_detector
    run.detector(name)
    check_new_folder(out, overwrite=overwrite, mark=CITATION, contents=CONTENTS)
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
        build_submission(
            run,
            partial / "submission",
            detector=name,
            bundle_weights=bundle_weights,
            backbone=backbone,
            compute=compute,
        )
        _write_training(partial / "training", run, commands)
        _write_results(partial / "results", run, measured.measures[name], comparison)
        (partial / "notebook").mkdir()
        write_text(partial / "notebook" / "submission.ipynb", _notebook(publication.title))
        abstract = (
            f"A submission to the 2024 HDR Anomaly Challenge 'Hybrid Butterfly Detection': detector {name} on "
            f"embeddings by {backbone_title(run)}, trained and packaged by hybridwing {__version__}."
        )
        texts = {
            ".gitignore": _IGNORED,
            "references.bib": cited,
            CITATION: citation_cff(publication, abstract, KEYWORDS),
            ".zenodo.json": zenodo_json(publication, abstract, KEYWORDS, records),
            **_documents(partial, run, name, publication, held_out, measured, comparison, reference, cited, commands),
        }
        for file, text in texts.items():
            write_text(partial / file, text)
        count = sum(path.is_file() for path in partial.rglob("*"))
    return Published(out, count, count_entries(cited), name)


def _write_training(folder: Path, run: Run, commands: str) -> None:
    folder.mkdir()
    versions = "".join(f"{name} {version}\n" for name, version in sorted(run.manifest.versions.items()))
    script = f"#!/bin/sh\nset -eu\n{commands}"
    write_text(folder / "commands.sh", script)
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


def _documents(
    folder: Path,
    run: Run,
    detector: str,
    publication: Publication,
    held_out: HeldOutImages,
    measured: Uncertainty,
    comparison: Comparison | None,
    reference: str,
    cited: str,
    commands: str,
) -> dict[str, str]:
    values = {
        "publication": replace(publication, title=marked(publication.title)),
        "authors": marked(publication.holders),
        "holders": publication.holders,
        "year": publication.year,
        "detector": detector,
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
        "held_measures": measured.measures[detector],
        "held_titles": _MEASURES,
        "commands": commands.rstrip(),
        "n_references": count_entries(cited),
        "picture": _picture(run),
        "weights": _weights(run),
    }
    values["tree"] = _tree(folder)
    templates = _templates()
    names = {"MODEL_CARD.md": "MODEL_CARD.md.j2", "LICENSE": f"{publication.licence}.j2", "README.md": "README.md.j2"}
    return {name: templates.get_template(template).render(values) for name, template in names.items()}


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


def _picture(run: Run) -> str:
    return "; ".join(dict.fromkeys(_picture_of(part) for part in run.manifest.backbone.leaves))


def _picture_of(spec: BackboneSpec) -> str:
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
    """Text of a flag as Markdown shows it: letters, and no markup."""
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

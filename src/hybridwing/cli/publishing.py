"""The verb that writes a repository: submission publish."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from hybridwing.cli.inputs import (
    MovedBackbone,
    Offline,
    Overwrite,
    RunArgument,
    WeightsFolder,
    catalogue_of,
)
from hybridwing.cli.submission import submission
from hybridwing.errors import SubmissionError


@submission.command()
def publish(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for the repository.")] = None,
    title: Annotated[str, typer.Option("--title", help="Of the submission.")] = "",
    author: Annotated[
        list[str] | None, typer.Option("--author", help="'Family, Given; ORCID; affiliation'. Repeat for each.")
    ] = None,
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="Table of the training, to cite it.")] = None,
    bib: Annotated[Path | None, typer.Option("--bib", help="References to take over.")] = None,
    evaluation: Annotated[
        Path | None, typer.Option("--evaluation", help="Evaluation or submission run whose scores to report.")
    ] = None,
    reference: Annotated[Path | None, typer.Option("--reference", help="Table that it was scored on.")] = None,
    detector: Annotated[str | None, typer.Option("--detector", help="By default the run's best.")] = None,
    licence: Annotated[Literal["MIT", "BSD-3-Clause"], typer.Option("--licence", help="Of code and model.")] = "MIT",
    version: Annotated[str, typer.Option("--version", help="Of the submission.")] = "1.0.0",
    date: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="Of the release.")] = "",
    repository: Annotated[str, typer.Option("--repository", metavar="URL", help="Where it will be.")] = "",
    bundle_weights: Annotated[bool, typer.Option("--bundle-weights", help="Put weights from the hub in.")] = False,
    backbone: MovedBackbone = None,
    weights: WeightsFolder = None,
    offline: Offline = False,
    overwrite: Overwrite = False,
) -> None:
    """Write the repository that the challenge asks for.

    Submission, commands, scores with intervals, model card, citation, licence, references and a notebook.
    """
    from hybridwing.backbones.compute import Compute
    from hybridwing.cli import show as console
    from hybridwing.leaderboard.comparing import compare_places
    from hybridwing.runs.run import load_run
    from hybridwing.submission.publish.citation import Author, Publication, publication_faults
    from hybridwing.submission.publish.publishing import publish as write
    from hybridwing.submission.publish.references import read_bib

    faults = []
    authors = []
    for text in author or ():
        try:
            authors.append(Author.parse(text))
        except SubmissionError as error:
            faults.append(str(error))
    if (evaluation is None) != (reference is None):
        faults.append("--evaluation and --reference go together: whose scores, and on which table")
    if out is None or not title.strip() or not author or (catalogue is None and bib is None):
        faults.insert(0, _missing(run, out, title, author, catalogue, bib))
    faults += publication_faults(title or "-", version, licence, date, repository)
    if faults or out is None:
        raise SubmissionError("; ".join(faults))
    publication = Publication(title, tuple(authors), licence, version, date, repository)
    trained = load_run(run)
    comparison = None
    if evaluation is not None and reference is not None:
        with console.progress("resampling") as report:
            name = detector or trained.manifest.best_detector
            comparison = compare_places([evaluation], reference, detector=name, progress=report)
    made = write(
        trained,
        out,
        publication,
        catalogue=None if catalogue is None else catalogue_of(catalogue),
        bib="" if bib is None else read_bib(bib),
        comparison=comparison,
        reference="" if reference is None else reference.name,
        detector=detector,
        bundle_weights=bundle_weights,
        backbone=backbone,
        compute=Compute(weights=weights, offline=offline),
        overwrite=overwrite,
    )
    console.say(f"{made.folder}: detector {made.detector}, {made.files} files, {made.references} references")
    console.say(f"next: cd {made.folder} && git init && git add . && git commit")


def _missing(
    run: Path, out: Path | None, title: str, author: list[str] | None, catalogue: Path | None, bib: Path | None
) -> str:
    """Everything that is still to be named, in one sentence, and the whole command."""
    cited = (
        ["--bib", str(bib)] if bib is not None and catalogue is None else ["--catalogue", str(catalogue or "train.csv")]
    )
    authors = [part for one in author or ["Family, Given; ORCID; affiliation"] for part in ("--author", one)]
    wanted = (
        (out is None, "the new folder (--out)"),
        (not title.strip(), "a title (--title)"),
        (not author, "the authors (--author, once for each)"),
        (
            catalogue is None and bib is None,
            "the references (--catalogue, the training table, or --bib, a BibTeX file)",
        ),
    )
    example = ["hybridwing", "submission", "publish", str(run), "--out", str(out or "repository")]
    example += ["--title", title.strip() or "Title of the submission", *authors, *cited]
    named = ", ".join(text for missing, text in wanted if missing)
    return f"still to be named: {named}. For example: {shlex.join(example)}"

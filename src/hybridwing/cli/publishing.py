"""The verb that writes a repository: submission publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hybridwing.cli.inputs import (
    MovedBackbone,
    Offline,
    Overwrite,
    RunArgument,
    catalogue_of,
)
from hybridwing.cli.submission import submission
from hybridwing.errors import SubmissionError


@submission.command()
def publish(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="New folder for the repository.")],
    title: Annotated[str, typer.Option("--title", help="Of the submission.")],
    author: Annotated[
        list[str], typer.Option("--author", help="'Family, Given; ORCID; affiliation'. Repeat for each.")
    ],
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
    offline: Offline = False,
    overwrite: Overwrite = False,
) -> None:
    """Write the repository that the challenge asks for.

    Submission, commands, scores with intervals, model card, citation, licence, references and a notebook.
    """
    from hybridwing.cli import show as console
    from hybridwing.leaderboard.comparing import compare_places
    from hybridwing.runs.run import load_run
    from hybridwing.submission.publish.citation import Author, Publication
    from hybridwing.submission.publish.publishing import publish as write
    from hybridwing.submission.publish.references import read_bib

    if (evaluation is None) != (reference is None):
        raise SubmissionError("--evaluation and --reference go together: whose scores, and on which table")
    publication = Publication(title, tuple(Author.parse(text) for text in author), licence, version, date, repository)
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
        catalogue=None if catalogue is None else catalogue_of(catalogue, None, None, None),
        bib="" if bib is None else read_bib(bib),
        comparison=comparison,
        reference="" if reference is None else reference.name,
        detector=detector,
        bundle_weights=bundle_weights,
        backbone=backbone,
        offline=offline,
        overwrite=overwrite,
    )
    console.say(f"{made.folder}: detector {made.detector}, {made.files} files, {made.references} references")
    console.say(f"next: cd {made.folder} && git init && git add . && git commit")

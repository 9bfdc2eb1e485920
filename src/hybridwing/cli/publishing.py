"""The verb that writes a repository: submission publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import Overwrite, RunArgument, catalogue_of
from hybridwing.cli.submission import submission
from hybridwing.errors import SubmissionError


@verb(
    submission,
    "hybridwing submission publish run mine.zip --citation CITATION.cff --catalogue train.csv --out repository",
)
def publish(
    run: RunArgument,
    built: Annotated[Path, typer.Argument(metavar="SUBMISSION", help="What `submission build` made of it.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for the repository.")],
    citation: Annotated[
        Path, typer.Option("--citation", metavar="CITATION.cff", help="Title, authors, license, version and so on.")
    ],
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="Table of the training, to cite it.")] = None,
    bib: Annotated[Path | None, typer.Option("--bib", help="References to take over.")] = None,
    evaluation: Annotated[
        Path | None, typer.Option("--evaluation", help="Evaluation or submission run whose scores to report.")
    ] = None,
    reference: Annotated[Path | None, typer.Option("--reference", help="Table that it was scored on.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the repository that the challenge asks for.

    Submission, commands, scores with intervals, model card, citation, licence, references and a notebook.
    """
    from hybridwing.cli import show as console
    from hybridwing.leaderboard.comparing import compare_places
    from hybridwing.runs.run import load_run
    from hybridwing.submission.publish.citation import EXAMPLE, read_citation
    from hybridwing.submission.publish.publishing import publish as write
    from hybridwing.submission.publish.references import read_bib

    if (evaluation is None) != (reference is None):
        raise SubmissionError("--evaluation and --reference go together: whose scores, and on which table")
    if not citation.is_file():
        raise SubmissionError(f"there is no {citation}. Write one, for example:\n{EXAMPLE}")
    cited = read_citation(citation)
    trained = load_run(run)
    comparison = None
    if evaluation is not None and reference is not None:
        with console.progress("resampling") as report:
            comparison = compare_places([evaluation], reference, progress=report)
    made = write(
        trained,
        built,
        out,
        cited,
        catalogue=None if catalogue is None else catalogue_of(catalogue),
        bib="" if bib is None else read_bib(bib),
        comparison=comparison,
        reference="" if reference is None else reference.name,
        overwrite=overwrite,
    )
    console.say(f"{made.folder}: detector {made.detector}, {made.files} files, {made.references} references")
    console.say(f"next: cd {made.folder} && git init && git add . && git commit")

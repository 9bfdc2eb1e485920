"""The verbs about submissions to the challenge: submission build, recipes, check, run, publish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import DetectorName, MovedBackbone, Offline, Overwrite, RunArgument, WeightsFolder
from hybridwing.errors import SubmissionError

submission = typer.Typer(
    name="submission",
    help="Challenge submissions: build, check, run, publish.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(submission)


@dataclass(frozen=True)
class WeightOptions:
    """Weights."""

    bundle_weights: Annotated[
        bool, typer.Option("--bundle-weights", help="Include weights from the hub: the network may be off there.")
    ] = False
    backbone: MovedBackbone = None
    weights: WeightsFolder = None
    offline: Offline = False


@verb(submission, "hybridwing submission build run --detector svm --out mine --zip")
def build(
    run: RunArgument,
    options: WeightOptions,
    out: Annotated[Path, typer.Option("--out", help="New folder for the submission.")],
    detector: DetectorName = None,
    archive: Annotated[bool, typer.Option("--zip", help="Also write OUT.zip, ready to upload.")] = False,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="NAME==VERSION", help="Another version to ask for.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a run's detector as a submission."""
    from hybridwing.backbones.compute import Compute
    from hybridwing.cli import show as console
    from hybridwing.runs.run import load_run
    from hybridwing.submission.build.building import build_submission

    built = build_submission(
        load_run(run),
        out,
        detector=detector,
        archive=archive,
        bundle_weights=options.bundle_weights,
        backbone=options.backbone,
        compute=Compute(weights=options.weights, offline=options.offline),
        pins=pin or (),
        overwrite=overwrite,
    )
    console.say(f"{built.folder}: detector {built.detector}, {built.files} files, {built.size / 1e6:.1f} MB")
    console.say(f"requires {', '.join(built.requirements)}")
    if built.archive is not None:
        console.say(f"{built.archive}: sha256 {built.archive_sha256}")


@verb(submission, "hybridwing submission recipes", name="recipes")
def list_recipes() -> None:
    """List the training commands of well-known submissions."""
    from hybridwing.cli import show as console
    from hybridwing.submission.build.recipes import recipes

    console.show_entries([(r.name, [r.summary, r.choice.command("CATALOGUE", "DIR", "RUN")]) for r in recipes()])


@verb(submission, "hybridwing submission check mine.zip")
def check(
    path: Annotated[Path, typer.Argument(metavar="ZIP_OR_FOLDER", help="Anybody's submission.")],
    static: Annotated[bool, typer.Option("--static", help="Read it only; run nothing of it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="S", help="Seconds it may run on the probe images.", min=1)
    ] = 120.0,
    memory_limit: Annotated[
        int, typer.Option("--memory-limit", metavar="MB", help="Memory it may hold meanwhile.", min=64)
    ] = 8192,
    probe_python: Annotated[
        Path | None,
        typer.Option(
            "--probe-python", metavar="PATH", help="Python with the submission's packages; this one if absent."
        ),
    ] = None,
) -> None:
    """Find what would fail on Codabench.

    Reads the files, then runs the model on images made for it: in a bubblewrap sandbox without a network, or not at all
    where there is none. Exit code 1 if anything fails, 2 if it is no submission or is unsafe to unpack.
    """
    from hybridwing.cli.show_submission import show_check
    from hybridwing.submission.check.checking import check_submission
    from hybridwing.submission.sandbox.run_program import ResourceLimits

    limits = ResourceLimits(seconds=time_limit, memory=memory_limit * 2**20)
    report = check_submission(path, static=static, limits=limits, python=probe_python)
    if as_json:
        typer.echo(report.to_json())
    else:
        show_check(report)
    if report.failed:
        raise typer.Exit(1)


@dataclass(frozen=True)
class ConditionOptions:
    """Conditions."""

    isolated: Annotated[bool, typer.Option("--isolated", help="Install its requirements into a fresh environment.")] = (
        False
    )
    python: Annotated[Path | None, typer.Option("--python", help="Interpreter for --isolated, best 3.10.")] = None
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="SECONDS", help="For all stages.")] = 600.0
    trust: Annotated[
        bool, typer.Option("--trust", help="Run it without a sandbox: it can read, change and send whatever you can.")
    ] = False


@verb(submission, "hybridwing submission run mine.zip --images val_images --reference ref_val.csv --out ran")
def run(
    source: Annotated[Path, typer.Argument(metavar="ZIP_OR_FOLDER", help="Anybody's submission.")],
    options: ConditionOptions,
    out: Annotated[Path, typer.Option("--out", help="New folder for predictions, scores and page.")],
    images: Annotated[Path | None, typer.Option("--images", help="Folder of images, side by side.")] = None,
    reference: Annotated[Path | None, typer.Option("--reference", help="The challenge's reference table.")] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Codabench bundle whose own programs to run instead.")
    ] = None,
    task: Annotated[int, typer.Option("--task", help="Index of the bundle's task.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Run a submission as Codabench does.

    Requirements, ingestion and scoring, within limits and in a bubblewrap sandbox without a network. Exit code 1 where
    it would fail.
    """
    from hybridwing.cli import show as console
    from hybridwing.cli.show_submission import show_submission_run
    from hybridwing.submission.rehearse.rehearsal import run_submission
    from hybridwing.submission.rehearse.submission_run import Conditions

    conditions = Conditions(options.isolated, options.python, options.time_limit, trust=options.trust)
    result = run_submission(
        source, images, reference, out, conditions=conditions, bundle=bundle, task=task, overwrite=overwrite
    )
    show_submission_run(result)
    console.say(f"\n{out}: result, predictions, scores and logs")
    if not result.accepted:
        raise typer.Exit(1)


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
    from hybridwing.catalogue.readers import read_catalogue
    from hybridwing.cli import show as console
    from hybridwing.runs.run import load_run
    from hybridwing.submission.publish.citation import read_citation
    from hybridwing.submission.publish.publishing import compare_submission
    from hybridwing.submission.publish.publishing import publish as write
    from hybridwing.submission.publish.references import read_bib

    if (evaluation is None) != (reference is None):
        raise SubmissionError("--evaluation and --reference go together: whose scores, and on which table")
    cited = read_citation(citation)
    trained = load_run(run)
    comparison = None
    if evaluation is not None and reference is not None:
        with console.progress("resampling") as report:
            comparison = compare_submission(trained, built, evaluation, reference, progress=report)
    made = write(
        trained,
        built,
        out,
        cited,
        catalogue=None if catalogue is None else read_catalogue(catalogue),
        bib="" if bib is None else read_bib(bib),
        comparison=comparison,
        reference="" if reference is None else reference.name,
        overwrite=overwrite,
    )
    console.say(f"{made.folder}: detector {made.detector}, {made.files} files, {made.references} references")
    console.say(f"next: cd {made.folder} && git init && git add . && git commit")

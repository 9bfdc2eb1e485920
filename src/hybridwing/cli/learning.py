"""The verbs that learn and judge: train, validate, evaluate, predict, score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import CatalogueArgument, DetectorName, MovedBackbone, Overwrite, Resamples, RunArgument
from hybridwing.cli.options import (
    AskingOptions,
    BackboneOptions,
    ComputeOptions,
    LearningOptions,
    Places,
    ResultOptions,
    SourceOptions,
    SplitOptions,
    TableOptions,
    check_file,
)

if TYPE_CHECKING:
    from hybridwing.catalogue.schema import Catalogue


@dataclass(frozen=True)
class LearnedTableOptions(TableOptions):
    """How the table is read."""

    decisions: Annotated[
        Path | None,
        typer.Option(
            "--decisions",
            help="Table of decisions, as `hybridwing app` exports it, to learn from besides; their photographs are in "
            "the folder of --images too, or below it.",
        ),
    ] = None

    def read(self, path: Path) -> Catalogue:
        """The catalogue at a path, with the decisions."""
        from hybridwing.catalogue.decisions import join_decisions

        read = super().read(path)
        return read if self.decisions is None else join_decisions(read, self.decisions)


@verb(app, "hybridwing train specimens.csv --images photos --out my-run")
def train(
    catalogue: CatalogueArgument,
    source: SourceOptions,
    out: Annotated[Path, typer.Option("--out", help="New run folder.")],
    learning: LearningOptions,
    held_out: SplitOptions,
    backbone: BackboneOptions,
    compute: ComputeOptions,
    table: LearnedTableOptions,
    overwrite: Overwrite = False,
) -> None:
    """Fit and calibrate detectors on a labelled table."""
    from hybridwing.backbones.entries import BEST
    from hybridwing.backbones.load import is_at_hand
    from hybridwing.cli import show as console
    from hybridwing.cli.show_confidence import show_headline
    from hybridwing.folders import check_new_folder
    from hybridwing.runs.explaining import write_wings
    from hybridwing.runs.folder import CONTENTS, MANIFEST
    from hybridwing.runs.train import check_detectors, check_training, learnable
    from hybridwing.runs.train import train as fit

    detectors = learning.detectors
    check_new_folder(out, overwrite=overwrite, mark=MANIFEST, contents=CONTENTS)
    check_detectors(detectors, learning.seed)
    read = table.read(catalogue)
    listed = learnable(read)
    method = check_training(listed, detectors, held_out.split, test_fraction=held_out.test_fraction, seed=learning.seed)
    computing = compute.compute()
    with console.progress("embedding") as report:
        embeddings = source.embedded_by(backbone, listed, computing, report)
    run = fit(
        listed,
        embeddings,
        out,
        detectors=detectors,
        split_method=method,
        test_fraction=held_out.test_fraction,
        seed=learning.seed,
        overwrite=overwrite,
    )
    if source.images is not None:
        write_wings(run.folder, listed, source.images, computing)
    console.show_failures(run.failures, len(listed))
    if len(listed) < len(read):
        console.note(f"{len(read) - len(listed)} of {len(read)} rows have no label and were not learned from")
    manifest = run.manifest
    measured = "scored out of fold" if manifest.split_method == "folds" else "measured on others"
    console.show_metrics(f"{out}: trained on {manifest.n_train} images, {measured}", run.metrics)
    show_headline(run.uncertainty, manifest.n_heldout_hybrids)
    if manifest.without_hybrids:
        console.say(f"\n{manifest.without_hybrids}; how many hybrids it finds cannot be measured")
    elif len(manifest.detectors) > 1:
        console.say(f"\n`predict` uses {manifest.best_detector} unless told otherwise: {manifest.choice}")
    # Without known hybrids `pattern` alone finds more.
    better = not manifest.without_hybrids and manifest.backbone.cuts_itself and source.embeddings is None
    if better and is_at_hand(BEST, computing):
        console.note(
            f"\n--backbone {BEST} finds more hybrids, and its weights are here; photographs of 18 megapixels take it "
            "three to four times as long"
        )
    if manifest.without_hybrids and {part.cuts_itself for part in manifest.backbone.leaves} == {True, False}:
        console.note(
            "\nwhere no hybrid is known, pattern alone found more hybrids of real specimens than with a network beside "
            "it: --backbone pattern"
        )
    for assumed in dict.fromkeys(part.assumed for part in manifest.backbone.leaves if part.assumed):
        console.note(f"\nassumed: {assumed}")
    if not manifest.backbone.can_embed:
        console.note(
            "\nthe embeddings do not say what made them: this run ranks embeddings of that kind, and cannot embed "
            "photographs"
        )
    if not manifest.n_heldout_hybrids and manifest.split_method != "folds":
        console.note(
            "\nno hybrid was held out, so how many the detectors find is unknown; --split folds holds out every one"
        )
    if (non_hybrids := manifest.n_heldout - manifest.n_heldout_hybrids) < 19:
        console.note(
            f"\nonly {non_hybrids} non-hybrids were held out: `predict` needs 19 for its default --tnr 0.95, and ranks "
            "images without a verdict otherwise"
            + ("" if manifest.split_method == "folds" else "; --split folds holds out every one")
        )


@dataclass(frozen=True)
class ProtocolOptions:
    """What is hidden."""

    protocol: Annotated[
        str, typer.Option("--protocol", help="What is hidden in turn: cross, subspecies, record or specimen.")
    ] = "cross"
    parts: Annotated[int, typer.Option("--parts", help="Parts the specimens are dealt into.", min=2)] = 5
    made: Annotated[
        bool,
        typer.Option(
            "--made-crosses/--no-made-crosses",
            help="If hiding a cross leaves no hybrids to learn from: make some, or give no score.",
        ),
    ] = True
    resamples: Resamples = 2000


@dataclass(frozen=True)
class ReportOptions:
    """Where the result goes."""

    out: Annotated[Path | None, typer.Option("--out", help="New folder for tables and scores.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON instead.")] = False
    overwrite: Overwrite = False


@verb(app, "hybridwing validate specimens.csv --images photos --protocol cross --detector svm,ridge")
def validate(
    catalogue: CatalogueArgument,
    source: SourceOptions,
    hidden: ProtocolOptions,
    learning: LearningOptions,
    backbone: BackboneOptions,
    compute: ComputeOptions,
    table: TableOptions,
    result: ReportOptions,
) -> None:
    """Hide crosses, subspecies, records or specimens in turn, and see what is found of them.

    A score from the record alone stands beside every detector.
    """
    from hybridwing.cli import show as console
    from hybridwing.cli.show_confidence import show_validation
    from hybridwing.runs.train import check_detectors
    from hybridwing.validation.protocols import folds
    from hybridwing.validation.validate import check_validation_folder, to_json, write_validation
    from hybridwing.validation.validate import validate as ask

    out, overwrite = result.out, result.overwrite
    if out is not None:
        check_validation_folder(out, overwrite=overwrite)
    detectors = learning.detectors
    check_detectors(detectors, learning.seed)
    listed = table.read(catalogue)
    folds(listed, hidden.protocol, parts=hidden.parts, seed=learning.seed)  # type: ignore[arg-type]  # checked there
    with console.progress("embedding") as report:
        embeddings = source.embedded_by(backbone, listed, compute.compute(), report)
    with console.progress("fitting") as report:
        found = ask(
            listed,
            embeddings,
            protocol=hidden.protocol,  # type: ignore[arg-type]  # checked above
            detectors=detectors,
            seed=learning.seed,
            parts=hidden.parts,
            resamples=hidden.resamples,
            make_crosses=hidden.made,
            progress=report,
        )
    if out is not None:
        write_validation(found, out, overwrite=overwrite)
    console.show_failures(found.failures, len(listed))
    if result.as_json:
        typer.echo(to_json(found), nl=False)
        return
    show_validation(found)
    if out is not None:
        console.say(f"\n{out}: the table, the differences and every out-of-fold score")


@dataclass(frozen=True)
class MeasureOptions:
    """What is measured."""

    minus: Annotated[
        Path | None, typer.Option("--minus", help="Measure a second time without the images of this table.")
    ] = None
    resamples: Resamples = 2000


@verb(app, "hybridwing evaluate my-run ref_val.csv --images photos --out evaluation")
def evaluate(
    run: RunArgument,
    catalogue: CatalogueArgument,
    source: SourceOptions,
    measures: MeasureOptions,
    compute: ComputeOptions,
    table: TableOptions,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for scores, predictions, figure.")] = None,
    backbone: MovedBackbone = None,
    overwrite: Overwrite = False,
) -> None:
    """Hold a run against a labelled table.

    A table in the challenge's reference form gives the challenge's scores.
    """
    from hybridwing.cli import show as console
    from hybridwing.cli.show_confidence import show_parentage, show_uncertainty
    from hybridwing.report.evaluation_folder import check_evaluation_folder, write_evaluation
    from hybridwing.runs.run import load_run

    if out is not None:
        check_evaluation_folder(out, overwrite=overwrite)
    trained, listed = load_run(run, backbone), table.read(catalogue)
    _ = listed.labels
    minus = None if measures.minus is None else table.read(measures.minus)
    with console.progress("embedding") as report:
        embeddings = source.embedded(
            lambda images: trained.embed(listed, images, compute=compute.compute(), progress=report)
        )
    result = trained.evaluate(listed, embeddings, minus=minus, resamples=measures.resamples)
    if out is not None:
        write_evaluation(result, out, overwrite=overwrite)
    console.show_failures(result.failures, len(listed))
    console.show_evaluation(result)
    show_uncertainty(result)
    show_parentage(result)
    if listed.sha256 == trained.manifest.catalogue_sha256:
        console.note("\nthis is the table that the run was trained on: its figures say nothing about other images")
    if out is not None:
        console.say(f"\n{out}: predictions, scores, metrics and the figure evaluation.png")


@dataclass(frozen=True)
class VerdictOptions:
    """The verdict."""

    tnr: Annotated[float, typer.Option("--tnr", help="True-negative rate: share of non-hybrids not flagged.")] = 0.95
    detector: DetectorName = None
    prevalence: Annotated[
        float | None, typer.Option("--prevalence", help="Share of hybrids you expect: says what a flag is worth.")
    ] = None


@verb(app, "hybridwing predict my-run specimens.xlsx --images photos --out ranked.xlsx")
def predict(
    run: RunArgument,
    places: Places,
    asking: AskingOptions,
    verdict: VerdictOptions,
    result: ResultOptions,
    compute: ComputeOptions,
    table: TableOptions,
    page: Annotated[
        Path | None, typer.Option("--report", help="HTML file to look at: pictures, reasons, every image.")
    ] = None,
    backbone: MovedBackbone = None,
) -> None:
    """Rank photographs, most likely hybrids first, with likely parents and a verdict.

    Of a table of specimens, its columns stand beside the verdicts.
    """
    from hybridwing.cli import show as console
    from hybridwing.cli.show_confidence import show_promises
    from hybridwing.runs.run import load_run

    result.check(places)
    if page is not None:
        check_file(page, ".html", overwrite=result.overwrite)
    trained = load_run(run, backbone)
    source, images = asking.asked(places, table)
    with console.progress("embedding") as report:
        ranked = trained.predict(
            source,
            images,
            tnr=verdict.tnr,
            detector=verdict.detector,
            prevalence=verdict.prevalence,
            candidates=asking.candidates,
            compute=compute.compute(),
            progress=report,
        )
    result.write(ranked)
    if page is not None:
        from hybridwing.report.prediction_page import write_prediction

        with console.progress("drawing") as report:
            write_prediction(ranked, trained, page, compute=compute.compute(), progress=report)
    console.show_ranking(ranked)
    show_promises(ranked)
    console.show_rest(ranked, result.out)
    if page is not None:
        console.say(f"\n{page}: open it in a browser")


@verb(app, "hybridwing identify my-run drawer/ --out names.csv")
def identify(
    run: RunArgument,
    places: Places,
    asking: AskingOptions,
    result: ResultOptions,
    compute: ComputeOptions,
    table: TableOptions,
    backbone: MovedBackbone = None,
) -> None:
    """Name the subspecies that photographs show, or the two parents, or neither."""
    from hybridwing.cli import show as console
    from hybridwing.runs.run import load_run

    result.check(places)
    trained = load_run(run, backbone)
    source, images = asking.asked(places, table)
    with console.progress("embedding") as report:
        found = trained.identify(
            source, images, candidates=asking.candidates, compute=compute.compute(), progress=report
        )
    result.write(found)
    console.show_names(found)
    console.show_rest(found, result.out)


@verb(app, "hybridwing score predictions.txt ref_val.csv")
def score(
    predictions: Annotated[Path, typer.Argument(help="filename,score a line, no header.")],
    reference: Annotated[Path, typer.Argument(help="The challenge's reference table.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what the official scores.json holds.")] = False,
    lower_is_hybrid: Annotated[
        bool, typer.Option("--lower-is-hybrid", help="The scores are P(non-hybrid): use 1 - score.")
    ] = False,
    allow_extra: Annotated[
        bool, typer.Option("--allow-extra", help="Ignore predictions for files the reference does not list.")
    ] = False,
) -> None:
    """Score predictions as the challenge does, to the last digit."""
    from hybridwing.cli import show as console
    from hybridwing.evaluation.challenge_score import read_labelled_scores, unmeasured
    from hybridwing.evaluation.direction import reversed_rankings

    found = read_labelled_scores(predictions, reference, lower_is_hybrid=lower_is_hybrid, allow_extra=allow_extra)
    scores = found.challenge_scores()
    if lacking := sorted(set(unmeasured(found.labels, found.groups).values())):
        console.note(
            f"the table has {' and '.join(lacking)}: the zeros for these are the official program's, not measured"
        )
    upside_down = reversed_rankings(found.scores, found.labels, found.specimens, found.groups)
    for ranking in upside_down:
        console.note(ranking.sentence())
    if upside_down and not upside_down[0].group and not lower_is_hybrid:
        console.note("if the file holds P(non-hybrid), score it with --lower-is-hybrid")
    if as_json:
        typer.echo(scores.to_json())
        return
    rows = [(name, f"{value:.6f}") for name, value in scores.leaderboard().items()]
    console.show_rows(f"{predictions.name} against {reference.name}", ("measure", "value"), rows, numeric=("value",))

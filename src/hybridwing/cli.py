"""The command line: parses and prints; every verb is one call of a public function.

Nothing heavy is imported before a verb runs, so that ``hybridwing --help`` answers at once.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.errors import CatalogueError, HybridwingError

if TYPE_CHECKING:
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable

app = typer.Typer(
    name="hybridwing",
    help="Find hybrid butterflies in photographs of specimens: embed, train, evaluate, rank.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# Options that several verbs share.
CatalogueArgument = Annotated[Path, typer.Argument(help="CSV table of the specimens, a row an image.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `hybridwing train` made.")]
Images = Annotated[Path, typer.Option("--images", help="Folder that the table's file names are relative to.")]
BackboneName = Annotated[str, typer.Option("--backbone", help="See `hybridwing backbones`.")]
MovedBackbone = Annotated[
    str | None, typer.Option("--backbone", help="Where the run's backbone is now, if its folder was moved.")
]
PreprocessName = Annotated[
    str, typer.Option("--preprocess", help="default: the backbone's own; sample: the challenge sample's resize.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Seed = Annotated[int, typer.Option("--seed", help="Same seed and data, same bytes.", min=0)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier call left under this name.")]
Embeddings = Annotated[
    Path | None, typer.Option("--embeddings", help="Table that `hybridwing embed` made, instead of embedding again.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="OURS=THEIRS",
        help="For a table of your own: which of its columns is filename, label, specimen, subspecies, parent_1, "
        "parent_2, record, view, file_url or md5. Repeat for each.",
    ),
]
HybridValues = Annotated[
    list[str] | None, typer.Option("--hybrid-value", help="Label that means hybrid, if not one of the usual.")
]


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all log messages.")] = False,
) -> None:
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR, format="%(name)s: %(message)s")


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="New folder for the collection.")],
    specimens: Annotated[int, typer.Option("--specimens", help="Photographs in all.", min=1)] = 1000,
    seed: Seed = 42,
    size: Annotated[int, typer.Option("--size", metavar="PX", help="Long side of a photograph.")] = 512,
) -> None:
    """Make a collection of photographs whose genetics are known."""
    from hybridwing import console
    from hybridwing.simulate.collection import simulate as make

    with console.progress("simulating") as report:
        made = make(out, specimens=specimens, seed=seed, size=size, progress=report)
    console.say(f"{made.root}: {made.n_train} to train on, {made.n_test} to test ({made.n_val} of them to validate)")
    console.say(f"next: hybridwing train {made.train} --images {made.images} --out RUN")


@app.command()
def embed(
    catalogue: CatalogueArgument,
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    backbone: BackboneName = "pattern",
    preprocess: PreprocessName = "default",
    device: Device = "auto",
    batch_size: Annotated[int, typer.Option("--batch-size", help="Images a forward pass.", min=1)] = 16,
    column: Columns = None,
    hybrid_value: HybridValues = None,
) -> None:
    """Turn a catalogue's photographs into embeddings."""
    from hybridwing import console
    from hybridwing.backbones.registry import load_backbone
    from hybridwing.embeddings.catalogue import embed_catalogue
    from hybridwing.embeddings.store import write_table

    table = _catalogue(catalogue, column, hybrid_value)
    encoder = load_backbone(backbone, preprocess=preprocess, device=device)
    with console.progress("embedding") as report:
        made = embed_catalogue(table, images, encoder, batch_size=batch_size, progress=report)
    write_table(made, out)
    console.show_failures(made.failures, len(table))
    console.say(f"{out}: {len(made)} embeddings of length {made.backbone.dimension}, {len(made.failures)} failed")


@app.command()
def train(
    catalogue: CatalogueArgument,
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="New run folder.")],
    backbone: BackboneName = "pattern",
    detector: Annotated[str, typer.Option("--detector", help="One or more, with commas between.")] = "svm",
    seed: Seed = 42,
    split: Annotated[str, typer.Option("--split", help="random, stratified, record or specimen.")] = "random",
    test_fraction: Annotated[float, typer.Option("--test-fraction", help="Share of the images held out.")] = 0.2,
    preprocess: PreprocessName = "default",
    device: Device = "auto",
    embeddings: Embeddings = None,
    overwrite: Overwrite = False,
    column: Columns = None,
    hybrid_value: HybridValues = None,
) -> None:
    """Fit detectors on a labelled catalogue and calibrate them on a part held out."""
    from hybridwing import console
    from hybridwing.runs.train import train as fit

    table = _catalogue(catalogue, column, hybrid_value)
    names = [name.strip() for name in detector.split(",") if name.strip()]
    with console.progress("embedding") as report:
        result = fit(
            table,
            images,
            out,
            backbone=backbone,
            detectors=names,
            seed=seed,
            split_method=split,  # type: ignore[arg-type]  # any text; checked where the split is made
            test_fraction=test_fraction,
            preprocess=preprocess,
            device=device,
            embeddings=_embeddings(embeddings),
            overwrite=overwrite,
            progress=report,
        )
    console.show_failures(result.failures, len(table))
    manifest = result.run.manifest
    console.show_metrics(f"{out}: held-out images, {manifest.n_train} trained on", result.metrics)


@app.command()
def evaluate(
    run: RunArgument,
    catalogue: CatalogueArgument,
    images: Images,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for scores, predictions, figure.")] = None,
    backbone: MovedBackbone = None,
    device: Device = "auto",
    embeddings: Embeddings = None,
    overwrite: Overwrite = False,
    column: Columns = None,
    hybrid_value: HybridValues = None,
) -> None:
    """Hold a run against a labelled catalogue; a reference table gives the challenge's score."""
    from hybridwing import console
    from hybridwing.runs.evaluate import evaluate as measure
    from hybridwing.runs.evaluate import write_evaluation
    from hybridwing.runs.folder import read_run

    trained, table = read_run(run), _catalogue(catalogue, column, hybrid_value)
    with console.progress("embedding") as report:
        result = measure(
            trained,
            table,
            images,
            embeddings=_embeddings(embeddings),
            backbone=backbone,
            device=device,
            progress=report,
        )
    if out is not None:
        write_evaluation(result, out, overwrite=overwrite)
    console.show_failures(result.failures, len(table))
    console.show_evaluation(result)
    if out is not None:
        console.say(f"\n{out}: predictions, scores, metrics and the figure evaluation.png")


@app.command()
def predict(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    out: Annotated[Path | None, typer.Option("--out", help="CSV file for the ranking.")] = None,
    tnr: Annotated[float, typer.Option("--tnr", help="Share of non-hybrids to let pass as such.")] = 0.95,
    detector: Annotated[str | None, typer.Option("--detector", help="By default the run's best.")] = None,
    backbone: MovedBackbone = None,
    device: Device = "auto",
) -> None:
    """Rank photographs, most likely hybrids first."""
    from hybridwing import console
    from hybridwing.runs.folder import read_run
    from hybridwing.runs.predict import predict as rank

    with console.progress("embedding") as report:
        ranking = rank(
            read_run(run), images, tnr=tnr, detector=detector, backbone=backbone, device=device, progress=report
        )
    if out is not None:
        ranking.write(out)
    console.show_ranking(ranking)
    console.show_failures(ranking.failures, len(ranking.images) + len(ranking.failures))
    if out is not None:
        console.say(f"\n{out}: all {len(ranking.images)} images")


@app.command()
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
    from hybridwing import console
    from hybridwing.evaluation.challenge_score import score_files

    scores = score_files(predictions, reference, lower_is_hybrid=lower_is_hybrid, allow_extra=allow_extra)
    if as_json:
        typer.echo(scores.to_json())
        return
    rows = [(name, f"{value:.6f}") for name, value in scores.leaderboard().items()]
    console.show_rows(f"{predictions.name} against {reference.name}", ("measure", "value"), rows, numeric=("value",))


@app.command()
def quickstart(
    out: Annotated[Path, typer.Option("--out", help="New folder for all that is made.")] = Path("quickstart"),
    specimens: Annotated[int, typer.Option("--specimens", help="Photographs to simulate.", min=1)] = 1000,
    seed: Seed = 42,
) -> None:
    """Simulate, train, evaluate: the whole job with no data, weights or network."""
    from hybridwing import console
    from hybridwing.runs.quickstart import quickstart as run_all

    made = run_all(out, specimens=specimens, seed=seed, progress=console.progress)
    console.show_evaluation(made.evaluation)
    console.say(f"\nfigure:  {made.evaluation_folder / 'evaluation.png'}")
    console.say("next:")
    console.say(f"  hybridwing predict {made.run} {made.collection.images} --out ranked.csv")
    console.say("  hybridwing train CATALOGUE.csv --images FOLDER --out RUN --detector svm,sgd")
    console.say("  hybridwing backbones")


@app.command()
def backbones(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the image encoders."""
    from hybridwing.backbones.registry import backbone_entries

    _show_entries("backbones", list(backbone_entries()), as_json)


@app.command()
def detectors(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the detectors."""
    from hybridwing.detectors.registry import detector_entries

    _show_entries("detectors", list(detector_entries()), as_json)


def _show_entries(title: str, entries: list[object], as_json: bool) -> None:
    """Registry entries as a table or as JSON."""
    import json
    from dataclasses import asdict, fields

    from hybridwing import console

    values = [asdict(entry) for entry in entries]  # type: ignore[call-overload]  # entries are dataclasses
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    header = [field.name for field in fields(entries[0])]  # type: ignore[arg-type]
    console.show_rows(title, header, [[str(value) for value in row.values()] for row in values])


def _catalogue(path: Path, columns: list[str] | None, hybrid_values: list[str] | None) -> Catalogue:
    """Read a catalogue, a user's own where columns are named."""
    from hybridwing.catalogue.columns import ColumnNames
    from hybridwing.catalogue.readers import read_catalogue

    if not columns and not hybrid_values:
        return read_catalogue(path)
    named: dict[str, str] = {}
    known = [name for name in ColumnNames.__dataclass_fields__ if name != "hybrid_values"]
    for pair in columns or []:
        ours, separator, theirs = pair.partition("=")
        if not separator or ours not in known or not theirs:
            raise CatalogueError(f"--column takes OURS=THEIRS with OURS one of {', '.join(known)}; got {pair!r}")
        named[ours] = theirs
    return read_catalogue(path, columns=ColumnNames(**named, hybrid_values=tuple(hybrid_values or ())))


def _embeddings(path: Path | None) -> EmbeddingTable | None:
    from hybridwing.embeddings.store import read_table

    return None if path is None else read_table(path)


def main() -> None:
    """Run the command line; input at fault gives one clear line and exit code 2."""
    try:
        app()
    except (HybridwingError, OSError) as fault:
        if "--debug" in sys.argv:
            raise
        from hybridwing import console

        console.error(str(fault))
        sys.exit(2)


if __name__ == "__main__":
    main()

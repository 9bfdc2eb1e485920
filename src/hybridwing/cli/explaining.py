"""The verbs that show: explain, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import DetectorName, MovedBackbone, Overwrite, RunArgument
from hybridwing.cli.options import ComputeOptions, SourceOptions, TableOptions, check_file
from hybridwing.errors import counted


@verb(app, "hybridwing explain my-run drawer/0231.jpg --out why")
def explain(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(help="Photographs or folders of them.")],
    compute: ComputeOptions,
    out: Annotated[Path, typer.Option("--out", help="New folder for the page and its pictures.")],
    detector: DetectorName = None,
    parents: Annotated[
        str | None,
        typer.Option(
            "--parents", help="Two subspecies, with a comma between, to compare with. [default: the likeliest two]"
        ),
    ] = None,
    backbone: MovedBackbone = None,
    overwrite: Overwrite = False,
) -> None:
    """Show why photographs have their scores: which parent each place of the wings takes after, and what counted."""
    from hybridwing.cli import show as console
    from hybridwing.folders import check_new_folder
    from hybridwing.report.explained import CONTENTS, PAGE, write_explanations
    from hybridwing.runs.explaining import Explainer
    from hybridwing.runs.run import load_run

    check_new_folder(out, overwrite=overwrite, mark=PAGE, contents=CONTENTS)
    knows = Explainer(load_run(run, backbone), detector)
    with console.progress("embedding") as report:
        pair = None if parents is None else [name.strip() for name in parents.split(",")]
        found = knows.explain(images, parents=pair, compute=compute.compute(), progress=report)
    with console.progress("drawing") as report:
        page = write_explanations(found, knows, out, overwrite=overwrite, progress=report)
    for one in found[:20]:
        console.say(f"{one.path.name}: score {one.score:.4f}; {one.words}")
    console.say(f"\n{page}: {counted(len(found), 'image')}")


@verb(app, "hybridwing report my-run --images photos --out my-run.html")
def report(
    run: RunArgument,
    source: SourceOptions,
    compute: ComputeOptions,
    table: TableOptions,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Labelled table to judge by; default the held-out images.")
    ] = None,
    backbone: MovedBackbone = None,
    overwrite: Overwrite = False,
) -> None:
    """Show how well a run does, on whom, and how it was made, as one HTML file."""
    from hybridwing.cli import show as console
    from hybridwing.report.run_page import held_out, judged_by, write_run_report
    from hybridwing.runs.run import load_run

    check_file(out, ".html", overwrite=overwrite)
    trained = load_run(run, backbone)
    if reference is None:
        judged = held_out(trained)
    else:
        listed = table.read(reference)
        with console.progress("embedding") as done:
            embeddings = source.embedded(
                lambda images: trained.embed(listed, images, compute=compute.compute(), progress=done)
            )
        evaluation = trained.evaluate(listed, embeddings)
        judged = judged_by(evaluation, embeddings)
    with console.progress("drawing") as done:
        write_run_report(trained, judged, out, images=source.images, progress=done)
    console.say(f"{out}: {judged.title}")

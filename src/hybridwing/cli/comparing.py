"""The verb that compares: leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import Overwrite, Resamples, Seed
from hybridwing.cli.options import ComputeOptions


@verb(app, "hybridwing leaderboard run other-run --reference ref_val.csv --images photos")
def leaderboard(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN_OR_EVALUATION…",
            help="Folders of runs, evaluations and submissions that were run, or files of predictions.",
        ),
    ],
    options: ComputeOptions,
    reference: Annotated[Path, typer.Option("--reference", help="The challenge's reference table.")],
    images: Annotated[Path | None, typer.Option("--images", help="Folder of its images, for runs.")] = None,
    detector: Annotated[str | None, typer.Option("--detector", help="Compare this detector of each run alone.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for leaderboard.csv and .html.")] = None,
    resamples: Resamples = 2000,
    seed: Seed = 42,
    overwrite: Overwrite = False,
) -> None:
    """Compare systems by the challenge's columns.

    Bootstrap intervals for each, and differences to the first on the same resamples.
    """
    from hybridwing.cli import show as console
    from hybridwing.files import write_text
    from hybridwing.folders import check_new_folder, new_folder
    from hybridwing.leaderboard.comparing import CONTENTS, CSV, PAGE, compare_places, write_table
    from hybridwing.leaderboard.page import leaderboard_html

    if out is not None:
        check_new_folder(out, overwrite=overwrite, mark=CSV, contents=CONTENTS)
    with console.progress("comparing") as report:
        found = compare_places(
            places,
            reference,
            images=images,
            detector=detector,
            compute=options.compute(),
            resamples=resamples,
            seed=seed,
            progress=report,
        )
    if out is not None:
        with new_folder(out, overwrite=overwrite, mark=CSV, contents=CONTENTS) as partial:
            write_table(found, partial / CSV)
            write_text(partial / PAGE, leaderboard_html(found, reference.name))
    console.show_comparison(found)
    if out is not None:
        console.say(f"\n{out / PAGE}: table, intervals and differences")

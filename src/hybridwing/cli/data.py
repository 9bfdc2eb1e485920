"""The verbs that make data: simulate, cut and quickstart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import Megapixels, Overwrite, Seed
from hybridwing.errors import counted


@verb(app, "hybridwing simulate collection --specimens 1000")
def simulate(
    out: Annotated[Path, typer.Argument(help="New folder for the collection.")],
    specimens: Annotated[int, typer.Option("--specimens", help="Photographs in all.", min=1)] = 1000,
    seed: Seed = 42,
    size: Annotated[int, typer.Option("--size", metavar="PX", help="Long side of a photograph.")] = 512,
) -> None:
    """Make a collection of photographs whose genetics are known."""
    from hybridwing.cli import show as console
    from hybridwing.simulate.collection import simulate as make

    with console.progress("simulating") as report:
        made = make(out, specimens=specimens, seed=seed, size=size, progress=report)
    console.say(f"{made.root}: {made.n_train} to train on, {made.n_test} to test ({made.n_val} of them to validate)")
    console.say(f"next: hybridwing train {made.train} --images {made.images} --out RUN")


@verb(app, "hybridwing cut drawer.jpg --out specimens")
def cut(
    drawers: Annotated[list[Path], typer.Argument(help="Photographs of several specimens, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for a picture of each specimen, and a table.")],
    max_megapixels: Megapixels = 120.0,
    overwrite: Overwrite = False,
) -> None:
    """Cut photographs of drawers or plates into their specimens.

    Rulers, labels and colour cards are left out; a specimen has its wings on the body.
    """
    from hybridwing.cli import show as console
    from hybridwing.images.decode import ReadOptions
    from hybridwing.images.drawer import TABLE, cut_drawers
    from hybridwing.images.find import find_images

    pictures = find_images(drawers).images
    options = ReadOptions(max_megapixels=max_megapixels)
    with console.progress("cutting") as report:
        made = cut_drawers(pictures, out, options=options, overwrite=overwrite, progress=report)
    for one in made:
        on_edge = sum(place.on_edge for place in one.places)
        cut_off = f", {on_edge} of them on its edge, so that a part may be missing" if on_edge else ""
        console.say(f"{one.source}: {counted(len(one.places), 'specimen')}{cut_off}")
    console.say(f"next: hybridwing predict RUN {out}; where each lay is in {out / TABLE}")


@verb(app, "hybridwing quickstart --out quickstart")
def quickstart(
    out: Annotated[Path, typer.Option("--out", help="New folder for all that is made.")] = Path("quickstart"),
    specimens: Annotated[int, typer.Option("--specimens", help="Photographs to simulate.", min=1)] = 1000,
    seed: Seed = 42,
    overwrite: Overwrite = False,
) -> None:
    """Do the whole job on simulated photographs.

    Simulates, trains and evaluates, with no data, weights or network.
    """
    from hybridwing.cli import show as console
    from hybridwing.evaluation.challenge_score import TITLES
    from hybridwing.quickstart import quickstart as run_all

    made = run_all(out, specimens=specimens, seed=seed, overwrite=overwrite, progress=console.progress)
    console.show_evaluation(made.evaluation)
    alike = ", ".join(f"{c.lookalikes} of {c.hybrids} {TITLES[c.group]}" for c in made.ceilings)
    console.say(f"\nhybrids that look exactly like a parent, so that no picture tells them: {alike}")
    console.say("the challenge score is the harmonic mean of the three recalls: 0 where one of them is 0")
    console.say(f"\nfigure:  {made.evaluation_folder / 'evaluation.png'}")
    console.say("next:")
    console.say(f"  hybridwing predict {made.run} {made.images} --out ranked.csv --report ranked.html")
    console.say(f"  hybridwing report {made.run} --images {made.images} --out run.html")
    console.say(f"  hybridwing app {made.run} --images {made.images}    # pip install -e '.[app]' first")
    console.say("  hybridwing train CATALOGUE.csv --images FOLDER --out RUN")

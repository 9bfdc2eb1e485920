"""The verb that opens the review desk in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb

_DEMONSTRATION = Path("quickstart")


@verb(app, "hybridwing app my-run --images drawer", name="app")
def desk(
    run: Annotated[
        Path | None, typer.Argument(help="Folder that `hybridwing train` made; the first time only.")
    ] = None,
    project: Annotated[
        Path, typer.Option("--project", help="Folder that keeps photographs, scores and decisions.")
    ] = Path("desk"),
    images: Annotated[
        list[Path] | None, typer.Option("--images", help="Photographs or folders of them to put on the desk.")
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            help="Address to listen at. Any but 127.0.0.1 lets whoever reaches it and knows the token see and decide; "
            "the connection is not encrypted.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.", min=0, max=65535)] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Review ranked photographs in a browser: decide, learn from decisions, export.

    Every decision is kept before the screen says so. A killed desk goes on where it was.
    """
    from hybridwing.app.project import DATABASE, Project
    from hybridwing.app.server import check_installed, serve
    from hybridwing.images.find import find_images

    check_installed()
    if run is None and not (project / DATABASE).exists():
        run = _demonstration()
    opened = Project(project, run)
    if images:
        added = opened.add(find_images(images).images)
        typer.echo(f"{added:,} new photographs on the desk")
    serve(opened, host=host, port=port, ready=lambda address: _ready(address, browser))


def _demonstration() -> Path:
    """The quickstart's run, made now if the user wants it."""
    from hybridwing.errors import RunError
    from hybridwing.quickstart import RUN, quickstart

    if not (_DEMONSTRATION / RUN).is_dir():
        typer.echo("No run is named. The demonstration one is made from simulated photographs, in about a minute.")
        if not typer.confirm("Make it?", default=True):
            raise RunError("name a run: hybridwing app RUN")
        quickstart(_DEMONSTRATION)
    return _DEMONSTRATION / RUN


def _ready(address: str, browser: bool) -> None:
    typer.echo(f"The desk is at {address}\nStop it with Ctrl-C; nothing is lost.")
    if browser:
        import threading
        import webbrowser

        threading.Timer(1.5, webbrowser.open, [address]).start()

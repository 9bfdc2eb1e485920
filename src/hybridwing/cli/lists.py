"""The verbs that list what there is: backbones and detectors."""

from __future__ import annotations

from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb

Details = Annotated[bool, typer.Option("--details", help="All that is known of each, instead of a line.")]


@verb(app, "hybridwing backbones 'dinov2-*' --details")
def backbones(
    patterns: Annotated[
        list[str] | None, typer.Argument(metavar="[PATTERN]…", help="Names, with * and ? as in file names.")
    ] = None,
    details: Details = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the image encoders."""
    import json

    from hybridwing.backbones.entries import backbone_entries, describe_entry
    from hybridwing.cli import show as console

    entries = backbone_entries(patterns or ())
    if as_json:
        typer.echo(json.dumps([entry.to_dict() for entry in entries], indent=2, ensure_ascii=False))
        return
    if details:
        console.show_entries([(entry.name, describe_entry(entry)) for entry in entries])
        return
    rows = [
        (
            entry.name,
            "" if entry.dimension is None else str(entry.dimension),
            "" if entry.parameters is None else f"{entry.parameters / 1e6:.0f} M",
            f"[{entry.needs}]" if entry.needs else "",
            entry.licence.partition(" (")[0],
        )
        for entry in entries
    ]
    console.show_rows(
        f"{len(entries)} backbones; more with --details",
        ("name", "dimension", "parameters", "needs", "licence"),
        rows,
        numeric=("dimension", "parameters"),
    )


@verb(app, "hybridwing detectors --details")
def detectors(
    details: Details = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the detectors."""
    import json

    from hybridwing.cli import show as console
    from hybridwing.detectors.registry import detector_entries

    entries = detector_entries()
    if as_json:
        known = ("name", "summary", "source", "seen_only")
        typer.echo(json.dumps([{name: str(getattr(entry, name)) for name in known} for entry in entries], indent=2))
        return
    if details:
        for one in entries:
            limit = [f"seen crosses only: {one.seen_only}"] if one.seen_only else []
            console.show_entries([(one.name, [one.summary, f"source: {one.source}", *limit])])
        return
    rows = [(entry.name, "seen crosses" if entry.seen_only else "any cross", entry.summary) for entry in entries]
    console.show_rows(f"{len(entries)} detectors; more with --details", ("name", "looks for", "what it does"), rows)

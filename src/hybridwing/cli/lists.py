"""The verbs that list what there is: backbones and detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.cli.command import app

if TYPE_CHECKING:
    from collections.abc import Sequence


@app.command()
def backbones(
    patterns: Annotated[
        list[str] | None, typer.Argument(metavar="[PATTERN]…", help="Names, with * and ? as in file names.")
    ] = None,
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
    console.show_entries([(entry.name, describe_entry(entry)) for entry in entries])


@app.command()
def detectors(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the detectors."""
    from hybridwing.detectors.registry import detector_entries

    _show_entries(detector_entries(), ("source", "seen_only"), as_json)


def _show_entries(entries: Sequence[object], details: Sequence[str], as_json: bool) -> None:
    """Name, summary and some details of registry entries, to read or as JSON."""
    import json

    from hybridwing.cli import show as console

    values = [{name: str(getattr(entry, name)) for name in ("name", "summary", *details)} for entry in entries]
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    console.show_entries(
        [
            (v["name"], [v["summary"], *(f"{name.replace('_', ' ')}: {v[name]}" for name in details if v[name])])
            for v in values
        ]
    )

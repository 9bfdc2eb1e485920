"""The verbs before any model: download, describe, audit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import CatalogueArgument, Overwrite, Seed
from hybridwing.cli.options import TableOptions
from hybridwing.errors import EmbeddingError


@dataclass(frozen=True)
class SampleOptions:
    """Which of them."""

    fraction: Annotated[
        float | None, typer.Option("--fraction", help="Share of every subspecies and cross, e.g. 0.15.")
    ] = None
    limit: Annotated[int | None, typer.Option("--limit", help="Number of images, drawn alike.")] = None
    seed: Seed = 42


@dataclass(frozen=True)
class ServerOptions:
    """How servers are asked."""

    jobs: Annotated[int, typer.Option("--jobs", help="Files fetched at a time.")] = 4
    rate: Annotated[str, typer.Option("--rate", help="Requests a minute and host: 60 or 60/min.")] = "60/min"
    contact: Annotated[str, typer.Option("--contact", help="Your address, told to the server.")] = ""
    base_url: Annotated[str | None, typer.Option("--base-url", metavar="URL", help="Address of a mirror.")] = None


@verb(app, "hybridwing download butterfly_anomaly_train.csv --out images --fraction 0.15")
def download(
    catalogue: CatalogueArgument,
    options: TableOptions,
    which: SampleOptions,
    server: ServerOptions,
    out: Annotated[Path, typer.Option("--out", help="Folder for the photographs; continues what is there.")],
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Sort into sub-folders, e.g. by hybrid_stat.")
    ] = None,
    downsize: Annotated[
        int | None, typer.Option("--downsize", metavar="PX", help="Also write copies with this short side.")
    ] = None,
    verify: Annotated[
        Literal["md5", "none"], typer.Option("--verify", help="md5: check every file; none: trust size and time.")
    ] = "md5",
) -> None:
    """Fetch a catalogue's photographs.

    Checks every file, waits where the server asks for it, and continues what an earlier call left. Exit code 1 if
    anything is missing at the end.
    """
    from hybridwing.cli import show as console
    from hybridwing.download.fetch import download as fetch
    from hybridwing.download.hosts import Politeness
    from hybridwing.download.plan import Sample

    politeness = Politeness(_per_minute(server.rate), server.jobs, server.contact)
    sample = Sample(which.fraction, which.limit, which.seed)
    table = options.read(catalogue)
    with console.progress("downloading") as report:
        done = fetch(
            table,
            out,
            sample=sample,
            by=by,
            downsize=downsize,
            verify=verify == "md5",
            base_url=server.base_url,
            politeness=politeness,
            progress=report,
        )
    console.show_download(done)
    if not done.complete:
        raise typer.Exit(1)


def _per_minute(rate: str) -> float:
    """Requests a minute, of ``60`` or ``60/min``."""
    from hybridwing.download.errors import DownloadError

    number = rate.strip().lower().removesuffix("/min").removesuffix("/minute")
    try:
        return float(number)
    except ValueError:
        raise DownloadError(f"--rate takes requests a minute, as 60 or 60/min; got {rate!r}") from None


@verb(app, "hybridwing describe specimens.csv")
def describe(
    catalogue: CatalogueArgument,
    options: TableOptions,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the photographs, to say which of them are found.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for the figures and the counts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Say how a table is read, and count it by subspecies, cross, record, side and file type.

    Prints which column is taken for what and why, and every taxon name with what it is read as, before anything is
    learned from it.
    """
    from hybridwing.catalogue.describe import describe as count
    from hybridwing.cli import show as console
    from hybridwing.cli.show_description import show_description, show_listed
    from hybridwing.folders import check_new_folder, new_folder
    from hybridwing.images.listed import find_listed
    from hybridwing.report.catalogue_figures import FILES, write_description

    if out is not None:
        check_new_folder(out, overwrite=overwrite, mark="description.json", contents=FILES)
    table = options.read(catalogue)
    description = count(table)
    if out is not None:
        with new_folder(out, overwrite=overwrite, mark="description.json", contents=FILES) as partial:
            write_description(description, partial)
    if as_json:
        typer.echo(description.to_json())
        return
    show_description(description)
    if images is not None:
        show_listed(images, find_listed(images, table.table["filename"].tolist()))
    if out is not None:
        console.say(f"\n{out}: figures of classes, records and metadata")


@dataclass(frozen=True)
class EvidenceOptions:
    """What is looked at beside the table."""

    images: Annotated[Path | None, typer.Option("--images", help="Folder of images, to look for copies.")] = None
    embeddings: Annotated[
        Path | None, typer.Option("--embeddings", help="Table of embeddings of the images, to look for odd ones.")
    ] = None
    reference: Annotated[
        list[Path] | None, typer.Option("--reference", metavar="CSV", help="Table to test on; repeat for each.")
    ] = None
    bib: Annotated[
        Path | None, typer.Option("--bib", help="References of the records, to find those of bred broods.")
    ] = None


@verb(app, "hybridwing audit specimens.csv --images photos --out audit")
def audit(
    catalogue: CatalogueArgument,
    options: TableOptions,
    evidence: EvidenceOptions,
    out: Annotated[Path, typer.Option("--out", help="New folder for audit.html and audit.json.")],
    labels: Annotated[
        bool,
        typer.Option("--labels", help="List the images that look like another name than theirs; takes --embeddings."),
    ] = False,
    seed: Seed = 42,
    overwrite: Overwrite = False,
) -> None:
    """Say what the labels are confounded with, and what the data cannot support."""
    from hybridwing.audit.mislabelled import find_mislabelled
    from hybridwing.audit.overlap import BRED_RECORDS, read_bred_records
    from hybridwing.audit.run import audit as examine
    from hybridwing.catalogue.readers import read_catalogue
    from hybridwing.cli import show as console
    from hybridwing.embeddings.foreign import read_embeddings
    from hybridwing.embeddings.selection import select
    from hybridwing.folders import check_new_folder, new_folder
    from hybridwing.report.audit_page import FILES, write_audit

    check_new_folder(out, overwrite=overwrite, mark="audit.json", contents=FILES)
    if labels and evidence.embeddings is None:
        raise EmbeddingError("--labels names the images by their embeddings: name the table of them with --embeddings")
    table = options.read(catalogue)
    embedded = None if evidence.embeddings is None else read_embeddings(evidence.embeddings)
    with console.progress("auditing") as report:
        found = examine(
            table,
            images=evidence.images,
            embeddings=embedded,
            references=[read_catalogue(path) for path in evidence.reference or []],
            seed=seed,
            broods=BRED_RECORDS if evidence.bib is None else read_bred_records(evidence.bib),
            progress=report,
        )
    with new_folder(out, overwrite=overwrite, mark="audit.json", contents=FILES) as partial:
        write_audit(found, partial)
    if embedded is not None:
        console.show_failures(select(embedded, table).failures, len(table))
    console.show_audit(found)
    if labels and embedded is not None:
        console.show_mislabelled(*find_mislabelled(table, embedded, seed))
    console.say(f"\n{out / 'audit.html'}: evidence, what it means and what to do")

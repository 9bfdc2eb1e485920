"""The audit of a collection, before a model is trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from hybridwing.audit.confounding import confounding_findings, measure_columns
from hybridwing.audit.copies import copy_finding, find_copies, fingerprint_images, unreadable_findings
from hybridwing.audit.findings import Finding, Severity, Topic, Unchecked
from hybridwing.audit.labels import class_findings, side_findings
from hybridwing.audit.neighbours import embedded_images, find_class_outliers, likeness_finding, outlier_finding
from hybridwing.audit.overlap import BRED_RECORDS, brood_findings, overlap_findings, specimen_finding
from hybridwing.audit.power import measure_power, power_findings
from hybridwing.audit.report import AuditReport
from hybridwing.audit.sources import class_sources, source_findings
from hybridwing.audit.tables import audited_tables, groups_of
from hybridwing.embeddings.selection import select_with
from hybridwing.errors import CatalogueError
from hybridwing.images.listed import ImageFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hybridwing.audit.neighbours import ClassOutlier
    from hybridwing.audit.tables import AuditedTable
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable


def audit(
    catalogue: Catalogue,
    *,
    images: Path | None = None,
    embeddings: EmbeddingTable | None = None,
    references: Sequence[Catalogue] = (),
    seed: int = 42,
    broods: Mapping[str, str] = BRED_RECORDS,
    progress: Callable[[int, int], None] | None = None,
) -> AuditReport:
    """Say what a collection cannot support: what its labels are confounded with, where it leaks, what is doubtful.

    Parameters
    ----------
    catalogue : Catalogue
        The table to train on.
    images : Path, optional
        Folder that the file names of the catalogue and the references are relative to. With it copies are looked for;
        reference images that are not there are left out.
    embeddings : EmbeddingTable, optional
        Of the catalogue's images; those of reference images in it are used too. A table made elsewhere may lack images
        and name them as `hybridwing.embeddings.selection.select` says.
    references : sequence of Catalogue
        Tables to test on.
    seed : int, default 42
        Deals folds and draws simulated tests. Same seed, same report.
    broods : mapping of str to str
        Records that hold bred siblings, with a title each; by default what the challenge's references say.
        `hybridwing.audit.overlap.read_bred_records` reads them from a BibTeX file.
    progress : callable, optional
        Called with (done, all) after every image file.

    Raises
    ------
    CatalogueError
        If the catalogue is empty or the folder of images does not exist.
    EmbeddingError
        If the embeddings are of other images.
    """
    if not len(catalogue):
        raise CatalogueError(f"{catalogue.source}: there are no images to audit.")
    if seed < 0:
        raise CatalogueError(f"The seed of an audit must not be negative; got {seed}.")
    # What can be refused is refused before the minutes that the rest may take.
    if images is not None and not images.is_dir():
        raise CatalogueError(f"no folder of images at {images}; name it with images= (--images)")
    if embeddings is not None:
        embeddings = select_with(embeddings, catalogue, references)
    tables = audited_tables(catalogue, [reference for reference in references if len(reference)])
    train = tables[0]
    groups = [group for table in tables for group in groups_of(table)]
    rules, predictions = measure_columns(train, groups, seed=seed)
    sources = [source for table in _outermost(tables) for source in class_sources(train, table)]
    recalls, scores = measure_power(tables, seed=seed)
    findings = [
        *confounding_findings(train, rules, predictions),
        *source_findings(sources, train.name),
        *overlap_findings(tables),
        specimen_finding(train),
        *brood_findings(_outermost(tables), broods),
        *side_findings(tables),
        *class_findings(tables),
        *power_findings(recalls, scores),
    ]
    if images is not None:
        findings += _image_findings(tables, images, progress)
    outliers: list[ClassOutlier] = []
    if embeddings is not None:
        outliers, more = _embedding_findings(tables, embeddings)
        findings += more
    return AuditReport(
        source=train.name,
        sha256=catalogue.sha256,
        references=tuple((table.name, table.catalogue.sha256) for table in tables[1:]),
        images=len(catalogue),
        specimens=len(set(catalogue.specimens)),
        hybrids=sum(label is True for label in train.hybrid),
        seed=seed,
        findings=tuple(sorted(findings, key=_rank)),
        unchecked=tuple(_unchecked(tables, images, embeddings, findings)),
        rules=tuple(rules),
        predictions=tuple(predictions),
        class_sources=tuple(sources),
        outliers=tuple(outliers),
        recalls=tuple(recalls),
        scores=tuple(scores),
        folder=images,
    )


def _rank(finding: Finding) -> tuple[int, int]:
    return get_args(Topic).index(finding.topic), get_args(Severity).index(finding.severity)


def _outermost(tables: Sequence[AuditedTable]) -> list[AuditedTable]:
    """The catalogue and the references that are not inside another reference, whose classes would be listed twice."""
    keys = [set(table.uuids) for table in tables]
    return [table for at, table in enumerate(tables) if at == 0 or not any(keys[at] < other for other in keys[1:])]


def _table_and_class(tables: Sequence[AuditedTable]) -> dict[str, str]:
    """Table and class of each image, for people; of one in several tables, of the first."""
    found: dict[str, str] = {}
    for table in tables:
        for uuid, name in zip(table.uuids, table.classes, strict=True):
            found.setdefault(uuid, f"{table.name}: {name}")
    return found


def _image_findings(
    tables: Sequence[AuditedTable], images: Path, progress: Callable[[int, int], None] | None
) -> list[Finding]:
    folder = ImageFolder(images)
    files: dict[str, str] = {}
    for at, table in enumerate(tables):
        for uuid, filename in zip(table.uuids, table.catalogue.table["filename"], strict=True):
            if at == 0 or folder.locate(str(filename)).is_file():
                files.setdefault(uuid, str(filename))
    # Of two names of one file the catalogue's gets it, so the folder forgets what was looked up for the references.
    fingerprints, unreadable = fingerprint_images(ImageFolder(images), files, progress=progress)
    found = unreadable_findings(unreadable, len(files))
    if fingerprints:
        found.append(copy_finding(find_copies(fingerprints), _table_and_class(tables), len(fingerprints)))
    return found


def _embedding_findings(
    tables: Sequence[AuditedTable], embeddings: EmbeddingTable
) -> tuple[list[ClassOutlier], list[Finding]]:
    train = tables[0]
    everything = embedded_images(embeddings, [uuid for table in tables for uuid in table.uuids])
    alike = likeness_finding(everything.copies(), _table_and_class(tables))
    rows = zip(train.uuids, train.classes, train.columns["record"], train.hybrid, strict=True)
    known = {uuid: (name, record) for uuid, name, record, hybrid in rows if hybrid is not None}
    if not known:
        return [], [alike]
    labelled = embedded_images(embeddings, list(known))
    classes, records = ([known[uuid][part] for uuid in labelled.uuids] for part in (0, 1))
    outliers = find_class_outliers(labelled, classes, records)
    return outliers, [alike, outlier_finding(outliers, len(labelled.uuids))]


def _unchecked(
    tables: Sequence[AuditedTable], images: Path | None, embeddings: EmbeddingTable | None, findings: Sequence[Finding]
) -> list[Unchecked]:
    """What was not looked at, and what it would take."""
    keys = {finding.key for finding in findings}
    confounding = {"metadata without effect", *(f"{column} predicts label" for column in tables[0].columns)}
    embed = "embeddings=, --embeddings; hybridwing embed makes them"
    checks: tuple[tuple[bool, Topic, str, str], ...] = (
        (bool(keys & confounding), "confounding", "metadata against the label",
         "it needs hybrids, non-hybrids and a column of several values; name the record and the label column"),
        (len(tables) > 1, "leaks", "rows and specimens shared with a test table",
         "no other table was given; name the test tables (references=, --reference)"),
        (images is not None, "leaks", "copies among the images", "no folder of images was given (images=, --images)"),
        (embeddings is not None, "leaks", "copies among the embeddings", f"no embeddings were given ({embed})"),
        (bool(keys & {"images unlike their class", "every image like its class"}), "labels",
         "images unlike their class", f"it needs labels and embeddings ({embed})"),
        (bool(keys & {"sides mixed", "one side"}), "labels", "dorsal and ventral sides",
         "neither a column nor the file names say which side is shown"),
        ("interval of recall" in keys, "power", "intervals", "there are no hybrids to find"),
    )  # fmt: skip
    return [Unchecked(topic, what, why) for made, topic, what, why in checks if not made]

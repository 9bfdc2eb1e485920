"""Groups of options that several verbs take, each read into the value that the library takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.catalogue.text_table import is_table
from hybridwing.cli.inputs import CacheFolder, Embeddings, Images, Megapixels, Offline, Overwrite, Seed, WeightsFolder
from hybridwing.errors import CatalogueError, EmbeddingError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybridwing.backbones.compute import Compute
    from hybridwing.backbones.request import Backbone
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.embed import Source
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.tables import ImageRows


@dataclass(frozen=True)
class TableOptions:
    """How the table is read."""

    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="OURS=THEIRS",
            help="For a table of your own, where a column is not guessed rightly (see `hybridwing describe`): which is "
            "filename, label, specimen, taxon, species, genus, subspecies, subspecies_2, parent_1, parent_2, record, "
            "side, file_url or md5. Repeat for each.",
        ),
    ] = None
    hybrid_value: Annotated[
        list[str] | None, typer.Option("--hybrid-value", help="Label that means hybrid, besides the usual. Repeatable.")
    ] = None
    non_hybrid_value: Annotated[
        list[str] | None, typer.Option("--non-hybrid-value", help="Label that means non-hybrid, besides the usual.")
    ] = None
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet of a workbook. [default: the first that is not empty]")
    ] = None
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse unsure and partial rows of a table of your own, and odd paths in it."),
    ] = False

    def read(self, path: Path) -> Catalogue:
        """The catalogue at a path; naming columns or labels makes it a user's own."""
        from hybridwing.catalogue.columns import OWN, ColumnNames
        from hybridwing.catalogue.readers import read_catalogue

        named: dict[str, str] = {}
        for pair in self.column or []:
            ours, separator, theirs = pair.partition("=")
            if not separator or ours not in OWN or not theirs:
                raise CatalogueError(f"--column takes OURS=THEIRS with OURS one of {', '.join(OWN)}; got {pair!r}")
            if ours in named:
                raise CatalogueError(f"--column names {ours} twice: {named[ours]!r} and {theirs!r}")
            named[ours] = theirs
        labels = tuple(self.hybrid_value or ()), tuple(self.non_hybrid_value or ())
        names = None
        if named or any(labels):
            names = ColumnNames(**named, hybrid_values=labels[0], non_hybrid_values=labels[1])
        return read_catalogue(path, columns=names, sheet=self.sheet, strict=self.strict)


@dataclass(frozen=True)
class BackboneOptions:
    """What embeds the photographs."""

    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            help="See `hybridwing backbones`; several, with commas between, are used together. [default: pattern]",
        ),
    ] = None
    view: Annotated[
        str | None,
        typer.Option(
            "--view",
            "--views",
            help="Part of the picture: whole, specimen, forewings or hindwings; several, with commas. [default: whole]",
        ),
    ] = None
    preprocess: Annotated[
        str | None,
        typer.Option("--preprocess", help="default: the backbone's own; sample: the challenge sample's resize."),
    ] = None
    feature: Annotated[
        str | None,
        typer.Option(
            "--feature", help="Output that is the embedding, e.g. cls or patches-4x4; see `hybridwing backbones NAME`."
        ),
    ] = None
    background: Annotated[
        str | None,
        typer.Option("--background", help="Around the view: masked (grey, the default) or kept; whole keeps it."),
    ] = None

    def request(self) -> Backbone:
        """The backbone that is asked for."""
        from hybridwing.backbones.request import Backbone

        return Backbone(
            self.backbone or "pattern",
            self.view or "whole",
            self.preprocess or "default",
            self.feature or "default",
            self.background,
        )

    @property
    def is_asked(self) -> bool:
        """Whether any of these options was given."""
        return any(value is not None for value in vars(self).values())


@dataclass(frozen=True)
class ComputeOptions:
    """Where it runs."""

    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto"
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32, bf16 or fp16.")] = "auto"
    runtime: Annotated[
        str,
        typer.Option(
            "--runtime", help="auto, torch or openvino: the forward pass on a processor, taken where it is installed."
        ),
    ] = "auto"
    weights: WeightsFolder = None
    offline: Offline = False
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Images a forward pass; default what suits.", min=1)
    ] = None
    workers: Annotated[
        int | None, typer.Option("--workers", help="Threads or processes that decode; default all processors.", min=1)
    ] = None
    cache: CacheFolder = None
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Compute every embedding, and keep none.")] = False
    allow_damaged: Annotated[bool, typer.Option("--allow-damaged", help="Use what is left of damaged photographs.")] = (
        False
    )
    max_megapixels: Megapixels = 120.0

    def compute(self) -> Compute:
        """Where and how to compute, with the user's cache unless another one or none is wanted."""
        from hybridwing.backbones.compute import Compute
        from hybridwing.embeddings.cache import default_folder

        return Compute(
            self.device,
            self.precision,
            self.runtime,
            self.weights,
            self.offline,
            None if self.no_cache else self.cache or default_folder(),
            batch_size=self.batch_size,
            workers=self.workers,
            allow_damaged=self.allow_damaged,
            max_megapixels=self.max_megapixels,
        )


@dataclass(frozen=True)
class SourceOptions:
    """Photographs or embeddings."""

    images: Images = None
    embeddings: Embeddings = None

    def embedded(self, embed: Callable[[Path], EmbeddingTable]) -> EmbeddingTable:
        """The embeddings at hand, or those that `embed` makes of the folder of images."""
        from hybridwing.embeddings.foreign import read_embeddings

        if self.embeddings is not None:
            return read_embeddings(self.embeddings)
        if self.images is None:
            raise EmbeddingError("name the folder of the photographs with --images, or their --embeddings")
        return embed(self.images)

    def embedded_by(
        self,
        options: BackboneOptions,
        catalogue: Catalogue,
        compute: Compute,
        progress: Callable[[int, int], None],
    ) -> EmbeddingTable:
        """The embeddings at hand, or those of a catalogue by the backbone that is asked for."""
        from hybridwing.embeddings.embed import embed
        from hybridwing.embeddings.selection import require_requested

        request = options.request()
        table = self.embedded(lambda images: embed(catalogue, images, request, compute=compute, progress=progress))
        if self.embeddings is not None and options.is_asked:
            require_requested(table.backbone, request)
        return table


Places = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE|IMAGES",
        help="One table of specimens with --images or --embeddings; photographs and folders of them; or one table of "
        "embeddings (.parquet).",
    ),
]


@dataclass(frozen=True)
class AskingOptions:
    """With a table of specimens."""

    images: Images = None
    embeddings: Embeddings = None
    candidates: Annotated[
        str,
        typer.Option(
            "--candidates",
            help="What parents and names are looked for among: species (those of the specimen's species, where the "
            "table names it), locality (of these, those that training has from its locality), all, or subspecies and "
            "species with commas between.",
        ),
    ] = "species"

    def asked(self, places: Sequence[Path], table: TableOptions) -> tuple[Source, Path | None]:
        """The source that is asked about, and the folder of a table's photographs."""
        if len(places) == 1 and is_table(places[0]):
            return table.read(places[0]), self.embeddings or self.images
        if self.images is not None or self.embeddings is not None:
            raise EmbeddingError(f"--images and --embeddings go with one table of specimens; {places[0]} is none")
        return places[0] if len(places) == 1 else places, None


@dataclass(frozen=True)
class ResultOptions:
    """Where the result goes."""

    out: Annotated[Path | None, typer.Option("--out", help="Table of all images: .csv, .xlsx or .parquet.")] = None
    form: Annotated[
        str, typer.Option("--format", help="table, or dwc: identifications in Darwin Core, to send to a collection.")
    ] = "table"
    overwrite: Overwrite = False

    def check(self, places: Sequence[Path]) -> None:
        """Refuse what cannot or should not be written, before the images are embedded. `places` are what is read."""
        if self.form not in ("table", "dwc"):
            raise RunError(f"--format is table or dwc; got {self.form!r}")
        if self.out is not None:
            check_file(self.out, ".csv", ".xlsx", ".parquet", overwrite=self.overwrite)
            if any(place.exists() and self.out.exists() and place.samefile(self.out) for place in places):
                raise RunError(f"{self.out} is the table that is read; choose another name for the result")
        elif self.form == "dwc":
            raise RunError("--format dwc is written to a file; name it with --out")

    def write(self, result: ImageRows) -> None:
        """Write the result, if it is wanted."""
        if self.out is not None:
            result.write(self.out, dwc=self.form == "dwc")


@dataclass(frozen=True)
class LearningOptions:
    """What is learned."""

    detector: Annotated[
        str, typer.Option("--detector", help="One or more, with commas between; see `hybridwing detectors`.")
    ] = "ridge"
    seed: Seed = 42

    @property
    def detectors(self) -> list[str]:
        """The names."""
        return [name.strip() for name in self.detector.split(",") if name.strip()]


@dataclass(frozen=True)
class SplitOptions:
    """What is held out."""

    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            help="folds (every specimen once), random, stratified, record or specimen. "
            "By default random for the challenge's tables with hybrids, folds for others.",
        ),
    ] = None
    test_fraction: Annotated[float, typer.Option("--test-fraction", help="Share of the images held out.")] = 0.2


def check_file(out: Path, *endings: str, overwrite: bool) -> None:
    """Refuse, before the images are embedded, a place where a result cannot or should not be written."""
    kinds = " or ".join(filter(None, (", ".join(endings[:-1]), endings[-1])))
    if out.is_dir():
        raise RunError(f"{out} is a folder; name the {kinds} file to write in it")
    if out.suffix.lower() not in endings:
        raise RunError(f"{out} does not end in {kinds}; give it a name that does")
    if out.exists() and not overwrite:
        raise RunError(f"{out} exists already; choose another name or say --overwrite")
    above = next(parent for parent in out.absolute().parents if parent.exists())
    if not above.is_dir():
        raise RunError(f"cannot write {out}: {above} is not a folder")

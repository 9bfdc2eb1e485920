"""Why an image has its score: which parent its wings take after, what raised the score, and what it is like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.catalogue.names import named, subspecies_name
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.embeddings.engine import embed_images
from hybridwing.errors import CatalogueError, RunError
from hybridwing.explain.contributions import (
    ORDERS,
    TOGETHER,
    Contributions,
    contributions,
    contributions_of_places,
    groups_of,
)
from hybridwing.explain.neighbours import Neighbours, NeighbourSearch
from hybridwing.explain.occlusion import cover, needs_covering
from hybridwing.explain.parent_map import ParentMap, parent_map
from hybridwing.explain.pattern_columns import is_pattern
from hybridwing.explain.wing_model import MOST_OF_A_CLASS, WingModel, fit_wings, read_wings
from hybridwing.explain.wing_pictures import WingCutter, WingPicture, pictures_of_pattern
from hybridwing.images.decode import read_rgb
from hybridwing.runs.confidence import read_confidence
from hybridwing.runs.folder import WINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.embed import Source
    from hybridwing.explain.parents import Looks
    from hybridwing.runs.saved_run import SavedRun

    Vectors = NDArray[np.float32]


LEAST_OF_A_PARENT = 5
"""Fewest training specimens of a subspecies that is offered as a parent: what fewer look like is hardly known."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why an image has its score.

    Attributes
    ----------
    path : Path
    score : float in (0, 1)
        Hybrid score, four decimals; higher = more likely hybrid.
    reason : str
        What makes the image unlike those in training, so that its score means nothing; empty where it is like them.
    looks : Looks or None
        The likeliest subspecies and the likeliest pair of parents; None where the run knows fewer than two subspecies.
        Subspecies of fewer than `LEAST_OF_A_PARENT` training specimens are no parents here, unless they are named
        or fewer than two others are known.
    picture : WingPicture or None
        The wings as they were compared; None where no wings could be compared.
    map : ParentMap or None
        Which of the likeliest pair of parents each place of the wings takes after.
    contributions : Contributions
        What raised the score above that of pure specimens of the likelier parent.
    neighbours : tuple of Neighbours
        The nearest pure training specimens of each parent, and the nearest known hybrids.
    left_out : tuple of str
        Likelier parents that were left out, since training has too few specimens of them.
    """

    path: Path
    score: float
    reason: str
    looks: Looks | None
    picture: WingPicture | None
    map: ParentMap | None
    contributions: Contributions
    neighbours: tuple[Neighbours, ...]
    left_out: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """A sentence: which parent the elements of the wings take after, or what raised the score."""
        if self.map is not None and self.map.elements:
            return self.map.words
        name, value = next(one for one in self.contributions.by_name().items() if one[0] != TOGETHER)
        return f"raised the score most: {name} ({value:+.2f})"

    @property
    def remark(self) -> str:
        """A sentence on `left_out`; empty where nothing was."""
        if not self.left_out:
            return ""
        names = " and ".join(self.left_out)
        return f"Likelier as a parent, but left out for fewer than {LEAST_OF_A_PARENT} specimens in training: {names}"


class Explainer:
    """Explains many images by a run, whose files it reads once.

    Parameters
    ----------
    run : SavedRun
    detector : str, optional
        By default the run's best.
    covers : bool, optional
        Whether places are covered in the photographs to learn what raised a score. By default they are where the
        embedding has no places of its own.

    Raises
    ------
    RunError
        If a file of the run is damaged, or says nothing of the training images.
    """

    def __init__(self, run: SavedRun, detector: str | None = None, *, covers: bool | None = None) -> None:
        self.run, self.saved = run, run.detector(detector)
        self.covers = needs_covering(run.manifest.backbone) if covers is None else covers
        self._knows = read_confidence(run)
        self._table = run.embeddings
        if self._table.metadata is None or "label" not in self._table.metadata:
            raise RunError(f"{run.folder} does not say which of its training images are hybrids; train again")
        self._hybrid = (self._table.metadata["label"].fillna("") == "hybrid").to_numpy(dtype=bool)
        names = self._names()
        typicality = self._knows.typicality
        scale = np.ones(self._table.vectors.shape[1]) if typicality is None else typicality.scale
        self._search = NeighbourSearch(self._table.vectors, self._table.uuids, names, self._hybrid.tolist(), scale)
        self.classes = np.array([name or "" for name in names])
        self._groups = groups_of(run.manifest.backbone)
        self._fine = read_wings(run.folder / WINGS)

    def _names(self) -> list[str | None]:
        """Class of each training image, subspecies by their names."""
        metadata = self._table.metadata
        empty = [None] * len(self._table)
        columns = [metadata[c] if metadata is not None and c in metadata else empty for c in ("subspecies", "cross")]
        known = set() if self._knows.parents is None else set(self._knows.parents.names)
        return [
            class_name(*(_renamed(value, known) for value in pair), hybrid=bool(hybrid))
            for *pair, hybrid in zip(*columns, self._hybrid, strict=True)
        ]

    @property
    def sees_photographs(self) -> bool:
        """Whether wings are compared in the photographs, and not in the coarser colours that `pattern` holds."""
        return self._fine is not None

    @cached_property
    def wings(self) -> WingModel | None:
        """What the wings of each class look like; None where neither photographs nor `pattern` tell."""
        if self._fine is not None or self._pattern is None:
            return self._fine
        return fit_wings(
            pictures_of_pattern(self._table.vectors[:, self._pattern]), [str(c) or None for c in self.classes]
        )

    @cached_property
    def _pattern(self) -> slice | None:
        """Columns of `pattern`."""
        start = 0
        for part in self.run.manifest.backbone.leaves:
            if is_pattern(part):
                return slice(start, start + part.dimension)
            start += part.dimension
        return None

    def explain(
        self,
        source: Source,
        *,
        parents: Sequence[str] | None = None,
        compute: Compute = DEFAULT,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Explanation, ...]:
        """Explain photographs, in their order, as `explain` does."""
        found = photographs([source] if isinstance(source, (str, Path)) else source)
        loaded = self.run.load_backbone(compute=compute)
        table = embed_photographs(found, loaded, compute, progress=None if self.covers else progress)
        paths = dict(found.items)
        possible = self._well_known(len(table)) if parents is None else self._pair(parents, len(table))
        cut: dict[str, Vectors] = {}
        if self._fine is not None:
            wings = embed_images([(uuid, paths[uuid]) for uuid in table.uuids], WingCutter(), compute)
            cut = dict(zip(wings.uuids, wings.vectors, strict=True))
        elif self._pattern is not None:
            cut = dict(zip(table.uuids, pictures_of_pattern(table.vectors[:, self._pattern]), strict=True))
        reasons = [""] * len(table) if self._knows.typicality is None else self._knows.typicality.reasons(table)
        looks: Sequence[Looks | None] = [None] * len(table)
        left_out: Sequence[tuple[str, ...]] = [()] * len(table)
        if self._knows.parents is not None:
            looks = self._knows.parents.looks(table.vectors, possible)
            if parents is None and possible is not None:
                of_all = self._knows.parents.looks(table.vectors)
                left_out = [tuple(name for name in one.parents if name in self._too_few) for one in of_all]
        told = []
        for uuid, vector, reason, look, few in zip(table.uuids, table.vectors, reasons, looks, left_out, strict=True):
            likelier = "" if look is None or not look.parents else look.parents[int(look.hybrid_index > 0.5)]
            made = self._by_place(paths[uuid], vector, likelier, loaded, compute) if self.covers else None
            made = made or self._by_group(vector, likelier)
            told.append(self._explained(paths[uuid], vector, reason, look, cut.get(uuid), made, few))
            if self.covers and progress is not None:
                progress(len(told), len(table))
        return tuple(told)

    def _by_group(self, vector: Vectors, likelier: str) -> Contributions:
        """Contributions of the groups of columns."""
        low, high, values = contributions(self.saved, vector, self.pure(likelier), self._groups)
        return Contributions(low, likelier, high, self._groups, values)

    def _by_place(
        self, path: Path, vector: Vectors, likelier: str, loaded: LoadedBackbone, compute: Compute
    ) -> Contributions | None:
        """Contributions of the places of the wings, each covered in turn; None where there are no wings to be seen."""
        pure = None if self.wings is None or likelier not in self.wings.names else self.wings.picture(likelier)
        image = read_rgb(path, loaded.spec.preprocess.short_side, options=compute.reading)
        covered = cover(image, loaded, pure, compute.batch_size or 0)
        if covered is None:
            return None
        return contributions_of_places(
            self.saved, vector, self.pure(likelier), covered.groups, covered.vectors, likelier
        )

    @cached_property
    def _too_few(self) -> frozenset[str]:
        """Subspecies of too few training specimens to be offered as parents."""
        known = () if self._knows.parents is None else self._knows.parents.names
        told, specimens = self._table.metadata, np.array(self._table.uuids, dtype=object)
        if told is not None and "specimen" in told:
            named_so = told["specimen"].notna().to_numpy()
            specimens[named_so] = told["specimen"].to_numpy(dtype=object)[named_so]
        return frozenset(name for name in known if len(set(specimens[self.classes == name])) < LEAST_OF_A_PARENT)

    def _well_known(self, n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
        """Which subspecies, and which pairs of parents, each of n images may show; None for all."""
        model = self._knows.parents
        if model is None or not self._too_few or len(model.names) - len(self._too_few) < 2:
            return None
        enough = np.tile([name not in self._too_few for name in model.names], (n, 1))
        return np.ones_like(enough), model.pairs_among(enough)

    def _pair(self, parents: Sequence[str], n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which subspecies, and which pairs of them, each of n images may show where two are named."""
        model = self._knows.parents
        known = () if model is None else model.names
        if model is None or len(set(parents)) != 2 or not set(parents) <= set(known):
            raise RunError(
                f"two subspecies that {self.run.folder} knows are compared, and {', '.join(parents)} are not; it knows "
                f"{', '.join(known) or 'none'}"
            )
        subspecies = np.tile(np.isin(known, parents), (n, 1))
        return subspecies, model.pairs_among(subspecies)

    def _explained(
        self,
        path: Path,
        vector: Vectors,
        reason: str,
        looks: Looks | None,
        cut: Vectors | None,
        made: Contributions,
        left_out: tuple[str, ...],
    ) -> Explanation:
        pair = () if looks is None else looks.parents
        picture = None if cut is None else WingPicture.from_vector(cut)
        comparison = None
        if picture is not None and len(pair) == 2 and self.wings is not None and set(pair) <= set(self.wings.names):
            comparison = parent_map(picture, self.wings, pair)
        near = [self._search.nearest(vector, name) for name in pair or ("non-hybrid",)]
        near.append(self._search.nearest_hybrids(vector))
        return Explanation(
            path,
            round(made.score, 4),
            reason,
            looks,
            picture,
            comparison,
            made,
            tuple(one for one in near if one is not None),
            left_out,
        )

    def pure(self, name: str) -> Vectors:
        """Embeddings of pure training specimens of a subspecies, or of any: up to `ORDERS`, evenly spaced."""
        own = (self.classes == name) & ~self._hybrid
        rows = np.flatnonzero(own if own.any() else ~self._hybrid)
        kept: Vectors = self._table.vectors[
            rows[np.linspace(0, len(rows) - 1, min(len(rows), ORDERS)).round().astype(int)]
        ]
        return kept


def explain(
    run: SavedRun,
    source: Source,
    *,
    detector: str | None = None,
    parents: Sequence[str] | None = None,
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Explanation, ...]:
    """Say why photographs have their scores.

    Parameters
    ----------
    run : SavedRun
        What `hw.train` or `hw.load_run` gave.
    source : path, or iterable of paths
        Photographs, and folders of them.
    detector : str, optional
        By default the run's best.
    parents : sequence of two str, optional
        Subspecies that each place of the wings is compared with; by default the likeliest two of each photograph.
    compute : Compute
        Where and how to embed.
    progress : callable, optional
        Called with the number of images embedded and of all.

    Returns
    -------
    tuple of Explanation
        In the order given, without photographs that cannot be read.

    Raises
    ------
    HybridwingError
        If there are no photographs, none could be read, the run cannot embed photographs, or does not know the parents.

    Examples
    --------
    >>> found = explain(hw.load_run(example_run), sorted(collection.images.iterdir())[:1])[0]
    >>> found.contributions.map.shape
    (2, 24, 24)
    """
    return Explainer(run, detector).explain(source, parents=parents, compute=compute, progress=progress)


def write_wings(folder: Path, catalogue: Catalogue, images: Path | str, compute: Compute) -> None:
    """Learn and write into a run's folder what the wings of each class look like, from some photographs of each.

    With it, places of the wings are compared in the photographs rather than in the coarser colours of `pattern`.
    """
    items = photographs(catalogue, images).items
    table = named(catalogue)
    names = [
        class_name(own, " x ".join(pair) if pair else None, hybrid=bool(label))
        for own, pair, label in zip(table.subspecies, table.parent_pairs, table.labels, strict=True)
    ]
    kept = []
    for name in sorted({name for name in names if name is not None}):
        own = [row for row, other in enumerate(names) if other == name]
        kept += [
            own[place] for place in np.linspace(0, len(own) - 1, min(len(own), MOST_OF_A_CLASS)).round().astype(int)
        ]
    cut = embed_images([items[row] for row in kept], WingCutter(), compute)
    of = {items[row][0]: names[row] for row in kept}
    model = fit_wings(cut.vectors, [of[uuid] for uuid in cut.uuids])
    if model is not None:
        model.write(folder / WINGS)


def class_name(subspecies: object, cross: object, *, hybrid: bool) -> str | None:
    """Subspecies of a non-hybrid, or cross of a hybrid with sorted parents; None for a hybrid of unknown parents."""
    value = cross if hybrid else subspecies
    if not isinstance(value, str) or not value:
        return None if hybrid else "non-hybrid"
    return " x ".join(sorted(value.split(" x ")))


def _renamed(value: object, known: set[str]) -> object:
    """The same with names for the challenge's codes, as the run's model of parents has them."""
    if not isinstance(value, str) or known.issuperset(parts := value.split(" x ")):
        return value
    try:
        return " x ".join(subspecies_name(part) for part in parts)
    except CatalogueError:
        return value

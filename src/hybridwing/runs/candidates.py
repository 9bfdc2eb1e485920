"""Which subspecies, and which pairs of parents, each photograph may show.

Species are kept apart: parents are of one species, unless training shows a cross of the two. A table that names a
specimen's species limits its candidates to that species, see `candidates_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.darwin_core import localities
from hybridwing.embeddings.store import read_metadata
from hybridwing.errors import RunError, first_few, remedy
from hybridwing.runs.folder import EMBEDDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.explain.parents import ParentModel
    from hybridwing.runs.saved_run import SavedRun

    Mask = NDArray[np.bool_]

SPECIES, LOCALITY, ALL = "species", "locality", "all"


@dataclass(frozen=True, eq=False)
class Possible:
    """The candidates for each of n images, among s subspecies."""

    subspecies: Mask  # Shape (n, s)
    pairs: Mask  # Shape (n, s (s - 1) / 2)
    # Why an image can be none of them: its species is not among those in training. Empty where it can.
    strange: tuple[str, ...]
    notes: tuple[str, ...] = ()  # Limits that could not be applied, in words


@dataclass(frozen=True)
class _Known:
    """What training says of a subspecies: its species, and the localities of its specimens."""

    species: str
    localities: frozenset[str]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What parents and names are looked for among, once held against what training shows."""

    model: ParentModel
    asked: list[str]  # One of the words ``"species"``, ``"locality"`` and ``"all"``, or names
    known: list[_Known]  # What training says of each subspecies
    crossed: set[tuple[str, ...]]  # The crosses that training shows
    listed: Mask | None  # Shape (s,): the subspecies that are named; None where a word was asked for

    def possible(self, images: int, catalogue: Catalogue | None) -> Possible:
        """Candidates of each of n images, of which `catalogue` says what their table does, row for row.

        Raises RunError if localities are asked for and the table does not name them.
        """
        model, known = self.model, self.known
        apart = np.array(
            [
                not (known[first].species and known[second].species)
                or _same_species(known[first].species, known[second].species)
                or (model.names[first], model.names[second]) in self.crossed
                for first, second in model.pairs
            ]
        )
        shape = (images, len(model.names))
        if self.listed is not None:
            return _possible(model, np.broadcast_to(self.listed, shape), apart, asked_for=True)
        own = np.ones(shape, dtype=np.bool_)
        if self.asked == [ALL] or (catalogue is None and self.asked == [SPECIES]):
            return _possible(model, own, apart)
        if catalogue is None:
            raise RunError("candidates by locality need a table that names the localities of the specimens")
        named = [str(species) if species else "" for species in catalogue.species]
        for species in {*named} - {""}:
            rows = np.array([name == species for name in named])
            own[rows] = [not one.species or _same_species(one.species, species) for one in known]
        strange = tuple(
            "" if any_left else f"training shows no subspecies of {species}"
            for any_left, species in zip(map(np.any, own), named, strict=True)
        )
        own[np.array([bool(reason) for reason in strange], dtype=np.bool_)] = True
        found = _possible(model, own, apart, strange)
        return found if self.asked == [SPECIES] else _by_locality(model, known, catalogue, found, apart)


def candidates_of(run: SavedRun, model: ParentModel, candidates: str | Sequence[str]) -> Candidates:
    """Read what a run's training says of candidates, before photographs are embedded.

    `candidates` is ``"species"``: those of the specimen's species, where the table names it; ``"locality"``: of these,
    those that training has from the specimen's locality; ``"all"``: no limit; otherwise names of subspecies and of
    species, as a list or with commas between.

    Raises RunError if a name is unknown, fewer than two subspecies are named, or localities are not known.
    """
    words = [candidates] if isinstance(candidates, str) else candidates
    asked = [name for word in words for name in map(str.strip, word.split(",")) if name]
    known, crossed = _training(run, model)
    if asked == [LOCALITY] and not any(one.localities for one in known):
        raise RunError(f"{run.folder} does not know localities: its table has no column of them")
    listed = None if asked in ([SPECIES], [LOCALITY], [ALL]) else _listed(run, model, known, asked)
    return Candidates(model, asked, known, crossed, listed)


def _possible(
    model: ParentModel, own: Mask, apart: Mask, strange: tuple[str, ...] = (), *, asked_for: bool = False
) -> Possible:
    """Candidates and their pairs: pairs of one species, or all where the user named candidates of different species."""
    both = model.pairs_among(own)
    pairs = both & apart
    if asked_for and not pairs.any():
        pairs = both
    return Possible(own, pairs, strange or ("",) * len(own))


def _by_locality(
    model: ParentModel, known: Sequence[_Known], catalogue: Catalogue, of_species: Possible, apart: Mask
) -> Possible:
    """Limit candidates of the species to those of the specimen's locality, where training has a pair from it."""
    places = localities(catalogue).fillna("").tolist()
    if not any(places):
        raise RunError(f"{catalogue.source}: has no column of localities; call it 'Locality' in the table")
    there = np.array([[place in one.localities for one in known] for place in places])
    limited = _possible(model, of_species.subspecies & there, apart)
    enough = np.array([[row.any()] for row in limited.pairs], dtype=np.bool_)
    short = int(np.count_nonzero(~enough))
    note = f"{short} of {len(places)} images come from no locality of which training shows two possible parents"
    return Possible(
        np.where(enough, limited.subspecies, of_species.subspecies),
        np.where(enough, limited.pairs, of_species.pairs),
        of_species.strange,
        (f"{note}: their candidates are those of their species",) if short else (),
    )


def _training(run: SavedRun, model: ParentModel) -> tuple[list[_Known], set[tuple[str, ...]]]:
    """What training says of each subspecies, and the crosses that it shows."""
    beside = read_metadata(run.folder / EMBEDDINGS)
    columns = {} if beside is None else {name: beside[name].astype(object) for name in beside}

    def values(column: str, subspecies: str) -> list[str]:
        if not {column, "subspecies"} <= columns.keys():
            return []
        return sorted(set(columns[column][columns["subspecies"] == subspecies].dropna()))

    known = [_Known((values("species", name) or [""])[0], frozenset(values("locality", name))) for name in model.names]
    crosses = columns["cross"].dropna().astype(str).tolist() if "cross" in columns else []
    return known, {tuple(sorted(cross.split(" x "))) for cross in crosses}


def _listed(run: SavedRun, model: ParentModel, known: Sequence[_Known], asked: Sequence[str]) -> Mask:
    """The subspecies that are named, and those of the species that are named."""
    chosen = np.zeros(len(model.names), dtype=np.bool_)
    for name in asked:
        own = np.array([one.casefold() == name.casefold() for one in model.names])
        found = own if own.any() else np.array([bool(k.species) and _same_species(k.species, name) for k in known])
        if not found.any():
            names = [*model.names, *sorted({one.species for one in known} - {""})]
            raise RunError(
                f"{run.folder} knows no subspecies or species {name!r}; candidates are {SPECIES}, {LOCALITY}, {ALL}, "
                f"or some of {first_few(names, 40)}"
            )
        chosen |= found
    if np.count_nonzero(chosen) < 2:
        raise RunError(
            f"a hybrid has two parents, and the candidates name one subspecies; name more with "
            f"{remedy('candidates=[...]', '--candidates')}"
        )
    return chosen


def _same_species(one: str, other: str) -> bool:
    """Whether two names mean one species: ``"Heliconius erato"``, ``"H. erato"`` and ``"erato"`` do."""
    first, second = one.casefold().split(), other.casefold().split()
    genera = first[-2:-1] + second[-2:-1]
    return first[-1:] == second[-1:] and (len(genera) < 2 or _alike(*genera))


def _alike(one: str, other: str) -> bool:
    one, other = one.rstrip("."), other.rstrip(".")
    return one.startswith(other) or other.startswith(one)

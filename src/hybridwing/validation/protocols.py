"""Protocols that hold data out: what a detector is asked about, what it learns from, and what its threshold rests on.

Every fold has three parts that share no specimen. *Asked* are the images the question is about. The *reference* is a
part of the known non-hybrids: the threshold is the score at or below which 95 % of them stay. The rest is *training*.

====================  ======================================================  =======================================
protocol              asked                                                   answers
====================  ======================================================  =======================================
``cross``             the hybrids of one cross, of which training has none    Are hybrids found that nobody has shown?
``subspecies``        the non-hybrids of one subspecies; training has         How many specimens of a new subspecies
                      neither them nor hybrids of theirs                      are called hybrids? Few should be.
``record``            all images of one record, of which training has none    Does it hold for a new batch of images?
``specimen``          the hybrids of one part of the specimens                The usual cross-validation; it separates
                                                                              specimens alone.
====================  ======================================================  =======================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hybridwing.catalogue.crosses import by_value
from hybridwing.catalogue.strata import strata_of
from hybridwing.errors import ScoringError, counted, first_few

if TYPE_CHECKING:
    import numpy.typing as npt

    from hybridwing.catalogue.schema import Catalogue

    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

Protocol = Literal["cross", "subspecies", "record", "specimen"]
PARTS = 5


@dataclass(frozen=True, eq=False)
class Fold:
    """One fit and what it is asked."""

    unit: str  # What is held out: the name of a cross, a subspecies or a record; ``"all"`` for specimens
    train: Indices  # Rows of the catalogue; no specimen is in two of them
    asked: Indices
    reference: Indices
    hidden: tuple[str, ...] = ()  # Subspecies whose cross training must know nothing of; empty if there is none


def folds(catalogue: Catalogue, protocol: Protocol, *, parts: int = PARTS, seed: int = 42) -> tuple[Fold, ...]:
    """Divide a catalogue as a protocol asks.

    Parameters
    ----------
    catalogue : Catalogue
        Labelled, with hybrids and non-hybrids.
    protocol : {"cross", "subspecies", "record", "specimen"}
        See the module. Hybrids of unknown parents are never in training where a cross or a subspecies is hidden: they
        could be of it.
    parts : int, default 5
        Into how many parts the specimens of every class are dealt; one of them is the reference, and with ``"cross"``
        and ``"specimen"`` each in turn.
    seed : int, default 42
        Deals the specimens.

    Returns
    -------
    tuple of Fold
        In the order of the names of what is held out.

    Raises
    ------
    ScoringError
        If the catalogue does not allow the protocol: one record, no parents, too few specimens.
    """
    if protocol not in get_args(Protocol):
        raise ScoringError(f"Unknown protocol {protocol!r}; use one of {', '.join(get_args(Protocol))}.")
    if parts < 2:
        raise ScoringError(f"Specimens must be dealt into at least 2 parts; got {parts}.")
    table = _Table(catalogue, _dealt(catalogue, parts, seed), parts)
    found = {"cross": _crosses, "subspecies": _subspecies, "record": _records, "specimen": _specimens}[protocol](table)
    for fold in found:
        table.check(fold)
    return found


@dataclass(frozen=True, eq=False)
class _Table:
    """A catalogue with the part that each row was dealt to."""

    catalogue: Catalogue
    part: Indices
    parts: int

    @property
    def hybrid(self) -> Flags:
        return np.asarray(self.catalogue.labels == 1)

    def fold(self, unit: str, asked: Flags, reference: Flags, barred: Flags, hidden: tuple[str, ...] = ()) -> Fold:
        """A fold that trains on all rows but those asked about, the reference, the barred ones and their specimens."""
        specimens = self.catalogue.specimens.astype(str)
        reference = reference & ~asked & ~np.isin(specimens, specimens[asked])
        out = barred | np.isin(specimens, specimens[asked | reference])
        return Fold(unit, np.flatnonzero(~out), np.flatnonzero(asked), np.flatnonzero(reference), hidden)

    def check(self, fold: Fold) -> None:
        labels = self.catalogue.labels
        for rows, what in ((fold.reference, "to set the threshold on"), (fold.train, "to learn from")):
            if not (labels[rows] == 0).any():
                raise ScoringError(
                    f"{self.catalogue.source}: with {fold.unit} held out there are no non-hybrids {what}; "
                    "choose another protocol or fewer parts."
                )


def _dealt(catalogue: Catalogue, parts: int, seed: int) -> Indices:
    """Part of each row: the specimens of every class are dealt in turn, and a specimen of two classes only once."""
    rng = np.random.default_rng(seed)
    specimens = catalogue.specimens.astype(str)
    part_of: dict[str, int] = {}
    for rows in strata_of(catalogue.classes):
        names = [name for name in dict.fromkeys(specimens[rows].tolist()) if name not in part_of]
        begin = int(rng.integers(parts))
        for place, name in enumerate(rng.permutation(np.asarray(names, dtype=object))):
            part_of[name] = (begin + place) % parts
    return np.array([part_of[name] for name in specimens.tolist()], dtype=np.intp)


def _crosses(table: _Table) -> tuple[Fold, ...]:
    crosses = table.catalogue.table["cross"].to_numpy(dtype=object, na_value=None)  # type: ignore[call-overload]
    named = np.array([name is not None for name in crosses])
    unknown = table.hybrid & ~named
    units = sorted({str(name) for name in crosses[named]})
    if not units:
        raise ScoringError(
            f"{table.catalogue.source}: no hybrid has known parents, so no cross can be held out; name the columns "
            "of the parents, or use --protocol specimen."
        )
    found = []
    for unit in units:
        of_cross = crosses == unit
        hidden = tuple(str(name) for name in table.catalogue.parents[np.flatnonzero(of_cross)[0]])
        for number in range(table.parts):
            asked = of_cross & (table.part == number)
            if asked.any():
                reference = ~table.hybrid & (table.part == number)
                found.append(table.fold(unit, asked, reference, of_cross | unknown, hidden))
    return tuple(found)


def _subspecies(table: _Table) -> tuple[Fold, ...]:
    subspecies, parents = table.catalogue.subspecies, table.catalogue.parents
    units = sorted({str(name) for name in subspecies if name is not None}, key=by_value)
    if len(units) < 2:
        raise ScoringError(
            f"{table.catalogue.source}: {len(units)} subspecies are known; to hold one out takes two or more."
        )
    unknown = table.hybrid & np.array([None in pair for pair in parents.tolist()])
    found = []
    for number, unit in enumerate(units):
        asked = ~table.hybrid & (subspecies == unit)
        barred = table.hybrid & (parents == unit).any(axis=1)
        reference = ~table.hybrid & (table.part == number % table.parts)
        if asked.any():
            found.append(table.fold(unit, asked, reference, barred | unknown, (unit,)))
    return tuple(found)


def _records(table: _Table) -> tuple[Fold, ...]:
    records = table.catalogue.records
    lacking = [str(uuid) for uuid, record in zip(table.catalogue.uuids, records, strict=True) if record is None]
    if lacking:
        raise ScoringError(
            f"{table.catalogue.source}: {counted(len(lacking), 'image has', 'images have')} no record, so it "
            f"cannot be held out: {first_few(lacking)}. Fill them in or choose another protocol."
        )
    units = sorted({str(name) for name in records}, key=by_value)
    if len(units) < 2:
        raise ScoringError(f"{table.catalogue.source}: all images are from record {units[0]}; none can be held out.")
    nothing = np.zeros(len(records), dtype=np.bool_)
    return tuple(
        table.fold(unit, records == unit, ~table.hybrid & (table.part == number % table.parts), nothing)
        for number, unit in enumerate(units)
    )


def _specimens(table: _Table) -> tuple[Fold, ...]:
    nothing = np.zeros(len(table.part), dtype=np.bool_)
    found = []
    for number in range(table.parts):
        own = table.part == number
        if (own & table.hybrid).any():
            found.append(table.fold("all", own & table.hybrid, own & ~table.hybrid, nothing))
    if not found:
        raise ScoringError(f"{table.catalogue.source}: there are no hybrids to be found.")
    return tuple(found)

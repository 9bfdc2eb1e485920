"""What a user's own table says of each specimen: species, subspecies or parents, and whether it is a hybrid."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridwing.catalogue.cells import spreadsheet_error
from hybridwing.catalogue.crosses import Cross, cross_of, is_cross_name, parse_cross
from hybridwing.catalogue.taxon_names import parse_taxon

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from hybridwing.catalogue.columns import Layout
    from hybridwing.catalogue.taxon_words import TaxonName


@dataclass(frozen=True)
class Identity:
    """What is known of one specimen."""

    name: TaxonName  # As its names say
    hybrid: bool | None  # As its label says, or where the table has none, its name; None where that is not known
    subspecies: str = ""  # Empty for a hybrid
    cross: Cross | None = None
    parent: str = ""  # The parent of a hybrid of which one is known
    species: str = ""  # Such as ``"Heliconius erato"``
    unsure: bool = False  # Whether the table doubts it


def read_identities(cells: pd.DataFrame, layout: Layout) -> list[Identity]:
    """Read the names and the labels of all rows from text cells under our names, missing values ``""``.

    Rows of which a name or a parent is faulty have what can be read; `find_faults` lists them.
    """
    names = [_name(*row) for row in zip(*(cells[column] for column in _NAME_COLUMNS), strict=True)]
    labels = [layout.hybrid_of(label) for label in cells["label"]]
    named = False not in labels  # a column in which hybrids alone are marked leaves the others to their names
    parents = zip(map(subspecies_of, cells["parent_1"]), map(subspecies_of, cells["parent_2"]), strict=True)
    rows = zip(names, labels, cells["label"], parents, strict=True)
    found = [_identity(name, label, cell, pair, named=named) for name, label, cell, pair in rows]
    return _told_apart(_with_full_species(found))


_NAME_COLUMNS = ("taxon", "subspecies", "subspecies_2", "species", "genus")


def _name(taxon: str, subspecies: str, second: str, species: str, genus: str) -> TaxonName:
    """Combine the name columns of a row. The other columns fill in what the taxon leaves open."""
    found = parse_taxon(taxon)
    if subspecies and not found.parents:
        narrow = parse_taxon(subspecies, epithet=True)
        raw = taxon if subspecies in taxon else f"{taxon} {subspecies}".strip()
        if found.is_hybrid and not narrow.is_hybrid:
            found = replace(found, parent=narrow.subspecies)
        elif narrow.subspecies or narrow.is_hybrid or narrow.certainty == "uncertain":
            doubt = narrow if found.certainty == "certain" else found
            found = replace(
                narrow, raw=raw, genus=found.genus or narrow.genus, form=found.form or narrow.form,
                species=found.species or narrow.species, certainty=doubt.certainty, reason=doubt.reason,
            )  # fmt: skip
    if second:
        both = parse_taxon(found.subspecies or found.pedigree or found.raw, second)
        found = replace(both, raw=f"{found.raw} × {second}", genus=found.genus, species=found.species)
    if not found.species and species:
        wide = parse_taxon(species)
        found = replace(found, genus=wide.genus or genus, species=wide.species or wide.subspecies)
    return replace(found, genus=genus) if genus and not found.genus and found.species else found


def subspecies_of(cell: str) -> str:
    """A parent's cell as the name of its subspecies or of its cross; as it stands if it is neither."""
    if not cell or spreadsheet_error(cell):
        return cell
    found = parse_taxon(cell, epithet=True)
    if is_cross_name(cell):
        return found.pedigree or cell
    return found.subspecies or (found.binomial if found.certainty == "certain" else "")


def _identity(name: TaxonName, label: bool | None, cell: str, pair: tuple[str, str], *, named: bool) -> Identity:
    """Combine a row's name, label and parents. The label takes precedence over the name."""
    unsure = bool(cell and label is None) or (label is None and name.certainty == "uncertain")
    hybrid = label
    if hybrid is None and not unsure and named:
        hybrid = True if any(pair) else name.label
    if hybrid is False:
        return Identity(name, False, name.subspecies, species=name.binomial)
    cross, known = name.cross, [parent for parent in pair if parent]
    if cross is None and len(known) == 2:
        with suppress(ValueError):  # of more than two subspecies, or of one with itself
            cross = cross_of(*known)
    parent = next((parent for parent in known if not is_cross_name(parent)), "") if known else name.parent
    if hybrid and not parent and not cross:
        parent = name.subspecies
    subspecies = "" if hybrid or cross or parent else name.subspecies
    return Identity(name, hybrid, subspecies, cross, "" if cross else parent, name.binomial, unsure)


def _with_full_species(found: Sequence[Identity]) -> list[Identity]:
    """Put ``"Heliconius erato"`` for ``"H. e."`` and ``"erato"`` where the table has one such species."""
    full = {identity.species for identity in found if re.fullmatch(r"\w{2,} [\w-]{2,}", identity.species)}
    spelled: dict[str, str] = {}
    for species in {identity.species for identity in found if identity.species} - full:
        *genus, epithet = (part.rstrip(".") for part in species.split())
        alike = [
            name
            for name in full
            if name.startswith("".join(genus[:1]))
            and (name.split()[1] == epithet or (species.endswith(".") and name.split()[1].startswith(epithet)))
        ]
        if len(alike) == 1:
            spelled[species] = alike[0]
    return [replace(identity, species=spelled.get(identity.species, identity.species)) for identity in found]


def _told_apart(found: Sequence[Identity]) -> list[Identity]:
    """Name the species with a subspecies whose epithet another species of the table has too: ``"erato amaryllis"``."""
    holders: dict[str, set[str]] = defaultdict(set)
    for identity in found:
        for name in {identity.subspecies, identity.parent, *(identity.cross.parents if identity.cross else ())} - {""}:
            if identity.species:
                holders[name].add(identity.species)
    shared = {name for name, species in holders.items() if len(species) > 1}
    if not shared:
        return list(found)
    return [_qualified(identity, shared) if identity.species else identity for identity in found]


def _qualified(identity: Identity, shared: set[str]) -> Identity:
    epithet = identity.species.split()[-1]

    def spelled(name: str) -> str:
        return f"{epithet} {name}" if name in shared else name

    cross = identity.cross
    if cross:
        pattern = rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(shared)))})(?![\w-])"
        with suppress(ValueError):  # too long with the species
            cross = parse_cross(re.sub(pattern, lambda name: spelled(name.group()), cross.pedigree))
    return replace(identity, subspecies=spelled(identity.subspecies), parent=spelled(identity.parent), cross=cross)


def counted_names(found: Sequence[Identity]) -> tuple[tuple[TaxonName, int], ...]:
    """Each name with the number of its rows, the most frequent first, then in alphabetical order."""
    counts = Counter(identity.name for identity in found if identity.name.raw)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0].raw)))

"""What a taxon name says: species, subspecies or parents, whether it is a hybrid, and how sure that is.

Names are read as collections write them, formulas by the grammar of `hybridwing.catalogue.crosses`. The general parser
of GBIF (gbif-name-parser) is not used: it refuses formulas and single epithets, reads ``ssp. nov.`` as an epithet and
drops the subspecies above a form. The tests hold the plain names against it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import normalize

from hybridwing.catalogue.crosses import CROSS_PARTS, SIGNS, cross_of, is_cross_name, parse_cross
from hybridwing.catalogue.taxon_words import TaxonName, has_rank, read_words

if TYPE_CHECKING:
    from hybridwing.catalogue.taxon_words import Certainty

_LONGEST = 200
_DOUBT = re.compile(
    r"(?<!\w)(?:cf|aff|nr|prob|poss)(?:\.|(?!\w))|\?"
    r"|(?<!\w)(?:maybe|perhaps|possibl[ey]|probabl[ey]|near|uncertain|unsure|doubtful|questionable)(?!\w)",
    re.IGNORECASE,
)
_NEW = re.compile(r"(?<!\w)(?:(?:ssp|subsp)\.?\s*)?(?:nov\.|n\.?\s*(?:ssp|subsp)\.?|nov\s*$)(?!\w)", re.IGNORECASE)
_NOT_HYBRID = re.compile(r"(?<!\w)(?:non?[-\s]?hybrid|not\s+(?:a\s+)?hybrid|pure)(?!\w)", re.IGNORECASE)
_HYBRID = re.compile(
    r"(?<!\w)(?:hybrids?|hybr?\.|natural hybrid|intergrades?|back-?cross(?:es)?|F[12]|BC[12]?)(?!\w)(?:\s+of(?!\w))?",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"[?\s.]*|(?:unknown|unk|unidentified|undetermined|not known|indet|spp?|ssp|subsp|na|n/a)[?\s.]*", re.IGNORECASE
)
_JOINED = re.compile(r"(?<=[a-z]{3})(?:\s*[-/+&]\s*|\s+(?:and|with|by)\s+)(?=[a-z]{3})(?!hybrid)")
_EITHER = re.compile(r"(?<=[a-z]{3})(?:\s*[/+]\s*|\s+(?:or|by)\s+)(?=[a-z]{3})")
_AUTHOR_IN_BRACKETS = re.compile(r"(?<=\w)\s*\(\s*[^\W\d_a-z][^()×]*?\d{4}\s*\)")
_DOUBT_OF_ALL = re.compile(r"^[\s?]*\?\s*(?=\()|(?<=\))[\s?]*\?\s*$")  # "(a x b) ?", and not "(a x b) x ?"
_FOREIGN = re.compile(r"[=<>{}|\\$%@^~`;:]")  # of a formula; a plain name with one is read as far as it goes
_NAME = "name"
_SEX = re.compile("[♂♀⚥\"“”‘’']")


@lru_cache(maxsize=4096)  # a table has few names and many rows
def parse_taxon(name: str, second: str | None = None, *, epithet: bool = False) -> TaxonName:
    """Read the name of a taxon or of a hybrid, with or without authors. Anything at all may stand there.

    `second` is the other parent, where a table has a second column for it. `epithet` says that a capitalised word alone
    is a subspecies (``"Notabilis"``) and no genus.

    Examples
    --------
    >>> found = parse_taxon("Heliconius erato ssp. notabilis x lativitta")
    >>> found.is_hybrid, found.parents, found.binomial
    (True, ('lativitta', 'notabilis'), 'Heliconius erato')
    >>> parse_taxon("Heliconius erato cf. hydara").certainty
    'uncertain'
    """
    found = _parse(name, epithet=epithet)
    if second is None or _UNKNOWN.fullmatch(second.strip()):
        return found
    other = _parse(second, epithet=True)
    both = f"{name} × {second}"
    certainty: Certainty = "uncertain" if "uncertain" in (found.certainty, other.certainty) else "certain"
    if found.cross or other.cross or not other.subspecies:
        return replace(
            found, raw=both, certainty="uncertain", reason=f"cannot be read together with the second name {second!r}"
        )
    if found.subspecies == other.subspecies:
        return replace(found, raw=both, certainty=certainty, reason="names the same subspecies twice")
    if not found.subspecies:
        one = other.subspecies
        return replace(found, raw=both, parent=one, is_hybrid=True, certainty=certainty, reason=_one_parent(one))
    cross = cross_of(found.subspecies, other.subspecies)
    reason = "names a second subspecies"
    return replace(found, raw=both, subspecies="", cross=cross, is_hybrid=True, certainty=certainty, reason=reason)


def _parse(raw: str, *, epithet: bool) -> TaxonName:
    if len(raw) > _LONGEST:
        return TaxonName(
            raw, certainty="uncertain", reason=f"is longer than {_LONGEST} characters, which no taxon name is"
        )
    text = _SEX.sub(" ", normalize("NFC", raw).replace("_", " "))
    text = re.sub(r"[✕✖*]|(?<=[a-z]{3})X(?=[a-z]{3})", " × ", text)
    text = re.sub(r"\.(?=[^\W\d_])", ". ", text.replace("?", " ? "))
    text = " ".join(text.split())
    if text.isupper() and len(text) > 2:
        text = text.lower()
    if _HYBRID.search(text) and not _NOT_HYBRID.search(text):  # "notabilis-lativitta hybrid", "hybrid of a and b"
        text = _JOINED.sub(" × ", text)
    if is_cross_name(f" {text} "):
        if foreign := _FOREIGN.search(text):
            reason = f"holds {foreign.group()!r}, which no taxon name does, and is not read as a cross"
            return TaxonName(raw, certainty="uncertain", reason=reason)
        return _formula(raw, text)
    if _UNKNOWN.fullmatch(text):
        return TaxonName(raw, certainty="uncertain" if "?" in text else "certain")
    return _plain(raw, text, epithet=epithet)


def _plain(raw: str, text: str, *, epithet: bool) -> TaxonName:
    """Read a name without a cross sign."""
    denied = _NOT_HYBRID.search(text)
    text = _NOT_HYBRID.sub(" ", text)
    hybrid = None if denied else _HYBRID.search(text)
    text = _HYBRID.sub(" ", text)
    doubts = [found.group().strip() for found in (*_DOUBT.finditer(text), *_EITHER.finditer(text))]
    text = _EITHER.split(_DOUBT.sub(" ", text))[0]
    new = _NEW.search(text)
    text = _NEW.sub(" ", text)
    named = replace(read_words(text, epithet=epithet), raw=raw)
    certainty: Certainty = "uncertain" if doubts or new else "certain"
    doubt = f", in doubt by {doubts[0]!r}" if doubts else ""
    if hybrid:
        parent = named.subspecies
        said = _one_parent(parent) if parent else f"is called {hybrid.group().strip()!r}, of unknown parents"
        return replace(
            named, subspecies="", parent=parent, is_hybrid=True, certainty=certainty, reason=f"{said}{doubt}"
        )
    if new:
        return replace(named, certainty=certainty, reason=f"is of a subspecies not yet named ({new.group().strip()})")
    if named.subspecies:
        with_form = f", form {named.form}" if named.form else ""
        return replace(named, is_hybrid=False, certainty=certainty, reason=f"names one subspecies{with_form}{doubt}")
    if denied:
        return replace(named, is_hybrid=False, certainty=certainty, reason=f"is called {denied.group()!r}{doubt}")
    if named.species:
        rank = f"a form ({named.form}) but no subspecies" if named.form else "a species but no subspecies"
        return replace(named, certainty=certainty, reason=f"names {rank}{doubt}")
    if named.genus:
        return replace(named, certainty=certainty, reason=f"names a genus alone{doubt}")
    return replace(named, certainty=certainty, reason=f"names no taxon{doubt}")


def _one_parent(parent: str) -> str:
    return f"is a hybrid of which one parent is known, {parent}"


def _formula(raw: str, text: str) -> TaxonName:
    """Read a name with a cross sign. Each side is a name; the first gives genus and species to the others."""
    text, doubted = _DOUBT_OF_ALL.subn("", text)
    parts, sides, given = _sides(text)
    names, binomial = _names_of_sides(sides, given)
    unsure = bool(doubted) or any(side is not None and _DOUBT.search(side.raw) for side in sides)
    doubt = ", in doubt" if unsure else ""
    genus, _, species = binomial.partition(" ")
    base = TaxonName(raw, genus, species, is_hybrid=True, certainty="uncertain" if unsure else "certain")
    distinct = sorted({name for name in names if name})
    if "" in names:
        if len(distinct) == 1:
            return replace(base, parent=distinct[0], reason=f"{_one_parent(distinct[0])}{doubt}")
        unknown = "a cross with an unknown parent among its own" if distinct else "a cross of unknown parents"
        return replace(base, reason=f"is {unknown}{doubt}")
    if len(distinct) == 1:
        return replace(base, is_hybrid=None, certainty="uncertain", reason=f"crosses {distinct[0]} with itself")
    if len(distinct) > 2:
        return replace(base, reason=f"is a hybrid of {len(distinct)} parents{doubt}")
    written = iter(names)
    try:
        cross = parse_cross(" ".join(next(written) if part == _NAME else part for part in parts))
    except ValueError as error:
        return replace(base, certainty="uncertain", reason=str(error))
    between = "" if binomial or not any(side and side.species for side in sides) else " of two species"
    return replace(base, cross=cross, reason=f"is a cross{between}{doubt}")


def _sides(text: str) -> tuple[list[str], list[TaxonName | None], TaxonName]:
    """The formula with `_NAME` for every side, the sides (None for an unknown one), and the name before a bracket."""
    text = _HYBRID.sub(" ", _AUTHOR_IN_BRACKETS.sub(" ", text))
    pieces = [part.strip() for part in CROSS_PARTS.split(f" {text} ") if part.strip()]
    parts: list[str] = []
    sides: list[TaxonName | None] = []
    given = TaxonName("")
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        if piece in SIGNS:
            if not parts or parts[-1] in "(×":  # a side that is not written is unknown
                parts.append(_NAME)
                sides.append(None)
            parts.append("×")
        elif piece in "()":
            parts.append(piece)
        else:
            name = replace(read_words(_NEW.sub(" ", _DOUBT.sub(" ", piece)), epithet=True), raw=piece)
            if following == "(":  # "Heliconius erato (demophoon x hydara)"
                given = name
            else:
                parts.append(_NAME)
                sides.append(None if _UNKNOWN.fullmatch(piece) else name)
    if parts[-1] == "×":
        parts.append(_NAME)
        sides.append(None)
    return parts, sides, given


def _names_of_sides(sides: list[TaxonName | None], given: TaxonName) -> tuple[list[str], str]:
    """What to call each parent, "" where unknown, and the species that all of them are of, "" where there is none.

    Parents of two species are called by species too. Of ``"Heliconius erato x melpomene"`` neither is known: the second
    may be a species or a subspecies.
    """
    first = next((side for side in sides if side and side.species), given)
    known = [_abbreviated(side, first) for side in sides if side]
    of_species = first is not given and first is sides[0] and not first.subspecies and not has_rank(first.raw.split())
    if of_species and any(side.subspecies and not side.species for side in known):
        return [""] * len(sides), ""  # "Heliconius erato x melpomene": a species or a subspecies
    full = []
    for side in known:
        species = side.species or first.species
        full.append((f"{side.genus or first.genus} {species}".strip() if species else "", side.subspecies))
    binomials = {binomial for binomial, _ in full if binomial}
    by_species = len(binomials) > 1 or of_species
    names = iter([f"{binomial} {name}".strip() if by_species else name for binomial, name in full])
    return [next(names) if side else "" for side in sides], binomials.pop() if len(binomials) == 1 else ""


def _abbreviated(side: TaxonName, first: TaxonName) -> TaxonName:
    """A side with the genus and species of the first for ``H. e.``."""
    genus, species = side.genus, side.species
    if species and first.genus.startswith(genus.rstrip(".")) and (len(genus) == 1 or genus.endswith(".")):
        genus = first.genus
    if species.endswith(".") and first.species.startswith(species.rstrip(".")):
        species = first.species
    return replace(side, genus=genus, species=species)

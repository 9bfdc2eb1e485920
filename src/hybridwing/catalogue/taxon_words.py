"""The words of a plain taxon name: genus, species, subspecies and form, without authors and doubts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hybridwing.catalogue.crosses import Cross

Certainty = Literal["certain", "uncertain"]

_GENERA = frozenset({"heliconius"})  # known as genera even in lower case
_RANKS = frozenset({"ssp", "subsp", "subspecies", "race"})
_FORMS = frozenset({"f", "form", "forma", "fo", "morph", "var", "ab"})
_NO_EPITHET = frozenset({"sp", "spp", "indet", "species"})
# An author and a year, in brackets or not; a name of a person in brackets; a genus's own subgenus.
_AUTHORS = re.compile(
    r"\(\s*[^\W\d_a-z][^()]*\)|[\s,]+[^\W\d_a-z][^\W\d_]*[.]?(?:(?:\s+|,\s*|\s*&\s*)[^\W\d_][^\W\d_]*[.]?)*,?\s*\d{4}(?!\d)"
)


@dataclass(frozen=True)
class TaxonName:
    """What a name says."""

    raw: str  # The name as the table has it
    # Empty where the name does not say. `species` is the epithet: ``"erato"``. A hybrid has no subspecies
    genus: str = ""
    species: str = ""
    subspecies: str = ""
    form: str = ""
    cross: Cross | None = None  # The two parents of a hybrid and who was crossed with whom
    parent: str = ""  # The parent of a hybrid of which one is known
    is_hybrid: bool | None = None  # None where the name does not say, such as one of a genus and a species alone
    # ``"uncertain"`` where the name doubts itself: ``cf.``, ``aff.``, ``?``, ``ssp. nov.``
    certainty: Certainty = "certain"
    reason: str = "names no taxon"  # Why it was read so, in words

    @property
    def parents(self) -> tuple[str, ...]:
        """The known parents: two, one or none."""
        return self.cross.parents if self.cross else (self.parent,) if self.parent else ()

    @property
    def pedigree(self) -> str:
        """Who was crossed with whom, see `Cross`; empty where both parents are not known."""
        return self.cross.pedigree if self.cross else ""

    @property
    def binomial(self) -> str:
        """Genus and species, ``"Heliconius erato"``; empty without a species."""
        return f"{self.genus} {self.species}".strip() if self.species else ""

    @property
    def label(self) -> bool | None:
        """Whether a detector may learn from the name as a hybrid's; None where it is unsure or does not say."""
        return self.is_hybrid if self.certainty == "certain" else None


def read_words(text: str, *, epithet: bool) -> TaxonName:
    """Genus, species, subspecies and form of a name without doubts, authors left out."""
    words = [
        word.strip(".,;:()[]{}-–") + ("." if word.endswith(".") else "") for word in _AUTHORS.sub(" ", text).split()
    ]
    words = [word for word in words if word.strip(".")]
    genus = species = subspecies = form = ""
    if words and _is_genus(words, epithet=epithet):
        genus = words.pop(0).capitalize()
        if words and _is_epithet(words[0]) and _bare(words[0]) not in _RANKS | _FORMS | _NO_EPITHET:
            species = words.pop(0)
    elif len(words) > 1 and all(map(_is_epithet, words[:2])) and not has_rank(words[:2]):
        species = words.pop(0)
    rank = ""
    for word in words:
        bare = _bare(word)
        if bare in _RANKS | _FORMS | _NO_EPITHET:
            rank = bare
        elif rank in _FORMS:
            form, rank = form or _spelled(word), ""
        elif not subspecies and (_is_epithet(word) or (epithet and not genus) or rank in _RANKS):
            subspecies, rank = _spelled(word), ""
        elif word[:1].isupper():
            break  # an author
    return TaxonName("", genus, species, subspecies, form)


def _is_genus(words: list[str], *, epithet: bool) -> bool:
    first, *rest = words
    if first.casefold() in _GENERA:
        return True
    plain = len(rest) > 1 and not has_rank(words[:3]) and all(_is_epithet(word) and len(word) > 2 for word in words[:3])
    if plain or (len(first) == 1 and first.isupper() and rest and _is_epithet(rest[0])):
        return True
    if epithet and not rest:
        return False
    return re.fullmatch(r"[^\W\d_]+\.?", first) is not None and first.istitle() and len(first) > 1


def _is_epithet(word: str) -> bool:
    """``notabilis``, ``latRo``, a hyphenated one, an abbreviated ``e.`` or a code ``8``; no author."""
    return re.fullmatch(r"[^\W\d_A-Z][\w-]*\.?|\d+", word) is not None


def has_rank(words: list[str]) -> bool:
    """Whether any word is a rank, such as ``ssp.``, and no name."""
    return any(_bare(word) in _RANKS | _FORMS | _NO_EPITHET for word in words)


def _bare(word: str) -> str:
    return word.rstrip(".").casefold()


def _spelled(word: str) -> str:
    """``Notabilis`` and ``NOTABILIS`` as ``notabilis``; ``latRo`` as it is."""
    word = word.rstrip(".")
    return word.lower() if word[1:].islower() or (word.isupper() and len(word) > 2) else word

"""Who made a submission and how to cite it: ``CITATION.cff`` and ``.zenodo.json``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Licences that are offered: approved by the OSI, as the challenge's rules ask.
LICENCES = ("MIT", "BSD-3-Clause")
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Author:
    """A person, or a group where there is no given name; the ORCID is as ``0000-0002-1825-0097``."""

    family: str
    given: str = ""
    orcid: str = ""
    affiliation: str = ""

    @property
    def name(self) -> str:
        """Given name first."""
        return f"{self.given} {self.family}".strip()

    @classmethod
    def parse(cls, text: str) -> Author:
        """Read ``"Family, Given; ORCID; affiliation"``; the last two may be missing or change places.

        Raises
        ------
        SubmissionError
            If there is no name, or the ORCID's check digit is wrong.

        Examples
        --------
        >>> Author.parse("Merian, Maria Sibylla; Naturkundekabinett").given
        'Maria Sibylla'
        """
        first, *rest = (" ".join(part.split()) for part in text.split(";"))
        family, _, given = (part.strip() for part in first.partition(","))
        if not family:
            raise SubmissionError(f"an author is 'Family, Given; ORCID; affiliation'; got {text!r}")
        orcid = next((found[1] for part in rest if (found := _ORCID.fullmatch(part))), "")
        if orcid and not _is_orcid(orcid):
            raise SubmissionError(f"{orcid} is no ORCID: its last digit does not fit the others")
        others = [part for part in rest if part and not _ORCID.fullmatch(part)]
        return cls(family, given, orcid, "; ".join(others))


def _is_orcid(orcid: str) -> bool:
    """Whether the last digit checks the others (ISO 7064 MOD 11-2, as ORCID uses it)."""
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return orcid[-1] == ("X" if check == 10 else str(check))


@dataclass(frozen=True)
class Publication:
    """What the flags of ``submission publish`` say.

    Attributes
    ----------
    title : str
    authors : tuple of Author
        At least one.
    licence : str
        One of :data:`LICENCES`.
    version : str
    released : str
        ``YYYY-MM-DD``; empty where not yet.
    repository : str
        Address; empty where not yet known.

    Raises
    ------
    SubmissionError
        If something is missing or malformed.
    """

    title: str
    authors: tuple[Author, ...]
    licence: str = "MIT"
    version: str = "1.0.0"
    released: str = ""
    repository: str = ""

    def __post_init__(self) -> None:
        faults = publication_faults(self.title, self.version, self.licence, self.released, self.repository)
        if not self.authors:
            faults.append("name at least one --author 'Family, Given; ORCID; affiliation'")
        if faults:
            raise SubmissionError("; ".join(faults))
        for name in ("title", "version"):
            object.__setattr__(self, name, " ".join(getattr(self, name).split()))

    @property
    def holders(self) -> str:
        """Who holds the copyright, in one line."""
        return ", ".join(author.name for author in self.authors)

    @property
    def year(self) -> str:
        """Of the release, as a licence names it; empty where unknown."""
        return self.released[:4]


def publication_faults(title: str, version: str, licence: str, released: str, repository: str) -> list[str]:
    """Everything that is wrong with what a publication says of itself, each fault in a sentence."""
    faults = [
        f"the {name} must be a line of text; got {text!r}"
        for name, text in (("title", title), ("version", version))
        if not (line := " ".join(text.split())) or not line.isprintable()
    ]
    if licence not in LICENCES:
        faults.append(f"the licence must be one of {', '.join(LICENCES)}; got {licence!r}")
    try:
        if released and date.fromisoformat(released).isoformat() != released:
            raise ValueError
    except ValueError:
        faults.append(f"the date must be YYYY-MM-DD; got {released!r}")
    if repository and not _ADDRESS.fullmatch(repository):
        faults.append(f"the repository must be an address as https://…; got {repository!r}")
    return faults


def citation_cff(publication: Publication, abstract: str, keywords: Sequence[str]) -> str:
    """``CITATION.cff`` (Citation File Format 1.2.0, doi.org/10.5281/zenodo.5171937).

    Written as JSON, which YAML takes as it is: nothing in a name or title can change its meaning.
    """
    authors = []
    for author in publication.authors:
        one = {"family-names": author.family, "given-names": author.given} if author.given else {"name": author.name}
        one |= {"orcid": f"https://orcid.org/{author.orcid}"} if author.orcid else {}
        one |= {"affiliation": author.affiliation} if author.affiliation and author.given else {}
        authors.append(one)
    values: dict[str, object] = {
        "cff-version": "1.2.0",
        "message": "If you use this submission, please cite it and the data it was trained on.",
        "type": "software",
        "title": publication.title,
        "abstract": abstract,
        "authors": authors,
        "version": publication.version,
        "license": publication.licence,
        "keywords": list(keywords),
    }
    values |= {"date-released": publication.released} if publication.released else {}
    values |= {"repository-code": publication.repository} if publication.repository else {}
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def zenodo_json(publication: Publication, abstract: str, keywords: Sequence[str], records: Sequence[str]) -> str:
    """``.zenodo.json``: what Zenodo takes from a repository that it archives.

    Parameters
    ----------
    publication, abstract, keywords
        As for :func:`citation_cff`.
    records : sequence of str
        Zenodo records of the photographs.
    """
    creators = []
    for author in publication.authors:
        one = {"name": f"{author.family}, {author.given}" if author.given else author.family}
        one |= {"orcid": author.orcid} if author.orcid else {}
        one |= {"affiliation": author.affiliation} if author.affiliation else {}
        creators.append(one)
    values: dict[str, object] = {
        "title": publication.title,
        "upload_type": "software",
        "description": abstract,
        "creators": creators,
        "license": publication.licence,
        "version": publication.version,
        "keywords": list(keywords),
        "related_identifiers": [
            {"identifier": f"10.5281/zenodo.{record}", "relation": "isDerivedFrom", "scheme": "doi"}
            for record in records
        ],
    }
    if publication.released:
        values["publication_date"] = publication.released
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

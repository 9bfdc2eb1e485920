"""Who made a submission and how to cite it: read from a ``CITATION.cff``, written as one and as ``.zenodo.json``."""

from __future__ import annotations

import json
from datetime import date  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hybridwing.errors import SubmissionError
from hybridwing.submission.rehearse.bundle import read_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: What a file may look like; shown where one is missing.
EXAMPLE = """title: Title of the submission
authors:
  - family-names: Merian
    given-names: Maria Sibylla
    orcid: https://orcid.org/0000-0002-1825-0097
    affiliation: Naturkundekabinett, Frankfurt
license: MIT
version: 1.0.0
date-released: 2026-11-24
repository-code: https://github.com/OWNER/NAME
"""
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class Author(BaseModel):
    """A person, or a group where there is only a `name`."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    family: _Line | None = Field(None, alias="family-names")
    given: _Line | None = Field(None, alias="given-names")
    group: _Line | None = Field(None, alias="name")
    orcid: Annotated[str, Field(pattern=r"^https://orcid\.org/\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")] | None = None
    affiliation: _Line | None = None

    @property
    def name(self) -> str:
        """Given name first."""
        return self.group or f"{self.given or ''} {self.family or ''}".strip()


class Citation(BaseModel):
    """The fields of a ``CITATION.cff`` (Citation File Format 1.2.0, doi.org/10.5281/zenodo.5171937) that are used."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, coerce_numbers_to_str=True)

    title: _Line
    authors: Annotated[tuple[Author, ...], Field(min_length=1)]  # At least one
    # Approved by the OSI, as the challenge's rules ask; `license` in the file
    licence: Literal["MIT", "BSD-3-Clause"] = Field("MIT", alias="license")
    version: _Line = "1.0.0"
    released: date | None = Field(None, alias="date-released")  # `date-released` in the file
    # Address where the repository will be; `repository-code` in the file
    repository: Annotated[str, Field(pattern=r"^https?://[^\s<>\"]+$")] | None = Field(None, alias="repository-code")

    @property
    def holders(self) -> str:
        """Who holds the copyright, in one line."""
        return ", ".join(author.name for author in self.authors)


def read_citation(path: Path) -> Citation:
    """Read a ``CITATION.cff``.

    Raises SubmissionError if it is missing, no YAML, or lacks what is needed. The message names every fault, and shows
    an example.
    """
    if not path.is_file():
        raise SubmissionError(f"there is no {path}. Write one, for example:\n{EXAMPLE}")
    try:
        return Citation.model_validate(read_mapping(path))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SubmissionError(f"{path}: {faults}. For example:\n{EXAMPLE}") from None


def citation_cff(citation: Citation, abstract: str, keywords: Sequence[str]) -> str:
    """``CITATION.cff`` of the published repository.

    Written as JSON, which YAML takes as it is: nothing in a name or title can change its meaning.
    """
    values = {
        "cff-version": "1.2.0",
        "message": "If you use this submission, please cite it and the data it was trained on.",
        "type": "software",
        "abstract": abstract,
        "keywords": list(keywords),
        **citation.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def zenodo_json(citation: Citation, abstract: str, keywords: Sequence[str], records: Sequence[str]) -> str:
    """``.zenodo.json``: what Zenodo takes from a repository that it archives; `records` hold the photographs."""
    creators = []
    for author in citation.authors:
        one = {"name": f"{author.family}, {author.given}" if author.family and author.given else author.name}
        one |= {"orcid": author.orcid.rpartition("/")[2]} if author.orcid else {}
        creators.append(one | ({"affiliation": author.affiliation} if author.affiliation else {}))
    related = [
        {"identifier": f"10.5281/zenodo.{record}", "relation": "isDerivedFrom", "scheme": "doi"} for record in records
    ]
    values = {
        "title": citation.title,
        "upload_type": "software",
        "description": abstract,
        "creators": creators,
        "license": citation.licence,
        "version": citation.version,
        "keywords": list(keywords),
        "related_identifiers": related,
        **({"publication_date": citation.released.isoformat()} if citation.released else {}),
    }
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

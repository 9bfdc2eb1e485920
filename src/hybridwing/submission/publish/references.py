"""References of the photographs that a run was trained on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue

_MOST_BYTES = 1 << 20
_ENTRY = re.compile(r"^\s*@(?!comment|preamble|string)\w+\s*\{", re.MULTILINE | re.IGNORECASE)
_RECORD = re.compile(r"zenodo\.(\d+)")


def read_bib(path: Path) -> str:
    """Text of a BibTeX file, with plain line ends.

    Raises SubmissionError if it cannot be read, is too large, is no UTF-8 text, or holds no entry.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SubmissionError(f"{path} is larger than {_MOST_BYTES} bytes, which no list of references is")
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SubmissionError(f"{path} cannot be read as a BibTeX file in UTF-8: {error}") from error
    if not _ENTRY.search(text):
        raise SubmissionError(f"{path} holds no BibTeX entry, such as @misc{{key, title = …}}")
    return text.strip() + "\n"


def records_of(catalogue: Catalogue) -> tuple[str, ...]:
    """Zenodo records that a catalogue's photographs come from, sorted as numbers."""
    found = {str(record) for record in catalogue.records if record is not None and str(record).isdigit()}
    return tuple(sorted(found, key=int))


def references(bib: str, records: tuple[str, ...]) -> str:
    """The given references, and an entry for each record that they lack.

    A record's number is the end of its DOI, so an entry can be written without asking Zenodo; its authors and title
    have to be filled in from there.
    """
    cited = set(_RECORD.findall(bib))
    made = [
        f"@misc{{zenodo_{record},\n"
        f"title = {{Zenodo record {record}}},\n"
        "publisher = {Zenodo},\n"
        f"doi = {{10.5281/zenodo.{record}}},\n"
        f"url = {{https://doi.org/10.5281/zenodo.{record}}}\n"
        "}\n"
        for record in records
        if record not in cited
    ]
    return "\n".join([*([bib] if bib else []), *made])


def count_entries(bib: str) -> int:
    """Entries of a BibTeX text."""
    return len(_ENTRY.findall(bib))

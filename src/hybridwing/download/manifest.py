"""What is in the folder."""

from __future__ import annotations

import csv
import re
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from hybridwing.csv_files import read_cell, write_rows
from hybridwing.download.folder import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_COLUMNS = ("path", "bytes", "md5", "sha256", "url", "licence")
_MD5, _SHA256 = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One file that was received and checked.

    The checksums are lower-case hexadecimal, `url` is where the catalogue says that the file is from, and `licence`
    is an SPDX identifier or empty.
    """

    path: str
    bytes: int
    md5: str
    sha256: str
    url: str
    licence: str


class Manifest:
    """What is known of the files in a folder; any thread may add and look up."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / MANIFEST
        self.entries = {entry.path: entry for entry in _read(self._path)}  # By path
        #: When the manifest was written, nanoseconds since 1970; files that changed later are read again.
        self.written_ns = self._path.stat().st_mtime_ns if self._path.is_file() else -1

    def write(self, absent: Iterable[str]) -> None:
        """Write the manifest: every entry whose file is there, except for the paths in `absent`."""
        for path in absent:
            self.entries.pop(path, None)
        kept = [entry for path, entry in sorted(self.entries.items()) if (self._root / path).is_file()]
        write_rows(self._path, _COLUMNS, map(astuple, kept))


def _read(path: Path) -> list[Entry]:
    """Entries of a manifest; lines that are torn or not ours are left out, which costs only work."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace").replace("\0", "")
    except OSError:
        return []
    entries = []
    for line in text[: text.rfind("\n") + 1].split("\n"):
        cells = [read_cell(cell) for cell in next(csv.reader([line]), [])]
        if len(cells) == len(_COLUMNS) and cells[1].isdecimal() and _MD5.fullmatch(cells[2]):
            name, size, md5, sha256, url, licence = cells
            if _SHA256.fullmatch(sha256) and len(size) <= 18:
                entries.append(Entry(name, int(size), md5, sha256, url, licence))
    return entries

"""What is in the folder: a journal that survives being killed, and the tables for people."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, TextIO

from hybridwing.csv_files import read_rows, write_rows
from hybridwing.download.folder import MANIFEST, WORK
from hybridwing.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_COLUMNS = ("path", "bytes", "md5", "sha256", "url", "licence")


@dataclass(frozen=True)
class Entry:
    """One file that was received and checked.

    Attributes
    ----------
    path : str
        POSIX path in the folder.
    bytes : int
    md5, sha256 : str
        Lower-case hexadecimal, of the file's bytes.
    url : str
        Where the catalogue says it is from.
    licence : str
        SPDX identifier; empty if unknown.
    mtime_ns : int
        Of the file when it was checked, nanoseconds since 1970; -1 if unknown.
    """

    path: str
    bytes: int
    md5: str
    sha256: str
    url: str
    licence: str
    mtime_ns: int


class Ledger:
    """Entries by path. Each is in the journal as soon as it is known, so a kill loses none but the last.

    Parameters
    ----------
    root : Path
        Folder of the download, locked by the caller.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / WORK / "ledger.jsonl"
        self._entries = {entry.path: entry for entry in _read(self._path) or _read_manifest(root / MANIFEST)}
        # Written anew: a line that was torn by a kill must not be joined by the next.
        write_text(self._path, "".join(map(_line, self._entries.values())))
        self._journal: TextIO = self._path.open("a", encoding="utf-8", newline="")

    def get(self, path: str) -> Entry | None:
        """Entry of a path."""
        return self._entries.get(path)

    def record(self, entry: Entry) -> None:
        """Add or replace an entry."""
        if self._entries.get(entry.path) != entry:
            self._entries[entry.path] = entry
            self._journal.write(_line(entry))
            self._journal.flush()

    def close(self, absent: Iterable[str]) -> None:
        """Write the manifest: every entry whose file is there, but for the paths in `absent`."""
        self._journal.close()
        for path in absent:
            self._entries.pop(path, None)
        kept = [entry for path, entry in sorted(self._entries.items()) if (self._root / path).is_file()]
        rows = ([str(getattr(entry, column)) for column in _COLUMNS] for entry in kept)
        write_rows(self._root / MANIFEST, _COLUMNS, rows)
        write_text(self._path, "".join(map(_line, kept)))


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry)) + "\n"


def _read(path: Path) -> list[Entry]:
    """Entries of a journal; lines that are torn or not ours are left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            values = json.loads(line)
            entry = Entry(**{field.name: values[field.name] for field in fields(Entry)})
        except (ValueError, KeyError, TypeError):
            continue
        if _sound(entry):
            entries.append(entry)
    return entries


def _sound(entry: Entry) -> bool:
    texts = (entry.path, entry.md5, entry.sha256, entry.url, entry.licence)
    return all(isinstance(text, str) for text in texts) and all(
        type(number) is int for number in (entry.bytes, entry.mtime_ns)
    )


def _read_manifest(path: Path) -> list[Entry]:
    """Entries of a manifest, for a folder that came without its journal."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                Entry(row["path"], int(row["bytes"]), row["md5"], row["sha256"], row["url"], row["licence"], -1)
                for row in read_rows(file)
            ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []  # it only saves work

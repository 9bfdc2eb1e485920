"""Take in what is dropped onto the desk: photographs, zip archives of them, and spreadsheets.

Nothing of it is trusted. A name is reduced to its last part, an archive is read to fixed limits whatever it declares,
and pictures are decoded later, by the decoder that all photographs go through.
"""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from hybridwing.app.project import PHOTOGRAPHS
from hybridwing.errors import HybridwingError
from hybridwing.files import written_whole
from hybridwing.images.find import SUFFIXES

if TYPE_CHECKING:
    from hybridwing.app.project import Project

MOST_FILES, MOST_BYTES = 20_000, 50 * 10**9
"""Limits on one archive, unpacked."""
LARGEST_FILE = 2 * 10**9
"""Bytes of one photograph or spreadsheet."""
TABLES = (".csv", ".tsv", ".xlsx", ".ods")
_BLOCK = 1 << 20
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


@dataclass
class Taken:
    """What came of something that was dropped."""

    photographs: int = 0  # New on the desk
    facts: int = 0  # Photographs that a spreadsheet speaks of
    refused: list[str] = field(default_factory=list)  # What was not taken, each with the reason


def take_in(project: Project, name: str, file: Path) -> Taken:
    """Take in one file that was dropped; what cannot be taken is refused by name, and nothing is raised.

    `name` is what the browser gave it; its content lies in `file` now, and stays there.
    """
    suffix = Path(name).suffix.lower()
    try:
        if suffix == ".zip":
            return _archive(project, name, file)
        if suffix in TABLES:
            return _table(project, file, suffix)
        if suffix in SUFFIXES:
            with file.open("rb") as content:
                kept = _keep(project, name, content, LARGEST_FILE)
            return Taken(photographs=project.add([kept]))
    except (HybridwingError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        return Taken(refused=[f"{name}: {error}"])
    return Taken(refused=[f"{name}: neither a photograph, a zip archive nor a spreadsheet ({', '.join(TABLES)})"])


def _archive(project: Project, name: str, file: Path) -> Taken:
    taken, left = Taken(), MOST_BYTES
    with zipfile.ZipFile(file) as archive:
        members = [one for one in archive.infolist() if not one.is_dir()]
        if len(members) > MOST_FILES:
            raise HybridwingError(f"it holds {len(members):,} files; {MOST_FILES:,} are the most")
        kept = []
        for member in members:
            inner = PurePosixPath(member.filename.replace("\\", "/")).name
            if inner.startswith((".", "__MACOSX")) or Path(inner).suffix.lower() not in SUFFIXES:
                continue
            try:
                with archive.open(member) as content:
                    path = _keep(project, inner, content, min(LARGEST_FILE, left))
            except (HybridwingError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                taken.refused.append(f"{name}, {inner}: {error}")
                continue
            left -= path.stat().st_size
            kept.append(path)
    taken.photographs = project.add(kept)
    if not kept and not taken.refused:
        taken.refused.append(f"{name}: it holds no photographs")
    return taken


def _table(project: Project, file: Path, suffix: str) -> Taken:
    from hybridwing.catalogue.readers import read_catalogue

    with tempfile.TemporaryDirectory() as folder:
        # Readers go by the ending of a file's name.
        catalogue = read_catalogue(shutil.copyfile(file, Path(folder) / f"table{suffix}"))
    known = catalogue.table[["species", "subspecies", "pedigree"]].astype(object).where(catalogue.table.notna(), "")
    facts = {}
    for place, uuid in enumerate(catalogue.uuids):
        cells = {str(name): str(cell) for name, cell in catalogue.extra.iloc[place].dropna().items()}
        own = " ".join(str(cell) for cell in known.iloc[place] if cell)
        facts[PurePosixPath(str(uuid)).name] = cells if not own or own in cells.values() else {"name": own, **cells}
    found = project.add_facts(facts)
    return Taken(facts=found, refused=[] if found else ["the spreadsheet names no photograph that is on the desk"])


def _keep(project: Project, name: str, content: IO[bytes], limit: int) -> Path:
    """Copy a photograph into the project's folder under a safe name of its own."""
    safe = _UNSAFE.sub("_", Path(name).name).lstrip(".")[-120:] or "photograph"
    folder = project.folder / PHOTOGRAPHS
    path = folder / safe
    if path.exists():
        path = folder / f"{Path(safe).stem}-{secrets.token_hex(3)}{Path(safe).suffix}"
    copied = 0
    with written_whole(path) as partial, partial.open("wb") as out:
        while block := content.read(_BLOCK):
            copied += len(block)
            if copied > limit:
                raise HybridwingError(f"larger than {limit:,} bytes, the most that is taken")
            out.write(block)
    return path

"""Find the files that a table lists in a folder of images, also where it spells their names in another way."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize

from hybridwing.errors import first_few
from hybridwing.images.find import SUFFIXES, files_below

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class ListedFiles:
    """Which of a table's file names are in a folder."""

    found: int  # Names that have a file, those of the next two lists among them
    elsewhere: dict[str, str]  # Names that have exactly one file, in another folder, with that file
    respelled: dict[str, str]  # Names that have exactly one file of another spelling, with that file
    ambiguous: dict[str, list[str]]  # Names that may stand for any of several files, with these
    missing: list[str]  # Names that stand for none


def find_listed(root: Path, names: Sequence[str]) -> ListedFiles:
    """Look for the files of a table in a folder of images; names are POSIX paths relative to it."""
    folder = ImageFolder(root)
    absent = [name for name in names if not folder.locate(name).is_file()]
    several = {name: near for name in absent if len(near := folder.candidates(name)) > 1}
    found = len(names) - len(absent)
    missing = [name for name in absent if name not in several]
    return ListedFiles(found, *_by_folder_or_spelling(folder.respelled), several, missing)


class ImageFolder:
    """A folder of images by the names that a table has for them. Every folder in it is listed once, when it is needed.

    Examples
    --------
    >>> from pathlib import Path
    >>> ImageFolder(Path("photos")).locate("a.jpg").as_posix()
    'photos/a.jpg'
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.respelled: dict[str, str] = {}
        """Files that were found by another folder or spelling: the table's name, and the path relative to the root."""
        self._listed: dict[Path, dict[str, str]] = {}
        self._everywhere: dict[str, list[str]] | None = None

    def locate(self, name: str) -> Path:
        """The file of a name, a path in the folder, which the table may spell in another way than the disk does.

        ``é`` is one character (Unicode's NFC) or an ``e`` with an accent after it (NFD): tables have the one, and disks
        that were written by a Mac the other. Where there is no such file, it is the one whose name differs only by
        case, by a folder or an ending that the table leaves out, or by ``.jpg`` for ``.jpeg``, if there is exactly one
        and no other name has it. Where there is none at all, the path is spelled as the table does.
        """
        path = self.root
        for part in name.split("/"):
            path /= part if name.isascii() else self._names_in(path).get(normalize("NFC", part), part)
        exact = self.root / name
        if path != exact and os.path.lexists(exact):
            return exact
        if os.path.lexists(path):
            return path
        if name not in self.respelled:
            same = self.candidates(name)
            if len(same) != 1 or same[0] in self.respelled.values():
                return path
            self.respelled[name] = same[0]
        return self.root / self.respelled[name]

    def candidates(self, name: str) -> list[str]:
        """Files that a name may stand for: those of its folder, or else of any, relative to the folder of images."""
        stem, ending = _parted(name)
        alike = [found for found in self._alike(stem) if not ending or _parted(found)[1] == ending]
        here = [found for found in alike if _folded(posixpath.dirname(found)) == _folded(posixpath.dirname(name))]
        within = [found for found in alike if _folded(f"/{_plain(found)}").endswith(_folded(f"/{_plain(name)}"))]
        return here or within or alike

    def nearly(self, name: str) -> list[str]:
        """Files that a name may stand for, or else those of the same name with another ending."""
        stem, _ = _parted(name)
        alike = self._alike(stem)
        same_folder = [found for found in alike if _folded(_plain(found)) == _folded(_plain(name))]
        return self.candidates(name) or same_folder or alike

    def hint(self, name: str) -> str:
        """A clause that names the files whose names are near that of a missing one; empty if there are none."""
        near = self.nearly(name)
        if len(near) > 1:
            return f"; it may be any of {first_few(near, 3)}: give its folder and ending in the table"
        return f"; {near[0]} is nearly it: correct the table or rename the file" if near else ""

    def remark(self) -> str:
        """A sentence on the files that were found by another folder or spelling; empty if there are none."""
        said = []
        ways = ("in another folder", "by another spelling")
        for way, files in zip(ways, _by_folder_or_spelling(self.respelled), strict=True):
            if files:
                shown = first_few([f"{name!r} is {found}" for name, found in files.items()], 3)
                said.append(f"{len(files)} files were found {way}: {shown}")
        return "; ".join(said)

    @classmethod
    def of(cls, path: Path, name: str) -> ImageFolder:
        """The folder that a file lies in under a name; the folder just above it where its path is no such name."""
        above = len(name.split("/"))
        return cls(path.parents[above - 1] if path.as_posix().endswith(f"/{name}") else path.parent)

    def _alike(self, stem: str) -> list[str]:
        """Images anywhere in the folder with a name, whatever its ending."""
        if self._everywhere is None:
            self._everywhere = {}
            for path in files_below(self.root, []):
                if path.suffix.lower() in SUFFIXES:
                    found = path.relative_to(self.root).as_posix()
                    self._everywhere.setdefault(_parted(found)[0], []).append(found)
        return self._everywhere.get(stem, [])

    def _names_in(self, folder: Path) -> dict[str, str]:
        """Names in a folder by their composed spelling."""
        if folder not in self._listed:
            try:
                names = sorted(path.name for path in folder.iterdir())
            except OSError:
                names = []
            self._listed[folder] = {normalize("NFC", name): name for name in names}
        return self._listed[folder]


def _by_folder_or_spelling(found: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Split names and their files into those that differ by the folder alone, and those that are spelled otherwise.

    Examples
    --------
    >>> _by_folder_or_spelling({"a.jpg": "x/a.jpg", "B": "x/b.jpg", "X/c.jpg": "x/c.jpg"})
    ({'a.jpg': 'x/a.jpg'}, {'B': 'x/b.jpg', 'X/c.jpg': 'x/c.jpg'})
    """
    elsewhere, respelled = dict[str, str](), dict[str, str]()
    for name, path in found.items():
        (folder, file), (actual, spelled) = posixpath.split(name), posixpath.split(path)
        moved = normalize("NFC", file) == normalize("NFC", spelled) and _folded(folder) != _folded(actual)
        (elsewhere if moved else respelled)[name] = path
    return elsewhere, respelled


def _folded(name: str) -> str:
    return normalize("NFC", name).casefold()


def _plain(name: str) -> str:
    """A path without its ending, if that is an image's."""
    stem, ending = posixpath.splitext(name)
    return stem if ending.lower() in SUFFIXES else name


def _parted(name: str) -> tuple[str, str]:
    """Name of a file without folder, folded, and its ending if that is an image's, in one spelling."""
    stem, ending = posixpath.splitext(posixpath.basename(name))
    if ending.lower() not in SUFFIXES:
        return _folded(stem + ending), ""
    return _folded(stem), {".jpeg": ".jpg", ".tiff": ".tif"}.get(ending.lower(), ending.lower())

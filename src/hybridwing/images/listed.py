"""Find the files that a table lists in a folder of images, and say which file is nearly one that is not there."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING
from unicodedata import normalize

from hybridwing.errors import first_few
from hybridwing.images.find import SUFFIXES, files_below

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class ImageFolder:
    """A folder of images by the names that a table has for them. Every folder in it is listed once, when it is needed.

    Parameters
    ----------
    root : Path
        Folder that the names are relative to.

    Examples
    --------
    >>> from pathlib import Path
    >>> ImageFolder(Path("photos")).locate("a.jpg").as_posix()
    'photos/a.jpg'
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listed: dict[Path, dict[str, str]] = {}
        self._everywhere: dict[str, list[str]] | None = None

    def locate(self, name: str) -> Path:
        """The file of a name, which letters with accents may spell in another way than the disk does.

        ``é`` is one character (Unicode's NFC) or an ``e`` with an accent after it (NFD): tables have the one, and
        disks that were written by a Mac the other.

        Parameters
        ----------
        name : str
            POSIX path relative to the folder.

        Returns
        -------
        Path
            Of the file as the disk spells it; as the table does where there is no such file.
        """
        path = self.root
        for part in name.split("/"):
            path /= part if name.isascii() else self._names_in(path).get(normalize("NFC", part), part)
        exact = self.root / name
        return exact if path == exact or os.path.lexists(exact) else path

    def nearly(self, name: str) -> list[str]:
        """Files whose name differs from one that is not there only by case, by its ending, or by its folder.

        Returns
        -------
        list of str
            Relative to the folder; the nearest kind that there is any of.
        """
        if self._everywhere is None:
            self._everywhere = {}
            for path in files_below(self.root, []):
                if path.suffix.lower() in SUFFIXES:
                    found = path.relative_to(self.root).as_posix()
                    self._everywhere.setdefault(_folded(_stem(found)), []).append(found)
        alike = self._everywhere.get(_folded(_stem(name)), [])
        # By case, by ending, by folder, and by ending and folder.
        kinds: list[Callable[[str], str]] = [str, lambda path: posixpath.splitext(path)[0], posixpath.basename, _stem]
        for kind in kinds:
            if near := [found for found in alike if _folded(kind(found)) == _folded(kind(name))]:
                return near
        return []

    def hint(self, name: str) -> str:
        """A clause that names the files that are nearly one that is not there; empty if there is none."""
        near = self.nearly(name)
        return f"; {first_few(near, 3)} is nearly it: correct the table or rename the file" if near else ""

    @classmethod
    def of(cls, path: Path, name: str) -> ImageFolder:
        """The folder that a file lies in under a name; the folder just above it where its path is no such name."""
        above = len(name.split("/"))
        return cls(path.parents[above - 1] if path.as_posix().endswith(f"/{name}") else path.parent)

    def _names_in(self, folder: Path) -> dict[str, str]:
        """Names in a folder by their composed spelling."""
        if folder not in self._listed:
            try:
                names = sorted(path.name for path in folder.iterdir())
            except OSError:
                names = []
            self._listed[folder] = {normalize("NFC", name): name for name in names}
        return self._listed[folder]


def _folded(name: str) -> str:
    return normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0]

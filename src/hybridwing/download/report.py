"""What a download did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class MissingFile:
    """A file that is not there, or not as it should be.

    Attributes
    ----------
    path : str
        POSIX path in the folder.
    url : str
        Where the catalogue says it is; empty if it does not.
    reason : str
        In one line.
    row : int
        Line of the catalogue's file.
    """

    path: str
    url: str
    reason: str
    row: int


@dataclass(frozen=True)
class DownloadReport:
    """What a download did.

    Attributes
    ----------
    out : Path
        The folder.
    fetched, already_there : tuple of str
        POSIX paths in it, in the order of the catalogue. Together they are what is there.
    failed : tuple of MissingFile
        In the order of the catalogue.
    manifest, missing : Path
        Tables of everything in the folder that was checked, and of what failed.
    catalogue : Path or None
        The catalogue's rows whose photographs are there, with the paths they have; None if there are none, or the
        catalogue's file is no longer what was read.
    downsized : Path or None
        Folder of the smaller copies, if they were asked for.
    requests : int
        Sent, redirects and refusals counted.
    bytes_received : int
    seconds : float
    """

    out: Path
    fetched: tuple[str, ...]
    already_there: tuple[str, ...]
    failed: tuple[MissingFile, ...]
    manifest: Path
    missing: Path
    catalogue: Path | None
    downsized: Path | None
    requests: int
    bytes_received: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every file wanted is there."""
        return not self.failed

    def summary(self) -> str:
        """Counts in one line.

        Examples
        --------
        ``"312 fetched (1.6 GB in 330 s), 0 already there, 1 failed"``
        """
        size = (
            f"{self.bytes_received / 1e9:.1f} GB"
            if self.bytes_received >= 1e9
            else f"{self.bytes_received / 1e6:.1f} MB"
        )
        return (
            f"{len(self.fetched)} fetched ({size} in {self.seconds:.0f} s), "
            f"{len(self.already_there)} already there, {len(self.failed)} failed"
        )

"""Fetch the photographs of a catalogue."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.catalogue.readers import as_catalogue
from hybridwing.csv_files import write_rows
from hybridwing.download.catalogue_rows import write_catalogue_rows
from hybridwing.download.downsample import Downsizer
from hybridwing.download.errors import DownloadError, one_line
from hybridwing.download.fetch_file import FileFetcher, FileResult
from hybridwing.download.folder import CATALOGUE, MANIFEST, MISSING, DownloadFolder
from hybridwing.download.hosts import Hosts, Politeness, Stop
from hybridwing.download.manifest import Manifest
from hybridwing.download.plan import Sample, plan
from hybridwing.download.transfer import Transfer
from hybridwing.download.urls import checked_base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hybridwing.catalogue.readers import TableLike
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.download.plan import Wanted

DEFAULT, EVERYTHING = Politeness(), Sample()


@dataclass(frozen=True)
class MissingFile:
    """A file that is not there, or not as it should be."""

    path: str  # POSIX path in the folder
    url: str  # Where the catalogue says it is; empty if it does not
    reason: str  # In one line
    row: int  # Line of the catalogue's file


@dataclass(frozen=True)
class DownloadReport:
    """What a download did."""

    out: Path  # The folder
    # POSIX paths in it, in the order of the catalogue. Together they are what is there
    fetched: tuple[str, ...]
    already_there: tuple[str, ...]
    failed: tuple[MissingFile, ...]  # In the order of the catalogue
    manifest: Path  # Table of everything in the folder that was checked
    missing: Path  # Table of what failed
    # The catalogue's rows whose photographs are there, with the paths they have; None if there are none, or the
    # catalogue's file is no longer what was read, or it was a data frame
    catalogue: Path | None
    requests: int  # Sent, redirects and refusals counted
    bytes_received: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every file wanted is there."""
        return not self.failed

    def summary(self) -> str:
        """Counts in one line, such as ``312 fetched (1.6 GB in 330 s), 0 already there, 1 failed``."""
        size = f"{self.bytes_received / 1e6:.1f} MB"
        if self.bytes_received >= 1e9:
            size = f"{self.bytes_received / 1e9:.1f} GB"
        return (
            f"{len(self.fetched)} fetched ({size} in {self.seconds:.0f} s), "
            f"{len(self.already_there)} already there, {len(self.failed)} failed"
        )


def download(
    catalogue: TableLike,
    out: Path | str,
    *,
    sample: Sample = EVERYTHING,
    by: str | None = None,
    downsize: int | None = None,
    verify: bool = True,
    base_url: str | None = None,
    politeness: Politeness = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> DownloadReport:
    """Fetch the photographs of a catalogue into a folder.

    A file under its final name is always whole: it is received under another name, checked, and renamed. Files that
    are there and right are not asked for again, and unfinished ones are continued. So the same call completes a
    download that failed, was interrupted or was killed.

    Parameters
    ----------
    catalogue : Catalogue, path or data frame
    out : Path
        Folder, made if need be. It also gets ``manifest.csv`` (path, bytes, md5, sha256, url, licence),
        ``missing.csv`` (path, url, reason) and ``catalogue.csv`` (the catalogue's rows that are there).
    sample : Sample
        Which of the photographs; all by default.
    by : str, optional
        Sort the files into sub-folders by this column: ``"hybrid_stat"``, ``"subspecies"``, ``"record"``, ``"group"``,
        ``"side"`` or ``"split"``.
    downsize : int, at least 1, optional
        Also write copies with this short side in pixels, into ``OUT_downsized``.
    verify : bool
        Compare each file with the catalogue's MD5 (where it has none: with what was first received), also the files
        that are there already. False trusts the size and time of files that are there, for mirrors that packed the
        photographs anew.
    base_url : str, optional
        Address of a mirror: it replaces scheme and host of each address, and its path comes before the address's own.
        A row without an address is asked for by its file name.
    politeness : Politeness
        How often and how long servers are asked.
    progress : callable, optional
        Called in this thread with the number of files done and the number of all.

    Returns
    -------
    DownloadReport
        A file that failed is in it with the reason, and raises nothing.

    Raises
    ------
    DownloadError
        If an argument is out of range, the folder cannot be used, or another download runs in it.
    CatalogueError
        If there is nothing to sample from.
    KeyboardInterrupt
        After the tables were written and the threads ended; the same call goes on.

    Examples
    --------
    >>> sample = hw.Sample(fraction=0.15)
    >>> report = download("butterfly_anomaly_train.csv", "images", sample=sample)  # doctest: +SKIP
    >>> report.complete  # doctest: +SKIP
    True
    """
    catalogue, out = as_catalogue(catalogue), Path(out)
    base = None if base_url is None else checked_base(base_url)
    stop = Stop()
    chosen = catalogue.select(sample.rows(catalogue))
    files = plan(chosen, by=by, base=base)
    folder = DownloadFolder(out)
    downsizer = None if downsize is None else Downsizer(out, downsize)
    begun = stop.monotonic()
    transfer = Transfer(Hosts(politeness, stop), politeness, stop)
    with folder.locked(), contextlib.closing(transfer), _table_errors(out):
        manifest = Manifest(out)
        fetcher = FileFetcher(folder, manifest, transfer, stop, politeness.attempts, verify, downsizer)
        done = {wanted.row: FileResult(wanted, reason=wanted.problem) for wanted in files if wanted.problem}

        def fetch(wanted: Wanted) -> None:
            if not stop.is_set:
                done[wanted.row] = result = fetcher.fetch(wanted)
                if result.entry is not None:
                    manifest.entries[wanted.path] = result.entry

        try:
            with _threads(politeness.jobs, stop) as threads:
                asked = [threads.submit(fetch, wanted) for wanted in files if not wanted.problem]
                # Counted here: `done` may already hold files whose end has not come round.
                for count, ended in enumerate(as_completed(asked), start=len(files) - len(asked) + 1):
                    ended.result()  # raises what went wrong in the thread
                    if progress is not None:
                        progress(count, len(files))
        finally:
            results = [done.get(wanted.row, FileResult(wanted, reason=f"not tried: {stop.reason}")) for wanted in files]
            rows = _write_tables(chosen, out, manifest, results)
    return DownloadReport(
        out=out,
        fetched=tuple(result.wanted.path for result in results if result.entry and result.fetched),
        already_there=tuple(result.wanted.path for result in results if result.entry and not result.fetched),
        failed=tuple(_missing(result) for result in results if result.reason),
        manifest=out / MANIFEST,
        missing=out / MISSING,
        catalogue=rows,
        requests=transfer.requests,
        bytes_received=transfer.bytes_received,
        seconds=stop.monotonic() - begun,
    )


@contextlib.contextmanager
def _threads(jobs: int, stop: Stop) -> Iterator[ThreadPoolExecutor]:
    """Threads that begin no new file after an error or an interrupt ends the block."""
    threads = ThreadPoolExecutor(jobs, thread_name_prefix="download")
    try:
        yield threads
    finally:
        stop.set("interrupted")
        threads.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _table_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DownloadError(f"{out}: its tables cannot be written: {error.strerror or error}") from error


def _write_tables(chosen: Catalogue, out: Path, manifest: Manifest, results: Sequence[FileResult]) -> Path | None:
    """Write what is there and what is missing; returns the catalogue of what is there."""
    there = {result.wanted.row: result.wanted.path for result in results if result.entry}
    manifest.write({result.wanted.path for result in results} - set(there.values()))
    failed = (_missing(result) for result in results if result.reason)
    write_rows(out / MISSING, ("path", "url", "reason"), ((file.path, file.url, file.reason) for file in failed))
    return write_catalogue_rows(chosen, there, out / CATALOGUE)


def _missing(result: FileResult) -> MissingFile:
    return MissingFile(one_line(result.wanted.path), one_line(result.wanted.source), result.reason, result.wanted.row)

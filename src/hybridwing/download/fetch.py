"""Fetch the photographs of a catalogue."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal

from hybridwing.csv_files import write_rows
from hybridwing.download.catalogue_rows import write_catalogue_rows
from hybridwing.download.connection import user_agent
from hybridwing.download.downsample import Downsizer
from hybridwing.download.errors import DownloadError, one_line
from hybridwing.download.fetch_file import FileFetcher, FileResult
from hybridwing.download.folder import CATALOGUE, MANIFEST, MISSING, DownloadFolder
from hybridwing.download.manifest import Manifest
from hybridwing.download.plan import chosen_rows, plan
from hybridwing.download.rate import Hosts, NetworkLimits, Stop
from hybridwing.download.report import DownloadReport, MissingFile
from hybridwing.download.transfer import Transfer
from hybridwing.download.urls import checked_base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.download.plan import Wanted
    from hybridwing.download.rate import Clock

#: Seconds between two looks for a Ctrl-C, which on Windows does not end a wait.
_POLL = 0.5


def download(
    catalogue: Catalogue,
    out: Path | str,
    *,
    fraction: float | None = None,
    limit: int | None = None,
    by: str | None = None,
    downsize: int | None = None,
    jobs: int = 4,
    rate: float = 60.0,
    verify: Literal["md5", "none"] = "md5",
    base_url: str | None = None,
    seed: int = 42,
    max_bytes: int = 200_000_000,
    contact: str = "",
    licence: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    limits: NetworkLimits | None = None,
    clock: Clock | None = None,
) -> DownloadReport:
    """Fetch the photographs of a catalogue into a folder.

    A file under its final name is always whole: it is received under another name, checked, and renamed. Files that
    are there and right are not asked for again, and unfinished ones are continued. So the same call completes a
    download that failed, was interrupted or was killed.

    Parameters
    ----------
    catalogue : Catalogue
    out : Path
        Folder, made if need be. It also gets ``manifest.csv`` (path, bytes, md5, sha256, url, licence),
        ``missing.csv`` (path, url, reason) and ``catalogue.csv`` (the catalogue's rows that are there).
    fraction : float in (0, 1], optional
        Fetch this share of every subspecies and cross, at least one image of each.
    limit : int, at least 1, optional
        Fetch this number of images, drawn in the same way.
    by : {"hybrid_stat", "subspecies", "record", "group", "side", "split"}, optional
        Sort the files into sub-folders by this column.
    downsize : int, at least 1, optional
        Also write copies with this short side in pixels, into ``OUT_downsized``.
    jobs : int, at least 1
        Files fetched at a time.
    rate : float, above 0
        Requests a minute and host, whatever `jobs` is.
    verify : {"md5", "none"}
        ``"md5"`` compares each file with the catalogue's digest (where it has none: with what was first received), also
        the files that are there already. ``"none"`` trusts the size and time of files that are there.
    base_url : str, optional
        Address of a mirror. It replaces scheme and host of each address, and its path comes before the address's own.
        A row without an address is asked for by its file name.
    seed : int, at least 0
        For the sample and the back-off.
    max_bytes : int, at least 1
        A larger file is refused.
    contact : str
        Your e-mail or web address, told to the server in the ``User-Agent``.
    licence : str, optional
        Written to the manifest for every file; by default what is known of the challenge's files.
    progress : callable, optional
        Called in this thread with the number of files done and the number of all.
    limits : NetworkLimits, optional
        Every other bound; its `rate`, `burst` and `max_bytes` are replaced by the arguments above.
    clock : Clock, optional
        For tests.

    Returns
    -------
    DownloadReport
        A file that failed is in it with the reason, and raises nothing.

    Raises
    ------
    DownloadError
        If an argument is out of range, the folder cannot be used, or another download runs in it.
    CatalogueError
        If there is nothing to sample from, or `fraction` or `seed` is out of range.
    KeyboardInterrupt
        After the tables were written and the threads ended; the same call goes on.

    Examples
    --------
    >>> table = hw.read_catalogue("butterfly_anomaly_train.csv")  # doctest: +SKIP
    >>> report = download(table, "images", fraction=0.15)  # doctest: +SKIP
    >>> report.complete  # doctest: +SKIP
    True
    """
    out = Path(out)
    _check(jobs, rate, verify, max_bytes, seed)
    bounds = replace(limits or NetworkLimits(), rate=rate, burst=jobs, max_bytes=max_bytes)
    base = None if base_url is None else checked_base(base_url)
    stop = Stop()
    clock = clock or stop
    hosts = Hosts(bounds, clock, stop, seed)
    agent = user_agent(contact)
    chosen = catalogue.select(chosen_rows(catalogue, fraction, limit, seed))
    files = plan(chosen, by=by, base=base, licence=licence)
    folder = DownloadFolder(out)
    downsizer = None if downsize is None else Downsizer(out, downsize)
    begun = clock.monotonic()
    with folder.locked(), contextlib.closing(Transfer(agent, hosts, bounds, stop)) as transfer, _table_errors(out):
        manifest = Manifest(out)
        fetcher = FileFetcher(folder, manifest, transfer, hosts, bounds, clock, stop, verify == "md5", downsizer)
        done = {wanted.row: FileResult(wanted, reason=wanted.problem) for wanted in files if wanted.problem}

        def fetch_group(group: Sequence[Wanted]) -> None:
            for result in () if stop.is_set else fetcher.fetch_group(group):
                done[result.wanted.row] = result
                if result.entry is not None:
                    manifest.add(result.entry)

        try:
            with _threads(jobs, stop, transfer) as threads:
                ended: SimpleQueue[Future[None]] = SimpleQueue()
                groups = _groups(files)
                for group in groups:
                    threads.submit(fetch_group, group).add_done_callback(ended.put)
                for _ in groups:
                    _next(ended).result()  # raises what went wrong in the thread
                    if progress is not None:
                        progress(len(done), len(files))
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
        downsized=downsizer.folder if downsizer else None,
        requests=transfer.requests,
        bytes_received=transfer.bytes_received,
        seconds=clock.monotonic() - begun,
    )


@contextlib.contextmanager
def _threads(jobs: int, stop: Stop, transfer: Transfer) -> Iterator[ThreadPoolExecutor]:
    """Threads that end soon, whatever happens: no file is begun any more, and no socket keeps them waiting."""
    threads = ThreadPoolExecutor(jobs, thread_name_prefix="download")
    try:
        yield threads
    finally:
        stop.set("interrupted")
        transfer.interrupt()
        threads.shutdown(wait=True, cancel_futures=True)


def _next(ended: SimpleQueue[Future[None]]) -> Future[None]:
    while True:
        with contextlib.suppress(Empty):
            return ended.get(timeout=_POLL)


@contextlib.contextmanager
def _table_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DownloadError(f"{out}: its tables cannot be written: {error.strerror or error}") from error


def _check(jobs: int, rate: float, verify: str, max_bytes: int, seed: int) -> None:
    if jobs < 1:
        raise DownloadError(f"The number of files fetched at a time (jobs, --jobs) must be at least 1; got {jobs}.")
    if not 0 < rate < float("inf"):
        raise DownloadError(f"The requests a minute (rate, --rate) must be more than 0; got {rate}.")
    if verify not in ("md5", "none"):
        raise DownloadError(f"What to verify (verify, --verify) must be 'md5' or 'none'; got {verify!r}.")
    if max_bytes < 1:
        raise DownloadError(f"The largest size of a file (max_bytes, --max-bytes) must be at least 1; got {max_bytes}.")
    if seed < 0:
        raise DownloadError(f"The seed must not be negative; got {seed}.")


def _groups(files: Iterable[Wanted]) -> list[list[Wanted]]:
    """Files that one request brings, in the order of the catalogue."""
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for wanted in files:
        if not wanted.problem:
            groups.setdefault((wanted.address, wanted.md5), []).append(wanted)
    return list(groups.values())


def _write_tables(chosen: Catalogue, out: Path, manifest: Manifest, results: Sequence[FileResult]) -> Path | None:
    """Write what is there and what is missing; returns the catalogue of what is there."""
    there = {result.wanted.row: result.wanted.path for result in results if result.entry}
    manifest.close({result.wanted.path for result in results} - set(there.values()))
    failed = (_missing(result) for result in results if result.reason)
    write_rows(out / MISSING, ("path", "url", "reason"), ((file.path, file.url, file.reason) for file in failed))
    return write_catalogue_rows(chosen, there, out / CATALOGUE)


def _missing(result: FileResult) -> MissingFile:
    return MissingFile(one_line(result.wanted.path), one_line(result.wanted.source), result.reason, result.wanted.row)

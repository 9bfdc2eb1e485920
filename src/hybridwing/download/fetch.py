"""Fetch the photographs of a catalogue."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import httpx

from hybridwing.csv_files import write_rows
from hybridwing.download.agent import user_agent
from hybridwing.download.backoff import Backoff
from hybridwing.download.downsample import Downsizer
from hybridwing.download.faults import DownloadError
from hybridwing.download.folder import CATALOGUE, MANIFEST, MISSING, DownloadFolder
from hybridwing.download.halt import Halt
from hybridwing.download.ledger import Ledger
from hybridwing.download.limits import Gates, Limits, SystemClock
from hybridwing.download.plan import chosen_rows, plan
from hybridwing.download.report import DownloadReport, MissingFile
from hybridwing.download.settle import Outcome, Settler
from hybridwing.download.sources import checked_base
from hybridwing.download.subset import write_subset
from hybridwing.download.transfer import Transfer
from hybridwing.download.workers import outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.download.limits import Clock
    from hybridwing.download.plan import Wanted

_ACCEPT = "image/*, application/octet-stream;q=0.9, */*;q=0.1"


def download(
    catalogue: Catalogue,
    out: Path,
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
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> DownloadReport:
    """Fetch the photographs of a catalogue into a folder.

    A file under its final name is always whole: it is received under another, checked, and renamed. What is there and
    right is not asked for again, what is unfinished is continued, so a download that failed, was interrupted or was
    killed is mended by the same call.

    Parameters
    ----------
    catalogue : Catalogue
    out : Path
        Folder, made if need be. It also gets ``manifest.csv`` (path, bytes, md5, sha256, url, licence),
        ``missing.csv`` (path, url, reason) and ``catalogue.csv`` (the catalogue's rows that are there).
    fraction : float in (0, 1], optional
        Fetch this share of every subspecies and cross, at least one image of each.
    limit : int, at least 1, optional
        Fetch this number of images, drawn alike.
    by : {"hybrid_stat", "subspecies", "record", "group", "side", "split"}, optional
        Sort the files into sub-folders by this column.
    downsize : int, at least 1, optional
        Also write copies with this short side in pixels, into ``OUT_downsized``.
    jobs : int, at least 1
        Files fetched at a time.
    rate : float, above 0
        Requests a minute and host, whatever `jobs` is.
    verify : {"md5", "none"}
        ``"md5"`` holds each file against the catalogue's digest (where it has none: against what was first received),
        and reads the files that are there again. ``"none"`` trusts size and time of files that are there.
    base_url : str, optional
        Address of a mirror: takes the place of scheme and host, its path is put before the address's own. A row
        without an address is asked for by its file name.
    seed : int, at least 0
        Of the sample and the back-off.
    max_bytes : int, at least 1
        A larger file is refused.
    contact : str
        Your e-mail or web address, told to the server in the ``User-Agent``.
    licence : str, optional
        Noted for every file; by default what is known of the challenge's files.
    progress : callable, optional
        Called in this thread with the number of files done and of all.
    limits : Limits, optional
        Every other bound; `rate`, `max_bytes` and `jobs` are put into it.
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
        After the tables were written and the threads told to end; the same call goes on.
    """
    _check(jobs, rate, verify, max_bytes, seed)
    bounds = replace(limits or Limits(), rate=rate, burst=jobs, max_bytes=max_bytes)
    base = None if base_url is None else checked_base(base_url)
    headers = {"User-Agent": user_agent(contact), "Accept": _ACCEPT, "Accept-Encoding": "identity"}
    chosen = catalogue.select(chosen_rows(catalogue, fraction, limit, seed))
    files = plan(chosen, by=by, base=base, licence=licence)
    folder = DownloadFolder(out)
    downsizer = None if downsize is None else Downsizer(out, downsize)
    halt = Halt()
    time = clock or SystemClock(halt)
    begun = time.monotonic()
    with folder.locked(), _client(headers, bounds, jobs) as client, _disk_faults(out):
        gates = Gates(bounds, time, halt)
        transfer = Transfer(client, gates, bounds, time, halt)
        ledger = Ledger(out)
        backoff = Backoff(bounds, seed)
        settler = Settler(folder, ledger, transfer, gates, backoff, bounds, time, halt, verify == "md5", downsizer)
        settled = {wanted.row: Outcome(wanted, reason=wanted.problem) for wanted in files if wanted.problem}
        groups = _groups(wanted for wanted in files if not wanted.problem)

        def keep(outcome: Outcome) -> None:
            settled[outcome.wanted.row] = outcome
            if outcome.entry is not None:
                ledger.record(outcome.entry)

        try:
            with contextlib.closing(outcomes(groups, settler.settle, jobs=jobs, halt=halt, late=keep)) as coming:
                for outcome in coming:
                    keep(outcome)
                    if progress is not None:
                        progress(len(settled), len(files))
        finally:
            results = [settled.get(wanted.row, Outcome(wanted, reason=f"not tried: {halt.reason}")) for wanted in files]
            kept = _write_tables(chosen, out, ledger, results)
    return DownloadReport(
        out=out,
        fetched=tuple(result.wanted.path for result in results if result.entry and result.fetched),
        already_there=tuple(result.wanted.path for result in results if result.entry and not result.fetched),
        failed=tuple(_missing(result) for result in results if result.reason),
        manifest=out / MANIFEST,
        missing=out / MISSING,
        catalogue=kept,
        downsized=downsizer.folder if downsizer else None,
        requests=transfer.requests,
        bytes_received=transfer.bytes_received,
        seconds=time.monotonic() - begun,
    )


@contextlib.contextmanager
def _disk_faults(out: Path) -> Iterator[None]:
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


def _client(headers: Mapping[str, str], limits: Limits, jobs: int) -> httpx.Client:
    return httpx.Client(
        headers=dict(headers),
        follow_redirects=False,  # each is judged, and takes its turn at the host
        timeout=httpx.Timeout(limits.read, connect=limits.connect),
        limits=httpx.Limits(max_connections=jobs, max_keepalive_connections=jobs),
    )


def _groups(files: Iterable[Wanted]) -> list[list[Wanted]]:
    """Files that one request brings, in the order of the catalogue."""
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for wanted in files:
        groups.setdefault((wanted.address, wanted.md5), []).append(wanted)
    return list(groups.values())


def _write_tables(chosen: Catalogue, out: Path, ledger: Ledger, results: Sequence[Outcome]) -> Path | None:
    """Write what is there and what is not; returns the catalogue of what is there."""
    there = {result.wanted.row: result.wanted.path for result in results if result.entry}
    ledger.close({result.wanted.path for result in results} - set(there.values()))
    failed = (_missing(result) for result in results if result.reason)
    write_rows(out / MISSING, ("path", "url", "reason"), ((file.path, file.url, file.reason) for file in failed))
    return write_subset(chosen, there, out / CATALOGUE)


def _missing(result: Outcome) -> MissingFile:
    return MissingFile(result.wanted.path, result.wanted.source, result.reason, result.wanted.row)

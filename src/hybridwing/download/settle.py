"""Bring one file to where it belongs: found whole, copied, or fetched and checked."""

from __future__ import annotations

import logging
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.download.digests import Digests, digests_of
from hybridwing.download.faults import (
    DiskError,
    FileProblem,
    RefusedError,
    SuspectError,
    TransientError,
    disk_problem,
)
from hybridwing.download.folder import make_durable
from hybridwing.download.ledger import Entry
from hybridwing.download.sources import host_of
from hybridwing.errors import ImageError
from hybridwing.images.decode import read_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hybridwing.download.backoff import Backoff
    from hybridwing.download.downsample import Downsizer
    from hybridwing.download.folder import DownloadFolder
    from hybridwing.download.halt import Halt
    from hybridwing.download.ledger import Ledger
    from hybridwing.download.limits import Clock, Gates, Limits
    from hybridwing.download.partial import Part
    from hybridwing.download.plan import Wanted
    from hybridwing.download.transfer import Transfer

#: A JPEG is decoded at an eighth of its size to be checked: all its data are read, few of its pixels computed.
_CHECKED_SIDE = 64
#: Times that a server may send something that is not the file.
_SUSPICIONS = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    wanted : Wanted
    entry : Entry or None
        What is there; None if it is not.
    fetched : bool
        Whether it came in this download.
    reason : str
        What failed; empty if nothing did.
    """

    wanted: Wanted
    entry: Entry | None = None
    fetched: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Settler:
    """All that is needed to settle files, shared by the threads.

    Attributes
    ----------
    folder, ledger, transfer, gates, backoff, limits, clock, halt
        Of this download.
    verify : bool
        Whether the catalogue's digests are checked, and files that are there read again.
    downsizer : Downsizer or None
    """

    folder: DownloadFolder
    ledger: Ledger
    transfer: Transfer
    gates: Gates
    backoff: Backoff
    limits: Limits
    clock: Clock
    halt: Halt
    verify: bool
    downsizer: Downsizer | None

    def settle(self, group: Sequence[Wanted]) -> Iterator[Outcome]:
        """Settle files that are the same at the same address, with one request at most if all goes well.

        Parameters
        ----------
        group : sequence of Wanted
            Same `address`, same `md5`.

        Yields
        ------
        Outcome
            One a file, in any order.
        """
        donor: Entry | None = None
        absent: list[tuple[Wanted, Path]] = []
        for wanted in group:
            try:
                self.halt.check()
                place = self.folder.make_parent(wanted.path)
                entry = self._present(wanted, place)
            except FileProblem as problem:
                yield self._failed(wanted, problem)
                continue
            if entry is None:
                absent.append((wanted, place))
            else:
                donor = donor or entry
                yield self._finished(wanted, entry, fetched=False)
        failure: FileProblem | None = None
        for wanted, place in absent:
            if failure is not None:
                yield self._failed(wanted, failure)
                continue
            try:
                entry = self._copied(wanted, place, donor) if donor else self._fetched(wanted, place)
            except FileProblem as problem:
                failure = problem
                yield self._failed(wanted, problem)
            else:
                donor = entry
                yield self._finished(wanted, entry, fetched=True)

    def _failed(self, wanted: Wanted, problem: FileProblem) -> Outcome:
        if isinstance(problem, DiskError):
            self.halt.now(problem.reason)
        return Outcome(wanted, reason=problem.reason)

    def _finished(self, wanted: Wanted, entry: Entry, *, fetched: bool) -> Outcome:
        reason = ""
        if self.downsizer is not None:
            try:
                self.downsizer.make(wanted.path, self.folder.place(wanted.path))
            except FileProblem as problem:
                reason = self._failed(wanted, problem).reason
        return Outcome(wanted, entry, fetched, reason)

    def _digest(self, wanted: Wanted) -> str:
        """Digest that the catalogue gives, where it is to be checked."""
        return wanted.md5 if self.verify else ""

    def _present(self, wanted: Wanted, place: Path) -> Entry | None:
        """Entry of a file that is there and right."""
        try:
            status = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise disk_problem(error) from error
        if not stat.S_ISREG(status.st_mode):
            return None  # a link: the photograph takes its place, and what it leads to is not touched
        known = self.ledger.get(wanted.path)
        if known and known.url != wanted.source:
            if not self._digest(wanted):
                return None  # it came from another address, and nothing says that it is the same
            known = None
        if not self.verify and known and (known.bytes, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return known
        try:
            digests = digests_of(place)
        except OSError as error:
            raise RefusedError(f"cannot be read: {error.strerror or error}") from error
        expected = self._digest(wanted) or (known.md5 if known and self.verify else "")
        if expected and expected != digests.md5:
            _log.info("%s: md5 is %s and should be %s; fetching it again", place, digests.md5, expected)
            return None
        if not expected and not _is_image(place):
            return None
        return _entry(wanted, digests, status.st_mtime_ns)

    def _copied(self, wanted: Wanted, place: Path, donor: Entry) -> Entry:
        """Copy of a file that came from the same address."""
        part = self.folder.part(wanted.path)
        try:
            part.discard()
            shutil.copyfile(self.folder.place(donor.path), part.path)
            digests = digests_of(part.path)
        except OSError as error:
            raise disk_problem(error) from error
        if digests.md5 != donor.md5:
            raise RefusedError(f"the same photograph, {donor.path}, changed while it was copied")
        return self._placed(wanted, place, part, digests)

    def _fetched(self, wanted: Wanted, place: Path) -> Entry:
        gate = self.gates.of(wanted.address)
        if gate.given_up:
            files = self.limits.give_up_after
            raise RefusedError(f"not tried: {host_of(wanted.address)} failed for {files} files in a row")
        part = self.folder.part(wanted.path)
        failures = suspicions = 0
        while True:
            try:
                digests = self._received(wanted, part)
            except SuspectError as problem:
                gate.answered()
                suspicions += 1
                if suspicions >= _SUSPICIONS:
                    raise RefusedError(f"{problem.reason}; asked {suspicions} times") from problem
                self.clock.sleep(self.backoff.seconds(suspicions))
            except TransientError as problem:
                failures += 1
                if failures >= self.limits.attempts:
                    gate.failed()
                    raise RefusedError(f"{problem.reason}; given up after {failures} requests") from problem
                self._wait(problem, failures)
            else:
                gate.answered()
                return self._placed(wanted, place, part, digests)

    def _wait(self, problem: TransientError, failures: int) -> None:
        _log.info("%s; asking again", problem.reason)
        if problem.busy:
            gate = self.gates.of(problem.busy)
            in_a_row = gate.throttled()
            gate.pause(self.backoff.seconds(in_a_row) if problem.wait is None else problem.wait)
        else:
            self.clock.sleep(self.backoff.seconds(failures))

    def _received(self, wanted: Wanted, part: Part) -> Digests:
        """Receive a file, and see whether it is the one."""
        self.halt.check()
        expected = self._digest(wanted)
        if not part.is_whole(wanted.address, checked=bool(expected)):
            self.transfer.receive(wanted.address, part, checked=bool(expected))
        try:
            digests = digests_of(part.path)
        except OSError as error:
            raise disk_problem(error) from error
        if expected and digests.md5 != expected:
            part.discard()
            raise SuspectError(f"wrong content: md5 is {digests.md5}, the catalogue says {expected}")
        try:
            read_rgb(part.path, short_side=_CHECKED_SIDE)
        except ImageError as error:
            if expected and error.stage == "decode":
                # Byte for byte what the catalogue describes: that the original is damaged is not the transfer's affair.
                _log.warning("%s is as the catalogue describes it, but %s", wanted.path, error.reason)
                return digests
            part.discard()
            kind = RefusedError if expected else SuspectError
            raise kind(f"not a whole image: {error.reason}") from error
        return digests

    def _placed(self, wanted: Wanted, place: Path, part: Part, digests: Digests) -> Entry:
        """Give a checked file its name."""
        try:
            make_durable(part.path)
            part.path.replace(place)
            make_durable(place.parent)
            part.forget()
            return _entry(wanted, digests, place.stat().st_mtime_ns)
        except OSError as error:
            raise disk_problem(error) from error


def _entry(wanted: Wanted, digests: Digests, mtime_ns: int) -> Entry:
    return Entry(wanted.path, digests.bytes, digests.md5, digests.sha256, wanted.source, wanted.licence, mtime_ns)


def _is_image(path: Path) -> bool:
    try:
        read_rgb(path, short_side=_CHECKED_SIDE)
    except ImageError:
        return False
    return True

"""Run a Python program that nobody has read: with limits, without a network, and without a way to change other files.

What holds depends on the system, and :class:`Protection` says for every run what did:

- Linux: memory, time, processes, output and disk are watched from outside. Network, mounts, processes and users are in
  namespaces of their own and changes to files go through Landlock, each where the kernel grants it, with and without
  root. Files may still be *read* wherever the caller may; without a network nothing read can leave.
- macOS: time, output, processes of the group and memory (by ``ps``) are watched. The network and other files are
  kept from Python code only; code in C and other programs could reach them.
- Windows: time, output and the process tree are watched; the network and files as on macOS; memory is not watched.
"""

from __future__ import annotations

import json
import os
import site
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.submission.sandbox.captured import Captured
from hybridwing.submission.sandbox.outcome import Ending, Limits, Outcome, Protection
from hybridwing.submission.sandbox.processes import can_watch, descendants, kill_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Limits", "Outcome", "Protection", "read_plain", "run_python"]

_HERE = Path(__file__).parent
#: Seconds between two looks at a running program, and between two at its folders.
_LOOK, _LOOK_AT_DISK = 0.05, 1.0
_LOG = "guard.log"
#: Ask the kernel for its guards; off to see what holds where it grants none.
_KERNEL_GUARDS = True


def run_python(
    program: Path,
    arguments: Sequence[str] = (),
    *,
    folder: Path,
    writable: Sequence[Path] = (),
    limits: Limits | None = None,
    network: bool = False,
    python: Path | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a Python program and wait for its end, which comes at the latest with a limit.

    Its standard input is closed and its environment holds what a Python needs, `environment`, and a home and a
    temporary folder of its own within `folder`. All processes it started are ended with it.

    Parameters
    ----------
    program : pathlib.Path
    arguments : sequence of str
    folder : pathlib.Path
        A folder of its own, there already: what it may write. Give a fresh one; what is in it afterwards comes from a
        program nobody trusts, so read it with :func:`read_plain`.
    writable : sequence of pathlib.Path
        Further folders it may write in.
    limits : Limits, optional
    network : bool
        Let it use the network.
    python : pathlib.Path, optional
        Interpreter (3.8 or newer); this one by default.
    cwd : pathlib.Path, optional
        Working directory, `folder` by default.
    environment : mapping, optional
        Further environment variables.
    """
    limits = limits or Limits()
    folders = [folder.resolve(), *(extra.resolve() for extra in writable)]
    own = Path(tempfile.mkdtemp(prefix="sandbox-", dir=folders[0]))
    for name in ("home", "tmp"):
        (own / name).mkdir()
    policy = {"log": str(own / _LOG), "writable": [str(f) for f in folders], "network": network}
    interpreter = str((python or Path(sys.executable)).absolute())
    guarded = [interpreter, "-B", str(_HERE / "guard.py"), json.dumps(policy), str(program.resolve()), *arguments]
    clean = {**_clean_environment(own), **(environment or {})}
    run = _Run(guarded, folders, str((cwd or folders[0]).resolve()), clean, limits, network=network)
    run.watch()
    noted = _noted(own / _LOG)
    return Outcome(
        ended=run.ended(),
        exit_code=run.exit_code,
        output=run.captured.tail(),
        printed=run.captured.total,
        seconds=run.seconds,
        peak_memory=run.peak,
        network=tuple(line.removeprefix("network ") for line in noted if line.startswith("network ")),
        writes=tuple(line.removeprefix("write ") for line in noted if line.startswith("write ")),
        protection=Protection(run.kernel, network, can_watch()),
    )


class _Run:
    """One program while it runs."""

    def __init__(
        self,
        command: list[str],
        folders: list[Path],
        cwd: str,
        environment: dict[str, str],
        limits: Limits,
        *,
        network: bool,
    ) -> None:
        self.limits = limits
        self.folders = folders
        self.stopped: Ending | None = None
        self.peak = 0
        self.kernel: frozenset[str] = frozenset()
        self.begun = time.monotonic()
        self.seconds = 0.0
        self.exit_code = 0
        self._report: int | None = None
        self._disk_before = _used(folders)
        self._next_disk = self.begun + _LOOK_AT_DISK
        if os.name == "nt":
            self.process = self._start(command, cwd=cwd, env=environment)
        else:
            self._report, theirs = os.pipe()
            cpu = limits.cpu_seconds or 2 * limits.seconds * (os.cpu_count() or 1)
            settings = {
                "command": command,
                "cwd": cwd,
                "environment": environment,
                "writable": [str(folder) for folder in folders],
                "network": network,
                "guards": _KERNEL_GUARDS,
                "report": theirs,
                # A second bound should memory grow faster than it is looked at; reserved space does not count in it.
                "limits": {"file": limits.file_bytes, "cpu": cpu + 1, "data": 2 * limits.memory + 2**30},
            }
            launcher = [sys.executable, "-I", str(_HERE / "confine.py"), json.dumps(settings)]
            try:
                self.process = self._start(
                    launcher, cwd="/", env=environment, pass_fds=(theirs,), start_new_session=True
                )
            finally:
                os.close(theirs)
        assert self.process.stdout is not None
        self.captured = Captured(self.process.stdout, limits.output_bytes)

    @staticmethod
    def _start(command: list[str], **settings: object) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        # The command is ours; what it runs is nobody's, which is what this module is for.
        return subprocess.Popen(command, **streams, **settings)  # type: ignore[call-overload, no-any-return]  # noqa: S603

    def watch(self) -> None:
        """Wait for the end, or bring it about."""
        try:
            while self.process.poll() is None:
                self.stopped = self._exceeded()
                if self.stopped:
                    break
                time.sleep(_LOOK)
        finally:
            # Also when all went well, or the user pressed Ctrl-C: nothing that it started goes on.
            kill_tree(self.process)
            self.seconds = time.monotonic() - self.begun
            self.captured.finish()
            if self._report is not None:
                self._read_report(self._report)
        self.exit_code = self.process.returncode if self.process.returncode >= 0 else 128 - self.process.returncode

    def _exceeded(self) -> Ending | None:
        now = time.monotonic()
        tree = descendants(self.process.pid)
        self.peak = max(self.peak, tree.resident)
        if now >= self._next_disk:
            self._next_disk = now + _LOOK_AT_DISK
            if _used(self.folders) - self._disk_before > self.limits.disk_bytes:
                return "disk"
        tests: tuple[tuple[Ending, bool], ...] = (
            ("memory", tree.resident > self.limits.memory),
            ("output", self.captured.total > self.limits.output_bytes),
            ("processes", len(tree.pids) > self.limits.processes),
            ("timeout", now - self.begun > self.limits.seconds),
        )
        return next((ending for ending, over in tests if over), None)

    def _read_report(self, report: int) -> None:
        os.set_blocking(report, False)
        with os.fdopen(report, "rb") as file:
            text = file.read(4096) or b"[]"
        self.kernel = frozenset(json.loads(text))

    def ended(self) -> Ending:
        """What ended it."""
        if self.stopped or self.exit_code == 0:
            return self.stopped or "ok"
        last = self.captured.tail().rstrip().rpartition("\n")[2]
        # What the second bound, or a machine with less memory than the limit, makes of a Python program.
        return "memory" if "MemoryError" in last.partition(":")[0] else "crash"


def read_plain(path: Path, limit: int = 2**24) -> bytes | None:
    """First `limit` bytes of a file that an untrusted program left; None if it is not a plain file.

    Links are not followed and a pipe is not waited for: both would let the program choose what is read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            return file.read(limit) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None


def _noted(log: Path) -> list[str]:
    return (read_plain(log) or b"").decode(errors="replace").splitlines()


def _clean_environment(own: Path) -> dict[str, str]:
    """What a Python needs of its environment, and nothing else: no keys, no addresses, no names."""
    kept = ("PATH", "SYSTEMROOT", "WINDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    home, temporary = str(own / "home"), str(own / "tmp")
    environment.update(dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), home))
    environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary))
    # Packages that were installed for this user alone are found by the home that is no longer there.
    environment.update(PYTHONUSERBASE=site.getuserbase(), PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1")
    environment.update(PYTHONIOENCODING="utf-8:backslashreplace", LANG="C.UTF-8", LC_ALL="C.UTF-8")
    return environment


def _used(folders: Sequence[Path]) -> int:
    """Bytes that plain files below the folders take."""
    total = 0
    for folder in folders:
        for above, _, names in os.walk(folder):
            for name in names:
                try:
                    state = os.lstat(os.path.join(above, name))  # noqa: PTH118 - once a second over many files
                except OSError:
                    continue
                # A file with holes takes less than its size says.
                total += min(state.st_size, getattr(state, "st_blocks", state.st_size) * 512)
    return total

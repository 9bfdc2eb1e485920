"""Run a Python program that nobody has read: in bubblewrap, with limits, and without a network.

Where bubblewrap cannot be had, a program is run only if the caller says that it is trusted. The limits then hold as
far as the program stays in its process tree; it can read, change and send whatever the caller can.
"""

from __future__ import annotations

import contextlib
import os
import site
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hybridwing.errors import SubmissionError
from hybridwing.submission.sandbox.bubblewrap import INSTALL, Access, bubblewrap_command, why_no_sandbox
from hybridwing.submission.sandbox.interpreter import Interpreter, running_interpreter
from hybridwing.submission.sandbox.left_behind import temporary_folder
from hybridwing.submission.sandbox.printed_output import PrintedOutput
from hybridwing.submission.sandbox.process_tree import ProcessTree
from hybridwing.submission.sandbox.seccomp import seccomp_filter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GIB = 2**30
#: Seconds between two looks at a running program.
_LOOK = 0.05
#: Threads and processes of one user, against a flood between two looks.
_THREADS = 4096
SANDBOXED = "bubblewrap: it had no network and saw no files but its own"
NETWORKED = "bubblewrap: it had the network and saw no files but its own"
PLAIN = "no sandbox: it could read, change and send whatever you can"


@dataclass(frozen=True)
class ResourceLimits:
    """What a program and all its processes may use."""

    seconds: float = 60.0  # Wall-clock time
    # Bytes of resident memory, summed over all processes. Reserved address space does not count: torch reserves tens
    # of gigabytes
    memory: int = 8 * _GIB
    file_bytes: int = _GIB  # Size of a file that it writes. Not on Windows
    # Bytes written to disk, whether or not the files are still there. Not on macOS, which does not count them
    disk_bytes: int = 2 * _GIB
    output_bytes: int = 16 * 2**20  # Printed on standard output and error together
    processes: int = 128  # At one time


#: How a program ended, see `ProgramResult`.
Ending = Literal["ok", "crash", "timeout", "memory", "output", "disk", "processes"]


@dataclass(frozen=True)
class ProgramResult:
    """How a program ended."""

    # ``"ok"``: exit code 0. ``"crash"``: another exit code, or a signal. Otherwise the limit that stopped it
    ending: Ending
    exit_code: int  # 128 + n for signal n
    output: str  # Last part of what it printed, standard output and error together
    printed: int  # Bytes it printed
    seconds: float  # Wall-clock time
    peak_memory: int  # Largest number of bytes that its processes were seen to hold together
    protection: str  # What kept it from the rest of the machine, in a sentence

    def reason(self, limits: ResourceLimits) -> str:
        """Why it ended, as words that follow its name: "was stopped after 60 s"."""
        signal_number = self.exit_code - 128
        crash = (
            f"was ended by signal {signal_number}" if signal_number > 0 else f"ended with exit code {self.exit_code}"
        )
        return {
            "ok": "ended by itself",
            "crash": crash,
            "timeout": f"was stopped after {limits.seconds:g} s",
            "memory": f"was stopped at {limits.memory / 2**20:,.0f} MB of memory",
            "output": f"was stopped after printing {limits.output_bytes / 2**20:,.3g} MB",
            "disk": f"was stopped after writing {limits.disk_bytes / 2**20:,.0f} MB",
            "processes": f"was stopped at more than {limits.processes} processes",
        }[self.ending]


def check_sandbox(*, trusted: bool) -> None:
    """Refuse to run a program without a sandbox unless it is trusted.

    Raises SubmissionError if there is no sandbox here, with the two ways out.
    """
    why = why_no_sandbox()
    if why and not trusted:
        raise SubmissionError(
            f"{why}, so the submission would run with all your rights; {INSTALL}, or pass --trust (trust=True), which "
            "lets it read, change and send whatever you can"
        )


def run_program(
    program: Path,
    arguments: Sequence[str] = (),
    *,
    folder: Path,
    access: Access,
    limits: ResourceLimits,
    interpreter: Interpreter | None = None,
    environment: Mapping[str, str] | None = None,
    trusted: bool = False,
) -> ProgramResult:
    """Run a Python program, and wait until it ends or reaches a limit.

    The program is shown together with the folder that it lies in. It may read `folder`, its working directory, and what
    `access` allows. Its standard input is closed. Its environment holds what a Python needs, and `environment`. Its
    home and its temporary folder are new and are removed afterwards. All its processes are ended with it. The
    `interpreter`, by default this process's, is Python 3.8 or newer.

    Raises SubmissionError if there is no sandbox here and the program is not `trusted` to run without one.
    """
    check_sandbox(trusted=trusted)
    interpreter = interpreter or running_interpreter()
    program, folder = program.resolve(), folder.resolve()
    shown = [interpreter.python, *interpreter.folders, program.parent, folder]
    command = [*_limited(limits), str(interpreter.python), str(program), *arguments]
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(temporary_folder("hybridwing-sandbox-"))
        for name in ("tmp", "shm"):
            (scratch / name).mkdir()
        home = scratch if trusted else Path("/")
        clean = _environment(interpreter, home, environment or {})
        start: dict[str, object] = {"env": clean, "cwd": str(folder), "start_new_session": True}
        if not trusted:
            (scratch / "filter").write_bytes(seccomp_filter())
            filter_fd = stack.enter_context((scratch / "filter").open("rb")).fileno()
            resolved = Access(
                [*shown, *(path.resolve() for path in access.readable)],
                [path.resolve() for path in access.writable],
                [path.resolve() for path in access.hidden],
                access.network,
            )
            options = bubblewrap_command(resolved, scratch=scratch, cwd=folder, seccomp_fd=filter_fd)
            command = [*options, *command]
            start.update(cwd="/", pass_fds=(filter_fd,))
        protection = PLAIN if trusted else NETWORKED if access.network else SANDBOXED
        return _watch(command, start, limits, protection)


def _watch(command: list[str], start: dict[str, object], limits: ResourceLimits, protection: str) -> ProgramResult:
    """Start a command, and wait for its end or end it at a limit."""
    begun = time.monotonic()
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # The command is ours; what it runs is nobody's, which is what this module is for.
    process = subprocess.Popen(command, **streams, **start)  # type: ignore[call-overload]  # noqa: S603
    printed = PrintedOutput(process.stdout, limits.output_bytes)
    tree = ProcessTree(process.pid)
    stopped: Ending | None = None
    peak = 0
    try:
        while process.poll() is None and stopped is None:
            tree.look()
            peak = max(peak, tree.memory)
            tests: tuple[tuple[Ending, bool], ...] = (
                ("memory", tree.memory > limits.memory),
                ("output", printed.total > limits.output_bytes),
                ("disk", tree.written > limits.disk_bytes),
                ("processes", tree.processes > limits.processes),
                ("timeout", time.monotonic() - begun > limits.seconds),
            )
            stopped = next((ending for ending, over in tests if over), None)
            if stopped is None:
                time.sleep(_LOOK)
    finally:
        # Also when all went well, or the user pressed Ctrl-C: nothing that it started goes on.
        tree.kill()
        process.wait()
        seconds = time.monotonic() - begun
        printed.finish()
    exit_code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    if stopped is None and exit_code:
        # Python says so where the second bound on memory, or the machine itself, had no more to give.
        last = printed.tail().rstrip().rpartition("\n")[2]
        stopped = "memory" if "MemoryError" in last.partition(":")[0] else "crash"
    return ProgramResult(stopped or "ok", exit_code, printed.tail(), printed.total, seconds, peak, protection)


def _limited(limits: ResourceLimits) -> list[str]:
    """The command prefix that sets the kernel's limits for each process of a program. They cannot be raised again."""
    if os.name == "nt":
        return []
    cpu = 2 * limits.seconds * (os.cpu_count() or 1)  # twice what the machine has in that time
    # A bound on private memory should it grow faster than it is looked at; shared and reserved space does not count.
    kilobytes = (2 * limits.memory + 2**30) // 1024
    sets = f"ulimit -c 0; ulimit -f {limits.file_bytes // 512}; ulimit -t {int(cpu) + 1}; ulimit -d {kilobytes}"
    # Not every system takes every limit: macOS has none on private memory. Shells name that on processes -u or -p.
    script = f'{{ {sets}; ulimit -u {_THREADS} || ulimit -p {_THREADS}; }} 2>/dev/null; exec "$@"'
    return ["/bin/sh", "-c", script, "sh"]


def _environment(interpreter: Interpreter, home: Path, further: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that a Python needs, and no others."""
    kept = ("SYSTEMROOT", "WINDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    temporary = str(home / "tmp")
    environment.update(dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), temporary))
    environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary))
    system = os.environ.get("PATH", "") if os.name == "nt" else "/usr/local/bin:/usr/bin:/bin"
    environment.update(USER="user", LOGNAME="user", PATH=f"{interpreter.python.parent}{os.pathsep}{system}")
    environment.update(PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1")
    environment.update(PYTHONIOENCODING="utf-8:backslashreplace", LANG="C.UTF-8", LC_ALL="C.UTF-8")
    # Packages that were installed for this user alone are found by the home that the program does not have.
    environment["PYTHONUSERBASE"] = site.getuserbase()
    return {**environment, **further}

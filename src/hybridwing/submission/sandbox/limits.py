"""What a sandboxed program may use."""

from __future__ import annotations

from dataclasses import dataclass

_GIB = 2**30


@dataclass(frozen=True)
class ResourceLimits:
    """What a program and all its processes may use.

    Parameters
    ----------
    seconds : float
        Wall-clock time.
    memory : int
        Bytes of resident memory, summed over all processes. Reserved address space does not count: torch reserves tens
        of gigabytes.
    cpu_seconds : float, optional
        Processor time of each process; by default twice what the machine has in `seconds`. Not on Windows.
    file_bytes : int
        Size of a file that it writes. Not on Windows.
    disk_bytes : int
        Bytes written to disk, whether or not the files are still there. Not on macOS, which does not count them.
    output_bytes : int
        Printed on standard output and error together.
    processes : int
        At one time.
    """

    seconds: float = 60.0
    memory: int = 8 * _GIB
    cpu_seconds: float | None = None
    file_bytes: int = _GIB
    disk_bytes: int = 2 * _GIB
    output_bytes: int = 16 * 2**20
    processes: int = 128

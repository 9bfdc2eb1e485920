"""Where a model computes, in which number format, and how many pictures at a time.

The precision ``"auto"`` is what the device does well: ``"bf16"`` on CUDA devices that have it (compute capability 8 and
later), ``"fp16"`` on older ones, ``"fp32"`` on processors and on Apple's (without hardware for it, bf16 on a processor
is several times slower than fp32). Half precision means autocast: weights stay in fp32, products are computed in half.

The batch size is estimated from the memory that is free and from what one picture is seen to need; see
`batch_for`.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from .errors import EncoderError

PRECISIONS = ("auto", "fp32", "bf16", "fp16")

#: Most pictures a batch: on a processor more gain nothing, on a GPU nothing that can be measured.
MOST_ON_CPU, MOST_ON_GPU = 32, 256
#: Share of the free memory that a batch may take; on a processor decoding needs its part too.
_SHARE_ON_CPU, _SHARE_ON_GPU = 0.25, 0.5
#: Assumed where the memory cannot be asked for, in bytes.
_UNKNOWN_MEMORY = 2 << 30
_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_MEMINFO = Path("/proc/meminfo")

#: How torch says that there is no memory left, where it raises a plain RuntimeError: its allocators, and the libraries
#: that allocate beside them.
_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def pick_device(device: str) -> str:
    """Best device that is there, for ``"auto"``; anything else is passed on."""
    if device != "auto":
        return device
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pick_precision(precision: str, device: Any) -> str:
    """Precision that a torch device computes in, never ``"auto"``.

    Raises EncoderError for an unknown precision, and for one that the device does not have.
    """
    if precision not in PRECISIONS:
        raise EncoderError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}")
    if device.type == "cuda":
        import torch

        # Asked by capability: torch's own question says yes for emulation too. ROCm counts its versions otherwise.
        has_bf16 = bool(torch.version.hip) or torch.cuda.get_device_capability(device)[0] >= 8
        if precision == "bf16" and not has_bf16:
            raise EncoderError(f"the device {str(device)!r} does not compute in bf16; use fp16 or fp32")
        return ("bf16" if has_bf16 else "fp16") if precision == "auto" else precision
    if precision == "fp16" and device.type == "cpu":
        raise EncoderError("the device 'cpu' does not compute in fp16; use fp32")
    return "fp32" if precision == "auto" else precision


def autocast(precision: str, device: Any) -> Any:
    """Context in which a model computes in `precision`."""
    import torch

    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype={"bf16": torch.bfloat16, "fp16": torch.float16}[precision])


def batch_for(bytes_a_picture: int, device: Any) -> int:
    """Pictures a forward pass: a power of two that fits a share of the free memory, up to 32 on a processor, else 256.

    `bytes_a_picture` is what one picture is estimated to need while it is computed.
    """
    on_cpu = device.type == "cpu"
    share, most = (_SHARE_ON_CPU, MOST_ON_CPU) if on_cpu else (_SHARE_ON_GPU, MOST_ON_GPU)
    fitting = int(free_memory(device) * share / max(bytes_a_picture, 1))
    return 1 << (max(1, min(fitting, most)).bit_length() - 1)


def free_memory(device: Any) -> int:
    """Bytes that are free on a device; of a processor, what this process may still take."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    found = [size for size in (_free_in_system(), _free_in_cgroup()) if size is not None]
    return min(found) if found else _UNKNOWN_MEMORY


def _free_in_system() -> int | None:
    """What Linux says is available; elsewhere half of the memory that is built in; None where that is not told."""
    try:
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):  # Windows has no such question
        return None


def _free_in_cgroup() -> int | None:
    """What a container or a job scheduler leaves to this process (control groups, version 2); None without a limit.

    The limit may lie on the process's own group or on any above it: Slurm's, for example, on that of the job or step.
    """
    found = [size for group in _cgroups() if (size := _free_in(group)) is not None]
    return min(found, default=None)


def _cgroups() -> list[Path]:
    """Folders of the control groups of this process, from the root to its own."""
    try:
        lines = _OWN_CGROUP.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    # Version 2 has one line, without names of controllers: 0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0
    own = next((line[3:] for line in lines if line.startswith("0::")), "/")
    parts = [part for part in own.split("/") if part]
    if ".." in parts:  # outside of what this namespace shows
        parts = []
    return [_CGROUP.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]


def _free_in(group: Path) -> int | None:
    """What a control group may still take; None where it has no limit."""
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        lines = (group / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, ValueError, IndexError):
        return None
    return max(0, limit - used + cached)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch raised this because a device's memory, or the machine's, is full."""
    return type(error).__name__ == "OutOfMemoryError" or any(said in str(error) for said in _OUT_OF_MEMORY)

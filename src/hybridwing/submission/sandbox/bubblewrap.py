"""The command that runs a program in a bubblewrap sandbox (github.com/containers/bubblewrap)."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.submission.sandbox import seccomp

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = "install bubblewrap (Debian and Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
#: Libraries and programs of the system, and where the loader finds them; all without secrets.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"),
    "/sys/devices/system",  # torch counts the processors there
)
#: What installing from an index needs besides.
_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/pki", "/etc/pip.conf")
_GRAPHICS = ("dri", "kfd", "nvidia*")


@dataclass(frozen=True)
class Access:
    """What a program may see, change and reach."""

    # Files and folders that it may read, and folders that it may change. What is in these afterwards comes from a
    # program that nobody trusts: read it with `hybridwing.submission.sandbox.left_behind`
    readable: Sequence[Path] = ()
    writable: Sequence[Path] = ()
    hidden: Sequence[Path] = ()  # What it may not see even if it lies within these
    network: bool = False  # Let it use the network


@functools.lru_cache(maxsize=1)
def why_no_sandbox() -> str:
    """Why programs cannot be run in bubblewrap here; empty where they can."""
    command = shutil.which("bwrap")
    if sys.platform != "linux" or command is None:
        return "bubblewrap is not installed" if sys.platform == "linux" else "bubblewrap runs on Linux only"
    if not seccomp.is_known():
        return "the sandbox knows x86-64 and 64-bit ARM processors only"
    tried = subprocess.run(  # noqa: S603 - found on the path, with options of ours
        [command, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"bubblewrap cannot start here ({tried.stderr.strip()[:200]})" if tried.returncode else ""


def bubblewrap_command(access: Access, *, scratch: Path, cwd: Path, seccomp_fd: int) -> list[str]:
    """The words that come before a program to run it in a sandbox.

    The program sees the system's libraries and what `access` shows, each under its own path, an empty ``/tmp`` and
    ``/run``, and processes of its own. It has no privileges, and cannot change anything but what is writable and
    ``/tmp``. Paths that are writable or hidden must hold no link.

    `scratch` is a folder with ``tmp`` and ``shm``, which stand for ``/tmp`` and ``/dev/shm``: they are on disk, so that
    memory cannot be taken there. The filter of `hybridwing.submission.sandbox.seccomp` is read from `seccomp_fd`.
    """
    words = ["bwrap", "--unshare-all", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
    words += ["--share-net"] if access.network else []
    words += ["--seccomp", str(seccomp_fd), "--chdir", str(cwd)]
    words += ["--bind", str(scratch / "tmp"), "/tmp", "--proc", "/proc", "--dev", "/dev"]  # noqa: S108
    words += ["--bind", str(scratch / "shm"), "/dev/shm", "--dir", "/run"]  # noqa: S108
    for pattern in _GRAPHICS:
        words += [word for device in Path("/dev").glob(pattern) for word in ("--dev-bind", str(device), str(device))]
    system = [Path(place) for place in (*_SYSTEM, *(_NETWORK if access.network else ()))]
    libraries = [Path(place) for place in os.environ.get("LD_LIBRARY_PATH", "").split(":") if place.startswith("/")]
    shown = [*system, *libraries, *access.readable]
    words += _mounts(shown, access.writable)
    visible = {place.resolve() for place in (*shown, *access.writable)}
    for path in access.hidden:
        if visible.isdisjoint((path, *path.parents)):
            continue
        words += (
            ["--tmpfs", str(path), "--remount-ro", str(path)]
            if path.is_dir()
            else ["--ro-bind", "/dev/null", str(path)]
        )
    # A superuser's program may write to files in /proc/sys without any privilege; the rest are folders in memory.
    for place in ("/proc", "/dev", "/"):
        words += ["--remount-ro", place]
    return [*words, "--"]


def _mounts(readable: Sequence[Path], writable: Sequence[Path]) -> list[str]:
    """Options of bubblewrap that show files and folders, and the links that lead to them."""
    links: dict[Path, str] = {}
    places = {place for path in readable for place in [_follow(path, links)] if place.exists()}
    outer = {place for place in places if not any(above in places for above in place.parents)}
    words = []
    for place in sorted(outer):
        words += ["--ro-bind", str(place), str(place)]
    for link, target in links.items():
        if not any(above in outer for above in link.parents):
            words += ["--symlink", target, str(link)]
    for place in sorted(writable):
        words += ["--bind", str(place), str(place)]
    return words


def _follow(path: Path, links: dict[Path, str]) -> Path:
    """Resolve a path, and note every link on the way with its target."""
    place = Path(path.anchor)
    for part in path.parts[1:]:
        place = place / part
        if place.is_symlink() and len(links) < 1000:
            links[place] = str(place.readlink())
            place = _follow(Path(os.path.normpath(place.parent / place.readlink())), links)
    return place

"""The parent of a program nobody trusts: takes away what it may not have, starts it, and sees that nothing outlives it.

Run as ``python -I confine.py SETTINGS`` (JSON); imports the standard library alone. On Linux it enters namespaces of
its own (users, mounts, network, processes, IPC) and a Landlock domain, each where the kernel grants it, and writes what
it got to the file descriptor ``report``. On other systems it sets resource limits only.

The layers overlap on purpose: the mounts keep ``chmod`` and ``utime`` off files outside, which Landlock does not;
Landlock keeps the superuser off device files and mounts, which read-only mounts do not.
"""
# ruff: noqa: PTH112, PTH123, PTH208
# Little is imported: this is started once for every program.

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
import time

_NEW_NS, _NEW_IPC, _NEW_USER, _NEW_PID, _NEW_NET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS, _CHILD_SUBREAPER = 1, 24, 38, 36
# These calls have the same numbers on every architecture (they are newer than the common table, Linux 5.1).
_MOUNT_SETATTR, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 442, 444, 445, 446
_AT_FDCWD, _AT_RECURSIVE, _ATTR_RDONLY = -100, 0x8000, 1
#: Landlock rights that change something, by the ABI version that brought them (linux/landlock.h).
_CHANGES = {1: 0x1FF2, 2: 1 << 13, 3: 1 << 14}
_DEVICES = ("null", "zero", "full", "random", "urandom", "shm", "dri", "kfd")
#: As Docker sets it up, and so Codabench.
_SHARED_MEMORY = "size=64m,mode=1777"


def main() -> int:
    """Start the program that the settings name and give its exit status (128 + n for signal n, as a shell does)."""
    settings = json.loads(sys.argv[1])
    report = settings["report"]
    os.set_inheritable(report, False)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    held = _enter_namespaces(libc, settings) if libc and settings["guards"] else set()
    if libc:
        libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
    # The first process of a process namespace: when it ends, the kernel ends all others in it.
    init = os.fork()
    if init == 0:
        _run(lambda: _init(libc, settings, held))
    os.close(report)
    status = _wait_for(init)
    if libc:
        _end_the_rest()
    return status


def _run(step: object) -> None:
    """Run a step in a forked child and never come back from it."""
    code = 127
    try:
        code = step()  # type: ignore[operator]
    except BaseException as error:  # a fork must not run its parent's code, whatever happens
        sys.stderr.write(f"the sandbox could not start the program: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def _init(libc: ctypes.CDLL | None, settings: dict, held: set) -> int:  # type: ignore[type-arg]
    if libc:
        libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if "processes" in held:
            _mount(libc, "proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC | _MS_RDONLY)
        _drop_capabilities(libc)
        if settings["guards"] and _landlock(libc, settings["writable"], set_network=not settings["network"]):
            held.add("landlock")
    os.write(settings["report"], json.dumps(sorted(held)).encode())
    os.close(settings["report"])
    program = os.fork()
    if program == 0:
        _run(lambda: _become(settings))
    return _wait_for(program)


def _become(settings: dict) -> int:  # type: ignore[type-arg]
    os.chdir(settings["cwd"])
    with contextlib.suppress(ImportError):
        _set_limits(settings["limits"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    return os.execve(settings["command"][0], settings["command"], settings["environment"])  # noqa: S606


def _set_limits(limits: dict) -> None:  # type: ignore[type-arg]
    import resource

    wanted = {"file": "RLIMIT_FSIZE", "cpu": "RLIMIT_CPU", "data": "RLIMIT_DATA"}
    for name, key in wanted.items():
        if limits.get(name) is not None and hasattr(resource, key):
            # Not every system takes every limit (macOS has RLIMIT_DATA and does not heed it).
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, key), (int(limits[name]), int(limits[name])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _wait_for(child: int) -> int:
    """Wait for one child, collecting others that are handed over; its status as a shell gives it."""
    while True:
        try:
            pid, status = os.wait()
        except InterruptedError:
            continue
        if pid == child:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _end_the_rest() -> None:
    """Where there is no process namespace: end what is left, all of which is handed over to this process in time."""
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    os.kill(int(entry), signal.SIGKILL)
        time.sleep(0.01)


def _enter_namespaces(libc: ctypes.CDLL, settings: dict) -> set:  # type: ignore[type-arg]
    """Enter what the kernel grants; the names of what was got."""
    network = 0 if settings["network"] else _NEW_NET
    uid, gid = os.getuid(), os.getgid()
    for users in (_NEW_USER, 0):  # the superuser of a container may be refused the first and granted the second
        for rest in (_NEW_NS | _NEW_PID | _NEW_IPC | network, network):
            if not rest or libc.unshare(users | rest) != 0:
                continue
            if users:
                _map_user(uid, gid)
            held = {"network"} if network else set()
            if rest & _NEW_PID:
                held.add("processes")
            if rest & _NEW_NS and _seal_mounts(libc, settings):
                held.add("mounts")
            return held
    return set()


def _map_user(uid: int, gid: int) -> None:
    """Keep our own numbers within the new user namespace, and no others."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str | None, flags: int, options: str = "") -> bool:
    texts = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    return bool(libc.mount(*texts, ctypes.c_ulong(flags), options.encode() or None) == 0)


def _seal_mounts(libc: ctypes.CDLL, settings: dict) -> bool:  # type: ignore[type-arg]
    """Make everything read-only but the folders named; hide the sockets of the system's services."""
    writable = settings["writable"]
    if not _mount(libc, "none", "/", None, _MS_REC | _MS_PRIVATE):
        return False
    for folder in writable:
        _mount(libc, folder, folder, None, _MS_BIND)
    sealed = _set_read_only(libc, "/", _AT_RECURSIVE, read_only=True)
    for folder in writable:
        _set_read_only(libc, folder, 0, read_only=False)
    used = [os.path.realpath(path) for path in (*settings["command"], *writable, settings["cwd"], sys.prefix)]
    covers = (
        ("/dev/shm", 0, _SHARED_MEMORY),  # noqa: S108
        # A container engine's socket there would be a way out for those who may use it.
        (os.path.realpath("/run"), _MS_RDONLY, "size=4k"),
    )
    for place, flags, options in covers:
        if not any(path.startswith(f"{place}/") for path in used):
            _mount(libc, "tmpfs", place, "tmpfs", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC | flags, options)
    return sealed


def _set_read_only(libc: ctypes.CDLL, path: str, flags: int, *, read_only: bool) -> bool:
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    wanted = (_ATTR_RDONLY, 0) if read_only else (0, _ATTR_RDONLY)
    attributes = (ctypes.c_uint64 * 4)(*wanted, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    call = (ctypes.c_long(_MOUNT_SETATTR), _AT_FDCWD, os.fsencode(path), flags, ctypes.byref(attributes), size)
    return bool(libc.syscall(*call) == 0)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up every privilege, also those that a superuser would get back by starting a program."""
    for number in range(64):
        if libc.prctl(_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break
    # struct __user_cap_header_struct (version 3, this process), then three empty sets of 64 bits
    libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)


def _landlock(libc: ctypes.CDLL, writable: list, *, set_network: bool) -> bool:  # type: ignore[type-arg]
    """Allow changes below `writable` and to a few devices only; without a network, no TCP either."""
    version = libc.syscall(ctypes.c_long(_LANDLOCK_CREATE), None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    changes = sum(rights for since, rights in _CHANGES.items() if version >= since)
    # struct landlock_ruleset_attr: handled_access_fs, handled_access_net, scoped (abstract sockets, signals)
    fields = [changes, 3 if set_network else 0, 3][: 3 if version >= 6 else 2 if version >= 4 else 1]
    ruleset = (ctypes.c_uint64 * len(fields))(*fields)
    size = ctypes.c_size_t(ctypes.sizeof(ruleset))
    rules = libc.syscall(ctypes.c_long(_LANDLOCK_CREATE), ctypes.byref(ruleset), size, 0)
    if rules < 0:
        return False
    with contextlib.suppress(OSError):
        names = [name for name in os.listdir("/dev") if name in _DEVICES or name.startswith("nvidia")]
        writable = [*writable, *(f"/dev/{name}" for name in names)]
    for path in writable:
        _allow(libc, rules, path, changes)
    sealed = libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT), rules, 0) == 0
    os.close(rules)
    return bool(sealed)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    if not os.path.isdir(path):
        rights &= 0x4002  # write and truncate: all that a file can be given
    try:
        parent = os.open(path, getattr(os, "O_PATH", 0))
    except OSError:
        return
    # struct landlock_path_beneath_attr, which is packed: allowed_access, parent_fd
    rule = struct.pack("=Qi", rights, parent)
    libc.syscall(ctypes.c_long(_LANDLOCK_ADD), rules, 1, rule, 0)
    os.close(parent)


if __name__ == "__main__":
    sys.exit(main())

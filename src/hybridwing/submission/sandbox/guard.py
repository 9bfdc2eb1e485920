"""Runs a program with an ear at what it does: asking for the network and writing elsewhere are noted and refused.

Run as ``python guard.py POLICY PROGRAM ARGUMENT…``, by the interpreter the program wants (Python 3.8 or newer); imports
the standard library alone. It listens by an audit hook (PEP 578), which a program cannot take away. That catches what
Python does; code in C and other programs are kept in by the operating system, where that can (see ``confine``).
"""
# ruff: noqa: PTH100, PTH117, PTH120
# Little is imported: it would be there before the program asks for it.

from __future__ import annotations

import os
import sys

#: Lines of the log: enough to tell, whatever a program repeats.
_LINES = 200
_NETWORK = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0}
_NETWORK.update({"socket.gethostbyname": 0, "socket.gethostbyaddr": 0})
#: Events by the places of the paths that they change.
_CHANGES = {"os.remove": (0,), "os.rename": (0, 1), "os.mkdir": (0,), "os.rmdir": (0,), "os.link": (1,)}
_CHANGES.update({"os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,)})
_HERE = ("localhost", "127.0.0.1", "::1", "")


def _as_text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, (str, bytes, os.PathLike)) else str(value)


def install(policy: dict) -> None:  # type: ignore[type-arg]
    """Listen from now on, for the rest of this process.

    Parameters
    ----------
    policy : dict
        ``log``: file to note in; ``writable``: folders; ``network``: whether it is allowed.
    """
    log = os.open(policy["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    roots = tuple(os.path.realpath(folder) for folder in (*policy["writable"], "/dev/null", "/dev/shm"))  # noqa: S108
    noted: set[str] = set()
    flags_that_write = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def note(kind: str, what: str) -> None:
        line = f"{kind} {what}".encode("unicode_escape").decode()[:500]
        if line not in noted and len(noted) < _LINES:
            noted.add(line)
            os.write(log, line.encode() + b"\n")

    def inside(path: object) -> bool:
        if isinstance(path, int):
            return True
        real = os.path.realpath(_as_text(path))
        return any(real == root or real.startswith(root + os.sep) for root in roots)

    def refuse_network(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
        target = arguments[_NETWORK[event]]
        if isinstance(target, tuple):
            host, where = str(target[0]), ":".join(map(str, target[:2]))
        elif event.startswith("socket.get"):
            host = _as_text(target) if target is not None else ""
            where = f"{host}:{arguments[1]}" if event == "socket.getaddrinfo" and arguments[1] else host
        else:  # a socket in the file system, as processes of one program use among themselves
            if target is None or inside(target):
                return
            host = where = _as_text(target)
        if host not in _HERE:
            note("network", where)
            raise OSError(101, "Network is unreachable: there is none here")

    def refuse_write(path: object) -> None:
        if not inside(path):
            note("write", _as_text(path))
            raise PermissionError(13, "Permission denied: outside the submission's own folder", _as_text(path))

    def hook(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
        if event == "open":
            path, mode, flags = arguments
            asked = isinstance(flags, int) and flags & flags_that_write
            if (asked or (isinstance(mode, str) and set(mode) & set("wax+"))) and path is not None:
                refuse_write(path)
        elif event in _CHANGES:
            # A name below an open folder says nothing of where that is; the system's own guards know.
            below = event != "os.truncate" and isinstance(arguments[-1], int) and arguments[-1] >= 0
            for place in _CHANGES[event]:
                if not (below and not os.path.isabs(_as_text(arguments[place]))):
                    refuse_write(arguments[place])
        elif event in _NETWORK and not policy["network"]:
            refuse_network(event, arguments)

    sys.addaudithook(hook)


def main() -> None:
    """Install the guard, then run the program as if it had been started itself."""
    import json
    import runpy

    policy, program = json.loads(sys.argv[1]), sys.argv[2]
    sys.argv = sys.argv[2:]
    # What Python puts there for a script: its own folder, not this one's.
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    install(policy)
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()

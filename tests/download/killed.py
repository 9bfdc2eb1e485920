"""Runs one download after another and kills each at a later moment: ``killed.py CATALOGUE BASE LAST``.

Each is a fork of this process, which dies by SIGKILL just before it opens, renames, makes or removes the n-th file or
connects; n counts up in twos until a download ends by itself. After each, a line is written and one is awaited.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.download.fetch import download
from hybridwing.download.hosts import Politeness

AT_ONCE = Politeness(rate=1e6, jobs=1)
EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.link", "shutil.copyfile", "socket.connect"})


def attempt(catalogue: object, out: Path, moment: int) -> None:
    seen = 0

    def count(event: str, args: tuple[object, ...]) -> None:
        nonlocal seen
        if event in EVENTS:
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    download(catalogue, out, politeness=AT_ONCE)  # type: ignore[arg-type]


def main() -> None:
    catalogue, base = read_catalogue(Path(sys.argv[1])), Path(sys.argv[2])
    # Whatever is imported late is imported now: files of the interpreter are not what is counted.
    download(catalogue, base / "warm", politeness=AT_ONCE)
    print("warm", flush=True)
    sys.stdin.readline()
    moment, died = -1, True
    while died:
        moment += 2
        child = os.fork()
        if child == 0:
            attempt(catalogue, base / str(moment), moment)
            os._exit(0)
        died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        print(f"{moment} {'died' if died else 'ended'}", flush=True)
        sys.stdin.readline()


main()

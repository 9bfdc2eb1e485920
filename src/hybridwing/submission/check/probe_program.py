"""Runs within the sandbox: imports a submission as the ingestion program does, loads it, and asks it for scores.

Started as ``python probe_program.py SETTINGS`` (JSON) by the interpreter that has the submission's packages (Python
3.8 or newer), from a folder of its own. Imports the standard library, and Pillow as the ingestion program does. Writes
a line of JSON for every step to a file, begun and ended, so that what was under way when a limit struck is known.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import traceback
from functools import partial
from typing import Any, Callable  # noqa: UP035 - Python 3.8 too

_LONGEST = 500
_MOST_ADDRESSES = 20
_HERE = ("localhost", "127.0.0.1", "::1", "", "None")


class Steps:
    """The file of steps, a line of JSON each."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, **values: object) -> None:
        """Add a line."""
        os.write(self._file, json.dumps(values).encode() + b"\n")

    def take(self, step: str, action: Callable[[], Any], **values: object) -> Any:
        """Do something and write how long it took, or what it raised; its result, or None."""
        self.write(step=step, begun=True, **values)
        begun = time.perf_counter()
        try:
            result = action()
        except BaseException as error:  # SystemExit too: the run would end there
            self.write(step=step, ok=False, seconds=time.perf_counter() - begun, **values, **_described(error))
            return None
        self.write(step=step, ok=True, seconds=time.perf_counter() - begun, **values, **_written(step, result))
        return result


def _described(error: BaseException) -> dict:  # type: ignore[type-arg]
    folder = os.environ["PROBED"]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(folder)]
    place = f"{os.path.relpath(frames[-1].filename, folder)}:{frames[-1].lineno}" if frames else ""
    text = f"{type(error).__name__}: {error}".strip()[:_LONGEST]
    missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    return {"error": text, "place": place, "missing": missing}


def _written(step: str, result: object) -> dict:  # type: ignore[type-arg]
    """What the ingestion program would write for a score: it takes ``str(round(score, 4))``."""
    if step != "predict":
        return {}
    kind = type(result)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    found = {"type": name, "written": "", "raw": ""}
    try:
        found["written"] = str(round(result, 4))[:100]  # type: ignore[call-overload]
        found["raw"] = repr(float(result))  # type: ignore[arg-type]
    except BaseException as error:
        found["fault"] = f"{type(error).__name__}: {error}"[:_LONGEST]
    return found


def note_network(steps: Steps) -> None:
    """Note which addresses Python code asks for from now on; the sandbox refuses them."""
    noted: set[str] = set()

    def hook(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[-1]
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            address = arguments[: 2 if event == "socket.getaddrinfo" else 1]
        else:
            return
        if isinstance(address, tuple) and address and len(noted) < _MOST_ADDRESSES:
            host = address[0].decode(errors="replace") if isinstance(address[0], bytes) else str(address[0])
            text = ":".join([host, *map(str, address[1:2])])[:_LONGEST]
            if host not in _HERE and text not in noted:
                noted.add(text)
                steps.write(step="network", address=text)

    sys.addaudithook(hook)


def main() -> None:
    """Take the steps that the settings name."""
    settings = json.loads(sys.argv[1])
    steps = Steps(settings["steps"])
    note_network(steps)
    folder = os.environ["PROBED"] = settings["submission"]
    sys.path.append(folder)  # last, as the ingestion program does it
    absent = [name for name in settings["packages"] if not _found(name)]
    versions = {name: _version(name) for name in settings["pinned"]}
    steps.write(step="packages", ok=not absent, absent=absent, versions=versions, python=sys.version.split()[0])
    if absent:
        return
    from PIL import Image

    model_class = steps.take("import", lambda: __import__("model", fromlist=["Model"]).Model)
    model = steps.take("make", model_class) if model_class is not None else None
    if model is None or steps.take("load", lambda: (model.load(), True)) is None:
        return
    steps.write(step="device", device=str(getattr(model, "device", "")))
    for number, path in enumerate(settings["images"]):
        try:
            image = Image.open(path)
        except Exception:  # noqa: S112 - the ingestion program leaves such a file out
            continue
        steps.take("predict", partial(model.predict, image), image=number)
    steps.write(step="end", ok=True)


def _found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _version(name: str) -> str:
    try:
        from importlib.metadata import version

        return version(name)
    except Exception:  # whatever a broken installation raises
        return ""


if __name__ == "__main__":
    main()

"""Run a submission in the sandbox, on pictures made for it, and say what the challenge would see."""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridwing.submission.check.probe_images import ProbeImage, write_probe_images
from hybridwing.submission.sandbox.sandbox import read_plain, run_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hybridwing.submission.package.archive import Submission
    from hybridwing.submission.sandbox.outcome import Limits, Outcome

_PROGRAM = Path(__file__).with_name("probe_program.py")


@dataclass(frozen=True)
class Step:
    """One thing the submission was asked to do.

    Parameters
    ----------
    name : str
        ``"import"``, ``"make"``, ``"load"`` or ``"predict"``.
    image : ProbeImage or None
        What it was to predict.
    ok : bool
        Whether it came back without an error.
    seconds : float
    error, place : str
        What it raised, and where in the submission.
    missing : str
        Module that could not be imported.
    kind, written, raw, fault : str
        Of a score: its type, what the ingestion program writes, its value in full, and what rounding it raised.
    """

    name: str
    image: ProbeImage | None
    ok: bool
    seconds: float
    error: str = ""
    place: str = ""
    missing: str = ""
    kind: str = ""
    written: str = ""
    raw: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Probe:
    """What came of running a submission.

    Parameters
    ----------
    outcome : Outcome
    limits : Limits
    python : str
        Version of the interpreter.
    absent : tuple of str
        Packages that the code imports and that are not there, for want of which nothing was run.
    versions : dict
        Installed version of every pinned package.
    steps : tuple of Step
        Those that ended.
    begun : str
        The step that was under way at the end, empty if none was.
    device : str
        What the model says it runs on.
    changed : tuple of str
        Files of its own folder that it wrote, changed or removed.
    """

    outcome: Outcome
    limits: Limits
    python: str
    absent: tuple[str, ...]
    versions: dict[str, str]
    steps: tuple[Step, ...]
    begun: str
    device: str
    changed: tuple[str, ...]

    def step(self, name: str) -> Step | None:
        """The first step of a name, if it came to an end."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def predictions(self) -> tuple[Step, ...]:
        """The steps that asked for a score."""
        return tuple(step for step in self.steps if step.name == "predict")


def run_probe(
    submission: Submission,
    packages: Sequence[str],
    pinned: Sequence[str],
    limits: Limits,
    python: Path | None = None,
) -> Probe:
    """Unpack a submission into a temporary folder and run it there.

    Parameters
    ----------
    submission : Submission
        With ``model.py`` at its root.
    packages : sequence of str
        Modules it needs; if one is absent nothing is run.
    pinned : sequence of str
        Packages whose installed versions are wanted.
    limits : Limits
    python : pathlib.Path, optional
        Interpreter to run it with; this one by default.
    """
    with _temporary_folder() as folder:
        program = folder / "program"
        program.mkdir()
        # A folder of its own: what lies beside a program can be imported by it.
        shutil.copyfile(_PROGRAM, program / "probe.py")
        (folder / "images").mkdir()
        images = write_probe_images(folder / "images")
        submitted = folder / "submission"
        submission.unpack(submitted)
        before = _state(submitted)
        settings = {
            "submission": str(submitted),
            "steps": str(folder / "steps"),
            "images": [str(folder / "images" / image.file) for image in images],
            "packages": list(packages),
            "pinned": list(pinned),
        }
        outcome = run_python(
            program / "probe.py", [json.dumps(settings)], folder=folder, limits=limits, python=python, cwd=program
        )
        after = _state(submitted)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return _read(folder / "steps", outcome, limits, images, tuple(changed))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder that is removed even if what ran in it took away its own permissions."""
    folder = Path(tempfile.mkdtemp(prefix="hybridwing-check-")).resolve()
    try:
        yield folder
    finally:
        waiting = [folder]
        for above in waiting:  # grows while it is walked
            above.chmod(stat.S_IRWXU)
            waiting += [path for path in above.iterdir() if path.is_dir() and not path.is_symlink()]
        shutil.rmtree(folder, ignore_errors=True)


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of everything below a folder; no link is followed."""
    found = {}
    waiting = [folder]
    for above in waiting:  # grows while it is walked
        try:
            entries = list(above.iterdir())
        except OSError:
            continue
        for path in entries:
            state = path.lstat()
            if stat.S_ISDIR(state.st_mode):
                waiting.append(path)
            else:
                found[str(path.relative_to(folder))] = (state.st_size, state.st_mtime_ns)
    return found


def _read(
    path: Path, outcome: Outcome, limits: Limits, images: tuple[ProbeImage, ...], changed: tuple[str, ...]
) -> Probe:
    """Put together what was noted; the submission may have written there too, so nothing is taken for granted."""
    lines = []
    for text in (read_plain(path) or b"").decode(errors="replace").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict):
            lines.append(line)
    packages = next((line for line in lines if line.get("step") == "packages"), {})
    versions = packages.get("versions")
    absent = packages.get("absent")
    last = lines[-1] if lines else {"step": "start", "begun": True}
    return Probe(
        outcome,
        limits,
        python=_text(packages, "python"),
        absent=tuple(map(str, absent)) if isinstance(absent, list) else (),
        versions={str(k): str(v) for k, v in versions.items()} if isinstance(versions, dict) else {},
        steps=tuple(_step(line, images) for line in lines if "seconds" in line),
        begun=_text(last, "step") if last.get("begun") else "",
        device=next((_text(line, "device") for line in lines if line.get("step") == "device"), ""),
        changed=changed,
    )


def _step(line: dict[str, Any], images: tuple[ProbeImage, ...]) -> Step:
    number, seconds = line.get("image"), line.get("seconds")
    return Step(
        name=_text(line, "step"),
        image=images[number] if isinstance(number, int) and 0 <= number < len(images) else None,
        ok=line.get("ok") is True,
        seconds=float(seconds) if isinstance(seconds, (int, float)) else 0.0,
        error=_text(line, "error"),
        place=_text(line, "place"),
        missing=_text(line, "missing"),
        kind=_text(line, "type"),
        written=_text(line, "written"),
        raw=_text(line, "raw"),
        fault=_text(line, "fault"),
    )


def _text(line: dict[str, Any], key: str) -> str:
    return str(line.get(key) or "")[:1000]

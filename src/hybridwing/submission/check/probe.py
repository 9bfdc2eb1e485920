"""Run a submission in the sandbox, on pictures made for it, and say what the challenge would see."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from hybridwing.submission.check.probe_images import ProbeImage, write_probe_images
from hybridwing.submission.sandbox.interpreter import inspect_interpreter
from hybridwing.submission.sandbox.left_behind import LeftBehindError, list_files, read_file, temporary_folder
from hybridwing.submission.sandbox.run_program import run_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.submission.package.archive import Submission
    from hybridwing.submission.sandbox.limits import ResourceLimits
    from hybridwing.submission.sandbox.program_result import ProgramResult

_PROGRAM = Path(__file__).with_name("probe_program.py")
_STEPS = "steps"
#: Bytes and lines of the file of steps that are read.
_MOST_BYTES, _MOST_LINES = 1 << 20, 1000
_Text = Annotated[str, BeforeValidator(lambda value: str(value)[:1000])]


def _image(number: object, info: ValidationInfo) -> object:
    """The picture of a number; None for numbers of no picture."""
    images = info.context
    return images[number] if isinstance(number, int) and images and 0 <= number < len(images) else None


class Step(BaseModel):
    """A line of what the probe program notes. A submission may write there too, so everything is bounded.

    Parameters
    ----------
    name : str
        What the submission was asked to do: ``"import"``, ``"make"``, ``"load"`` or ``"predict"``; or what is noted of
        it: ``"packages"``, ``"device"``, ``"network"``, ``"end"``. In the file it is called ``step``.
    begun : bool
        Whether this is the line that says that it begins.
    image : ProbeImage or None
        What it was to predict; a number in the file.
    ok : bool
        Whether it came back without an error.
    seconds : float
        That it took; noted once it came back.
    error, place : str
        What it raised, and where in the submission.
    missing : str
        Module that could not be imported.
    kind, written, raw, fault : str
        Of a score: its type (``type`` in the file), what the ingestion program writes, its value in full, and what
        rounding it raised.
    python, absent, versions
        Of the packages: see :class:`Probe`.
    device, address : str
        What the model says it runs on; where it wanted to connect to.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    name: _Text = Field(alias="step")
    begun: bool = False
    image: Annotated[ProbeImage | None, BeforeValidator(_image)] = None
    ok: bool = False
    seconds: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    error: _Text = ""
    place: _Text = ""
    missing: _Text = ""
    kind: _Text = Field("", alias="type")
    written: _Text = ""
    raw: _Text = ""
    fault: _Text = ""
    python: _Text = ""
    absent: Annotated[tuple[_Text, ...], Field(max_length=1000)] = ()
    versions: Annotated[dict[_Text, _Text], Field(max_length=1000)] = {}
    device: _Text = ""
    address: _Text = ""


@dataclass(frozen=True)
class Probe:
    """What came of running a submission.

    Parameters
    ----------
    result : ProgramResult
    limits : ResourceLimits
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
    network : tuple of str
        Addresses that its Python code asked for; there is no network.
    complete : bool
        Whether it got to the end of the pictures.
    """

    result: ProgramResult
    limits: ResourceLimits
    python: str
    absent: tuple[str, ...]
    versions: dict[str, str]
    steps: tuple[Step, ...]
    begun: str
    device: str
    changed: tuple[str, ...]
    network: tuple[str, ...]
    complete: bool

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
    limits: ResourceLimits,
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
    limits : ResourceLimits
    python : pathlib.Path, optional
        Interpreter to run it with; this one by default.
    """
    interpreter = inspect_interpreter(python) if python else None
    with temporary_folder("hybridwing-check-") as folder:
        program, images, submitted, notes = (folder / name for name in ("program", "images", "submission", "notes"))
        for new in (program, images, notes):
            new.mkdir()
        # A folder of its own: what lies beside a program can be imported by it.
        shutil.copyfile(_PROGRAM, program / "probe.py")
        pictures = write_probe_images(images)
        submission.unpack(submitted)
        before = list_files(submitted)
        settings = {
            "submission": str(submitted),
            "steps": str(notes / _STEPS),
            "images": [str(images / picture.file) for picture in pictures],
            "packages": list(packages),
            "pinned": list(pinned),
        }
        result = run_program(
            program / "probe.py",
            [json.dumps(settings)],
            folder=program,
            readable=[images],
            writable=[submitted, notes],
            limits=limits,
            interpreter=interpreter,
        )
        after = list_files(submitted)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return _probe(_read_steps(notes, pictures), result, limits, tuple(changed))


def _read_steps(notes: Path, images: tuple[ProbeImage, ...]) -> list[Step]:
    try:
        texts = read_file(notes, _STEPS, _MOST_BYTES).splitlines()[:_MOST_LINES]
    except LeftBehindError:
        return []
    lines = []
    for text in texts:
        try:
            lines.append(Step.model_validate_json(text, context=images))
        except ValidationError:
            continue
    return lines


def _probe(noted: list[Step], result: ProgramResult, limits: ResourceLimits, changed: tuple[str, ...]) -> Probe:
    named = {step.name: step for step in reversed(noted)}
    packages = named.get("packages")
    done = [step for step in noted if step.name not in ("device", "network")]
    under_way = "start" if not done else done[-1].name if done[-1].begun else ""
    return Probe(
        result,
        limits,
        python=packages.python if packages else "",
        absent=packages.absent if packages else (),
        versions=packages.versions if packages else {},
        steps=tuple(step for step in done if "seconds" in step.model_fields_set),
        begun=under_way,
        device=named["device"].device if "device" in named else "",
        changed=changed,
        network=tuple(dict.fromkeys(step.address for step in noted if step.name == "network")),
        complete={"predict", "end"} <= named.keys(),
    )

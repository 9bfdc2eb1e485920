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
        Of the packages: the interpreter's version, needed ones that are not there, for want of which nothing was run,
        and the installed version of every pinned one.
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
    noted : tuple of Step
        Every line of the probe program.
    changed : tuple of str
        Files of its own folder that the submission wrote, changed or removed.
    """

    result: ProgramResult
    limits: ResourceLimits
    noted: tuple[Step, ...]
    changed: tuple[str, ...]

    @property
    def packages(self) -> Step:
        """Version of the interpreter, versions of pinned packages, and needed ones that are absent."""
        return next((step for step in self.noted if step.name == "packages"), Step.model_validate({"step": "packages"}))

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the submission was asked to do and came to an end."""
        return tuple(step for step in self.noted if "seconds" in step.model_fields_set)

    @property
    def begun(self) -> str:
        """The step that was under way at the end, empty if none was."""
        done = [step for step in self.noted if step.name not in ("device", "network")]
        return "start" if not done else done[-1].name if done[-1].begun else ""

    @property
    def device(self) -> str:
        """What the model says it runs on."""
        return next((step.device for step in self.noted if step.name == "device"), "")

    @property
    def network(self) -> tuple[str, ...]:
        """Addresses that its Python code asked for; there is no network."""
        return tuple(dict.fromkeys(step.address for step in self.noted if step.name == "network"))

    @property
    def complete(self) -> bool:
        """Whether it got to the end of the pictures."""
        return {"predict", "end"} <= {step.name for step in self.noted}

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
        return Probe(result, limits, tuple(_read_steps(notes, pictures)), tuple(changed))


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

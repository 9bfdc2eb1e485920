"""Run a submission in the sandbox, on pictures made for it, as the ingestion program runs it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.submission.check.probe_images import write_probe_images
from hybridwing.submission.rehearse.stages import INGESTION
from hybridwing.submission.rehearse.submission_run import read_report
from hybridwing.submission.sandbox.bubblewrap import Access
from hybridwing.submission.sandbox.interpreter import inspect_interpreter, installed_packages, running_interpreter
from hybridwing.submission.sandbox.left_behind import temporary_folder
from hybridwing.submission.sandbox.run_program import run_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybridwing.submission.check.probe_images import ProbeImage
    from hybridwing.submission.package.archive import Submission
    from hybridwing.submission.rehearse.submission_run import Attempt, IngestionReport
    from hybridwing.submission.sandbox.interpreter import Interpreter
    from hybridwing.submission.sandbox.limits import ResourceLimits
    from hybridwing.submission.sandbox.program_result import ProgramResult


@dataclass(frozen=True)
class Probe:
    """What came of running a submission.

    Parameters
    ----------
    interpreter : Interpreter
        That it was run with.
    absent : tuple of str
        Modules that it needs and that are not there; nothing was run then.
    versions : dict of str to str
        Installed version of every pinned package that is there.
    limits : ResourceLimits
    images : dict of str to ProbeImage
        By file name.
    result : ProgramResult or None
    report : IngestionReport or None
    """

    interpreter: Interpreter
    absent: tuple[str, ...]
    versions: dict[str, str]
    limits: ResourceLimits
    images: dict[str, ProbeImage]
    result: ProgramResult | None = None
    report: IngestionReport | None = None

    @property
    def attempts(self) -> list[tuple[ProbeImage, Attempt]]:
        """The pictures that it was asked for, and what came of each."""
        tried = () if self.report is None else self.report.attempts
        return [(self.images[attempt.file], attempt) for attempt in tried if attempt.file in self.images]


def run_probe(
    submission: Submission,
    modules: Sequence[str],
    pinned: Sequence[str],
    limits: ResourceLimits,
    python: Path | None = None,
) -> Probe:
    """Unpack a submission into a temporary folder and run it there.

    Parameters
    ----------
    submission : Submission
        With ``model.py`` at its root.
    modules : sequence of str
        That it needs; if one is absent nothing is run.
    pinned : sequence of str
        Packages whose installed versions are wanted.
    limits : ResourceLimits
    python : pathlib.Path, optional
        Interpreter to run it with; this one by default.
    """
    interpreter = inspect_interpreter(python) if python else running_interpreter()
    absent, versions = installed_packages(interpreter.python, modules, pinned)
    if absent:
        return Probe(interpreter, absent, versions, limits, {})
    with temporary_folder("hybridwing-check-") as folder:
        program, images, submitted, output = (folder / name for name in ("program", "images", "submission", "output"))
        for new in (program, images, output):
            new.mkdir()
        # A folder of its own: what lies beside a program can be imported by it.
        shutil.copyfile(INGESTION, program / INGESTION.name)
        pictures = {picture.file: picture for picture in write_probe_images(images)}
        submission.unpack(submitted)
        result = run_program(
            program / INGESTION.name,
            [str(images), str(output), str(submitted), "every"],
            folder=program,
            access=Access([images], [submitted, output]),
            limits=limits,
            interpreter=interpreter,
        )
        return Probe(interpreter, (), versions, limits, pictures, result, read_report(output))

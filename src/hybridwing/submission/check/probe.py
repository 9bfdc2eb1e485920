"""Run a submission in the sandbox on pictures made for it, as the ingestion program does, and say what that showed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import first_few
from hybridwing.submission.check.findings import Check, Status
from hybridwing.submission.check.packages import known_modules
from hybridwing.submission.check.probe_images import write_probe_images
from hybridwing.submission.check.scores import check_scores, check_time
from hybridwing.submission.package.python310 import PYTHON
from hybridwing.submission.rehearse.stages import INGESTION
from hybridwing.submission.rehearse.submission_run import read_report, remedy_for
from hybridwing.submission.sandbox.bubblewrap import Access
from hybridwing.submission.sandbox.interpreter import inspect_interpreter, installed_packages, running_interpreter
from hybridwing.submission.sandbox.left_behind import temporary_folder
from hybridwing.submission.sandbox.run_program import run_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybridwing.submission.check.probe_images import ProbeImage
    from hybridwing.submission.package.archive import Submission
    from hybridwing.submission.package.requirements import Requirement
    from hybridwing.submission.rehearse.submission_run import Attempt, IngestionReport
    from hybridwing.submission.sandbox.interpreter import Interpreter
    from hybridwing.submission.sandbox.run_program import ProgramResult, ResourceLimits

#: Bytes printed that are still readable in a log.
_CHATTY = 100_000
_DOING = {"import": "importing model.py", "load": "Model().load()", "predict": "predict()"}
_REMEDIES = {
    "timeout": "make it end: --time-limit sets how long the probe waits",
    "memory": "use less memory, or allow more: --memory-limit MB",
    "output": "print nothing in predict",
    "disk": "write nothing",
    "processes": "start no processes",
}


@dataclass(frozen=True)
class Probe:
    """What came of running a submission."""

    interpreter: Interpreter  # The one that ran it
    absent: tuple[str, ...]  # Modules that it needs and that are not there; nothing was run then
    versions: dict[str, str]  # Installed version of every pinned package that is there
    limits: ResourceLimits
    images: dict[str, ProbeImage]  # By file name
    result: ProgramResult | None = None
    report: IngestionReport | None = None

    @property
    def attempts(self) -> list[tuple[ProbeImage, Attempt]]:
        """Each picture that the model was given, with its result."""
        tried = () if self.report is None else self.report.attempts
        return [(self.images[attempt.file], attempt) for attempt in tried if attempt.file in self.images]


def run_probe(
    submission: Submission,
    modules: Sequence[str],
    pinned: Sequence[str],
    limits: ResourceLimits,
    python: Path | None = None,
) -> Probe:
    """Unpack a submission, with ``model.py`` at its root, into a temporary folder and run it there.

    If one of the `modules` that it needs is absent, nothing is run. `pinned` are the packages whose installed versions
    are wanted; `python` is the interpreter, by default this one.
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


def probe_checks(probe: Probe, lines: tuple[Requirement, ...] | None) -> list[Check]:
    """All findings, in the order in which a run would meet them."""
    if probe.result is None or probe.report is None:
        finding = f"not probed: {first_few(probe.absent)} cannot be imported here"
        remedy = "make an environment with the submission's requirements and name its Python: --probe-python PATH"
        return [Check("probe", "skipped", finding, remedy)]
    different = _different(probe, lines)
    checks = [_environment(probe, different)]
    if probe.report.error:
        checks.append(_failed(probe.report, different))
    elif probe.result.ending != "ok" or probe.report.stage != "done":
        checks.append(_stopped(probe, probe.result, probe.report))
    return [
        *checks,
        *check_scores(probe.attempts),
        *check_time(probe.attempts, probe.report),
        *_behaviour(probe, probe.result),
    ]


def _different(probe: Probe, lines: tuple[Requirement, ...] | None) -> tuple[str, ...]:
    """Packages that are here in another version than the one that is pinned."""
    pinned = {line.package: line.version.partition("+")[0] for line in lines or () if line.status == "accepted"}
    here = {name: version.partition("+")[0] for name, version in probe.versions.items()}
    return tuple(
        f"{name} {here[name]} instead of {pinned[name]}"
        for name in pinned
        if here.get(name, pinned[name]) != pinned[name]
    )


def _environment(probe: Probe, different: tuple[str, ...]) -> Check:
    finding = f"run with Python {probe.interpreter.version_text}"
    if different:
        finding += f", and {first_few(different, 4)}"
    if probe.interpreter.version[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        finding += f"; the challenge runs Python {wanted}: to try that one, name it with --probe-python PATH"
    return Check("probe", "pass", finding)


def _failed(report: IngestionReport, different: tuple[str, ...]) -> Check:
    doing = _DOING.get(report.stage, report.stage)
    if report.missing.split(".")[0] in known_modules():
        finding = f"not probed: {doing} needs {report.missing}, which is not installed here"
        return Check("probe", "skipped", finding, "name a Python that has it: --probe-python PATH", report.place)
    finding, remedy = f"{doing} ends the run with {report.error}", remedy_for(report.error)
    if "network" in remedy:
        finding = f"not probed further: {doing} ends with {report.error}, and the sandbox has no network"
        return Check("probe", "skipped", finding, "bundle the weights; then all of it can be tried", report.place)
    if different:
        finding += f" ({first_few(different, 2)} may be why)"
        remedy = "make an environment with the pinned versions and name its Python: --probe-python PATH"
        return Check("probe", "warn", finding, remedy, report.place)
    return Check("probe", "fail", finding, remedy, report.place)


def _stopped(probe: Probe, result: ProgramResult, report: IngestionReport) -> Check:
    doing = _DOING.get(report.stage, "the submission")
    if result.ending == "ok":
        finding = f"{doing} ended the process before all pictures had a score, with no error"
        return Check("limits", "fail", finding, "call no os._exit, and leave the files of others alone")
    last = result.output.strip().rpartition("\n")[2][:200]
    said = f"; it said: {last}" if result.ending == "crash" and last else ""
    remedy = _REMEDIES.get(result.ending, "find what ends the process: an error within a library, or os._exit")
    return Check("limits", "fail", f"{doing} {result.reason(probe.limits)}{said}", remedy)


def _behaviour(probe: Probe, result: ProgramResult) -> list[Check]:
    checks = []
    if result.ending != "output":
        status: Status = "warn" if result.printed > _CHATTY else "pass"
        finding = f"it printed {result.printed:,} bytes for {len(probe.attempts)} pictures"
        checks.append(Check("output", status, finding, "print nothing in predict" if status == "warn" else ""))
    if result.ending != "memory" and result.peak_memory:
        checks.append(Check("memory", "pass", f"at most {result.peak_memory / 1e6:,.0f} MB"))
    return checks

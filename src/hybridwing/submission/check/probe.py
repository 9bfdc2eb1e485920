"""Run a submission in the sandbox on pictures made for it, as the ingestion program does, and say what that showed."""

from __future__ import annotations

import shutil
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


def probe(
    submission: Submission,
    modules: Sequence[str],
    lines: Sequence[Requirement],
    limits: ResourceLimits,
    python: Path | None,
) -> tuple[list[Check], str]:
    """Run a submission, with ``model.py`` at its root, and say what that showed, and what protected the machine.

    If one of the `modules` that it needs is absent, nothing is run. `lines` are those of its ``requirements.txt``;
    `python` is the interpreter, by default this one.
    """
    interpreter = inspect_interpreter(python) if python else running_interpreter()
    pinned = {line.package: line.version.partition("+")[0] for line in lines if line.status == "accepted"}
    absent, versions = installed_packages(interpreter.python, modules, list(pinned))
    if absent:
        finding = f"not probed: {first_few(absent)} cannot be imported here"
        remedy = "make an environment with the submission's requirements and name its Python: --probe-python PATH"
        return [Check("probe", "skipped", finding, remedy)], ""
    here = {name: version.partition("+")[0] for name, version in versions.items()}
    different = [f"{name} {here[name]} instead of {pinned[name]}" for name in here if here[name] != pinned[name]]
    result, report, attempts = _run(submission, interpreter, limits)
    checks = [_environment(interpreter, different)]
    if report.error:
        checks.append(_failed(report, different))
    elif result.ending != "ok" or report.stage != "done":
        checks.append(_stopped(result, report, limits))
    checks += [*check_scores(attempts), *check_time(attempts, report), *_behaviour(result, len(attempts))]
    return checks, result.protection


def _run(
    submission: Submission, interpreter: Interpreter, limits: ResourceLimits
) -> tuple[ProgramResult, IngestionReport, list[tuple[ProbeImage, Attempt]]]:
    """How the run ended, what the ingestion reports, and each picture that the model was given with its result."""
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
        report = read_report(output)
    return result, report, [(pictures[one.file], one) for one in report.attempts if one.file in pictures]


def _environment(interpreter: Interpreter, different: list[str]) -> Check:
    finding = f"run with Python {interpreter.version_text}"
    if different:
        finding += f", and {first_few(different, 4)}"
    if interpreter.version[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        finding += f"; the challenge runs Python {wanted}: to try that one, name it with --probe-python PATH"
    return Check("probe", "pass", finding)


def _failed(report: IngestionReport, different: list[str]) -> Check:
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


def _stopped(result: ProgramResult, report: IngestionReport, limits: ResourceLimits) -> Check:
    doing = _DOING.get(report.stage, "the submission")
    if result.ending == "ok":
        finding = f"{doing} ended the process before all pictures had a score, with no error"
        return Check("limits", "fail", finding, "call no os._exit, and leave the files of others alone")
    last = result.output.strip().rpartition("\n")[2][:200]
    said = f"; it said: {last}" if result.ending == "crash" and last else ""
    remedy = _REMEDIES.get(result.ending, "find what ends the process: an error within a library, or os._exit")
    return Check("limits", "fail", f"{doing} {result.reason(limits)}{said}", remedy)


def _behaviour(result: ProgramResult, pictures: int) -> list[Check]:
    checks = []
    if result.ending != "output":
        status: Status = "warn" if result.printed > _CHATTY else "pass"
        finding = f"it printed {result.printed:,} bytes for {pictures} pictures"
        checks.append(Check("output", status, finding, "print nothing in predict" if status == "warn" else ""))
    if result.ending != "memory" and result.peak_memory:
        checks.append(Check("memory", "pass", f"at most {result.peak_memory / 1e6:,.0f} MB"))
    return checks

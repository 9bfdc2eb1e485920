"""What running the submission showed, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.errors import first_few
from hybridwing.submission.check.findings import Check, Status
from hybridwing.submission.check.packages import known_modules
from hybridwing.submission.check.scores import check_scores, check_time
from hybridwing.submission.package.python310 import PYTHON

if TYPE_CHECKING:
    from hybridwing.submission.check.probe import Probe, Step
    from hybridwing.submission.package.requirements import Requirement

#: Bytes printed that are still readable in a log.
_CHATTY = 100_000
_DOING = {
    "import": "importing model.py",
    "make": "Model()",
    "load": "load()",
    "predict": "predict()",
    "start": "starting",
    "packages": "looking for packages",
}


def probe_checks(probe: Probe, lines: tuple[Requirement, ...] | None) -> list[Check]:
    """All findings, in the order in which a run would meet them."""
    if probe.packages.absent:
        finding = f"not probed: {first_few(probe.packages.absent)} cannot be imported here"
        remedy = "make an environment with the submission's requirements and name its Python: --probe-python PATH"
        return [Check("probe", "skipped", finding, remedy)]
    different = _different(probe, lines)
    checks = [_environment(probe, different)]
    for step in probe.steps:
        if not step.ok and step.name != "predict":
            checks.append(_failed(step, probe, different))
    checks += _stopped(probe)
    checks += check_scores(probe)
    checks += check_time(probe)
    checks += _behaviour(probe)
    return checks


def _different(probe: Probe, lines: tuple[Requirement, ...] | None) -> tuple[str, ...]:
    """Packages that are here in another version than the one that is pinned."""
    pinned = {line.package: line.version for line in lines or () if line.status == "accepted"}
    return tuple(
        f"{name} {probe.packages.versions[name].partition('+')[0]} instead of {version}"
        for name, version in pinned.items()
        if probe.packages.versions.get(name)
        and probe.packages.versions[name].partition("+")[0] != version.partition("+")[0]
    )


def _environment(probe: Probe, different: tuple[str, ...]) -> Check:
    finding = f"run with Python {probe.packages.python or '(unknown)'}"
    if different:
        finding += f", and {first_few(different, 4)}"
    if probe.packages.python.split(".")[:2] != [str(number) for number in PYTHON]:
        wanted = ".".join(map(str, PYTHON))
        finding += f"; the challenge runs Python {wanted}: to try that one, name it with --probe-python PATH"
    return Check("probe", "pass", finding)


def _failed(step: Step, probe: Probe, different: tuple[str, ...]) -> Check:
    doing = _DOING.get(step.name, step.name)
    asked = probe.network
    if step.missing.split(".")[0] in known_modules():
        finding = f"not probed: {doing} needs {step.missing}, which is not installed here"
        return Check("probe", "skipped", finding, "name a Python that has it: --probe-python PATH", step.place)
    if asked:
        finding = f"not probed further: {doing} asked {asked[0]} for a download, and the sandbox has no network"
        return Check("probe", "skipped", finding, "bundle the weights; then all of it can be tried", step.place)
    finding = f"{doing} ends the run with {step.error}"
    if different:
        finding += f" ({first_few(different, 2)} may be why)"
        remedy = "make an environment with the pinned versions and name its Python: --probe-python PATH"
        return Check("probe", "warn", finding, remedy, step.place)
    return Check("probe", "fail", finding, "mend it: nothing is scored after an error", step.place)


def _stopped(probe: Probe) -> list[Check]:
    result = probe.result
    doing = _DOING.get(probe.begun, "the submission")
    told = any(not step.ok and step.name != "predict" for step in probe.steps)
    if result.ending in ("ok", "crash") and (told or (probe.complete and not probe.begun)):
        return []
    if result.ending == "ok":
        finding = f"{doing} ended the process before all pictures had a score, with no error"
        return [Check("limits", "fail", finding, "call no os._exit, and leave the files of others alone")]
    remedies = {
        "timeout": "make it end: --time-limit sets how long the probe waits",
        "memory": "use less memory, or allow more: --memory-limit MB",
        "output": "print nothing in predict",
        "disk": "write nothing",
        "processes": "start no processes",
    }
    last = result.output.strip().rpartition("\n")[2][:200]
    said = f"; it said: {last}" if result.ending == "crash" and last else ""
    finding = f"{doing} {result.reason(probe.limits)}{said}"
    remedy = remedies.get(result.ending, "find what ends the process: an error within a library, or os._exit")
    return [Check("limits", "fail", finding, remedy)]


def _behaviour(probe: Probe) -> list[Check]:
    result = probe.result
    checks = []
    if probe.network:
        finding = f"it asked for the network: {first_few(probe.network, 3)}"
        checks.append(Check("network", "warn", finding, "bundle what it fetches: the network may be off"))
    else:
        checks.append(Check("network", "pass", "it did not ask for the network"))
    if probe.changed:
        finding = f"it changed files in its own folder: {first_few([name[:100] for name in probe.changed], 3)}"
        checks.append(Check("writes", "warn", finding, "write nothing: the folder may be read-only"))
    else:
        checks.append(Check("writes", "pass", "it wrote no files in its own folder"))
    if result.ending != "output":
        status: Status = "warn" if result.printed > _CHATTY else "pass"
        finding = f"it printed {result.printed:,} bytes for {len(probe.predictions)} pictures"
        checks.append(Check("output", status, finding, "print nothing in predict" if status == "warn" else ""))
    if result.ending != "memory" and result.peak_memory:
        checks.append(Check("memory", "pass", f"at most {result.peak_memory / 1e6:,.0f} MB"))
    return checks

"""Look for everything that is known to go wrong on Codabench, before the upload.

This process reads the submission and imports nothing of it. Only the probe runs it, in a sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.submission.check.code import check_code
from hybridwing.submission.check.files import check_extras, check_metadata, check_requirements_file, find_root
from hybridwing.submission.check.findings import Check, CheckReport
from hybridwing.submission.check.model import check_model
from hybridwing.submission.check.packages import check_imports, check_requirements, needed_packages
from hybridwing.submission.check.paths import check_paths
from hybridwing.submission.check.pickles import check_pickles
from hybridwing.submission.check.syntax import read_modules
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.sandbox.bubblewrap import INSTALL, why_no_sandbox
from hybridwing.submission.sandbox.run_program import ResourceLimits

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds and bytes that the probe may take unless told otherwise.
PROBE_LIMITS = ResourceLimits(seconds=120.0)


def check_submission(
    path: Path, *, static: bool = False, limits: ResourceLimits = PROBE_LIMITS, python: Path | None = None
) -> CheckReport:
    """Look for everything that is known to go wrong.

    Parameters
    ----------
    path : pathlib.Path
        A folder or a zip; anybody's.
    static : bool
        Read it only, and run nothing.
    limits : ResourceLimits
        What it may use when it runs.
    python : pathlib.Path, optional
        Interpreter that has the submission's packages; this one by default.

    Raises
    ------
    SubmissionError
        If it cannot be opened, is unsafe to unpack, or is no submission.
    """
    submission, checks = find_root(open_submission(path))
    checks += [check_requirements_file(submission), check_metadata(submission)]
    lines, asked_for = check_requirements(submission)
    modules, parsed = read_modules(submission)
    checks += [*asked_for, *parsed]
    if modules:
        checks += check_model(modules)
        checks += check_imports(submission, modules, lines)
        checks += check_paths(modules, submission.names)
        checks += check_code(modules, submission.names)
    checks += check_pickles(submission, lines)
    checks += check_extras(submission)
    if static:
        return CheckReport(str(path), tuple(checks))
    protection = ""
    broken = any(check.status == "fail" and check.name in ("syntax", "class Model") for check in checks)
    if not modules or broken:
        finding = "not probed: what model.py lacks would end it at once"
        checks.append(Check("probe", "skipped", finding, "mend that and check again"))
    elif why_no_sandbox():
        checks.append(Check("probe", "skipped", f"not run: {why_no_sandbox()}", INSTALL))
    else:
        from hybridwing.submission.check.probe import probe

        probed, protection = probe(submission, needed_packages(submission, modules), lines, limits, python)
        checks += probed
    return CheckReport(str(path), tuple(checks), protection)

"""What the submission's pickles would do when loaded, and whether the scikit-learn that loads them wrote them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError, first_few
from hybridwing.submission.check.findings import Check, or_pass
from hybridwing.submission.check.packages import known_modules
from hybridwing.submission.package.pickles import PickleScan, scan

if TYPE_CHECKING:
    from hybridwing.submission.package.archive import Submission
    from hybridwing.submission.package.requirements import Requirement

_NAME = "pickles"
_ENDINGS = (
    ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".sav", ".dump", ".p", ".pk", ".jbl", ".model",
)  # fmt: skip
_BETTER = "better: store plain arrays (numpy.savez) and load them with allow_pickle=False"


def check_pickles(submission: Submission, lines: tuple[Requirement, ...] | None) -> list[Check]:
    """Scan every file that may be a pickle; none is loaded."""
    checks: list[Check] = []
    for name in submission.names:
        if not name.lower().endswith(_ENDINGS):
            continue
        try:
            with submission.open(name) as file:
                found = scan(file, name)
        except SubmissionError as error:
            checks.append(Check(_NAME, "fail", str(error), "write the file again", name))
            continue
        if found is not None:
            checks += _findings(found, name, submission, lines)
    return or_pass(checks, _NAME, "no pickles")


def _findings(
    found: PickleScan, name: str, submission: Submission, lines: tuple[Requirement, ...] | None
) -> list[Check]:
    checks = []
    if found.dangerous:
        finding = f"loading it runs {first_few(found.dangerous, 3)}, which no saved model needs"
        remedy = "do not load it; save the model again from a source you trust"
        checks.append(Check(_NAME, "fail", finding, remedy, name))
    checks += _unknown_classes(found, name, submission)
    for version in sorted(found.scikit_learn):
        checks += _other_version(version, name, lines)
    if checks:
        return checks
    written = f", written by scikit-learn {first_few(sorted(found.scikit_learn))}" if found.scikit_learn else ""
    what = "names only what a saved model needs" if found.names else "holds plain values only"
    return [Check(_NAME, "pass", f"a pickle that {what}{written} (scanned, not loaded)", place=name)]


def _unknown_classes(found: PickleScan, name: str, submission: Submission) -> list[Check]:
    """Classes that cannot be imported on Codabench: of the training script, or of a module that is not there."""
    own = {member.split("/")[0].removesuffix(".py") for member in submission.names}
    known = known_modules().union(sys.stdlib_module_names, own, {"?", "__builtin__", "copy_reg"})
    checks = []
    for module, item in sorted(found.names):
        top = module.split(".")[0]
        if top == "__main__":
            finding = f"it names __main__.{item}, a class of the script that wrote it; on Codabench __main__ is another"
            remedy = f"move {item} into a module of the submission and save the model again; {_BETTER}"
            checks.append(Check(_NAME, "fail", finding, remedy, name))
        elif top not in known:
            finding = f"it names {module}.{item}, and neither the submission nor an allowed package has {top}"
            checks.append(Check(_NAME, "fail", finding, f"add {top} to the submission; {_BETTER}", name))
    return checks


def _other_version(version: str, name: str, lines: tuple[Requirement, ...] | None) -> list[Check]:
    line = next((line for line in lines or () if line.installs and line.package == "scikit-learn"), None)
    pinned = line.version if line else ""
    if pinned == version:
        return []
    remedy = f"pin scikit-learn=={version}; {_BETTER}"
    if line is None:
        finding = f"it was written by scikit-learn {version}, and requirements.txt does not ask for scikit-learn"
    elif not pinned:
        finding = f"it was written by scikit-learn {version}, and requirements.txt takes the newest"
    else:
        finding = f"it was written by scikit-learn {version} and will be loaded by the pinned {pinned}"
        remedy = f"pin scikit-learn=={version}, or save the model again with {pinned}; {_BETTER}"
    return [Check(_NAME, "warn", finding, remedy, name)]

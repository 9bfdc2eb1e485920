"""From how an ingestion ended to what a participant should do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridwing.submission.rehearse.ingestion_report import IngestionReport
    from hybridwing.submission.sandbox.limits import ResourceLimits
    from hybridwing.submission.sandbox.program_result import ProgramResult


@dataclass(frozen=True)
class Diagnosis:
    """Why a submission fails, and what to do about it; empty where it does not."""

    problem: str = ""
    remedy: str = ""


#: What an error says, and what to do about it; the first that fits counts.
_REMEDIES = (
    (r"No module named 'model'", "zip the files and not their folder: model.py must lie at the root of the zip"),
    (r"No module named '([\w.]+)'", "name the package in requirements.txt, or ship it beside model.py"),
    (r"has no attribute 'Model'|cannot import name 'Model'", "call the class Model"),
    (r"has no attribute '(load|predict)'", "give the class Model the methods load(self) and predict(self, image)"),
    (r"[Nn]etwork is unreachable|Connection|resolve|name resolution|Max retries|offline|LocalEntryNotFound",
     "bundle the weights: the network may be off where the challenge runs submissions"),
    (r"Read-only file system", "write to a folder of tempfile.mkdtemp(), or beside model.py"),
    (r"No such file or directory", "build paths from os.path.dirname(__file__): the working directory is another"),
    (r"__round__|can only convert|only length-1|must be real number",
     "return a Python float, e.g. float(score) or score.item()"),
    (r"CUDA|cuda", "pick the device with torch.cuda.is_available() instead of naming one"),
    (r"pickle|_pickle|incompatible dtype|InconsistentVersion",
     "save plain arrays instead of a pickle, or pin the version of scikit-learn that wrote it"),
)  # fmt: skip

_STAGES = {
    "import": "importing the submission failed",
    "load": "Model().load() failed",
    "predict": "predict failed",
}


def diagnose_ingestion(result: ProgramResult, limits: ResourceLimits, report: IngestionReport) -> Diagnosis:
    """Say why the ingestion ended."""
    if result.ending == "ok":
        return Diagnosis()
    reason = result.reason(limits)
    where = f" at {report.image}" if report.image else ""
    if result.ending == "timeout":
        rate = f", after {report.predicted} of {report.images} images" if report.images else ""
        return Diagnosis(f"the ingestion {reason}{rate}", "make load and predict faster, or the backbone smaller")
    if result.ending != "crash":
        return Diagnosis(f"the ingestion {reason}{where}", "hold less, print less or write less")
    said = report.error or last_line(result.output)
    stage = _STAGES.get(report.stage, "the ingestion failed")
    return Diagnosis(f"{stage}{where}: {said}", remedy_for(said))


def remedy_for(said: str) -> str:
    """What to do about an error message."""
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, said):
            return remedy
    return "mend the error; the log holds the whole traceback"


def last_line(text: str) -> str:
    """The last line with something in it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "it printed nothing"

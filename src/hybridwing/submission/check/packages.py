"""Check that the lines of ``requirements.txt`` pass, and that they install what the code imports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check, Status, or_pass
from hybridwing.submission.package.python310 import STANDARD_LIBRARY
from hybridwing.submission.package.releases import release_fault
from hybridwing.submission.package.requirements import ALLOWED, MODULES, Requirement, read_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.submission.check.syntax import Module
    from hybridwing.submission.package.archive import Submission

_FILE = "requirements.txt"
#: The ingestion program itself imports these, so the image has them (``ingestion.py``, note in ``competition.yaml``).
_IN_IMAGE = {"PIL", "tqdm", "packaging", "pandas", "numpy", "pip", "setuptools"}
_HUB = {"huggingface_hub", "safetensors", "yaml", "requests", "packaging", "filelock", "fsspec", "tqdm", "numpy"}
#: Modules that come with a package because it depends on them (its metadata on PyPI, releases of 2023 to 2025).
_BRINGS = {
    "torch": {"numpy", "sympy", "networkx", "jinja2", "fsspec", "filelock", "typing_extensions"},
    "torchvision": {"torch", "PIL", "numpy"},
    "torchaudio": {"torch"},
    "scikit-learn": {"numpy", "scipy", "joblib", "threadpoolctl"},
    "transformers": {"tokenizers", "regex", *_HUB},
    "timm": {"torch", "torchvision", *_HUB},
    "open-clip-torch": {"torch", "torchvision", "timm", "ftfy", "regex", *_HUB},
    "tensorflow": {"keras", "numpy", "h5py", "google", "absl", "requests", "typing_extensions"},
    "keras": {"numpy", "h5py", "absl", "rich", "optree"},
    "albumentations": {"cv2", "numpy", "scipy", "yaml", "skimage", "sklearn", "pydantic"},
    "pandas": {"numpy", "dateutil", "pytz"},
    "xgboost": {"numpy", "scipy"},
    "lightgbm": {"numpy", "scipy"},
    "catboost": {"numpy", "scipy", "pandas", "matplotlib", "plotly", "graphviz"},
    "matplotlib": {"numpy", "PIL", "packaging"},
}


def check_requirements(submission: Submission) -> tuple[tuple[Requirement, ...], list[Check]]:
    """Lines of the submission's file, each checked as the ingestion program does; none if it has no readable one."""
    if _FILE not in submission.names:
        return (), []
    text = submission.text(_FILE)
    if text is None:
        finding = f"{_FILE} is not UTF-8, so the ingestion program cannot read it"
        return (), [Check("requirements", "fail", finding, "save it as plain UTF-8 text", _FILE)]
    lines = read_requirements(text)
    found = [_fault(line) for line in lines if line.status != "accepted"]
    found += _asked_for_twice(lines)
    for line in lines:
        fault = release_fault(line.package, line.version) if line.status != "rejected" and line.version else None
        if fault is not None:
            remedy = f"write: {fault.instead}" if fault.instead else "see that pip finds it: pip index versions NAME"
            place = f"{_FILE}:{line.number}"
            found.append(Check("requirements", fault.status, f"{line.text!r}: {fault.why}", remedy, place))
    finding = f"{len(lines)} lines, all of which can be installed on Python 3.10"
    return lines, or_pass(found, "requirements", finding, _FILE)


def _asked_for_twice(lines: tuple[Requirement, ...]) -> Iterator[Check]:
    """Find lines that name a package a second time, in any spelling."""
    first: dict[str, Requirement] = {}
    for line in lines:
        name = line.meant
        before = first.setdefault(name, line) if name else line
        if before is line:
            continue
        same = before.version == line.version
        finding = f"{line.text!r}: {name} is asked for on line {before.number} already ({before.text!r})"
        finding += "" if same else ", in another version; which one is installed is left to chance"
        place = f"{_FILE}:{line.number}"
        yield Check("requirements", "warn" if same else "fail", finding, "keep one of the two lines", place)


def _fault(line: Requirement) -> Check:
    instead = line.instead
    name, _, version = (instead or "").partition("==")
    if version and version != "VERSION" and (again := release_fault(name, version)):
        instead = again.instead or name
    if instead is None:
        remedy = "remove the line and do without the package, or ask the organisers to allow it"
    else:
        remedy = f"write: {instead}" if instead else "remove the line"
    status: Status = "fail" if line.status == "rejected" else "warn"
    return Check("requirements", status, f"{line.text!r}: {line.why}", remedy, f"{_FILE}:{line.number}")


def check_imports(submission: Submission, modules: tuple[Module, ...], lines: tuple[Requirement, ...]) -> list[Check]:
    """Look for packages that the code imports and that no line brings."""
    # Of a rejected line what it will be once it is mended: one fault is told once.
    listed = {(line.installs or line.instead or "").split("==")[0] for line in lines}
    there = {*STANDARD_LIBRARY, *sys.stdlib_module_names, *_IN_IMAGE, *submission.own_modules}
    for name in listed:
        there |= {MODULES.get(name, name)} | _BRINGS.get(name, set())
    found = []
    for module in modules:
        for top, line in module.imports:
            if top not in there:
                there.add(top)
                found.append(_missing(top, f"{module.name}:{line}"))
    return or_pass(found, "imports", "all imported packages are listed, or come with one that is")


def needed_packages(submission: Submission, modules: tuple[Module, ...]) -> list[str]:
    """Packages that the code needs and that neither Python nor the submission brings."""
    needed = {top for module in modules for top, _ in module.imports}
    return sorted(needed & known_modules() - submission.own_modules - STANDARD_LIBRARY)


def known_modules() -> set[str]:
    """Modules of allowed packages and of their dependencies. They may be on Codabench where this machine lacks them."""
    return {MODULES.get(name, name) for name in ALLOWED}.union(_IN_IMAGE, *_BRINGS.values())


def _missing(top: str, place: str) -> Check:
    package = next((name for name, module in MODULES.items() if module == top and name != "pytorch"), top)
    line = read_requirements(f"{package}==1")[0]
    if line.status == "rejected":
        finding = f"{top} is imported, no listed package brings it, and the challenge allows no package of that name"
        return Check("imports", "warn", finding, f"do without {top}", place)
    finding = f"{top} is imported, and no line of {_FILE} brings it"
    return Check("imports", "warn", finding, f"add a line: {package}==VERSION", place)

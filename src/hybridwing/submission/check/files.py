"""Check that every file has its right name, and that no file does harm."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError, first_few
from hybridwing.submission.check.findings import Check, or_pass
from hybridwing.submission.package.requirements import ALLOWED, MODULES
from hybridwing.submission.rehearse.bundle import METADATA

if TYPE_CHECKING:
    from hybridwing.submission.package.archive import Submission

_JUNK = re.compile(r"(^|/)(__MACOSX|\.git|\.svn|__pycache__|\.ipynb_checkpoints|\.venv|venv|\.idea|\.vscode)(/|$)")
_JUNK_FILES = re.compile(r"(^|/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*|\.gitignore|\.gitattributes)$")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")
#: Bytes from which uploading and unpacking are felt; our own bound, the challenge states none.
_LARGE = 2**30
_LFS = b"version https://git-lfs.github.com/spec/"
_WEIGHTS = (
    ".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".npz", ".npy", ".pkl", ".pickle", ".joblib", ".onnx", ".h5",
)  # fmt: skip
#: Modules of the ingestion program's folder, which comes before the submission's, and what it has imported by then.
_TAKEN = {"ingestion", "PIL", "tqdm", "packaging", "pip"}


def find_root(submission: Submission) -> tuple[Submission, list[Check]]:
    """Find ``model.py``; the submission is returned as if it lay at the root.

    Raises SubmissionError if nothing in it looks like a submission.
    """
    names = submission.names
    if "model.py" in names:
        return submission, [Check("layout", "pass", f"{len(names)} files, model.py at the root", place="model.py")]
    nested = sorted((name for name in names if name.endswith("/model.py") and not _JUNK.search(name)), key=len)
    misnamed = [name for name in names if re.fullmatch(r"(?i)models?\.(py|ipynb|txt|py\.txt)", name)]
    if nested and not misnamed:
        folder = nested[0].rpartition("/")[0]
        finding = f"model.py lies in {folder}/: Codabench ends with \"No module named 'model'\""
        what = "zip the files and not their folder" if submission.is_zip else "give the inner folder"
        remedy = f"{what}: cd {folder} && zip -r ../submission.zip ."
        return submission.below(folder), [Check("layout", "fail", finding, remedy, nested[0])]
    if misnamed:
        finding = f"there is no model.py, only {misnamed[0]}; Linux tells large letters from small"
        return submission, [Check("layout", "fail", finding, f"rename {misnamed[0]} to model.py", misnamed[0])]
    if not any(name.rpartition("/")[2] in ("requirements.txt", *METADATA) or name.endswith(".py") for name in names):
        raise SubmissionError(
            f"{submission.source} holds no model.py, nor anything else of a submission: {first_few(names) or 'no file'}"
        )
    python = [name for name in names if name.endswith(".py") and "/" not in name]
    found = f"; it has {first_few(python)}" if python else ""
    return submission, [Check("layout", "fail", f"there is no model.py{found}", "add model.py with a class Model")]


def check_requirements_file(submission: Submission) -> Check:
    """Check that ``requirements.txt`` is there under this name."""
    name = "requirements file"
    if "requirements.txt" in submission.names:
        return Check(name, "pass", "requirements.txt is there", place="requirements.txt")
    near = [n for n in submission.names if re.fullmatch(r"(?i)\.?requirements?[-_.]?(txt|\.txt|\.in|\.yml|\.md)?", n)]
    if near:
        finding = f"nobody reads {near[0]}: the ingestion program looks for requirements.txt"
        return Check(name, "fail", finding, f"rename {near[0]} to requirements.txt", near[0])
    finding = "there is no requirements.txt: nothing is installed, and only what the image holds can be imported"
    return Check(name, "warn", finding, "list what model.py imports, a line NAME==VERSION each")


def check_metadata(submission: Submission) -> Check:
    """Check that ``metadata`` is there under this name, and that Codabench can use it."""
    found = next((name for name in METADATA if name in submission.names), None)
    remedy = "add a file called metadata with one line: description: what this submission is"
    if found is None:
        near = [n for n in submission.names if re.fullmatch(r"(?i)meta[-_]?data(\.\w+)?", n)]
        has = f"{near[0]} is not metadata" if near else "there is no metadata"
        finding = f"{has}: Codabench then copies the whole submission into the prediction output"
        return Check("metadata", "warn", finding, f"rename {near[0]} to metadata" if near else remedy, *near[:1])
    keys = re.findall(r"(?m)^([A-Za-z_]\w*)\s*:(?:\s|$)", submission.text(found) or "")
    if not keys:
        finding = f"{found} holds no line 'key: value', which Codabench reads it for"
        return Check("metadata", "warn", finding, "write one: description: what this submission is", found)
    if "command" in keys:
        finding = "'command' in the metadata makes Codabench start the submission itself, beside the ingestion program"
        return Check("metadata", "fail", finding, "remove the line 'command: …'", found)
    return Check("metadata", "pass", f"{found} describes the submission", place=found)


def check_extras(submission: Submission) -> list[Check]:
    """Look for files that should not be there, modules named as installed packages, and the size."""
    names = submission.names
    checks = []
    junk = [name for name in names if _JUNK.search(name) or _JUNK_FILES.search(name)]
    if junk:
        counted = f"{len(junk)} files that no run needs" if len(junk) > 1 else "a file that no run needs"
        finding = f"{counted}: {first_few(junk, 3)}"
        checks.append(Check("junk", "warn", finding, "leave them out: zip -r out.zip . -x '.*' '*/.*' '*__pycache__*'"))
    packed = [name for name in names if name.lower().endswith(_ARCHIVES)]
    if packed:
        finding = f"an archive within the submission, which nobody unpacks: {first_few(packed, 3)}"
        checks.append(Check("junk", "warn", finding, "put its files there instead", packed[0]))
    checks = or_pass(checks, "junk", "no files that do not belong")
    checks += _stand_ins(submission)
    checks += _shadows(submission)
    total = sum(submission.sizes.values())
    largest, size = max(submission.sizes.items(), key=lambda item: item[1], default=("", 0))
    amount = f"{total / 1e6:,.1f} MB" if total >= 1e5 else f"{total / 1e3:,.1f} kB"
    what = f"{amount} in {len(names)} files"
    if total > _LARGE:
        finding = f"{what}, the largest {largest} ({size / 1e6:,.1f} MB): the time to fetch it counts"
        checks.append(Check("size", "warn", finding, "store weights as float16, or leave out what is not needed"))
    else:
        checks.append(Check("size", "pass", what))
    return checks


def _stand_ins(submission: Submission) -> list[Check]:
    """Find empty weights, and the pointers that a clone without Git LFS holds in place of files."""
    found = []
    for name, size in submission.sizes.items():
        if size == 0 and name.endswith(_WEIGHTS):
            found.append(Check("stand-ins", "fail", f"{name} is empty", "put the file itself there", name))
        elif size < 1024 and submission.read(name, 64).startswith(_LFS):
            finding = f"{name} is a pointer of Git LFS and not the file itself"
            found.append(Check("stand-ins", "fail", finding, "run 'git lfs pull', then pack again", name))
    return or_pass(found, "stand-ins", "no pointers of Git LFS and no empty weights")


def _shadows(submission: Submission) -> list[Check]:
    """Find modules named as installed ones, which come first: the submission is the last on ``sys.path``."""
    others = {MODULES.get(name, name).replace("-", "_") for name in ALLOWED} | _TAKEN | set(sys.stdlib_module_names)
    code = [name for name in submission.names if name.endswith(".py") and not _JUNK.search(name)]
    checks = []
    for top in sorted({name.partition("/")[0] for name in code}):
        module = top.removesuffix(".py")
        if module in others:
            finding = f"{top} has the name of a package: 'import {module}' gives the installed one, which comes first"
            remedy = f"give {top} another name, and change the imports of it"
            checks.append(Check("module names", "warn", finding, remedy, top))
    return or_pass(checks, "module names", "no module has the name of an installed package")

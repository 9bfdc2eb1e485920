"""Read ``requirements.txt`` as the challenge's ingestion program does. It differs from pip.

It takes the file line by line (``install_from_whitelist`` in ``ingestion.py`` of Imageomics/HDR-anomaly-challenge):
removes the line end, splits at ``==``, and looks the first part up among the allowed names, letter by letter. A name
that is not there ends the run, an invalid version too; with more than one ``==`` the version is dropped and the newest
is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from packaging.version import InvalidVersion, Version

#: Packages a submission may ask for, spelt exactly so: ``whitelist.txt`` of the ingestion program, in its order
#: (Imageomics/HDR-anomaly-challenge, MIT). ``pytorch`` is allowed, but no package of that name can be installed.
ALLOWED = (
    "pytorch", "tensorflow", "numpy", "scikit-learn", "keras", "torch", "open-clip-torch", "torchvision",
    "transformers", "pandas", "Pillow", "scipy", "tqdm", "pyarrow", "duckdb", "matplotlib", "xgboost", "nflows",
    "lightgbm", "seaborn", "iminuit", "timm", "torchaudio", "catboost", "plotly", "opencv-python-headless",
    "albumentations",
)  # fmt: skip

#: Modules that the allowed packages are imported as, where that is not the package's name.
MODULES = {
    "scikit-learn": "sklearn",
    "open-clip-torch": "open_clip",
    "Pillow": "PIL",
    "opencv-python-headless": "cv2",
    "pytorch": "torch",
}

#: What people ask for, and the allowed package that gives it.
_NICKNAMES = {
    "sklearn": "scikit-learn",
    "pil": "Pillow",
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-python-headless",
    "opencv-contrib-python-headless": "opencv-python-headless",
    "cv2": "opencv-python-headless",
    "open-clip": "open-clip-torch",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
}

Status = Literal["accepted", "odd", "rejected"]


@dataclass(frozen=True)
class Requirement:
    """One line of ``requirements.txt`` and what becomes of it."""

    number: int  # From 1
    text: str  # Without its end
    status: Status  # ``"accepted"``; ``"odd"``: accepted, but not as it looks; ``"rejected"``: it ends the run
    installs: str = ""  # What pip is asked for; empty if rejected
    why: str = ""  # What is wrong; empty if accepted
    # The line that would pass. Empty: leave the line out. None if accepted, or if no package on the list gives it
    instead: str | None = None

    @property
    def package(self) -> str:
        """Name that is looked up: what stands before the first ``==``."""
        return self.text.split("==")[0]

    @property
    def version(self) -> str:
        """Version that is installed; empty if the newest is."""
        parts = self.text.split("==")
        return parts[1].strip() if len(parts) == 2 else ""

    @property
    def meant(self) -> str:
        """The list's name for the package, however the line spells it; empty if it names none of the list."""
        return _meant(self.text.strip().lstrip("\ufeff"))


def read_requirements(text: str) -> tuple[Requirement, ...]:
    r"""Read every line of the file's text as the ingestion program does.

    Examples
    --------
    >>> [line.status for line in read_requirements("torch==2.3.0\npillow==10.3.0")]
    ['accepted', 'rejected']
    >>> read_requirements("scikit-learn>=1.3")[0].instead
    'scikit-learn==1.3'
    """
    lines = re.sub(r"\r\n?", "\n", text).split("\n")
    if lines[-1] == "":
        lines.pop()
    return tuple(_read_line(number, line) for number, line in enumerate(lines, start=1))


def _read_line(number: int, text: str) -> Requirement:
    name, *versions = text.split("==")
    if len(versions) == 1 and not _is_version(versions[0]):
        why = f"{versions[0]!r} is not a version; the parser raises an error, which ends the run"
        return Requirement(number, text, "rejected", why=why, instead=_mended(text))
    if name not in ALLOWED:
        return Requirement(number, text, "rejected", why=_why_unknown(text, name), instead=_mended(text))
    if name == "pytorch":
        why = "the list allows the name, but pip cannot install a package called pytorch"
        return Requirement(number, text, "rejected", why=why, instead="==".join(["torch", *versions][:2]))
    if len(versions) > 1:
        why = f"more than one '==': the version is dropped and the newest {name} installed"
        return Requirement(number, text, "odd", name, why, _mended(text) or name)
    if not versions:
        why = f"no version: the newest {name} is installed, whatever that is on the day"
        return Requirement(number, text, "odd", text, why, f"{name}==VERSION")
    if versions[0] != versions[0].strip():
        return Requirement(number, text, "odd", text, "spaces around the version, which pip forgives", _mended(text))
    return Requirement(number, text, "accepted", text)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _why_unknown(text: str, name: str) -> str:
    stripped = text.strip().lstrip("\ufeff")
    if not stripped:
        return "an empty line: the parser looks up a package without a name"
    if stripped.startswith("#"):
        return "a comment: the parser takes it for a package's name"
    if stripped.startswith(("-", "git+", "http", ".", "/")):
        return "an option, address or path: the parser takes it for a package's name"
    if text.startswith("\ufeff"):
        return "the file begins with a byte order mark, which becomes part of the name; save it as plain UTF-8"
    bare = _bare_name(stripped)
    if _allowed_spelling(bare) is None:
        return f"{bare or stripped} is not among the packages the challenge allows"
    if "[" in stripped:
        return "extras in brackets become part of the name"
    if name.strip() in ALLOWED:
        return "spaces around the name: it is compared letter by letter"
    if name == bare:
        return f"{bare} is compared letter by letter with the list, which says {_allowed_spelling(bare)}"
    return "only NAME==VERSION is understood: anything else becomes part of the name"


def _mended(text: str) -> str | None:
    """The nearest line that would pass."""
    stripped = text.strip().lstrip("\ufeff").partition("#")[0].partition(";")[0].strip()
    if not stripped:
        return ""
    name = _meant(stripped)
    if not name:
        return None
    numbers = re.findall(r"[0-9][\w.+!-]*", stripped[len(_bare_name(stripped)) :])
    versions = [number.rstrip(".") for number in numbers if _is_version(number.rstrip("."))]
    return f"{name}=={versions[0]}" if versions else name


def _meant(text: str) -> str:
    name = _allowed_spelling(_bare_name(text)) or ""
    return "torch" if name == "pytorch" else name


def _bare_name(text: str) -> str:
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text)
    return found.group().rstrip("._-") if found else ""


def _allowed_spelling(name: str) -> str | None:
    """The list's spelling of a name that pip takes for the same (PEP 503), or of a known nickname."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    plain = _NICKNAMES.get(plain, plain)
    return next((allowed for allowed in ALLOWED if allowed.lower() == plain.lower()), None)

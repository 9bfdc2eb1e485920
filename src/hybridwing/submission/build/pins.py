"""The versions that a submission asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.submission.package.releases import release_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybridwing.backbones.base import BackboneSpec

#: The newest release of each that installs on Python 3.10, which the challenge's container runs; of torch the release
#: that this project is tested with. All names are on the challenge's whitelist, spelt as it spells them. Fixed here and
#: not read off the machine, so that the same run gives the same submission everywhere; ``benchmarks/submission.py``
#: installs them in a fresh environment and holds the scores against the library's.
PINS: Mapping[str, str] = {
    "numpy": "2.2.6",
    "scipy": "1.15.3",
    "Pillow": "12.3.0",
    "torch": "2.13.0",
    "transformers": "5.20.2",
}


def requirements_of(backbone: BackboneSpec, overrides: Sequence[str] = ()) -> tuple[str, ...]:
    """Lines of the ``requirements.txt`` that a backbone needs.

    ``NAME==VERSION`` without blanks or comments, as the challenge's parser takes them. `overrides` are such lines
    instead of the pin of that name, e.g. for what a container has installed already. Raises SubmissionError if one has
    another form, a name that the backbone does not need, or a version that pip cannot install on the challenge's Python
    3.10.
    """
    # The code that finds the specimen is always carried, and it needs SciPy.
    names = ["numpy", "scipy", "Pillow"]
    if backbone.family != "pattern":
        names += ["torch", "transformers"]
    pins = {name: PINS[name] for name in names}
    for line in overrides:
        name, separator, version = line.partition("==")
        if not separator or not version or name not in pins or not version.replace(".", "").isalnum():
            raise SubmissionError(
                f"a pin has the form NAME==VERSION with NAME one of {', '.join(pins)} (so spelt); got {line!r}"
            )
        fault = release_fault(name, version)
        if fault is not None and fault.status == "fail":
            raise SubmissionError(f"the pin {line}: {fault.why}; ask for {fault.instead}")
        pins[name] = version
    return tuple(f"{name}=={version}" for name, version in pins.items())

"""Every line is read as the ingestion program reads it, and the line offered in its place passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from hybridwing.submission.package.requirements import ALLOWED, read_requirements


def statuses(text: str) -> list[str]:
    return [line.status for line in read_requirements(text)]


def test_the_names_are_the_official_ones(shared):
    listed = (shared / "challenge" / "whitelist.txt").read_text().splitlines()
    assert list(ALLOWED) == listed


@pytest.mark.parametrize("line", [f"{name}==1.2.3" for name in ALLOWED if name != "pytorch"] + ["torch==2.3.0+cpu"])
def test_accepted(line):
    (line_read,) = read_requirements(line)
    assert (line_read.status, line_read.installs, line_read.why, line_read.instead) == ("accepted", line, "", None)
    assert f"{line_read.package}=={line_read.version}" == line


@pytest.mark.parametrize(
    ("line", "why", "instead"),
    [
        ("", "empty line", ""),
        ("   ", "empty line", ""),
        ("# torch", "comment", ""),
        ("torch>=2.0", "only NAME==VERSION", "torch==2.0"),
        ("torch~=2.1.0,<3", "only NAME==VERSION", "torch==2.1.0"),
        (" torch==2.0", "spaces around the name", "torch==2.0"),
        ("torch ==2.0", "spaces around the name", "torch==2.0"),
        ("torch == 2.0", "spaces around the name", "torch==2.0"),
        ("torch ", "spaces around the name", "torch"),
        ("transformers[torch]==4.40.0", "extras in brackets", "transformers==4.40.0"),
        ("pillow==10.3.0", "which says Pillow", "Pillow==10.3.0"),
        ("scikit_learn==1.3.2", "which says scikit-learn", "scikit-learn==1.3.2"),
        ("sklearn", "which says scikit-learn", "scikit-learn"),
        ("opencv-python==4.8.0.74", "which says opencv-python-headless", "opencv-python-headless==4.8.0.74"),
        ("safetensors==0.4.3", "not among the packages", None),
        ("huggingface_hub", "not among the packages", None),
        ("skops==0.9", "not among the packages", None),
        ("onnxruntime", "not among the packages", None),
        ("-r other.txt", "option, address or path", None),
        ("git+https://github.com/x/y", "option, address or path", None),
        ("torch==2.*", "not a version", "torch==2"),
        ("torch===2.0", "not a version", "torch==2.0"),
        ("torch==", "not a version", "torch"),
        ("torch==2.3.0 # GPU", "not a version", "torch==2.3.0"),
        ("numpy==1.26.4; python_version > '3.9'", "not a version", "numpy==1.26.4"),
        ("pytorch==2.3.0", "cannot install", "torch==2.3.0"),
        ("\ufefftorch==2.3.0", "byte order mark", "torch==2.3.0"),
    ],
)
def test_rejected_and_mended(line, why, instead):
    (line_read,) = read_requirements(f"{line}\n")
    assert line_read.status == "rejected"
    assert line_read.installs == ""
    assert why in line_read.why
    assert line_read.instead == instead
    if instead:
        assert statuses(instead)[0] in ("accepted", "odd")


@pytest.mark.parametrize(
    ("line", "installs", "why", "instead"),
    [
        ("torch", "torch", "no version", "torch==VERSION"),
        ("torch==1==2", "torch", "more than one", "torch==1"),
        ("torch==2.0 ", "torch==2.0 ", "spaces around the version", "torch==2.0"),
    ],
)
def test_odd(line, installs, why, instead):
    (line_read,) = read_requirements(line)
    assert (line_read.status, line_read.installs, line_read.instead) == ("odd", installs, instead)
    assert why in line_read.why


def test_lines_are_counted_as_read():
    lines = read_requirements("torch==2.0\r\n\r\nPillow==10.3.0")
    assert [(line.number, line.status) for line in lines] == [(1, "accepted"), (2, "rejected"), (3, "accepted")]
    assert read_requirements("") == ()
    assert lines[0].version == "2.0"
    assert read_requirements("torch")[0].version == ""


def official(line: str) -> bool:
    """Whether a line passes, by the description of the parser (facts of the challenge, in our own words)."""
    parts = line.split("==")
    if len(parts) == 2:
        try:
            Version(parts[1])
        except InvalidVersion:
            return False
    return parts[0] in ALLOWED


NAMES = st.sampled_from(
    [*(name for name in ALLOWED if name != "pytorch"), "pillow", "safetensors", "Torch", " torch", ""]
)
REST = st.text(st.sampled_from("=>1.20 #;a[]"), max_size=8)


@given(NAMES, REST)
def test_accepts_what_the_parser_accepts(name, rest):
    line = name + rest
    (line_read,) = read_requirements(f"{line}\n")
    assert (line_read.status != "rejected") == official(line)
    if line_read.status == "rejected" and line_read.instead:
        assert official(line_read.instead)

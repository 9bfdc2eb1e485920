"""Pickles of every protocol, library and packing are seen through without being loaded."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import zipfile

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import __version__ as version
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hybridwing.errors import SubmissionError
from hybridwing.submission.check.pickles import _VERSION, dangerous_names, imported_names, read_pickles


def names(content: bytes) -> set[tuple[str, str]]:
    (data,) = read_pickles(io.BytesIO(content), "x.pkl")
    return imported_names(data)


def dangerous(content: bytes) -> list[str]:
    return dangerous_names(names(content))


def versions(content: bytes) -> set[bytes]:
    return {match[1] for data in read_pickles(io.BytesIO(content), "x.pkl") for match in _VERSION.finditer(data)}


@pytest.fixture(scope="module")
def fitted():
    X = np.random.default_rng(0).normal(size=(40, 3))
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X[:, 0] > 0)


class Evil:
    def __reduce__(self):
        return os.system, ("false",)


@pytest.mark.parametrize("protocol", range(6))
class TestProtocols:
    def test_a_model(self, fitted, protocol):
        content = pickle.dumps(fitted, protocol)
        assert versions(content) == {version.encode()}
        assert ("sklearn.pipeline", "Pipeline") in names(content)
        assert dangerous(content) == []

    def test_an_attack(self, protocol):
        # Twice: the second time the name comes from the memo.
        assert dangerous(pickle.dumps([1, Evil(), Evil()], protocol)) == [f"{os.name}.system"]


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_joblib(fitted, compress):
    for value, expected in ((fitted, []), ({"model": fitted, "z": Evil()}, [f"{os.name}.system"])):
        buffer = io.BytesIO()
        joblib.dump(value, buffer, compress=compress)
        assert versions(buffer.getvalue()) == {version.encode()}
        assert dangerous(buffer.getvalue()) == expected


@pytest.mark.parametrize("as_zip", [True, False])
def test_torch(as_zip):
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(3), "z": 1}, buffer, _use_new_zipfile_serialization=as_zip)
    assert ("torch._utils", "_rebuild_tensor_v2") in names(buffer.getvalue())
    assert dangerous(buffer.getvalue()) == []
    torch.save({"w": Evil()}, buffer := io.BytesIO(), _use_new_zipfile_serialization=as_zip)
    assert dangerous(buffer.getvalue()) == [f"{os.name}.system"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"cbuiltins\neval\n.", ("builtins.eval",)),
        (b"c__builtin__\nset\n.", ()),
        (b"cfunctools\npartial\n.", ()),
        (b"ccollections\nOrderedDict\n.", ()),
        (b"csubprocess\nPopen\n.", ("subprocess.Popen",)),
        (b"\x80\x04\x8c\x02os\x8c\x06system0\x8c\x06system\x93.", ("?.system",)),
        (b"\x80\x02\x82\x01.", ("?.?",)),
        (b"(ios\nsystem\n.", ("os.system",)),
    ],
)
def test_names(content, expected):
    assert dangerous(content) == list(expected)


def test_no_pickle():
    for content in (b"", b"x", b"text of a file", bytes(100), b"\x78\x9cno zlib", b"BZhno", b"]\0\0no"):
        assert read_pickles(io.BytesIO(content), "x") == []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights.txt", "1")
    assert read_pickles(io.BytesIO(buffer.getvalue()), "x") == []


def test_a_zip_that_is_damaged():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", b"marker" * 9)
    with pytest.raises(SubmissionError, match=r"x\.pt is damaged"):
        read_pickles(io.BytesIO(buffer.getvalue().replace(b"marker", b"broken", 1)), "x.pt")


@given(st.binary(max_size=60))
def test_nothing_in_a_file_upsets_it(tail):
    for start in (b"\x80\x04", b"\x80\x02c", b"", b"\x1f\x8b"):
        with contextlib.suppress(SubmissionError):
            for data in read_pickles(io.BytesIO(start + tail), "x"):
                dangerous_names(imported_names(data))

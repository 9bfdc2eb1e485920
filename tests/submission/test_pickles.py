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
from hybridwing.submission.package.pickles import PickleScan, scan


def scanned(content: bytes) -> PickleScan:
    found = scan(io.BytesIO(content), "x.pkl")
    assert found is not None
    return found


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
        found = scanned(pickle.dumps(fitted, protocol))
        assert found.scikit_learn == {version}
        assert ("sklearn.pipeline", "Pipeline") in found.names
        assert found.dangerous == ()
        assert found.whole

    def test_an_attack(self, protocol):
        # Twice: the second time the name comes from the memo.
        assert scanned(pickle.dumps([1, Evil(), Evil()], protocol)).dangerous == (f"{os.name}.system",)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_joblib(fitted, compress):
    for value, dangerous in ((fitted, ()), ({"model": fitted, "z": Evil()}, (f"{os.name}.system",))):
        buffer = io.BytesIO()
        joblib.dump(value, buffer, compress=compress)
        found = scanned(buffer.getvalue())
        assert found.scikit_learn == {version}
        assert found.dangerous == dangerous


@pytest.mark.parametrize("as_zip", [True, False])
def test_torch(as_zip):
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(3), "z": 1}, buffer, _use_new_zipfile_serialization=as_zip)
    found = scanned(buffer.getvalue())
    assert ("torch._utils", "_rebuild_tensor_v2") in found.names
    assert found.dangerous == ()
    torch.save({"w": Evil()}, buffer := io.BytesIO(), _use_new_zipfile_serialization=as_zip)
    assert scanned(buffer.getvalue()).dangerous == (f"{os.name}.system",)


@pytest.mark.parametrize(
    ("content", "dangerous"),
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
def test_names(content, dangerous):
    assert scanned(content).dangerous == dangerous


def test_no_pickle():
    for content in (b"", b"x", b"text of a file", bytes(100), b"\x78\x9cno zlib", b"BZhno", b"]\0\0no"):
        assert scan(io.BytesIO(content), "x") is None
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights.txt", "1")
    assert scan(io.BytesIO(buffer.getvalue()), "x") is None


def test_a_zip_that_is_damaged():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", b"marker" * 9)
    with pytest.raises(SubmissionError, match=r"x\.pt is damaged"):
        scan(io.BytesIO(buffer.getvalue().replace(b"marker", b"broken", 1)), "x.pt")


@given(st.binary(max_size=60))
def test_nothing_in_a_file_upsets_it(tail):
    for start in (b"\x80\x04", b"\x80\x02c", b"", b"\x1f\x8b"):
        with contextlib.suppress(SubmissionError):
            scan(io.BytesIO(start + tail), "x")

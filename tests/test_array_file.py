"""Arrays with a header: what was written is read, the same bytes twice, and nothing in a file is executed."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from hybridwing.array_file import read_arrays, write_arrays
from hybridwing.errors import RunError

NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda name: name != "header")
VALUES = arrays_of.arrays(
    st.sampled_from([np.float32, np.float64]),
    arrays_of.array_shapes(min_dims=0, max_dims=2),
    elements={"allow_nan": False, "allow_infinity": False},
)


@given(st.dictionaries(NAMES, VALUES, max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_what_is_written_is_read(tmp_path_factory, arrays, names):
    path = tmp_path_factory.mktemp("a") / "x.npz"
    write_arrays(path, "thing", {"names": names}, arrays)
    first = path.read_bytes()
    header, found = read_arrays(path, "thing")
    assert header["names"] == names
    assert set(found) == set(arrays)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    write_arrays(path, "thing", {"names": names}, arrays)
    assert path.read_bytes() == first


def test_numpy_opens_it_without_pickle(tmp_path):
    write_arrays(tmp_path / "x.npz", "thing", {}, {"a": np.arange(3.0)})
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert found["a"].tolist() == [0, 1, 2]
        assert json.loads(found["header"].tobytes()) == {"format_version": 1, "kind": "thing"}


def damaged(path, how):
    good = {"a": np.arange(3.0)}
    if how == "text":
        path.write_text("no archive")
    elif how == "cut":
        write_arrays(path, "thing", {}, good)
        path.write_bytes(path.read_bytes()[:-40])
    elif how == "other kind":
        write_arrays(path, "other", {}, good)
    elif how == "pickle":
        np.savez(path, header=np.array([{}], dtype=object))
    elif how == "no header":
        np.savez(path, a=np.arange(3.0))
    elif how == "compressed":
        np.savez_compressed(path, a=np.zeros(1000))
    elif how == "newer":
        header = json.dumps({"kind": "thing", "format_version": 99}).encode()
        np.savez(path, header=np.frombuffer(header, dtype=np.uint8))
    elif how == "nan":
        write_arrays(path, "thing", {}, {"a": np.array([np.nan])})
    elif how == "huge":
        content = io.BytesIO()
        np.lib.format.write_array(content, good["a"], version=(1, 0))
        claim = content.getvalue().replace(b"'shape': (3,), }" + b" " * 15, b"'shape': (99999999999, 9), }   ")
        write_arrays(path, "thing", {}, good)
        with zipfile.ZipFile(path) as archive:
            header = archive.read("header.npy")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.npy", header)
            archive.writestr("a.npy", claim)
    elif how == "many":
        write_arrays(path, "thing", {}, {f"a{number}": np.zeros(1) for number in range(1000)})
    elif how == "list":
        np.savez(path, header=np.frombuffer(b"[1]", dtype=np.uint8))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.npy", b"\x93NUMPY")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("text", "cannot be read"), ("cut", "cannot be read"), ("other kind", "holds 'other' and not 'thing'"),
        ("pickle", "cannot be read"), ("no header", "cannot be read"), ("compressed", "member .* is compressed"),
        ("newer", "newer hybridwing"), ("nan", "finite"), ("list", "cannot be read"), ("stub", "cannot be read"),
        ("huge", r"claims shape \(99999999999, 9\) of float64 but holds 24 bytes"), ("many", "holds 1001 members"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(tmp_path, how, message):
    damaged(tmp_path / "x.npz", how)
    with pytest.raises(RunError, match=message):
        read_arrays(tmp_path / "x.npz", "thing")

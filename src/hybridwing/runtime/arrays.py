"""The file a fitted detector is saved in: one ``.npz`` of plain arrays and a JSON header, never a pickle.

The file is an ordinary NumPy archive (``numpy.load(path, allow_pickle=False)`` opens it) written so that the
same content gives the same bytes. Reading is stricter than ``numpy.load``: a file may come from anyone,
so every size is checked before memory is spent and nothing in it is ever executed.
"""

from __future__ import annotations

import io
import json
import math
import re
import secrets
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .layouts import LAYOUTS, SCORE_MAP_LAYOUT, form_fault, value_fault

if TYPE_CHECKING:
    import os

FORMAT_VERSION = 1
"""Version of the file format that this code writes and reads."""

MAX_BYTES = 1 << 30
"""Largest file, and largest sum of arrays, that is read (1 GiB; the largest real detector is some 30 MB)."""

MAX_MEMBERS = 1000
"""Most arrays in a file that is read (a saved detector has some ten)."""

MAX_HEADER_BYTES = 1 << 16
"""Longest JSON header that is written (64 KiB); reading allows twice that and no more."""

NO_SCORE_MAP = "none"
QUANTILE_SCORE_MAP = "quantile"

# The members are written by NumPy in format 1.0, whose header is a Python literal. Matching the one form
# that NumPy writes, instead of evaluating the literal, leaves a hostile header nothing to work with.
_NPY_START = re.compile(
    rb"\x93NUMPY\x01\x00(?s:..)"
    rb"\{'descr': '(?P<dtype><f4|<f8|<i8|\|u1)', 'fortran_order': False, "
    rb"'shape': \((?P<shape>[0-9]{0,12}|(?:[0-9]{1,12}, ?){1,3}[0-9]{0,12})\), \} *\n"
)

Array = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int64]
Arrays = Mapping[str, Array]
Floats = NDArray[np.float64]


class FormatError(ValueError):
    """A saved detector cannot be read, or does not fit what it is used with."""


@dataclass(frozen=True)
class DetectorHeader:
    """What a saved detector says about itself."""

    kind: str  # The detector's name
    form: str  # Which arrays are saved and how they are scored, one of ``layouts.LAYOUTS``
    n_features: int  # Length of the embeddings it was fitted on
    # The parameters it was made with (JSON values); a record of provenance that scoring does not read.
    params: Mapping[str, object]
    package_version: str  # The hybridwing version that made it
    score_map: str = NO_SCORE_MAP  # ``"none"``, or ``"quantile"`` when the arrays hold a calibration
    format_version: int = FORMAT_VERSION  # Version of the file format


@dataclass(frozen=True, eq=False)
class SavedDetector:
    """A fitted detector as plain arrays."""

    header: DetectorHeader  # What the arrays are
    arrays: Arrays  # float32, float64 or int64, all finite; names and shapes as in ``layouts``

    @property
    def is_calibrated(self) -> bool:
        """Whether scores can leave as calibrated quantiles."""
        return self.header.score_map == QUANTILE_SCORE_MAP


def save_arrays(path: str | os.PathLike[str], saved: SavedDetector) -> None:
    """Write a detector to one ``.npz`` file, whole or not at all.

    An existing file is replaced in one step; its folder must exist. The same content gives the same bytes on every
    platform. Raises FormatError if the arrays are not what the header says, so that the file could not be read back,
    and OSError if it cannot be written.
    """
    check_saved(saved)
    header = _header_bytes(saved.header)
    target = Path(path)
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as stream:
            write_archive(stream, header, saved.arrays)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def load_arrays(path: str | os.PathLike[str]) -> SavedDetector:
    """Read a detector that `save_arrays` wrote; its arrays are read-only.

    The file is not trusted, see `read_archive`. Raises FormatError if it is missing, damaged, made by a newer
    version, or not a saved detector.
    """
    try:
        header, arrays = read_archive(Path(path))
        saved = SavedDetector(_parse_header(header), arrays)  # type: ignore[arg-type]  # three dtypes, as is checked now
        check_saved(saved)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    return saved


def check_saved(saved: SavedDetector) -> None:
    """Raise FormatError for the first array that is missing, unknown, of another type or shape, or impossible."""
    header = saved.header
    if header.form not in LAYOUTS:
        raise FormatError(f"unknown form of detector {header.form!r}; known: {', '.join(LAYOUTS)}")
    if header.score_map not in (NO_SCORE_MAP, QUANTILE_SCORE_MAP):
        raise FormatError(f"unknown score map {header.score_map!r}")
    layout = dict(LAYOUTS[header.form])
    if saved.is_calibrated:
        layout.update(SCORE_MAP_LAYOUT)
    odd = sorted(set(layout) ^ set(saved.arrays))
    if odd:
        state = "missing" if odd[0] in layout else "not expected"
        raise FormatError(f"array '{odd[0]}' is {state} in a saved '{header.kind}' detector")
    lengths = {"d": header.n_features, "2": 2}
    for name, letters in layout.items():
        array = saved.arrays[name]
        kind = getattr(array, "dtype", type(array).__name__)
        if kind not in (np.float32, np.float64, np.int64):
            raise FormatError(f"array '{name}' is {kind}; float32, float64 or int64 is needed")
        _check_shape(name, array.shape, letters.split(), lengths)
        if fault := value_fault(name, array):
            raise FormatError(f"array '{name}' {fault}")
    if fault := form_fault(header.form, saved.arrays):
        raise FormatError(fault)


def _check_shape(name: str, shape: tuple[int, ...], letters: list[str], lengths: dict[str, int]) -> None:
    if len(shape) != len(letters):
        raise FormatError(f"array '{name}' has {len(shape)} dimensions instead of {len(letters)}")
    for length, letter in zip(shape, letters, strict=True):
        wanted = lengths.setdefault(letter, length)
        if length != wanted or length == 0:
            raise FormatError(f"array '{name}' has shape {shape}, where a length of {wanted or 'at least 1'} is needed")


def _header_bytes(header: DetectorHeader) -> bytes:
    try:
        text = json.dumps(asdict(header), sort_keys=True, allow_nan=False, ensure_ascii=False)
        content = text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise FormatError(f"the header cannot be written as JSON: {error}") from error
    if len(content) > MAX_HEADER_BYTES:
        raise FormatError(f"the header is longer than {MAX_HEADER_BYTES} bytes; shorten its parameters")
    return content


def write_archive(stream: io.BufferedWriter, header: bytes, arrays: Arrays) -> None:
    """Write a header and arrays by name as an ``.npz`` archive whose bytes are a function of the content alone."""
    members = {"header": np.frombuffer(header, dtype=np.uint8), **{name: arrays[name] for name in sorted(arrays)}}
    # numpy.savez stamps each member with the time of writing; fixed stamps, no compression (zlib's output
    # changes between versions) and a fixed "made on" field keep the bytes a function of the content alone.
    with zipfile.ZipFile(stream, "w", compression=zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            buffer = io.BytesIO()
            # order="C" and an explicit little-endian type: the reader knows only that form.
            plain = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
            np.lib.format.write_array(buffer, plain, version=(1, 0), allow_pickle=False)
            archive.writestr(entry, buffer.getvalue())


def read_archive(path: Path) -> tuple[bytes, dict[str, NDArray[np.generic]]]:
    """Read the header and the arrays that `write_archive` wrote, or what wants to pass for them.

    Every size that the file declares is held against the bytes that are there before memory is spent on it, and
    nothing is unpickled or evaluated. The arrays are read-only, of float32, float64, int64 or uint8. Raises FormatError
    if the file is missing, damaged, of another form, larger than `MAX_BYTES`, or has more than
    `MAX_MEMBERS` members; the message does not name the file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError(f"larger than {MAX_BYTES} bytes, which no saved file is")
        with zipfile.ZipFile(path) as archive:
            members = _checked_members(archive)
            arrays = {name: _parse_npy(name, archive.read(entry)) for name, entry in members.items()}
    except FormatError:
        raise
    except FileNotFoundError:
        raise FormatError("no such file") from None
    except zipfile.BadZipFile as error:
        raise FormatError(f"not a .npz archive, or a damaged one ({error}); save or download it again") from error
    except MemoryError as error:
        raise FormatError("there is not enough memory to read it") from error
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        # What zipfile raises besides BadZipFile: encrypted members, methods it lacks, names that are no text.
        raise FormatError(f"cannot be read: {error}") from error
    header = arrays.pop("header", None)
    if header is None:
        raise FormatError("no member 'header'; this is not a file that hybridwing saved")
    if header.dtype != np.uint8 or header.ndim != 1:
        raise FormatError("the header is not an array of bytes")
    return header.tobytes(), arrays


def _checked_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Members by name, refused before any is read if they claim more memory than the file has bytes."""
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise FormatError(f"holds {len(entries)} members; no saved file has more than {MAX_MEMBERS}")
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename.removesuffix(".npy")
        if name == entry.filename or name in members or not name.isidentifier():
            raise FormatError(f"unexpected or repeated member {entry.filename[:80]!r}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise FormatError(f"member {name!r} is compressed; hybridwing saves none compressed")
        members[name] = entry
    if sum(entry.file_size for entry in members.values()) > MAX_BYTES:
        raise FormatError(f"the members claim more than {MAX_BYTES} bytes, which no saved file has")
    return members


def _parse_npy(name: str, content: bytes) -> NDArray[np.generic]:
    start = _NPY_START.match(content)
    if start is None:
        raise FormatError(
            f"member {name!r} is not a plain little-endian array of float32, float64 or int64 "
            "(NumPy's format 1.0); objects are never loaded"
        )
    dtype = np.dtype(start["dtype"].decode("ascii"))
    shape = tuple(int(length) for length in start["shape"].replace(b" ", b"").split(b",") if length)
    body = memoryview(content)[start.end() :]
    if math.prod(shape) * dtype.itemsize != len(body):
        raise FormatError(f"member {name!r} claims shape {shape} of {dtype} but holds {len(body)} bytes")
    return np.frombuffer(body, dtype=dtype).reshape(shape)


def _parse_header(content: bytes) -> DetectorHeader:
    if len(content) >= 2 * MAX_HEADER_BYTES:
        raise FormatError(f"the header is longer than {MAX_HEADER_BYTES} bytes")
    try:
        fields = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the header is not JSON: {error}") from error
    version = fields.get("format_version") if isinstance(fields, dict) else None
    if type(version) is not int or version < 1:
        raise FormatError("the header has no valid 'format_version'; this is not a file that hybridwing saved")
    if version > FORMAT_VERSION:
        raise FormatError(
            f"format version {version} was made by a newer version of hybridwing than this one, which "
            f"reads up to {FORMAT_VERSION}; upgrade with: pip install --upgrade hybridwing"
        )
    types = {"kind": str, "form": str, "n_features": int, "params": dict, "package_version": str, "score_map": str}
    for name, wanted in types.items():
        if type(fields.get(name)) is not wanted:
            raise FormatError(f"the header's {name!r} is missing or not of type {wanted.__name__}")
    if fields["n_features"] < 1:
        raise FormatError(f"the header's 'n_features' must be at least 1, not {fields['n_features']}")
    return DetectorHeader(**{name: fields[name] for name in types}, format_version=version)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def as_floats(arrays: Arrays, name: str) -> Floats:
    """One of the arrays, to compute with."""
    return np.asarray(arrays[name], dtype=np.float64)

"""What a zip file holds, read from its directory alone: nothing is unpacked here."""

from __future__ import annotations

import itertools
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.submission.package.limits import ArchiveLimits, clashes, kind_fault, name_fault, plain_name, refuse

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

#: Bytes of the zip's directory an entry takes on average, at most; what zipfile makes of it stays in proportion.
_DIRECTORY_BYTES = 512
_ENCRYPTED = 0x1
#: LZMA and bzip2 members may ask for gigabytes to be unpacked, and not every zip program knows them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_directory(path: Path, limits: ArchiveLimits) -> dict[str, zipfile.ZipInfo]:
    """Files of a zip by their plain names, in the order of their names.

    Raises
    ------
    SubmissionError
        If the file is no zip, or holds anything that is not a plain file or folder at a plain place, or more than
        `limits` allows.
    """
    with path.open("rb") as file:
        check_directory_size(file, path, limits)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise SubmissionError(f"{path} is no readable zip file: {error}") from error
    refuse(path, _member_faults(infos, limits))
    files = {plain_name(info.orig_filename): info for info in infos if not info.orig_filename.endswith("/")}
    refuse(path, _size_faults(list(files.values()), path.stat().st_size, limits))
    return dict(sorted(files.items()))


def check_directory_size(file: IO[bytes], path: object, limits: ArchiveLimits) -> None:
    """Look at the zip's last record before zipfile reads a directory of any size into memory.

    See APPNOTE.TXT 4.3.14 to 4.3.16: the record is at the end, before a comment of at most 65,535 bytes.

    Raises
    ------
    SubmissionError
        If there is no such record, or it tells of more than `limits` allows.
    """
    length = file.seek(0, 2)
    file.seek(max(0, length - 65_557))
    end = file.read()
    at = end.rfind(b"PK\5\6")
    if at < 0 or len(end) < at + 22:
        raise SubmissionError(f"{path} is no zip file, or one that is cut off")
    entries, size = struct.unpack("<HI", end[at + 10 : at + 16])
    locator = end.rfind(b"PK\6\7", 0, at)
    if (entries == 0xFFFF or size == 0xFFFFFFFF) and locator >= 0:
        file.seek(min(struct.unpack("<Q", end[locator + 8 : locator + 16])[0], length))
        record = file.read(48)
        if len(record) == 48 and record.startswith(b"PK\6\6"):
            entries, size = struct.unpack("<QQ", record[32:48])
    if entries > limits.entries or size > limits.entries * _DIRECTORY_BYTES:
        counted = f"{entries:,} entries" if entries > limits.entries else f"a directory of {size:,} bytes"
        refuse(path, [f"it has {counted}, and {limits.entries:,} entries are allowed"])


def _member_faults(infos: list[zipfile.ZipInfo], limits: ArchiveLimits) -> list[str]:
    if len(infos) > limits.entries:
        return [f"it has {len(infos):,} entries, and {limits.entries:,} are allowed"]
    faults = []
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        fault = name_fault(info.orig_filename, limits) or (kind_fault(kind) if kind else None) or _packing_fault(info)
        if fault:
            shown = info.orig_filename if len(info.orig_filename) < 80 else f"{info.orig_filename[:60]}…"
            faults.append(f"{shown!r} {fault}")
    if faults:
        return faults
    folders = [plain_name(info.orig_filename) for info in infos if info.orig_filename.endswith("/")]
    return clashes([plain_name(i.orig_filename) for i in infos if not i.orig_filename.endswith("/")], folders)


def _packing_fault(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted; zip it without a password"
    if info.compress_type not in _METHODS:
        return "is packed with a rare method; zip it with deflate, which every zip program does"
    return None


def _size_faults(infos: list[zipfile.ZipInfo], packed: int, limits: ArchiveLimits) -> list[str]:
    total = sum(info.file_size for info in infos)
    if total > limits.total_bytes:
        return [f"it unpacks to {total:,} bytes, and {limits.total_bytes:,} are allowed"]
    faults = []
    # Members that share their packed bytes are the other way to make much of little.
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for first, second in itertools.pairwise(ordered):
        if first.header_offset + 30 + first.compress_size > second.header_offset:
            faults.append(f"{first.filename} and {second.filename} overlap, as in a zip bomb")
    for info in infos:
        if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(1, info.compress_size):
            faults.append(_bomb(info.filename, info.file_size, info.compress_size, limits))
    if total > limits.ratio_from and total > limits.ratio * packed:
        faults.append(_bomb("the whole", total, packed, limits))
    return faults


def _bomb(what: str, size: int, packed: int, limits: ArchiveLimits) -> str:
    return f"{what} unpacks from {packed:,} to {size:,} bytes, over {limits.ratio:g} times: a zip bomb"

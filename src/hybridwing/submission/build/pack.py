"""Put a folder's files into a zip that Codabench takes: flat, and the same bytes for the same files."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

#: The oldest stamp that a zip holds: when a file was written must not change the bytes.
_STAMP = (1980, 1, 1, 0, 0, 0)


def zip_folder(folder: Path, archive: Path) -> None:
    """Zip what a folder holds, not the folder itself.

    Members are sorted, have fixed stamps and permissions and are stored as they are: what zlib makes of the same bytes
    differs between its versions, and weights do not shrink.

    Raises
    ------
    SubmissionError
        If the zip cannot be written.
    """
    files = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(archive) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as target:
            for name, path in files:
                entry = zipfile.ZipInfo(name, _STAMP)
                entry.create_system = 3
                entry.external_attr = 0o100644 << 16
                entry.file_size = path.stat().st_size
                with path.open("rb") as source, target.open(entry, "w") as member:
                    shutil.copyfileobj(source, member, 1 << 20)
    except OSError as error:
        raise SubmissionError(f"cannot write {archive}: {error}") from error

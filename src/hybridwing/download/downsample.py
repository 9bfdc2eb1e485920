"""Smaller copies of the photographs, in a folder beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from hybridwing.download.errors import DownloadError, RefusedError, disk_error
from hybridwing.download.folder import SafeFolder
from hybridwing.errors import ImageError
from hybridwing.files import written_whole
from hybridwing.images.decode import read_rgb

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMATS: Mapping[str, str] = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".webp": "WEBP"}
_QUALITY = 92


class Downsizer:
    """Writes copies whose short side has a given length; smaller photographs keep their size.

    The shape is kept, unlike in the copies of the official instructions, which are squeezed into squares: a square can
    be made of these, but not these of a square.
    """

    def __init__(self, out: Path, short_side: int) -> None:
        if short_side < 1:
            raise DownloadError(
                f"The short side of smaller copies (downsize, --downsize) must be >= 1; got {short_side}."
            )
        place = Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would go to where a link leads
        self._root = SafeFolder(place.with_name(f"{place.name}_downsized"))
        self._short_side = short_side

    def make(self, path: str, photograph: Path) -> None:
        """Write the copy of a photograph, unless there is one of this length that is not older."""
        target = self._root.make_parent(path)
        try:
            if self._is_made(target, photograph):
                return
            image = read_rgb(photograph, short_side=self._short_side)
            if (short := min(image.size)) > self._short_side:
                scale = self._short_side / short
                width, height = (max(round(side * scale), self._short_side) for side in image.size)
                image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
            with written_whole(target) as partial:
                image.save(partial, format=_FORMATS.get(target.suffix.lower(), "JPEG"), quality=_QUALITY)
        except ImageError as error:
            raise RefusedError(f"no smaller copy: {error.reason}") from error
        except OSError as error:
            raise disk_error(error) from error

    def _is_made(self, target: Path, photograph: Path) -> bool:
        if not target.is_file() or target.stat().st_mtime_ns < photograph.stat().st_mtime_ns:
            return False
        try:
            with Image.open(target) as copy, Image.open(photograph) as original:
                return min(copy.size) == min(self._short_side, *original.size)
        except (OSError, ValueError, SyntaxError):
            return False

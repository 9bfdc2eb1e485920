"""Fingerprints of photographs: of the bytes, of the pixels, and of what the picture looks like."""

from __future__ import annotations

import hashlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import CatalogueError, ImageError
from hybridwing.images.decode import read_rgb
from hybridwing.images.listed import ImageFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from PIL import Image

SHORT_SIDE = 256
"""Pixels of the short side at which a JPEG is decoded: the same data gives the same pixels there, many times faster."""
THUMBNAIL = 32
_FLAT = 2.0  # grey levels; below this standard deviation a picture is blank and its hash is noise
_BLOCK = 1 << 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What identifies a photograph.

    Attributes
    ----------
    uuid : str
    content : str
        SHA-256 of the file's bytes.
    pixels : str
        SHA-256 of its upright RGB pixels and their shape, a JPEG's at the scale of `SHORT_SIDE`: the same for a file
        that differs only in its metadata.
    perceptual : int
        64-bit hash of what it looks like, see `perceptual_hash`.
    thumbnail : ndarray of shape (32, 32), float32
        Grey, zero mean and unit length, so that a product is a correlation; all 0 for a blank picture.
    """

    uuid: str
    content: str
    pixels: str
    perceptual: int
    thumbnail: npt.NDArray[np.float32]

    @property
    def blank(self) -> bool:
        """Whether the picture is all of one grey."""
        return not self.thumbnail.any()


@dataclass(frozen=True)
class Unreadable:
    """An image that has no fingerprint.

    Attributes
    ----------
    uuid, reason : str
    missing : bool
        There is no such file.
    """

    uuid: str
    reason: str
    missing: bool


def check_image_folder(folder: Path) -> None:
    """Raise CatalogueError where there is no folder of images."""
    if not folder.is_dir():
        raise CatalogueError(f"no folder of images at {folder}; name it with images= (--images)")


def fingerprint_images(
    folder: Path, files: Sequence[tuple[str, str]], *, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Fingerprint], list[Unreadable]]:
    """Fingerprint many photographs, in parallel.

    Parameters
    ----------
    folder : Path
        What the file names are relative to.
    files : sequence of (str, str)
        Key and file name of each.
    progress : callable, optional
        Called with (done, all) after every file.

    Returns
    -------
    fingerprints : list of Fingerprint
    unreadable : list of Unreadable
        Both in the order of `files`.

    Raises
    ------
    CatalogueError
        If the folder does not exist.
    """
    check_image_folder(folder)
    place, names = ImageFolder(folder), dict(files)
    made: list[Fingerprint] = []
    unreadable: list[Unreadable] = []
    for done, result in enumerate(_fingerprints(place, files), start=1):
        if isinstance(result, Fingerprint):
            made.append(result)
        else:
            reason = result.reason + place.hint(names[result.uuid]) if result.missing else result.reason
            unreadable.append(replace(result, reason=reason))
        if progress is not None:
            progress(done, len(files))
    return made, unreadable


def fingerprint(path: Path, uuid: str) -> Fingerprint | Unreadable:
    """Fingerprint one photograph; one that cannot be read is a result too."""
    try:
        image = read_rgb(path, SHORT_SIDE)
        content = _sha256(path)
    except ImageError as error:
        return Unreadable(uuid, str(error), not path.exists())
    except OSError as error:
        return Unreadable(uuid, f"open: {error.strerror}", False)
    digest = hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()
    grey = _grey(image)
    return Fingerprint(uuid, content, digest, perceptual_hash(grey), _unit(grey))


def perceptual_hash(grey: npt.NDArray[np.float32]) -> int:
    """64 bits that similar pictures share, from the lowest frequencies of the discrete cosine transform.

    A bit is set where a coefficient is above the median of the 8 × 8 lowest, the constant one left out of the median
    (Zauner 2010, *Implementation and benchmarking of perceptual image hash functions*, section 3.2.1).

    Parameters
    ----------
    grey : ndarray of shape (32, 32), float32
    """
    from scipy.fft import dctn

    low = np.asarray(dctn(grey, norm="ortho"))[:8, :8].ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _fingerprints(folder: ImageFolder, files: Sequence[tuple[str, str]]) -> Iterator[Fingerprint | Unreadable]:
    """In order and in threads, for decoding and hashing release the interpreter; a bounded number at a time."""
    count = os.cpu_count() or 1
    with ThreadPoolExecutor(count) as pool:
        for start in range(0, len(files), 64 * count):
            part = files[start : start + 64 * count]
            yield from pool.map(lambda item: fingerprint(folder.locate(item[1]), item[0]), part)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _grey(image: Image.Image) -> npt.NDArray[np.float32]:
    from PIL import Image as Pillow

    small = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Pillow.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def _unit(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    centred = grey - grey.mean()
    if centred.std() < _FLAT:
        return np.zeros_like(centred)
    return np.asarray(centred / np.linalg.norm(centred), dtype=np.float32)

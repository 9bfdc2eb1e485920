"""Photographs that are there twice: the same file, the same pixels, or the same picture saved again."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hybridwing.audit.findings import MOST_ROWS, EvidenceTable, Finding, clear
from hybridwing.errors import ImageError, counted
from hybridwing.images.decode import read_rgb
from hybridwing.runtime.digests import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from hybridwing.images.listed import ImageFolder

Likeness = Literal["file", "pixels", "picture"]

MOST_BITS = 7
"""Perceptual hashes of 64 bits that differ in more are of different pictures."""
LEAST_CORRELATION = 0.985
"""Thumbnails that correlate less are of different pictures. The perceptual hashes of photographs taken with one stand
and one background agree by chance; the thumbnails tell another butterfly from another copy."""
SHORT_SIDE = 256
"""Pixels of the short side at which a JPEG is decoded: the same data gives the same pixels there, many times faster."""
THUMBNAIL = 32
_FLAT = 2.0  # grey levels; a picture with a smaller standard deviation is blank and its hash is noise
_BLOCK = 256

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What identifies a photograph."""

    uuid: str
    content: str  # SHA-256 of the file's bytes
    pixels: str  # SHA-256 of its upright RGB pixels and their shape, a JPEG's at the scale of `SHORT_SIDE`
    bits: npt.NDArray[np.float32]  # Shape (64,), see `perceptual_hash`
    # Shape (1024,): grey, zero mean and unit length, so that a product is a correlation; all 0 for a blank picture.
    thumbnail: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Unreadable:
    """An image that has no fingerprint, with the reason; `missing` where there is no such file."""

    uuid: str
    reason: str
    missing: bool


@dataclass(frozen=True)
class CopyGroup:
    """Photographs of one picture."""

    likeness: Likeness  # What all of them have in common: the bytes of the file, the decoded pixels, or the look
    uuids: tuple[str, ...]  # Two or more, sorted


def fingerprint_images(
    folder: ImageFolder, files: Mapping[str, str], *, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Fingerprint], list[Unreadable]]:
    """Fingerprint many photographs in parallel; `files` has the file name of each key.

    Those that cannot be read come apart, with the reason. Both lists are in the order of `files`.
    """
    made: list[Fingerprint] = []
    unreadable: list[Unreadable] = []
    for done, result in enumerate(_fingerprints(folder, list(files.items())), start=1):
        if isinstance(result, Fingerprint):
            made.append(result)
        else:
            hint = folder.hint(files[result.uuid]) if result.missing else ""
            unreadable.append(replace(result, reason=result.reason + hint))
        if progress is not None:
            progress(done, len(files))
    logger.info("%d images read, %d not", len(made), len(unreadable))
    return made, unreadable


def fingerprint(path: Path, uuid: str) -> Fingerprint | Unreadable:
    """Fingerprint one photograph; the result says so if it cannot be read."""
    from PIL import Image

    try:
        image = read_rgb(path, SHORT_SIDE)
        content = file_digest(path)
    except ImageError as error:
        return Unreadable(uuid, str(error), not path.exists())
    except OSError as error:
        return Unreadable(uuid, f"open: {error.strerror}", False)
    digest = hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()
    small = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float32)
    centred = grey - grey.mean()
    unit = centred / np.linalg.norm(centred) if centred.std() >= _FLAT else np.zeros_like(centred)
    return Fingerprint(uuid, content, digest, perceptual_hash(grey), unit.ravel())


def perceptual_hash(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """64 bits that similar pictures share, from the lowest frequencies of the discrete cosine transform.

    A bit is set where a coefficient is above the median of the 8 × 8 lowest, the constant one left out of the median
    (Zauner 2010, *Implementation and benchmarking of perceptual image hash functions*, section 3.2.1). `grey` has the
    shape (32, 32). A bit that is set is 1 and another -1, so that two hashes that differ in b bits have the product
    64 - 2 b.
    """
    from scipy.fft import dctn

    low = np.asarray(dctn(grey, norm="ortho"))[:8, :8].ravel()
    return np.where(low > np.median(low[1:]), 1, -1).astype(np.float32)


def _fingerprints(folder: ImageFolder, files: Sequence[tuple[str, str]]) -> Iterator[Fingerprint | Unreadable]:
    """Fingerprints in order, a bounded number at a time, in threads: decoding and hashing release the interpreter."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(files), 64 * threads):
            part = files[start : start + 64 * threads]
            yield from pool.map(lambda item: fingerprint(folder.locate(item[1]), item[0]), part)


def find_copies(fingerprints: Sequence[Fingerprint]) -> list[CopyGroup]:
    """Group photographs, at least one, that show one picture; each stands in one group at most.

    A group is named for the closest likeness that holds for the whole of it; the exact ones come first. Blank pictures
    are grouped only where bytes or pixels agree.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first: dict[str, int] = {}
    pairs = [(first.setdefault(key, n), n) for n, one in enumerate(fingerprints) for key in (one.content, one.pixels)]
    # One thumbnail stands for all files of the same pixels.
    pairs += _similar_pairs(fingerprints, sorted({first[one.pixels] for one in fingerprints}))
    ends = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    size = len(fingerprints)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    groups: dict[int, list[Fingerprint]] = defaultdict(list)
    for one, group in zip(fingerprints, connected_components(graph, directed=False)[1].tolist(), strict=True):
        groups[group].append(one)
    found = [CopyGroup(_likeness(g), tuple(sorted(one.uuid for one in g))) for g in groups.values() if len(g) > 1]
    return sorted(found, key=lambda group: (get_args(Likeness).index(group.likeness), group.uuids))


def _similar_pairs(fingerprints: Sequence[Fingerprint], rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pictures whose hashes are near and whose thumbnails correlate, among some rows; in blocks, to bound memory."""
    bits = np.stack([fingerprints[row].bits for row in rows])
    thumbnails = np.stack([fingerprints[row].thumbnail for row in rows])
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        near = (bits[block] @ bits[start:].T >= 64 - 2 * MOST_BITS) & (
            thumbnails[block] @ thumbnails[start:].T >= LEAST_CORRELATION
        )
        for one, other in zip(*np.nonzero(np.triu(near, 1)), strict=True):
            yield rows[start + one], rows[start + other]


def _likeness(ones: Sequence[Fingerprint]) -> Likeness:
    if len({one.content for one in ones}) == 1:
        return "file"
    return "pixels" if len({one.pixels for one in ones}) == 1 else "picture"


def copy_finding(groups: Sequence[CopyGroup], places: Mapping[str, str], read: int) -> Finding:
    """Photographs that are there twice; `places` names the table and class of each."""
    if not groups:
        return clear(
            "leaks",
            "no copies among the images",
            f"No two of {counted(read, 'image')} are the same file, the same pixels or visibly the same picture.",
            "Copies that were cropped or turned are not found this way.",
        )
    divided = [group for group in groups if len({places[uuid] for uuid in group.uuids}) > 1]
    across = f"{counted(len(divided), 'group')} of copies are in" if divided else "no group of copies is in"
    rows = tuple(
        (group.likeness, uuid, places[uuid], number)
        for number, group in enumerate(groups, start=1)
        for uuid in group.uuids
    )
    return Finding(
        "leaks",
        "serious" if divided else "caution",
        "copies among the images",
        f"{counted(sum(len(group.uuids) - 1 for group in groups), 'image')} of {read:,} repeat another; {across} two "
        "tables or classes.",
        "A copy in training and test is a question with the answer beside it; a copy under two classes is a "
        "wrong label for one of them.",
        "Look at each group, keep one image of it (drop the others from the table), and correct the label where "
        "they contradict each other.",
        (EvidenceTable("Groups of copies.", ("the same", "image", "table and class", "group"), rows[:MOST_ROWS]),),
    )


def unreadable_findings(unreadable: Sequence[Unreadable], asked: int) -> list[Finding]:
    """Images that are missing or damaged."""
    if not unreadable:
        return []
    missing = sum(one.missing for one in unreadable)
    rows = tuple((one.uuid, one.reason) for one in unreadable[:MOST_ROWS])
    return [
        Finding(
            "labels",
            "caution",
            "images not readable",
            f"{counted(len(unreadable), 'image')} of {asked:,} could not be read: {missing:,} missing, "
            f"{len(unreadable) - missing:,} damaged.",
            "They take no part in the search for copies, and will be missing from training.",
            "Fetch them again (hybridwing download fetches only what is missing or wrong), or drop their rows.",
            (EvidenceTable("Images that could not be read.", ("image", "why"), rows),),
        )
    ]

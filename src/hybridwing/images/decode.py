"""Open a photograph that may be anything, and say in one line why it could not be used."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from hybridwing.errors import ImageError
from hybridwing.images.jpeg import decode_jpeg
from hybridwing.images.kinds import RAW, is_raw_name, named
from hybridwing.images.png import without_long_texts
from hybridwing.images.tiff import is_tiff, read_tiff
from hybridwing.runtime.decode import FORMATS, ORIENTATION_TAG, as_rgb, draft, to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL import ImageFile

#: Largest picture that is decoded unless more is allowed, in millions of pixels. Specimen photographs have about 18; a
#: worker needs up to 10 bytes a pixel.
MAX_MEGAPIXELS = 120.0

#: Largest file that is read: some 180 million pixels without any compression, at two bytes a sample.
MAX_BYTES = 1 << 30

#: What a decoder may raise for data that is not what its header says.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
)


#: How JPEG, PNG, GIF and JPEG 2000 files begin.
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")


@dataclass(frozen=True)
class ReadOptions:
    """Which pictures are read, and which are refused."""

    allow_damaged: bool = False  # Read what is left of a damaged picture, instead of refusing it
    # Largest picture that is decoded, in millions of pixels as its header declares them
    max_megapixels: float = MAX_MEGAPIXELS

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture by what its header declares, before any pixel is decoded.

        Raises ImageError if it has more pixels than allowed.
        """
        if width * height > self.max_megapixels * 1e6:
            raise ImageError(
                "open",
                f"declares {width} × {height} pixels, more than {self.max_megapixels:g} million; make it smaller, or "
                f"allow it with --max-megapixels {-(-width * height // 1_000_000)}",
            )


DEFAULT_OPTIONS = ReadOptions()


def read_rgb(
    path: Path, short_side: int = 0, content: bytes | None = None, options: ReadOptions = DEFAULT_OPTIONS
) -> Image.Image:
    """Decode a photograph to upright 8-bit RGB.

    JPEGs are decoded by simplejpeg, which gives Pillow's pixels and tells of damage that Pillow hides; TIFFs by
    tifffile, see `hybridwing.images.tiff`; the rest by Pillow.

    Parameters
    ----------
    path : Path
        A JPEG, PNG, TIFF, BMP, GIF, WebP, JPEG 2000 or PPM file, whatever its name ends with. Of an animation the first
        frame is taken.
    short_side : int
        Pixels the short side must keep: a JPEG is decoded at the smallest scale that does. 0 decodes in full.
    content : bytes, optional
        What the file holds, as `read_bytes` gives it; otherwise it is read here.
    options : ReadOptions

    Returns
    -------
    PIL.Image.Image
        Mode ``"RGB"``.

    Raises
    ------
    ImageError
        With stage ``"open"`` (no such file, empty, not a photograph, too large) or ``"decode"`` (cut short, damaged, of
        a kind that is not read, out of memory).
    """
    content = read_bytes(path) if content is None else content
    try:
        with _pillow_hushed():
            if is_tiff(content):
                if is_raw_name(path.name):
                    raise ImageError("open", RAW)
                return as_rgb(read_tiff(content, options.check_size, allow_damaged=options.allow_damaged))
            return _read(content, short_side, options)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        if content.startswith(_SIGNATURES):
            raise ImageError("decode", f"{DAMAGED}: its header cannot be read") from error
        raise ImageError("open", named(content, path.name)) from error
    except (MemoryError, *_DECODER_ERRORS) as error:
        if is_out_of_memory(error):
            raise ImageError("decode", OUT_OF_MEMORY) from error
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ImageError("decode", f"{DAMAGED}: {detail}") from error


def _read(content: bytes, short_side: int, options: ReadOptions) -> Image.Image:
    """Decode a picture that is no TIFF."""
    with Image.open(io.BytesIO(without_long_texts(content)), formats=FORMATS) as opened:
        options.check_size(*opened.size)
        draft(opened, short_side)
        deep = opened.mode.startswith("I") or (opened.format == "PNG" and content[24] == 16)
        if opened.format not in ("JPEG", "MPO"):
            picture = _whole_or_left(opened, options)
        else:
            decoded = decode_jpeg(content, opened, allow_damaged=options.allow_damaged)
            if decoded is opened:
                picture = to_rgb(opened)
            else:
                with suppress(Exception):  # of a damaged EXIF block; the pixels are sound all the same
                    decoded.getexif()[ORIENTATION_TAG] = opened.getexif().get(ORIENTATION_TAG, 1)
                picture = as_rgb(decoded)
        if deep and not options.allow_damaged and 0 < _brightest(picture) <= 64:
            raise ImageError(
                "decode",
                "16-bit samples that are all in the lower quarter of their range: they hold fewer bits than the file "
                "says, or the picture is nearly black; export it with 8 bits, or take it as it is with --allow-damaged",
            )
        return picture


def _brightest(picture: Image.Image) -> int:
    """The highest value of an RGB picture."""
    return int(max(band.getextrema()[1] for band in picture.split()))  # type: ignore[arg-type]  # of one band, numbers


def _whole_or_left(opened: ImageFile.ImageFile, options: ReadOptions) -> Image.Image:
    """Decode by Pillow; where damage is allowed, as far as the data go."""
    try:
        return to_rgb(opened)
    except (OSError, SyntaxError):
        if not options.allow_damaged:
            raise
        opened.tile = []  # what was decoded stays in the picture
        return to_rgb(opened)


#: How the reason begins for a picture of which something may be left.
DAMAGED = "damaged or cut short"
#: What is said where a sound picture cannot be decoded.
OUT_OF_MEMORY = (
    "not enough memory to decode it, which does not mean that it is damaged; close other programs, or take fewer "
    "--workers"
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, by its type or in a decoder's words."""
    return (
        isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "insufficient memory" in str(error)
    )


def read_bytes(path: Path) -> bytes:
    """Read a file whole.

    Raises ImageError with stage ``"open"``: no such file, empty, not a file, larger than `MAX_BYTES`, or
    unreadable.
    """
    try:
        if not path.is_file():
            kind = "is a folder" if path.is_dir() else "is not a regular file" if path.exists() else "no such file"
            raise ImageError("open", kind)
        size = path.stat().st_size
        if size == 0:
            raise ImageError("open", "the file is empty (0 bytes)")
        if size > MAX_BYTES:
            raise ImageError("open", f"the file has {size:,} bytes, more than {MAX_BYTES:,}")
        return path.read_bytes()
    except ImageError:
        raise
    except PermissionError as error:
        raise ImageError("open", "no permission to read it") from error
    except MemoryError as error:
        raise ImageError("open", OUT_OF_MEMORY) from error
    except (OSError, ValueError) as error:
        raise ImageError("open", f"cannot be read: {error}") from error


class _Hush:
    """Keeps Pillow's warnings (odd EXIF, large pictures) off the terminal, and its own limit on pixels out of the way.

    Both belong to the process: two threads that save and restore them in turn would leave them changed. So the first to
    enter saves them and the last to leave restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()
        self._limit: int | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hush for the length of a with block."""
        with self._lock:
            if self._inside == 0:
                self._saved, self._limit = warnings.catch_warnings(), Image.MAX_IMAGE_PIXELS
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
                Image.MAX_IMAGE_PIXELS = None  # ReadOptions has the limit
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._saved.__exit__(None, None, None)
                    Image.MAX_IMAGE_PIXELS = self._limit


_pillow_hushed = _Hush()

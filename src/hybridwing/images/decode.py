"""Open a photograph that may be anything, and say in one line why it could not be used."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from hybridwing.errors import ImageError
from hybridwing.runtime.decode import open_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Largest picture that is decoded, in pixels as its header declares them. Specimen photographs have about 18 million;
#: twice Pillow's own warning limit, where Pillow refuses too.
MAX_PIXELS = 178_956_970

#: Largest file that is read: more than that many pixels take without any compression, at two bytes a sample.
MAX_BYTES = 6 * MAX_PIXELS + (1 << 24)

#: What a decoder may raise for data that is not what its header says. ``MemoryError`` is a header that lies about size.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)


def read_rgb(path: Path, short_side: int = 0, content: bytes | None = None) -> Image.Image:
    """Decode a photograph to upright 8-bit RGB.

    Parameters
    ----------
    path : Path
        A JPEG, PNG, TIFF, BMP, GIF, WebP, JPEG 2000 or PPM file, whatever its name ends with. Of an animation the first
        frame is taken.
    short_side : int
        Pixels the short side must keep: a JPEG is decoded at the smallest scale that does. 0 decodes in full.
    content : bytes, optional
        What the file holds, as :func:`read_bytes` gives it; otherwise it is read here.

    Returns
    -------
    PIL.Image.Image
        Mode ``"RGB"``.

    Raises
    ------
    ImageError
        With stage ``"open"`` (no such file, empty, not an image, too large) or ``"decode"`` (cut short, damaged).
    """
    try:
        if content is None:
            _refuse_absent(path)
        with _pillow_hushed():
            return open_rgb(str(path) if content is None else io.BytesIO(content), short_side, _refuse_oversized)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError("open", f"declares more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise ImageError("open", f"not an image in a known format (begins with {_beginning(path)})") from error
    except PermissionError as error:
        raise ImageError("open", "no permission to read it") from error
    except _DECODER_ERRORS as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ImageError("decode", f"damaged or cut short: {detail}") from error


def read_bytes(path: Path) -> bytes:
    """Read a file whole.

    Raises
    ------
    ImageError
        With stage ``"open"``: no such file, empty, not a file, larger than :data:`MAX_BYTES`, or unreadable.
    """
    try:
        _refuse_absent(path)
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError("open", f"the file has {size:,} bytes, more than {MAX_BYTES:,}")
        return path.read_bytes()
    except ImageError:
        raise
    except PermissionError as error:
        raise ImageError("open", "no permission to read it") from error
    except (OSError, ValueError, MemoryError) as error:
        raise ImageError("open", f"cannot be read: {error}") from error


def _refuse_absent(path: Path) -> None:
    """Refuse what is no file with something in it."""
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is not a regular file" if path.exists() else "no such file"
        raise ImageError("open", kind)
    if path.stat().st_size == 0:
        raise ImageError("open", "the file is empty (0 bytes)")


def _refuse_oversized(image: Image.Image) -> None:
    """Refuse by what the header declares, before any pixel is decoded."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError("open", f"declares {width} × {height} pixels, more than {MAX_PIXELS:,}")


def _beginning(path: Path) -> str:
    """First bytes of a file, printable."""
    with path.open("rb") as file:
        return repr(file.read(12))


class _Hush:
    """Keeps Pillow's warnings (odd EXIF, large pictures) off the terminal while any thread decodes.

    Python's filters belong to the process: two threads that save and restore them in turn would leave them changed.
    So the first to enter saves them and the last to leave restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hush for the length of a with block."""
        with self._lock:
            if self._inside == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._saved.__exit__(None, None, None)


_pillow_hushed = _Hush()

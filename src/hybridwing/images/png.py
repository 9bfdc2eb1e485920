"""PNG chunks of text and colour profile, which may be large and do not touch the pixels."""

from __future__ import annotations

import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Most bytes of text and profile, unpacked, that Pillow is given: an orientation may stand there. It refuses a picture
#: with a longer one.
MOST_TEXT = 1 << 20
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")


def without_long_texts(content: bytes) -> bytes:
    """Leave out texts and colour profile from where they are together longer than `MOST_TEXT`.

    Pillow takes a PNG with such chunks, or with damaged ones, for damaged. No more of a packed text is unpacked than is
    needed to know. What is no PNG, or has no such chunk, is returned as it is.
    """
    if not content.startswith(SIGNATURE):
        return content
    view, kept, begun, texts, place = memoryview(content), [], 0, 0, len(SIGNATURE)
    while place + 8 <= len(content):
        length, kind = int.from_bytes(view[place : place + 4], "big"), bytes(view[place + 4 : place + 8])
        end = place + 12 + length
        if kind in _TEXTS:
            if texts <= MOST_TEXT:
                texts += _length(kind, bytes(view[place + 8 : end - 4]))
            if texts > MOST_TEXT:
                kept.append(view[begun:place])
                begun = end
        place = end
    return b"".join([*kept, view[begun:]]) if kept else content


def _length(kind: bytes, body: bytes) -> int:
    """Unpacked length of a text or profile; of one that is too long or damaged, just more than is kept."""
    _keyword, _, rest = body.partition(b"\0")
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] != b"\1"):
        return len(body)
    # PNG 11.3: a method before the data, and in iTXt a flag, a method, a language and a translated keyword.
    method, packed = (rest[1:2], rest[2:].split(b"\0", 2)[-1]) if kind == b"iTXt" else (rest[:1], rest[1:])
    try:
        length = len(zlib.decompressobj().decompress(packed, MOST_TEXT + 1)) if method == b"\0" else 0
    except zlib.error:
        length = 0
    return max(len(body), length) if length else MOST_TEXT + 1

"""What a file is that is no photograph: named by its first bytes, with what to do about it."""

from __future__ import annotations

import re

#: Endings of camera raw files.
RAW_SUFFIXES = frozenset(
    "." + ending
    for ending in re.findall(
        r"\w+", "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 sr2 srw x3f"
    )
)
RAW = "a camera raw file, which is not developed here: export it as a JPEG or TIFF"
EXPORT = "export it as a JPEG or PNG"
_FETCH = "the photograph itself was not downloaded: fetch it again"

#: What may stand before the first element of a web page or a drawing.
_XML = rb"(?i)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*"
#: First bytes, as regular expressions that are matched in this order, and what such a file is.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (rb"\0+\Z", "a file of nothing but zero bytes: copy it again from where it came"),
    (rb"version https://git-lfs\.github\.com/", "a Git LFS pointer in place of the picture: run git lfs pull"),
    (_XML + rb"(<!doctype svg[^>]*>\s*)?<svg", f"an SVG drawing: {EXPORT}"),
    (
        _XML + rb"<(!doctype\s+html|html|head|body|script|meta)\b",
        f"a web page: {_FETCH}",
    ),
    (rb"\s*<\?xml|\s*<[A-Za-z][\w:.-]*[\s>]", f"an XML document, as servers send for an error: {_FETCH}"),
    (rb"\s*(\{\s*[\"}]|\[\s*[\[{\"\]])", f"JSON text, as servers send for an error: {_FETCH}"),
    (rb"....ftyp.{0,60}?(avif|avis)", f"an AVIF picture, which is not read: {EXPORT}"),
    (rb"....ftyp(hei|hev|mif1|msf1|heim|heis)", f"a HEIC picture, as telephones take, which is not read: {EXPORT}"),
    (rb"....ftypcrx ", RAW),
    (
        rb"....(ftyp|moov|mdat|wide)|\x1aE\xdf\xa3|RIFF....AVI |\0\0\x01[\xb3\xba]|FLV\x01|0&\xb2u",
        "a video, not a photograph",
    ),
    (rb"IIRO|IIRS|MMOR|IIU\0|II\x1a\0\0\0HEAP|FUJIFILMCCD-RAW|FOVb|\0MRM|....\w*\0?ARRI", RAW),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", f"a JPEG XL picture, which is not read: {EXPORT}"),
    (rb"II\xbc", f"a JPEG XR picture, which is not read: {EXPORT}"),
    (rb"%PDF", "a PDF document: export its picture as a JPEG or PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", f"a PostScript drawing: {EXPORT}"),
    (rb"8BP[SB]", f"a Photoshop document: {EXPORT}"),
    (rb"gimp xcf", f"a GIMP document: {EXPORT}"),
    (rb"PK(\x03\x04|\x05\x06)", "a zip archive or an Office document: unpack it and name the pictures in it"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|.{257}ustar", "an archive: unpack it and name the pictures in it"),
    (rb"\xd0\xcf\x11\xe0", "an Office document: export its pictures as JPEG or PNG"),
    (rb"\0\x05\x16[\x00\x07]", "the companion file that macOS writes beside a picture, not the picture"),
    (rb"\0\0[\x01\x02]\0.\0", f"an icon, which is not read: {EXPORT}"),
    (rb".{128}DICM|SIMPLE  =|\x89HDF|v/1\x01|DDS |PAR1|SQLite format 3", f"a data file, not a photograph: {EXPORT}"),
)
#: How much of a file decides.
_LOOKED_AT = 600


def named(content: bytes, name: str = "") -> str:
    r"""What a file is that is no photograph in a known format, and what to do about it.

    `content` is the file's content, or its beginning. The ending of its name is believed where the content says
    nothing.

    Examples
    --------
    >>> named(b"%PDF-1.7 ...")
    'a PDF document: export its picture as a JPEG or PNG'
    >>> named(b"GARBAGE1\xff\xfe")
    "not an image in a known format (begins with b'GARBAGE1\\xff\\xfe')"
    """
    beginning = content[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf")
    for pattern, kind in _BEGINNINGS:
        if re.match(pattern, beginning, re.DOTALL):
            return kind
    if is_raw_name(name):
        return RAW
    if beginning and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in beginning):
        return f"not an image in a known format (text that begins with {content[:12]!r})"
    return f"not an image in a known format (begins with {content[:12]!r})"


def is_raw_name(name: str) -> bool:
    """Whether a file's name ends as camera raw files' do."""
    return name[name.rfind(".") :].lower() in RAW_SUFFIXES if "." in name else False

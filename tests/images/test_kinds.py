"""What is no photograph, under the name of one, is called what it is, with what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.errors import ImageError
from hybridwing.images.decode import read_rgb
from hybridwing.images.kinds import named

FETCH, EXPORT = "fetch it again", "export it as a JPEG"
KINDS = [
    (bytes(4096), "nothing but zero bytes", "copy it again"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS pointer", "git lfs pull"),
    (b"<!DOCTYPE html><title>429 Too Many Requests</title>", "a web page", FETCH),
    (b"\xef\xbb\xbf\r\n<HTML lang='en'>", "a web page", FETCH),
    (b"<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE html PUBLIC '-//W3C//DTD'>", "a web page", FETCH),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing", EXPORT),
    (b"<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC '-//W3C'>\n<svg>", "an SVG drawing", EXPORT),
    (b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>", "an XML document", FETCH),
    (b'{"message": "rate limit"}', "JSON text", FETCH),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture", EXPORT),
    (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC picture", EXPORT),
    (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "an AVIF picture", EXPORT),
    (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "an AVIF picture", EXPORT),
    (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera raw file", EXPORT),
    (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "a video", ""),
    (b"\0\0\0\x14ftypqt  \0\0\0\0", "a video", ""),
    (b"\x1aE\xdf\xa3\x01\0\0\0", "a video", ""),
    (b"IIRO\x08\0\0\0", "a camera raw file", EXPORT),
    (b"IIU\0\x18\0\0\0", "a camera raw file", EXPORT),
    (b"FUJIFILMCCD-RAW 0201FF383501", "a camera raw file", EXPORT),
    (b"\xff\x0a\xfa\x7f", "a JPEG XL picture", EXPORT),
    (b"%PDF-1.7\n", "a PDF document", "export its picture"),
    (b"8BPS\0\1\0\0", "a Photoshop document", EXPORT),
    (b"PK\x03\x04\x14\0", "a zip archive", "unpack it"),
    (b"\x1f\x8b\x08\0", "an archive", "unpack it"),
    (b"filename,subspecies\na.jpg,erato\n", "not an image in a known format (text that begins", ""),
    (b"\x13\x37\xfe\xed", "not an image in a known format (begins with b'\\x137\\xfe\\xed')", ""),
]


@pytest.mark.parametrize(("content", "kind", "remedy"), KINDS, ids=[kind for _, kind, _ in KINDS])
def test_it_is_named_with_the_remedy(tmp_path, content, kind, remedy):
    path = tmp_path / "specimen.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_rgb(path)
    assert caught.value.stage == "open"
    assert kind in caught.value.reason
    assert remedy in caught.value.reason


@pytest.mark.parametrize("name", ["a.nef", "a.CR2", "a.dng", "a.raf"])
def test_unknown_content_with_the_name_of_a_raw_file_is_one(name):
    assert "camera raw" in named(b"\x01\x02\x03\xff", name)


@given(st.binary(max_size=700))
def test_any_beginning_has_a_name(content):
    assert named(content, "x.jpg").isprintable()


@pytest.mark.parametrize(
    ("name", "kind"), [("heic_named.jpg", "a HEIC picture"), ("lfs_pointer.jpg", "a Git LFS pointer")]
)
def test_the_cases_that_were_called_unknown(shared, name, kind):
    with pytest.raises(ImageError, match=kind):
        read_rgb(shared / "cases" / "images" / name)

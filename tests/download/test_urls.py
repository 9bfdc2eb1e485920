from __future__ import annotations

import contextlib
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing import __version__
from hybridwing.download.errors import DownloadError, RefusedError
from hybridwing.download.hosts import Politeness
from hybridwing.download.urls import checked_base, on_base, plain_address, redirect_target

ZENODO = "https://zenodo.org/record/1/files/a.jpg"


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("https://zenodo.org/record/2553501/files/CS3728 dorsal.jpeg", "https://zenodo.org/record/2553501/files/CS3728%20dorsal.jpeg"),
        ("https://zenodo.org/a%20b.jpg", "https://zenodo.org/a%20b.jpg"),
        ("https://zenodo.org/100% wing.jpg", "https://zenodo.org/100%25%20wing.jpg"),
        ("HTTPS://Zenodo.ORG:443/é.jpg?download=1#top", "https://zenodo.org/%C3%A9.jpg?download=1"),
        ("http://[::1]:8000/a.jpg", "http://[::1]:8000/a.jpg"),
        ("http://host:80", "http://host/"),
    ],
)  # fmt: skip
def test_addresses_are_quoted_once(raw: str, plain: str) -> None:
    assert plain_address(raw) == plain
    assert plain_address(plain) == plain


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("file:///etc/passwd", "not file"),
        ("ftp://host/a.jpg", "not ftp"),
        ("a.jpg", "without a scheme"),
        ("http:///a.jpg", "no host"),
        ("http://host\\@evil/a.jpg", "user name"),
        ("http://host\\evil/a.jpg", "no host"),
        ("http://a..b/a.jpg", "no host"),
        ("http://%zz/a.jpg", "no host"),
        (f"http://{'n' * 64}/a.jpg", "no host"),
        ("http://host/\ud800.jpg", "cannot be read"),
        ("http://user:secret@host/a.jpg", "user name"),
        ("http://host:99999/a.jpg", "cannot be read"),
        ("http://[::1/a.jpg", "cannot be read"),
        ("http://host/a\r\nX-Evil: 1.jpg", "control character"),
    ],
)
def test_other_addresses_are_refused(raw: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        plain_address(raw)


@given(st.text(st.characters(min_codepoint=33, exclude_characters="#?\x7f%", exclude_categories=("Cs",))))
def test_any_name_comes_back_from_its_address(name: str) -> None:
    plain = plain_address(f"https://zenodo.org/files/{name}x")
    assert plain.isascii()
    assert unquote(urlsplit(plain).path) == f"/files/{name}x"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/records/1/files/a b.jpg", "https://zenodo.org/records/1/files/a%20b.jpg"),
        ("b.jpg", "https://zenodo.org/record/1/files/b.jpg"),
        ("https://files.zenodo.org/a.jpg", "https://files.zenodo.org/a.jpg"),
    ],
)
def test_redirects_within_a_host_or_organisation(location: str, target: str) -> None:
    assert redirect_target(ZENODO, location) == target


@given(st.text() | st.from_regex(r"(https?:)?/?/?[a-z.@\\\[\]:0-9%\s]*/.*"))
def test_any_redirect_stays_or_is_refused(location: str) -> None:
    with contextlib.suppress(RefusedError):
        target = urlsplit(redirect_target(ZENODO, location))
        assert target.scheme == "https"
        assert target.netloc == "zenodo.org" or target.netloc.endswith(".zenodo.org")


def test_redirect_from_http_to_https() -> None:
    assert redirect_target("http://example.org/a.jpg", "https://example.org/a.jpg") == "https://example.org/a.jpg"


@pytest.mark.parametrize(
    "location",
    [
        "http://zenodo.org/a.jpg",
        "https://zenodo.org.evil.example/a.jpg",
        "https://evilzenodo.org/a.jpg",
        "https://zenodo.org:8443/a.jpg",
        "https://files.zenodo.org:8443/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://localhost/a.jpg",
        "https://192.168.0.1/a.jpg",
        "//example.org/a.jpg",
        "file:///etc/passwd",
        "ftp://zenodo.org/a.jpg",
        "data:image/png;base64,AAAA",
        "https://[::1/a.jpg",
        "https://user@zenodo.org/a.jpg",
    ],
)
def test_other_redirects_are_refused(location: str) -> None:
    with pytest.raises(RefusedError, match="redirected"):
        redirect_target(ZENODO, location)


def test_no_redirect_to_another_port_or_host_without_an_organisation() -> None:
    for location in ("http://127.0.0.1:8001/a.jpg", "http://localhost:8000/a.jpg", "https://127.0.0.1:8000/a.jpg"):
        with pytest.raises(RefusedError, match="another host"):
            redirect_target("http://127.0.0.1:8000/a.jpg", location)


def test_a_base_stands_before_the_path() -> None:
    base = checked_base("http://127.0.0.1:8000/mirror/")
    assert on_base(base, ZENODO + "?download=1", "") == "http://127.0.0.1:8000/mirror/record/1/files/a.jpg?download=1"
    assert on_base(base, "", "sub/a b.jpg") == "http://127.0.0.1:8000/mirror/sub/a%20b.jpg"


@pytest.mark.parametrize("base", ["ftp://host", "mirror", "http://host/?x=1"])
def test_bases_that_are_none(base: str) -> None:
    with pytest.raises(DownloadError, match="base address"):
        checked_base(base)


def test_user_agent_names_project_and_contact() -> None:
    assert Politeness().user_agent == f"hybridwing/{__version__}"
    assert Politeness(contact=" me@example.org ").user_agent == f"hybridwing/{__version__} (me@example.org)"


@pytest.mark.parametrize("contact", ["a\r\nX-Evil: 1", "é@example.org", "me (here)"])
def test_contacts_that_do_not_fit_a_header(contact: str) -> None:
    with pytest.raises(DownloadError, match="--contact"):
        Politeness(contact=contact)

"""Which addresses may be asked for, and where a redirect may lead."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from hybridwing.download.errors import DownloadError, RefusedError

#: Its hosts serve each other's files: a redirect may go from one of its sub-domains to another.
_ZENODO = re.compile(r"(.+\.)?zenodo\.org")

_PORTS = {"http": 80, "https": 443}
#: Names of hosts, and IPv6 addresses without their brackets.
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?|[0-9a-f]*:[0-9a-f:.]+")
_SAFE = "/%:@!$&'()*+,;=~-._"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def plain_address(address: str) -> str:
    """Quote spaces and letters outside ASCII in an address; what is quoted already stays as it is.

    Examples
    --------
    >>> plain_address("https://zenodo.org/record/2553501/files/CS3728 dorsal.jpeg")
    'https://zenodo.org/record/2553501/files/CS3728%20dorsal.jpeg'
    """
    if any(ord(character) < 32 or ord(character) == 127 for character in address):
        raise RefusedError("its address holds a control character")
    try:
        parts = urlsplit(address.strip())
        port = parts.port
        path, query = _quoted(parts.path), _quoted(parts.query, "?")
    except ValueError as error:
        raise RefusedError(f"its address cannot be read: {error}") from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise RefusedError(f"only http and https addresses are fetched, not {scheme or 'one without a scheme'}")
    if "@" in parts.netloc:
        raise RefusedError("its address holds a user name; addresses with credentials are not fetched")
    if not parts.hostname or (parts.hostname.isascii() and not _HOST.fullmatch(parts.hostname)):
        raise RefusedError("its address names no host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if port in (None, _PORTS[scheme]) else f"{host}:{port}"
    return urlunsplit((scheme, netloc, path or "/", query, ""))


def _quoted(text: str, also: str = "") -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_SAFE + also)


def on_base(base: str, address: str, filename: str) -> str:
    """Address on a mirror: the base replaces scheme and host.

    Examples
    --------
    >>> on_base("http://127.0.0.1:8000/mirror", "https://zenodo.org/record/1/files/a.jpg", "x.jpg")
    'http://127.0.0.1:8000/mirror/record/1/files/a.jpg'
    >>> on_base("http://127.0.0.1:8000/mirror", "", "a b.jpg")
    'http://127.0.0.1:8000/mirror/a%20b.jpg'
    """
    if not address:
        return f"{base}/{quote(filename)}"
    parts = urlsplit(address)
    return base + parts.path + (f"?{parts.query}" if parts.query else "")


def checked_base(base: str) -> str:
    """Address of a mirror, without a slash at its end."""
    try:
        plain = plain_address(base)
    except RefusedError as error:
        raise DownloadError(f"The base address {base!r} cannot be used: {error.reason}.") from error
    if urlsplit(plain).query:
        raise DownloadError(f"The base address {base!r} must not hold a query; give what stands before the '?'.")
    return plain.rstrip("/")


def redirect_target(address: str, location: str) -> str:
    """Address that a redirect (``Location``, absolute or relative) leads to, if it may be followed.

    Allowed are the same host and port, the change from http to https on the usual ports, and Zenodo's hosts among each
    other over https. So a public server cannot send us to the user's own network. Raises RefusedError for any other.
    """
    try:
        target = plain_address(urljoin(address, location))
    except ValueError as error:
        raise RefusedError(f"redirected to {location[:100]!r}, which cannot be read: {error}") from error
    except RefusedError as error:
        raise RefusedError(f"redirected to {location[:100]!r}: {error.reason}") from error
    old, new = urlsplit(address), urlsplit(target)
    if (old.scheme, new.scheme) == ("https", "http"):
        raise RefusedError(f"redirected from https to http ({target})")
    usual = old.port is None and new.port is None
    same_host = old.hostname == new.hostname
    if same_host and (old.netloc, old.scheme) == (new.netloc, new.scheme):
        return target
    zenodo = all(_ZENODO.fullmatch(one.hostname or "") for one in (old, new))
    if usual and new.scheme == "https" and (same_host or zenodo):
        return target
    raise RefusedError(f"redirected to another host ({new.netloc})")

"""One thread's connection to servers, with a bound on the time that an answer may take."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx

from hybridwing import __version__
from hybridwing.download.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACCEPT = "image/*, application/octet-stream;q=0.9, */*;q=0.1"


class Connection:
    """An HTTP client for one request at a time, whose sockets can be shut from another thread.

    The timeouts of httpx bound each read, so a server that sends a byte now and then is never given up. Here a timer
    shuts the socket, whatever is being read: headers, interim answers, a body, or what follows its last chunk.
    """

    def __init__(self, user_agent: str, connect: float, read: float) -> None:
        try:
            self._client = httpx.Client(
                headers={"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "identity"},
                follow_redirects=False,  # each is checked, and waits for its turn at the host
                timeout=httpx.Timeout(read, connect=connect),
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            raise DownloadError(
                "The proxy or the certificates that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, "
                f"SSL_CERT_FILE) cannot be used: {error}"
            ) from error
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._limit = 0  # number of the time limit that counts now
        self._expired = self._closed = False

    @contextlib.contextmanager
    def get(self, url: str, headers: dict[str, str], seconds: float) -> Iterator[httpx.Response]:
        """Send a request; yields the answer, whose body is not read yet.

        Raises
        ------
        TimeoutError
            If the whole header is not there after so many seconds, connecting included.
        """
        request = self._client.build_request("GET", url, headers=headers, extensions={"trace": self._trace})
        with self.time_limit(seconds):
            response = self._client.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()

    @contextlib.contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Bound what is received inside.

        Raises
        ------
        TimeoutError
            In place of any error of the connection, if the time was up.
        """
        with self._lock:
            self._limit += 1
            self._expired = self._closed
            timer = threading.Timer(seconds, self._expire, (self._limit,))
        timer.daemon = True
        timer.start()
        try:
            yield
        except httpx.TransportError as error:
            if self._expired:
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()
            with self._lock:
                self._limit += 1
        if self._expired:  # an answer without a length seems whole when its socket is shut
            raise TimeoutError

    def close(self) -> None:
        """Close the client, from the thread that used it or after that has ended."""
        self._client.close()

    def interrupt(self) -> None:
        """End what is being received and whatever follows; may be called from any thread."""
        with self._lock:
            self._expired = self._closed = True
            self._shut()

    def _expire(self, limit: int) -> None:
        with self._lock:
            if limit == self._limit:
                self._expired = True
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # The plain socket's method: that of an SSL socket must not be called while another thread reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Note the socket of a new connection (an extension of httpx, called by the thread that connects)."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self._expired:
                    self._shut()


def user_agent(contact: str = "") -> str:
    """``User-Agent`` with the project's name and version and the user's contact, as Zenodo asks for.

    Parameters
    ----------
    contact : str
        Address of the user, such as an e-mail address; may be empty.

    Raises
    ------
    DownloadError
        If the contact does not fit into a header.

    Examples
    --------
    >>> user_agent("someone@example.org").startswith("hybridwing/")
    True
    """
    contact = contact.strip()
    if not (contact.isascii() and contact.isprintable()) or set("();") & set(contact):
        raise DownloadError(f"The contact (contact, --contact) must be plain ASCII without brackets; got {contact!r}.")
    return f"hybridwing/{__version__}" + (f" ({contact})" if contact else "")

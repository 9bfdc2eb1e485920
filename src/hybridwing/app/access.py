"""Let in only who has the desk's address with its token."""

from __future__ import annotations

import hmac
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_REFUSED = (
    b"<!doctype html><meta charset=utf-8><title>hybridwing</title><p>Open the desk by the whole address that the \
terminal shows: it holds a token."
)


class TokenGate:
    """ASGI middleware: a request needs the token in its address once, and its cookie from then on.

    The port is part of the cookie's name, so that two desks on one machine do not take each other's.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], token: str, port: int) -> None:
        self._app, self._token, self._cookie = app, token, f"hybridwing-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, turn the token into a cookie, or refuse."""
        if scope["type"] not in ("http", "websocket") or self._is_known(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and self._matches(parse_qs(scope["query_string"].decode()).get("token", [""])[0]):
            cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            headers = [(b"location", scope["path"].encode()), (b"set-cookie", cookie.encode())]
            await _answer(send, 303, headers, b"")
        elif scope["type"] == "http":
            await _answer(send, 403, [(b"content-type", b"text/html; charset=utf-8")], _REFUSED)
        else:
            await send({"type": "websocket.close", "code": 4403})

    def _is_known(self, scope: Scope) -> bool:
        sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
        cookie = SimpleCookie(sent).get(self._cookie)
        return cookie is not None and self._matches(cookie.value)

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

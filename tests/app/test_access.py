"""Who does not know the token gets nothing, neither pages nor messages."""

from __future__ import annotations

import asyncio

import pytest

from hybridwing.app.access import TokenGate


def asked(kind: str = "http", query: bytes = b"", cookie: bytes = b"") -> list[dict]:
    """What is sent to a request."""
    sent: list[dict] = []

    async def app(_scope, _receive, send):
        await send({"type": "passed"})

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": "/", "query_string": query, "headers": [(b"cookie", cookie)] if cookie else []}
    asyncio.run(TokenGate(app, "secret", 80)(scope, None, send))
    return sent


@pytest.mark.parametrize("query", [b"", b"token=", b"token=wrong", b"other=secret"])
def test_a_stranger_is_refused(query):
    start, body = asked(query=query)
    assert start["status"] == 403
    assert b"token" in body["body"]
    assert asked("websocket", query=b"token=secret") == [{"type": "websocket.close", "code": 4403}]


def test_the_token_becomes_a_cookie():
    start, _ = asked(query=b"token=secret")
    headers = dict(start["headers"])
    assert (start["status"], headers[b"location"]) == (303, b"/")
    assert b"HttpOnly; SameSite=Strict" in headers[b"set-cookie"]


def test_who_has_the_cookie_is_let_in():
    for kind in ("http", "websocket"):
        assert asked(kind, cookie=b"hybridwing-80=secret") == [{"type": "passed"}]
        assert asked(kind, cookie=b"hybridwing-81=secret") != [{"type": "passed"}]
    assert asked("lifespan") == [{"type": "passed"}]

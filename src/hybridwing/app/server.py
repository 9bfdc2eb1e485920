"""Serve a project's desk on this machine."""

from __future__ import annotations

import secrets
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.app.access import TokenGate
from hybridwing.app.thumbnails import SIDES, make_thumbnails, thumbnail_path
from hybridwing.errors import HybridwingError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.app.project import Project

LOOPBACK = "127.0.0.1"
STATIC = Path(__file__).parent / "static"


def check_installed() -> None:
    """Raise MissingExtraError where the extra is not installed."""
    try:
        import nicegui  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("nicegui", "app", "the review desk") from error


def serve(
    project: Project,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    ready: Callable[[str], None],
) -> None:
    """Serve the desk until it is interrupted.

    `host` is ``"127.0.0.1"``, which this machine alone reaches, or another address of it. Whoever reaches the address
    and knows its random token sees all photographs and can decide; the connection is not encrypted. Port 0 takes a free
    one. `ready` is called with the whole address before the server starts. Raises HybridwingError if nothing can listen
    at the address.
    """
    check_installed()
    from nicegui import app, ui
    from starlette.responses import FileResponse, Response

    from hybridwing.app.board import Board
    from hybridwing.app.desk import build_desk

    port, token = _free(host, port), secrets.token_urlsafe(16)
    board = Board(project)
    app.on_shutdown(board.scoring.stop)
    app.on_shutdown(board.learning.stop)
    if project.waiting():
        board.scoring.start(project)

    def picture(number: int, size: str) -> Response:
        if size not in SIDES:
            return Response(status_code=404)
        path = thumbnail_path(project.folder, number, size)
        if not path.exists():
            found = [(one.id, one.path) for one in project.specimens() if one.id == number]
            make_thumbnails(project.folder, found)
        if not path.exists():
            return Response(status_code=404)
        return FileResponse(path, media_type="image/webp", headers={"cache-control": "private, max-age=86400"})

    app.add_middleware(TokenGate, token=token, port=port)
    app.get("/picture/{number}/{size}")(picture)
    app.add_static_files("/desk", STATIC)
    ui.page("/", title="hybridwing")(lambda: build_desk(board))
    ready(f"http://{_shown(host)}:{port}/?token={token}")
    # A bar that runs at the top with each request says nothing here, and has no name for who hears the page.
    app.config.quasar_config["loadingBar"] = {"skipHijack": True}
    ui.run(
        host=host, port=port, show=False, reload=False, favicon="🦋", show_welcome_message=False, dark=None,
        reconnect_timeout=20.0, title="hybridwing",
    )  # fmt: skip


def _free(host: str, port: int) -> int:
    """The port itself, or a free one; refused where nothing can listen."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            if sys.platform != "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HybridwingError(f"nothing can listen at {host} port {port}: {reason}; choose another --port") from error


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104

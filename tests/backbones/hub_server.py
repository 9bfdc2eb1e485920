"""A web server on loopback that answers as the Hugging Face hub does, for repositories that a test makes up."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote

import huggingface_hub
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Repository:
    """Files of a repository, the same at each of its commits.

    `trouble` is what the hub says instead of serving: ``"gated"``, ``"absent"``, ``"broken"``, ``"cut"`` (bodies end
    half-way) or nothing.
    """

    files: dict[str, bytes]
    commits: tuple[str, ...] = ("a" * 40,)
    trouble: str = ""


@dataclass
class Hub:
    """Repositories by name, and what was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def in_place_of_the_hub(self, cache: Path) -> Iterator[None]:
        """What the hub's library fetches comes from here, and lies in this cache."""
        constants = huggingface_hub.constants
        with pytest.MonkeyPatch.context() as patched:
            url = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, self.endpoint)
            patched.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
            patched.setattr(constants, "ENDPOINT", self.endpoint)
            patched.setattr(constants, "HF_HUB_CACHE", str(cache))
            yield


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(self.path.split("?")[0]).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        api = path.startswith("api/models/")
        owner, name, *rest = path.removeprefix("api/models/").split("/")
        repository = self.hub.repositories.get(f"{owner}/{name}")
        if repository is None or repository.trouble == "absent":
            return self._send(401, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        if repository.trouble == "broken":
            return self._send(500, b"sorry")
        revision = rest[1] if len(rest) > 1 else "main"
        commit = repository.commits[-1] if revision == "main" else revision
        if commit not in repository.commits:
            return self._send(404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
        if api and rest[:1] == ["tree"]:
            return self._tree(repository)
        if api:
            return self._model(f"{owner}/{name}", repository, commit)
        if repository.trouble == "gated":
            return self._send(403, b'{"error": "Access is restricted"}', {"X-Error-Code": "GatedRepo"})
        return self._file(repository, commit, "/".join(rest[2:]))

    def _model(self, name: str, repository: Repository, commit: str) -> None:
        siblings = [{"rfilename": file} for file in repository.files]
        gated = "manual" if repository.trouble == "gated" else False
        values = {"id": name, "modelId": name, "sha": commit, "siblings": siblings, "gated": gated, "private": False}
        self._send(200, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def _tree(self, repository: Repository) -> None:
        entries = [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for name, content in repository.files.items()
        ]
        self._send(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})

    def _file(self, repository: Repository, commit: str, name: str) -> None:
        content = repository.files.get(name)
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        return self._send(200, content, headers, cut=repository.trouble == "cut" and name.endswith(".safetensors"))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if cut:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    """Serve a hub until the block ends."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

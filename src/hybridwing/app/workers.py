"""Start the processes that score and refit, and watch them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridwing.app.project import Project


class Worker:
    """A process of one of this room's programs on a project; it ends when this process does.

    The program is ``"scoring"`` or ``"learning"``.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path()
        self._began, self._at_begin = 0.0, 0
        self.error = ""
        """What the last process said when it failed, in one line."""

    @property
    def is_running(self) -> bool:
        """Whether the process is at work; learns of its end."""
        if self._process is None:
            return False
        if self._process.poll() is None:
            return True
        if self._process.returncode > 0:
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            self.error = lines[-1].partition(": ")[2] or lines[-1] if lines else "it stopped without a word"
        self._process.communicate()
        self._process = None
        return False

    def start(self, project: Project, *arguments: str) -> None:
        """Begin, unless it runs already."""
        if self.is_running:
            return
        self.error = ""
        self._began, self._at_begin = time.monotonic(), sum(project.counts()[:2])
        self._log = project.folder / f"{self._program}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", f"hybridwing.app.{self._program}", str(project.folder), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def stop(self) -> None:
        """End it; what it has kept stays."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def progress(self, project: Project) -> tuple[int, int, float | None]:
        """Photographs done, all of them, and seconds left where that can be told."""
        scored, failed, total = project.counts()
        done = scored + failed
        new, passed = done - self._at_begin, time.monotonic() - self._began
        left = passed / new * (total - done) if self.is_running and new > 0 else None
        return done, total, left

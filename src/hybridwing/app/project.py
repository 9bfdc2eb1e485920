"""A project: photographs to review, their scores and every decision, in one folder.

::

    PROJECT/
      desk.sqlite      photographs, scores, embeddings and decisions
      photographs/     what was dropped onto the desk
      thumbnails/      small copies, so that a copied project still shows what was decided on
      models/1/        the run it began with; models/2/ and so on were refitted with decisions
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing.embeddings.table import EmbeddingTable, Fallback
from hybridwing.errors import RunError
from hybridwing.runs.run import Run, load_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

DATABASE, PHOTOGRAPHS, THUMBNAILS, MODELS = "desk.sqlite", "photographs", "thumbnails", "models"
FORMAT_VERSION = 1
CHOICES = ("hybrid", "non-hybrid", "unsure")
"""What may be decided of a specimen; an empty choice takes a decision back and keeps the note."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS specimen (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL, facts TEXT NOT NULL DEFAULT '{}',
    failure TEXT NOT NULL DEFAULT '', vector BLOB);
CREATE TABLE IF NOT EXISTS fallback (
    specimen INTEGER PRIMARY KEY REFERENCES specimen(id), view TEXT NOT NULL, confidence REAL NOT NULL,
    doubt TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS score (
    model INTEGER NOT NULL, specimen INTEGER NOT NULL REFERENCES specimen(id), score REAL NOT NULL,
    reason TEXT NOT NULL, looks TEXT NOT NULL, PRIMARY KEY (model, specimen));
CREATE TABLE IF NOT EXISTS decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT, specimen INTEGER NOT NULL REFERENCES specimen(id), choice TEXT NOT NULL,
    parents TEXT NOT NULL, note TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL, model INTEGER NOT NULL,
    shown TEXT NOT NULL, undoes INTEGER REFERENCES decision(id));
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Looks:
    """What a specimen looks like to the detector's run."""

    identities: tuple[tuple[str, float], ...] = ()  # Subspecies, the likeliest first, with their probabilities
    parents: tuple[str, ...] = ()  # The likeliest pair of parents, or none
    hybrid_index: float | None = None  # Share of the second parent, in (0, 1)


@dataclass(frozen=True)
class Specimen:
    """A photograph on the desk."""

    id: int
    path: Path
    name: str  # File name
    facts: dict[str, str] = field(default_factory=dict)  # What a spreadsheet says of it
    failure: str = ""  # Why it could not be scored; empty where it could
    score: float | None = None  # By the model that is in use, in (0, 1); None while it waits
    reason: str = ""  # Why the score means nothing; empty where it does
    looks: Looks = Looks()


@dataclass(frozen=True)
class Decision:
    """What somebody decided of a specimen."""

    specimen: int
    choice: str = ""  # One of `CHOICES`, or empty
    parents: str = ""  # Corrected parents or subspecies, as ``"a x b"``; empty where nobody corrected them
    note: str = ""
    who: str = ""
    at: str = ""  # Time in UTC, ISO 8601
    id: int = 0  # Place in the order of all decisions


class Project:
    """A project's folder, open; made if it does not exist.

    Every method commits before it returns, so that nothing which a screen has said is lost when the computer stops.
    Several processes may have one project open. The run to begin with is copied into a new project; an old project
    keeps its own.

    Raises RunError if the folder is something else, was made by a newer version, or is new and no run is given.
    """

    def __init__(self, folder: Path, run: Path | None = None) -> None:
        self.folder = folder
        path = folder / DATABASE
        if not path.exists():
            if run is None:
                raise RunError(f"{folder} is no project yet: name the run to begin with, as in hybridwing app RUN")
            if folder.exists() and any(folder.iterdir()):
                raise RunError(f"{folder} is not empty and holds no {DATABASE}; choose another name for the project")
            shutil.copytree(load_run(run).folder, folder / MODELS / "1")
        for name in (PHOTOGRAPHS, THUMBNAILS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        try:
            self._base = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise RunError(f"{path} cannot be opened: {error}") from error
        version = int(self.setting("format_version") or FORMAT_VERSION)
        if version > FORMAT_VERSION:
            raise RunError(f"{path} has format {version}, made by a newer hybridwing; upgrade this one")
        self.set_setting("format_version", str(FORMAT_VERSION))

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._base.execute(query, values).fetchall()

    # -- settings and models ---------------------------------------------------------------------------------------

    def setting(self, name: str) -> str | None:
        """A setting of the project, or None."""
        found = self._rows("SELECT value FROM setting WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a setting."""
        with self._transaction() as base:
            base.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    @property
    def model(self) -> int:
        """Number of the model in use."""
        return int(self.setting("model") or 1)

    def use_model(self, number: int) -> None:
        """Take another model into use; the others stay."""
        self.set_setting("model", str(number))

    def run(self, number: int | None = None) -> Run:
        """The run of a model, by default the one in use."""
        return load_run(self.folder / MODELS / str(number or self.model))

    def next_model(self) -> int:
        """A number that no model has yet."""
        return max(int(path.name) for path in (self.folder / MODELS).iterdir() if path.name.isdecimal()) + 1

    # -- photographs and scores ------------------------------------------------------------------------------------

    def add(self, paths: Iterable[Path]) -> int:
        """Put photographs on the desk, each once; return how many are new.

        A photograph in the project's own folder is known by its place there, so that the folder can be moved.
        """
        own = (self.folder / PHOTOGRAPHS).resolve()
        with self._transaction() as base:
            before = base.total_changes
            for path in paths:
                whole = path.resolve()
                kept = whole.relative_to(own.parent) if whole.is_relative_to(own) else whole
                base.execute("INSERT OR IGNORE INTO specimen (path, name) VALUES (?, ?)", (str(kept), path.name))
            return base.total_changes - before

    def add_facts(self, facts: Mapping[str, Mapping[str, str]]) -> int:
        """Put what a spreadsheet says beside the photographs of these file names; return how many were found."""
        known = {name.casefold(): values for name, values in facts.items()}
        found = 0
        with self._transaction() as base:
            for number, name, old in base.execute("SELECT id, name, facts FROM specimen").fetchall():
                new = known.get(name.casefold()) or known.get(Path(name).stem.casefold())
                if new is not None:
                    found += 1
                    merged = json.dumps({**json.loads(old), **new}, ensure_ascii=False)
                    base.execute("UPDATE specimen SET facts = ? WHERE id = ?", (merged, number))
        return found

    def specimens(self, model: int | None = None) -> list[Specimen]:
        """All photographs, the likeliest hybrids first, then those of which nothing can be told, then the rest."""
        rows = self._rows(
            "SELECT id, path, name, facts, failure, score, reason, looks FROM specimen "
            "LEFT JOIN score ON score.specimen = specimen.id AND score.model = ? "
            "ORDER BY score IS NULL, COALESCE(reason, '') != '', score DESC, id",
            model or self.model,
        )
        return [
            Specimen(
                id=number,
                path=self.folder / path,  # an absolute path stays itself
                name=name,
                facts=json.loads(facts),
                failure=failure,
                score=score,
                reason=reason or "",
                looks=_looks(looks),
            )
            for number, path, name, facts, failure, score, reason, looks in rows
        ]

    def waiting(self, limit: int = -1) -> list[tuple[int, Path]]:
        """Photographs that the model in use has not scored and that did not fail: id and path."""
        rows = self._rows(
            "SELECT id, path FROM specimen WHERE failure = '' AND id NOT IN "
            "(SELECT specimen FROM score WHERE model = ?) ORDER BY id LIMIT ?",
            self.model,
            limit,
        )
        return [(number, self.folder / path) for number, path in rows]

    def counts(self) -> tuple[int, int, int]:
        """Photographs scored by the model in use, failed, and all."""
        query = (
            "SELECT (SELECT COUNT(*) FROM score WHERE model = ?), "
            "(SELECT COUNT(*) FROM specimen WHERE failure != ''), (SELECT COUNT(*) FROM specimen)"
        )
        scored, failed, total = self._rows(query, self.model)[0]
        return int(scored), int(failed), int(total)

    def keep_scores(
        self,
        scores: Sequence[tuple[int, float, str, Looks]],
        failures: Sequence[tuple[int, str]] = (),
        embeddings: EmbeddingTable | None = None,
        model: int | None = None,
    ) -> None:
        """Keep scores (specimen, score, reason, looks), failures (specimen, reason) and embeddings, all or none.

        The keys of the embeddings are the specimens' numbers.
        """
        number = model or self.model
        with self._transaction() as base:
            base.executemany(
                "INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?)",
                [(number, one, score, why, json.dumps(asdict(looks))) for one, score, why, looks in scores],
            )
            base.executemany("UPDATE specimen SET failure = ? WHERE id = ?", [(why, one) for one, why in failures])
            if embeddings is not None:
                base.executemany(
                    "UPDATE specimen SET vector = ? WHERE id = ?",
                    [(v.tobytes(), int(one)) for one, v in zip(embeddings.uuids, embeddings.vectors, strict=True)],
                )
                base.executemany(
                    "INSERT OR REPLACE INTO fallback VALUES (?, ?, ?, ?)",
                    [(int(one.uuid), one.view, one.confidence, one.doubt) for one in embeddings.fallbacks],
                )

    def vectors(self) -> dict[int, NDArray[np.float32]]:
        """Embeddings of the specimens that have one, by id."""
        rows = self._rows("SELECT id, vector FROM specimen WHERE vector IS NOT NULL")
        return {number: np.frombuffer(vector, np.float32) for number, vector in rows}

    def fallbacks(self) -> dict[int, Fallback]:
        """The specimens of which another view was embedded than was asked for, or one that is in doubt, by id."""
        rows = self._rows("SELECT specimen, view, confidence, doubt FROM fallback")
        return {number: Fallback(str(number), *known) for number, *known in rows}

    # -- decisions -------------------------------------------------------------------------------------------------

    def decide(self, decision: Decision, shown: Mapping[str, object]) -> Decision:
        """Keep a decision, with the model in use and what the screen showed; return it with its number and time."""
        if decision.choice and decision.choice not in CHOICES:
            raise RunError(f"a decision is one of {', '.join(CHOICES)}; got {decision.choice!r}")
        return self._append(decision, dict(shown), undoes=None)

    def undo(self, who: str) -> Decision | None:
        """Take back the last decision of a person that still stands; return what stands of the specimen now."""
        log = self._log()
        undone = {undoes for *_, undoes in log if undoes is not None}
        last = next((d for d, undoes in reversed(log) if d.who == who and undoes is None and d.id not in undone), None)
        if last is None:
            return None
        before = [
            d for d, undoes in log if d.specimen == last.specimen and undoes is None and d.id not in undone | {last.id}
        ]
        stands = before[-1] if before else Decision(last.specimen)
        return self._append(replace(stands, who=who), {}, undoes=last.id)

    def _append(self, decision: Decision, shown: dict[str, object], undoes: int | None) -> Decision:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._transaction() as base:
            made = base.execute(
                "INSERT INTO decision (specimen, choice, parents, note, who, at, model, shown, undoes) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(decision.specimen, decision.choice, decision.parents, decision.note, decision.who, now),
                    *(self.model, json.dumps(shown), undoes),
                ),
            )
        return replace(decision, at=now, id=int(made.lastrowid or 0))

    def decisions(self, after: int = 0) -> dict[int, Decision]:
        """The latest decision on each specimen that has one with a number above `after`."""
        return {decision.specimen: decision for decision, _ in self._log(after)}

    def decided_blind(self) -> set[int]:
        """Specimens that somebody decided on while the scores were hidden."""
        return {int(row[0]) for row in self._rows("SELECT specimen FROM decision WHERE shown LIKE '%\"blind\": true%'")}

    def _log(self, after: int = 0) -> list[tuple[Decision, int | None]]:
        rows = self._rows(
            "SELECT specimen, choice, parents, note, who, at, id, undoes FROM decision WHERE id > ? ORDER BY id", after
        )
        return [(Decision(*row[:7]), row[7]) for row in rows]


def _looks(stored: str | None) -> Looks:
    if stored is None:
        return Looks()
    values = json.loads(stored)
    identities = tuple((str(name), float(probability)) for name, probability in values["identities"])
    return Looks(identities, tuple(values["parents"]), values["hybrid_index"])

"""Read a Codabench bundle: which programs and data a challenge consists of. Nothing of it is run here.

A bundle is a folder or zip with a ``competition.yaml`` of version 2 (github.com/codalab/codabench, "Yaml Structure").
It is not trusted: the file is parsed as plain data, aliases are refused, and paths may not lead out of the bundle.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridwing.errors import SubmissionError, first_few

if TYPE_CHECKING:
    from pathlib import Path

COMPETITION = "competition.yaml"
#: Where a program says how it is started; the first that is there counts.
_METADATA = ("metadata.yaml", "metadata")
_MOST_BYTES = 1 << 20
#: What stood for Codabench's folders in older bundles, the longest names first.
_VARIABLES = {
    "ingestion": (
        ("$submission_program", "/app/ingested_program"),
        ("$ingestion_program", "/app/program"),
        ("$predictions", "/app/output"),
        ("$program", "/app/program"),
        ("$output", "/app/output"),
        ("$input", "/app/input_data"),
    ),
    "scoring": (
        ("$predictions", "/app/input/res"),
        ("$program", "/app/program"),
        ("$hidden", "/app/input/ref"),
        ("$output", "/app/output"),
        ("$input", "/app/input"),
    ),
}
_INTERPRETERS = ("python", "python3")
_FLAGS = ("-u", "-B", "-s")


@dataclass(frozen=True)
class Command:
    """How a program is started.

    Attributes
    ----------
    script : str
        Path of the Python file below ``/app/program``.
    arguments : tuple of str
        As in Codabench's container: folders begin with ``/app``.
    """

    script: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard.

    Attributes
    ----------
    title, key : str
        What is shown, and the name in ``scores.json``.
    """

    title: str
    key: str


@dataclass(frozen=True)
class Task:
    """One task of a challenge; paths are None where the bundle does not hold what it names.

    Attributes
    ----------
    index : int
    name : str
    input_data, reference_data : Path or None
        A folder, a zip or a file.
    ingestion_program, scoring_program : Path
        A folder or a zip.
    """

    index: int
    name: str
    input_data: Path | None
    reference_data: Path | None
    ingestion_program: Path
    scoring_program: Path


@dataclass(frozen=True)
class Bundle:
    """A challenge as its bundle describes it.

    Attributes
    ----------
    root : Path
    title : str
    docker_image : str
        That the challenge runs; told, and not used.
    tasks : tuple of Task
    columns : tuple of Column
        Of the first leaderboard.
    """

    root: Path
    title: str
    docker_image: str
    tasks: tuple[Task, ...]
    columns: tuple[Column, ...]

    def task(self, index: int) -> Task:
        """The task of this index.

        Raises
        ------
        SubmissionError
            If there is none.
        """
        found = next((task for task in self.tasks if task.index == index), None)
        if found is None:
            known = ", ".join(f"{task.index} ({task.name})" for task in self.tasks)
            raise SubmissionError(f"the bundle has no task {index}; it has {known}")
        return found


def read_bundle(root: Path) -> Bundle:
    """Read the description of an unpacked bundle.

    Parameters
    ----------
    root : Path
        Folder that holds ``competition.yaml``.

    Raises
    ------
    SubmissionError
        If it is missing, unreadable, of another version, or names what it may not.
    """
    path = root / COMPETITION
    values = _mapping(read_yaml(path), path)
    if str(values.get("version", "")) != "2":
        raise SubmissionError(f"{path}: version {values.get('version')!r} is not 2, the only one that is understood")
    tasks = tuple(_task(root, path, entry) for entry in _sequence(values.get("tasks"), path, "tasks"))
    if not tasks:
        raise SubmissionError(f"{path} names no tasks")
    return Bundle(
        root=root,
        title=_text(values, "title") or root.name,
        docker_image=_text(values, "docker_image"),
        tasks=tasks,
        columns=_columns(values, path),
    )


def read_command(program: Path, kind: str) -> Command:
    """How a program of a bundle is started.

    Parameters
    ----------
    program : Path
        Its folder.
    kind : {"ingestion", "scoring"}
        Decides what older names of folders stand for.

    Raises
    ------
    SubmissionError
        If it does not say, or is not started with Python.
    """
    path = next((program / name for name in _METADATA if (program / name).is_file()), None)
    if path is None:
        raise SubmissionError(f"{program.name} has neither {' nor '.join(_METADATA)}, so how to start it is unknown")
    text = _text(_mapping(read_yaml(path), path), "command")
    for variable, place in _VARIABLES[kind]:
        text = text.replace(variable, place)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SubmissionError(f"{path}: the command {text!r} cannot be read: {error}") from error
    if not words or words[0].rpartition("/")[2] not in _INTERPRETERS:
        raise SubmissionError(f"{path}: the command {text!r} does not start with python3; only that is run here")
    words = words[1:]
    while words and words[0] in _FLAGS:
        words = words[1:]
    if not words or not words[0].startswith("/app/program/") or ".." in words[0].split("/"):
        raise SubmissionError(f"{path}: the command {text!r} starts no file below /app/program")
    return Command(words[0].removeprefix("/app/program/"), tuple(words[1:]))


def read_yaml(path: Path) -> Any:
    """Parse a YAML file as plain data.

    Raises
    ------
    SubmissionError
        If it is missing, too large, no YAML, or uses aliases, with which a few lines can stand for gigabytes.
    """
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SubmissionError(f"{path} is larger than {_MOST_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
        if any(isinstance(token, (yaml.AliasToken, yaml.AnchorToken)) for token in yaml.scan(text)):
            raise SubmissionError(f"{path} uses YAML aliases, which are not read; write the values out")
        return yaml.safe_load(text)
    except FileNotFoundError:
        raise SubmissionError(f"{path.parent} holds no {path.name}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise SubmissionError(f"{path} cannot be read: {' '.join(str(error).split())}") from error


def _task(root: Path, path: Path, entry: object) -> Task:
    values = _mapping(entry, path)
    index = values.get("index", 0)
    if type(index) is not int:
        raise SubmissionError(f"{path}: a task's index is {index!r}, which is no whole number")
    places = {name: _inside(root, path, values.get(name)) for name in _PLACES}
    missing = [name for name in ("ingestion_program", "scoring_program") if places[name] is None]
    if missing:
        raise SubmissionError(f"{path}: task {index} has no {first_few(missing)} in the bundle")
    return Task(index=index, name=_text(values, "name"), **places)  # type: ignore[arg-type]  # the programs are there


_PLACES = ("input_data", "reference_data", "ingestion_program", "scoring_program")


def _inside(root: Path, path: Path, name: object) -> Path | None:
    """The file or folder that a bundle names; None where it names none, or does not hold it."""
    if not name:
        return None
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        raise SubmissionError(f"{path} names {name!r}, which is no path")
    place = (root / name).resolve()
    if not place.is_relative_to(root.resolve()):
        raise SubmissionError(f"{path} names {name!r}, which lies outside the bundle")
    return place if place.exists() else None


def _columns(values: dict[str, Any], path: Path) -> tuple[Column, ...]:
    boards = _sequence(values.get("leaderboards") or [], path, "leaderboards")
    if not boards:
        return ()
    entries = _sequence(_mapping(boards[0], path).get("columns") or [], path, "columns")
    columns = [_mapping(entry, path) for entry in entries]
    return tuple(Column(_text(c, "title") or _text(c, "key"), _text(c, "key")) for c in columns if c.get("key"))


def _mapping(value: object, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SubmissionError(f"{path}: a table of names and values is needed where there is {str(value)[:80]!r}")
    return value


def _sequence(value: object, path: Path, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise SubmissionError(f"{path}: {name} is no list")
    return value


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else " ".join(str(value).split())[:1000]

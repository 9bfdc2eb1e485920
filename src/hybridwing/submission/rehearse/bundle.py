"""Read a Codabench bundle: which programs and data a challenge consists of. Nothing of it is run here.

A bundle is a folder or zip with a ``competition.yaml`` of version 2 (github.com/codalab/codabench, "Yaml Structure").
It is not trusted: the file is parsed as plain data, aliases are refused, and paths may not lead out of the bundle.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError, ValidationInfo

from hybridwing.errors import SubmissionError

COMPETITION = "competition.yaml"
#: Where a program says how it is started, and a submission what it is; Codabench takes the first that is there.
METADATA = ("metadata.yaml", "metadata")
_MOST_BYTES = 1 << 20
_INTERPRETERS = ("python", "python3")
_FLAGS = ("-u", "-B", "-s")


def _line(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())[:1000]


def _inside(name: object, info: ValidationInfo) -> Path | None:
    """The file or folder that a bundle names; None if it names none or does not hold it."""
    if not name:
        return None
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is no path")
    root = Path(str(info.context))
    place = (root / name).resolve()
    if not place.is_relative_to(root.resolve()):
        raise ValueError(f"{name!r} lies outside the bundle")
    return place if place.exists() else None


def _program(name: object, info: ValidationInfo) -> Path:
    place = _inside(name, info)
    if place is None:
        raise ValueError("it is not in the bundle")
    return place


_Line = Annotated[str, BeforeValidator(_line)]
_Place = Annotated[Path | None, BeforeValidator(_inside)]
_Program = Annotated[Path, BeforeValidator(_program)]
_OR_NONE = BeforeValidator(lambda value: value or ())


class Column(BaseModel):
    """A column of the leaderboard: its title, and its name in ``scores.json``."""

    model_config = ConfigDict(frozen=True)

    key: _Line = ""
    title: _Line = ""


class Leaderboard(BaseModel):
    """A leaderboard's columns."""

    columns: Annotated[tuple[Column, ...], _OR_NONE] = ()


class Task(BaseModel):
    """One task of a challenge. Its data are None where the bundle lacks the file that it names."""

    index: StrictInt = 0
    name: _Line = ""
    # A folder, a zip or a file
    input_data: _Place = None
    reference_data: _Place = None
    # A folder or a zip
    ingestion_program: _Program
    scoring_program: _Program


class Bundle(BaseModel):
    """A challenge as its bundle describes it."""

    # Format of the description; only 2 is understood
    version: Annotated[str, BeforeValidator(str), Field(pattern=r"^2$")]
    title: _Line = ""
    tasks: Annotated[tuple[Task, ...], Field(min_length=1)]
    leaderboards: Annotated[tuple[Leaderboard, ...], _OR_NONE] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the first leaderboard that have a key."""
        return tuple(column for board in self.leaderboards[:1] for column in board.columns if column.key)

    def task(self, index: int) -> Task:
        """The task of this index.

        Raises SubmissionError if there is none.
        """
        found = next((task for task in self.tasks if task.index == index), None)
        if found is None:
            known = ", ".join(f"{task.index} ({task.name})" for task in self.tasks)
            raise SubmissionError(f"the bundle has no task {index}; it has {known}")
        return found


def read_bundle(root: Path) -> Bundle:
    """Read the description of an unpacked bundle: the ``competition.yaml`` in its folder.

    Raises SubmissionError if it is missing, unreadable, of another version, or names what it may not.
    """
    path = root / COMPETITION
    try:
        return Bundle.model_validate({"title": root.name, **read_mapping(path)}, context=root)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SubmissionError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from None


def read_command(program: Path) -> tuple[str, list[str]]:
    """How a program of a bundle is started.

    Its Python file below ``/app/program``, and its arguments, in which folders begin with ``/app`` as in Codabench's
    container. Raises SubmissionError if its folder does not say, or it is not started with Python.
    """
    path = next((program / name for name in METADATA if (program / name).is_file()), None)
    if path is None:
        raise SubmissionError(f"{program.name} has neither {' nor '.join(METADATA)}, so how to start it is unknown")
    text = _line(read_mapping(path).get("command"))
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SubmissionError(f"{path}: the command {text!r} cannot be read: {error}") from error
    if not words or words[0].rpartition("/")[2] not in _INTERPRETERS:
        raise SubmissionError(f"{path}: the command {text!r} does not start with python3; only that is run here")
    words = [word for word in words[1:] if word not in _FLAGS]
    if not words or not words[0].startswith("/app/program/") or ".." in words[0].split("/"):
        raise SubmissionError(f"{path}: the command {text!r} starts no file below /app/program")
    return words[0].removeprefix("/app/program/"), words[1:]


def read_mapping(path: Path) -> dict[str, Any]:
    """Parse a YAML file that holds names and values, as plain data.

    Raises SubmissionError if it is missing, too large, no such YAML, or uses aliases, with which a few lines can stand
    for gigabytes.
    """
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SubmissionError(f"{path} is larger than {_MOST_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
        if any(isinstance(token, (yaml.AliasToken, yaml.AnchorToken)) for token in yaml.scan(text)):
            raise SubmissionError(f"{path} uses YAML aliases, which are not read; write the values out")
        values = yaml.safe_load(text)
    except FileNotFoundError:
        raise SubmissionError(f"{path.parent} holds no {path.name}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise SubmissionError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise SubmissionError(f"{path}: a table of names and values is needed where there is {str(values)[:80]!r}")
    return values

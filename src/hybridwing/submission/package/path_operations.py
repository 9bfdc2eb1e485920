"""What Python's operations on strings and paths give, for :mod:`expressions`: a path is a string here."""

from __future__ import annotations

import ast
import itertools
import posixpath
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Stands for the submission's folder, which has a parent of unknown name.
HERE = "/\0parent/\0submission"
Value = Any  # str, int, or tuples and dicts of them

#: Formats that may ask for any amount of memory: a width of four digits, or one that is itself a value.
_WIDTH = re.compile(r"%[^a-z%]*(\d{4}|\*)|:[^}]*(\d{4}|\{)")
#: Items of a range, at most.
_LONGEST = 64

#: Functions and methods that leave a path what it is.
SAME = ("abspath", "realpath", "fspath", "str", "normpath", "expanduser", "list", "tuple", "sorted", "iter")
SAME_METHODS = ("resolve", "absolute", "as_posix", "__str__", "__fspath__", "expanduser")
_PATHS = ("Path", "PurePath", "PosixPath", "PurePosixPath")
#: Functions by the last part of their name.
FUNCTIONS: dict[str, Callable[..., Value]] = {
    "join": posixpath.join,
    "dirname": posixpath.dirname,
    "basename": posixpath.basename,
    "split": posixpath.split,
    "splitext": posixpath.splitext,
    "enumerate": lambda items: tuple(enumerate(items)),
    "zip": lambda *items: tuple(zip(*items, strict=False)),
    "range": lambda *ends: tuple(itertools.islice(range(*ends), _LONGEST)),
    **dict.fromkeys(_PATHS, lambda *parts: str(PurePosixPath(*parts))),
}
#: Methods of strings, paths and mappings.
METHODS: dict[str, Callable[..., Value]] = {
    "joinpath": lambda path, *parts: str(PurePosixPath(path, *parts)),
    "with_name": lambda path, name: str(PurePosixPath(path).with_name(name)),
    "with_stem": lambda path, stem: str(PurePosixPath(path).with_stem(stem)),
    "with_suffix": lambda path, suffix: str(PurePosixPath(path).with_suffix(suffix)),
    "items": lambda mapping: tuple(mapping.items()),
    "keys": lambda mapping: tuple(mapping),
    "values": lambda mapping: tuple(mapping.values()),
    "get": lambda mapping, key, *rest: mapping.get(key, *rest),
    "glob": posixpath.join,
    "rglob": lambda path, pattern: posixpath.join(path, "**", pattern),
    **{
        name: getattr(str, name)
        for name in ("format", "replace", "strip", "rstrip", "lstrip", "lower", "upper", "removesuffix", "split")
    },
    **{name: getattr(str, name) for name in ("rsplit", "partition", "rpartition", "removeprefix", "join")},
}
#: Attributes of paths.
ATTRIBUTES: dict[str, Callable[[str], Value]] = {
    "parent": lambda path: str(PurePosixPath(path).parent),
    "parents": lambda path: tuple(map(str, PurePosixPath(path).parents)),
    "name": lambda path: PurePosixPath(path).name,
    "stem": lambda path: PurePosixPath(path).stem,
    "suffix": lambda path: PurePosixPath(path).suffix,
    "parts": lambda path: PurePosixPath(path).parts,
}


def call_method(name: str, keys: list[str], *values: Value) -> Value:
    """A method of a string, path or mapping; the last values are given by name."""
    plain = values[: len(values) - len(keys)]
    if name == "format" and _WIDTH.search(plain[0]):
        raise ValueError("a width may ask for any amount of memory")
    found = METHODS[name](*plain, **dict(zip(keys, values[len(plain) :], strict=True)))
    return tuple(found) if isinstance(found, list) else found


def mapping(*values: Value) -> dict[Value, Value]:
    """Keys and then values, half and half, as a dict."""
    half = len(values) // 2
    return dict(zip(values[:half], values[half:], strict=True))


def size(value: Value) -> int:
    """Characters and items in a value."""
    if isinstance(value, dict):
        return 1 + sum(size(one) for pair in value.items() for one in pair)
    if isinstance(value, (tuple, list)):
        return 1 + sum(map(size, value))
    return len(value) if isinstance(value, str) else 1


def operate(operator: ast.operator, left: Value, right: Value) -> Value:
    """Left and right joined by ``/``, ``+`` or ``%``; raises what Python raises, or TypeError for other operators."""
    if isinstance(operator, ast.Div):
        return str(PurePosixPath(left) / right)
    if isinstance(operator, ast.Mod) and isinstance(left, str) and not _WIDTH.search(left):
        return left % right
    if isinstance(operator, ast.Add):
        return left + right
    raise TypeError("an operation on numbers")

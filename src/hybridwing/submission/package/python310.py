"""What a module uses that Python 3.10, which the challenge's container runs, does not have.

Names and most syntax are looked up by vermin (MIT), whose tables give the Python version of every name in the standard
library. What it does not see is added here: the interpreter that runs the check may be newer, and parses more.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The challenge's Python.
PYTHON = (3, 10)
#: Modules of the standard library that left it after 3.10 (docs.python.org, "What's New" of 3.11 to 3.13).
_GONE_SINCE = (
    "aifc asynchat asyncore audioop binhex cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib nis"
    " nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib"
)
_NEW_SINCE = {"tomllib", "annotationlib", "compression", "profiling"}
#: Standard library of Python 3.10, whichever Python runs the check.
STANDARD_LIBRARY = (frozenset(sys.stdlib_module_names) | set(_GONE_SINCE.split())) - _NEW_SINCE

#: Names that vermin 1.9.2 does not know, from the "New in version" notes of docs.python.org.
_UNLISTED = {
    "asyncio.taskgroups": "3.11",
    "asyncio.timeouts": "3.11",
    "configparser.UnnamedSectionError": "3.13",
    "logging.getHandlerByName": "3.12",
    "logging.getHandlerNames": "3.12",
    "typing.evaluate_forward": "3.14",
    "PythonFinalizationError": "3.13",
}
#: Methods and arguments of ``pathlib.Path``; vermin sees them only right after ``Path(…)``.
_PATH_METHODS = {"walk": "3.12", "full_match": "3.13", "is_junction": "3.12", "copy_into": "3.14", "move_into": "3.14"}
_PATH_ARGUMENTS = {"walk_up": "3.12", "case_sensitive": "3.12", "recurse_symlinks": "3.13", "full_match": "3.13"}
_INSTEAD = {
    "tomllib": "store the settings as JSON",
    "datetime.UTC": "use datetime.timezone.utc",
    "enum.StrEnum": "derive from (str, enum.Enum)",
    "itertools.batched": "take slices, or itertools.islice in a loop",
    "pathlib.Path.walk": "use os.walk",
    "asyncio.TaskGroup": "use asyncio.gather",
}


@dataclass(frozen=True)
class NewerFeature:
    """Something that Python 3.10 lacks: its name, the first Python that has it, the line, and what to write instead."""

    what: str
    since: str
    line: int
    instead: str


def newer_features(text: str, tree: ast.Module, own: frozenset[str] = frozenset()) -> list[NewerFeature]:
    """Features and names that came after Python 3.10, by line.

    What is tried and caught, or asked for after looking at ``sys.version_info``, does no harm and is left out.

    Parameters
    ----------
    text : str
        Source code, without syntax errors on the Python that runs this.
    tree : ast.Module
        The same code, parsed.
    own : frozenset of str
        Modules of the submission: these are imported where Python has none of the name.

    Examples
    --------
    >>> code = "from enum import StrEnum"
    >>> newer_features(code, ast.parse(code))[0].since
    '3.11'
    """
    found: dict[tuple[int, str], str] = {}
    harmless = _harmless_lines(tree)
    syntax = False
    for line, what, since in (*_by_vermin(text, tree), *_unseen_by_vermin(tree)):
        name = re.match(r"'([\w.]+)", what)
        if tuple(map(int, since.split("."))) <= PYTHON:
            continue
        if name and (line in harmless or name[1].split(".")[0] in own):
            continue
        syntax |= name is None
        plain = re.sub(r"' (module|member|keyword)$|'", "", what)
        found.setdefault((line, plain.removesuffix("()")), since)
    if not syntax:
        try:  # whatever else the running Python knows to be newer
            ast.parse(text, feature_version=PYTHON)
        except SyntaxError as error:
            found[error.lineno or 1, str(error.msg)] = "3.11"
    return [
        NewerFeature(what, since, line, _INSTEAD.get(what, f"write it without {what}"))
        for (line, what), since in sorted(found.items())
    ]


def _by_vermin(text: str, tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    import vermin
    from vermin.formats import ParsableFormat

    config = vermin.Config()
    config.set_quiet(True)
    config.set_format(ParsableFormat())
    postponed = any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
        for node in tree.body
    )
    config.set_eval_annotations(not postponed)
    try:
        visitor = vermin.visit(text, config)
    except RecursionError:
        return
    for line in visitor.output_text().splitlines():
        match = re.fullmatch(r".*?:(\d+):\d*:[^:]*:(3\.\d+):(.+)", line)
        if match:
            yield int(match[1]), match[3], match[2]


def _unseen_by_vermin(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    paths = any(
        (isinstance(node, ast.ImportFrom) and node.module == "pathlib")
        or (isinstance(node, ast.Import) and any(alias.name == "pathlib" for alias in node.names))
        for node in ast.walk(tree)
    )
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            first = node.slice.elts[0] if node.slice.elts else None
            # Without brackets of its own the tuple begins where its first element does.
            starred = any(isinstance(one, ast.Starred) for one in node.slice.elts)
            if starred and first is not None and node.slice.col_offset == first.col_offset:
                yield line, "a star within square brackets", "3.11"
        elif isinstance(node, ast.arg) and isinstance(node.annotation, ast.Starred):
            yield line, "a star in an annotation", "3.11"
        elif isinstance(node, ast.Name) and node.id in _UNLISTED:
            yield line, f"'{node.id}' member", _UNLISTED[node.id]
        elif isinstance(node, ast.Attribute) and (name := ast.unparse(node)) in _UNLISTED:
            yield line, f"'{name}' member", _UNLISTED[name]
        elif isinstance(node, ast.ImportFrom):
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                if name in _UNLISTED or node.module in _UNLISTED:
                    yield line, f"'{name}' member", _UNLISTED.get(name) or _UNLISTED[str(node.module)]
        elif isinstance(node, ast.Call):
            yield from _calls(node, paths)


def _calls(call: ast.Call, paths: bool) -> Iterator[tuple[int, str, str]]:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    called = method or (call.func.id if isinstance(call.func, ast.Name) else "")
    if method == "add_note":
        yield call.lineno, "'BaseException.add_note' member", "3.11"
    if called in ("import_module", "__import__") and call.args and isinstance(call.args[0], ast.Constant):
        for module in _NEW_SINCE & {str(call.args[0].value).split(".")[0]}:
            yield call.lineno, f"'{module}' module", "3.11" if module == "tomllib" else "3.14"
    of = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if paths and method in _PATH_METHODS and of not in ("os", "ast", "os.path"):
        yield call.lineno, f"'pathlib.Path.{method}' member", _PATH_METHODS[method]
    for keyword in call.keywords:
        if paths and method in ("relative_to", "glob", "rglob", "match") and keyword.arg in _PATH_ARGUMENTS:
            yield call.lineno, f"'pathlib.Path.{method}({keyword.arg})'", _PATH_ARGUMENTS[keyword.arg]


def _harmless_lines(tree: ast.Module) -> set[int]:
    """Lines whose names may be missing: tried and caught, never run, or run by newer Pythons only."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers:
            statements: list[ast.stmt] = node.body
        elif isinstance(node, ast.If) and re.search(
            r"version_info|hexversion|TYPE_CHECKING|__name__ ==|hasattr", ast.unparse(node.test)
        ):
            statements = [*node.body, *node.orelse]
        else:
            continue
        for statement in statements:
            lines.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return lines

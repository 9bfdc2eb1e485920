"""Find what a module uses that Python 3.10, which the challenge runs, does not have.

Names and syntax are looked up by vermin (MIT), whose tables give the Python version of every name in the standard
library.
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

    Names within ``try`` with a handler, or behind a look at ``sys.version_info``, do no harm and are left out. `tree`
    is `text` parsed; `own` are the submission's modules, which are imported where Python has none of the name.

    Examples
    --------
    >>> code = "from enum import StrEnum"
    >>> newer_features(code, ast.parse(code))[0].since
    '3.11'
    """
    found: dict[tuple[int, str], str] = {}
    harmless = _harmless_lines(tree)
    syntax = False
    for line, what, since in _by_vermin(text, tree):
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


def _harmless_lines(tree: ast.Module) -> set[int]:
    """Lines that may use newer names: an error is caught there, or they run on newer Pythons only."""
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

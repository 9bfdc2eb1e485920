"""Parse the code that ``model.py`` reaches, and say what Python 3.10 cannot read. Nothing is imported or run."""

from __future__ import annotations

import ast
import sys
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import decode_source
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check
from hybridwing.submission.package.python310 import PYTHON, newer_features

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeGuard

    from hybridwing.submission.package.archive import Submission

#: Bytes of a module; more is no code that anybody wrote, and parsing it takes memory in proportion.
_LARGEST = 2**21
_VERSION = ".".join(map(str, PYTHON))
#: Calls whose arguments are text to look at, and neither a path nor a device.
_TEXT_CALLS = frozenset((
    "replace", "split", "rsplit", "startswith", "endswith", "strip", "lstrip", "rstrip", "partition", "join",
    "compile", "match", "search", "sub", "fullmatch", "findall", "print",
))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Module:
    """One file of code."""

    name: str  # Its path in the submission
    text: str = field(repr=False)
    tree: ast.Module
    # All of its nodes but those that run only when the file is started as a program
    nodes: tuple[ast.AST, ...] = field(repr=False)
    imports: tuple[tuple[str, int], ...]  # Packages that it cannot do without, each with the line of its import

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """All calls, each with the dotted name of the function; empty where it has none."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield dotted(node.func), node

    def texts(self) -> Iterator[tuple[ast.Constant, str]]:
        """Texts that may be paths or devices: no docstrings, parts of f-strings, or what is compared or looked at."""
        others: set[int] = set()
        for node in self.nodes:
            if isinstance(node, ast.Expr):
                others.add(id(node.value))
            elif isinstance(node, ast.JoinedStr):
                others.update(map(id, node.values))
            elif isinstance(node, ast.Compare):
                others.update(map(id, (node.left, *node.comparators)))
            elif isinstance(node, ast.Call):
                name = dotted(node.func)
                # Of join only os.path's takes paths.
                if name.rpartition(".")[2] in _TEXT_CALLS and not name.endswith("path.join"):
                    others.update(map(id, node.args))
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in others:
                yield node, node.value

    def place(self, node: ast.AST) -> str:
        """``file:line``."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def stated(self, node: ast.AST | None) -> str | None:
        """The text of an expression: a literal, a join of literals, or the one literal assigned to its name."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Call) and dotted(node.func).endswith("path.join"):
            parts = [self.stated(part) for part in node.args]
            return None if None in parts else "/".join(part for part in parts if part)
        given = self._given.get(dotted(node), [])
        found = given[0] if len(given) == 1 else None
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else None

    @cached_property
    def _given(self) -> dict[str, list[ast.expr]]:
        """The expressions that are assigned to each name, anywhere in the file."""
        given: dict[str, list[ast.expr]] = {}
        for node in self.nodes:
            for target in node.targets if isinstance(node, ast.Assign) else ():
                given.setdefault(dotted(target), []).append(node.value)  # type: ignore[attr-defined]
        return given


def dotted(node: ast.AST | None) -> str:
    """Name such as ``torch.hub.load``; of a call's result only what follows it; empty for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def read_modules(submission: Submission) -> tuple[tuple[Module, ...], list[Check]]:
    """Parse ``model.py`` and, below it, all that it imports from the submission."""
    names = set(submission.names)
    if "model.py" not in names:
        return (), []
    waiting, modules, checks = ["model.py"], [], []
    for name in waiting:  # grows while it is walked
        parsed = _parse(submission, name)
        if isinstance(parsed, Check):
            checks.append(parsed)
            continue
        modules.append(parsed)
        # dict.fromkeys: a package is imported once, however many of its modules are
        waiting += [other for other in dict.fromkeys(_own_imports(parsed, names)) if other not in waiting]
    for module in modules:
        for new in newer_features(module.text, module.tree, submission.own_modules):
            finding = f"{new.what} came with Python {new.since}; the challenge runs {_VERSION}"
            checks.append(Check("syntax", "fail", finding, new.instead, f"{module.name}:{new.line}"))
    if not checks:
        counted = f"{len(modules)} Python files" if len(modules) > 1 else "model.py"
        checks = [Check("syntax", "pass", f"{counted} can be read by Python {_VERSION}")]
    return tuple(modules), checks


def _parse(submission: Submission, name: str) -> Module | Check:
    content = submission.read(name, _LARGEST + 1)
    try:
        if len(content) > _LARGEST:
            raise ValueError(f"it is over {_LARGEST:,} bytes long")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and comparisons in code that is not ours
            tree = ast.parse(content, filename=name)
            # Compiled and thrown away, never run: "return" outside of a function is seen only here.
            compile(tree, name, "exec", dont_inherit=True)
        text = decode_source(content)
    except SyntaxError as error:
        finding = f"Python {_VERSION} cannot parse it: {error.msg}"
        remedy = "mend the line; python -m py_compile tells more"
        if (sys.version_info < (3, 12)) and "f-string" in str(error.msg):
            remedy = "write the f-string for Python 3.10: other quotes within the braces, no backslash or comment there"
        return Check("syntax", "fail", finding, remedy, f"{name}:{error.lineno or 1}")
    except (ValueError, RecursionError, MemoryError) as error:
        finding = f"it cannot be parsed: {str(error) or 'it is nested too deeply'}"
        return Check("syntax", "fail", finding, "save it as plain Python text in UTF-8", name)
    return Module(name, text, tree, tuple(_nodes(tree)), tuple(_imports(tree)))


def _is_main_block(node: ast.AST) -> TypeGuard[ast.If]:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and dotted(node.test.left) == "__name__"
        and isinstance(node.test.ops[0], ast.Eq)
    )


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if __name__ == "__main__"``, which the challenge never starts."""
    waiting: list[ast.AST] = [tree]
    for node in waiting:  # grows while it is walked
        yield node
        waiting += node.orelse if _is_main_block(node) else ast.iter_child_nodes(node)


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Imported packages, and the line. Those within ``try`` or ``if`` may not be needed, and are left out."""
    waiting: list[ast.AST] = [tree]
    for node in waiting:  # grows while it is walked
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node.lineno
        elif not isinstance(node, (ast.Try, ast.If)):
            waiting += ast.iter_child_nodes(node)


def _own_imports(module: Module, names: set[str]) -> Iterator[str]:
    """Files of the submission that a module imports."""
    for node in module.nodes:
        wanted = []
        if isinstance(node, ast.Import):
            wanted = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(module.name, node)
            wanted = [base, *([*base, alias.name] for alias in node.names)]
        for parts in wanted:
            # A package's own code runs before that of a module within it.
            for depth in range(1, len(parts) + 1):
                found = _file_of(parts[:depth], names)
                if found:
                    yield found


def _base(name: str, node: ast.ImportFrom) -> list[str]:
    package = name.split("/")[:-1]
    above = package[: len(package) - node.level + 1] if node.level else []
    return [*above, *(node.module.split(".") if node.module else [])]


def _file_of(parts: list[str], names: set[str]) -> str:
    path = "/".join(parts)
    return next((name for name in (f"{path}/__init__.py", f"{path}.py") if name in names), "")

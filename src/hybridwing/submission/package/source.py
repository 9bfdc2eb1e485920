"""The submission's Python code as parsed trees: what is reached from ``model.py``, never imported or run."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.submission.package.archive import Submission

#: Bytes of a module; more is no code that anybody wrote, and parsing it takes memory in proportion.
_LARGEST = 2**21


@dataclass(frozen=True)
class Import:
    """One imported package: the first part of its name, the line, and whether the code can do without."""

    top: str
    line: int
    needed: bool


@dataclass(frozen=True)
class Module:
    """One file of code.

    Parameters
    ----------
    name : str
        Its path in the submission.
    tree : ast.Module
    nodes : tuple of ast.AST
        All of its nodes but those that run only when the file is started as a program.
    constants : dict
        Names, and attributes of ``self``, that are only ever given one string.
    """

    name: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    constants: dict[str, str] = field(repr=False)
    imports: tuple[Import, ...] = ()

    def text(self, node: ast.AST | None) -> str | None:
        """String that an expression stands for, where that can be seen."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        name = dotted(node)
        return self.constants.get(name) if name else None

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """All calls with the dotted name of what is called, empty where it has none."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield dotted(node.func), node

    def place(self, node: ast.AST) -> str:
        """``file:line``."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"


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
    if not checks:
        counted = f"{len(modules)} Python files" if len(modules) > 1 else "model.py"
        checks = [Check("syntax", "pass", f"{counted} can be parsed")]
    return tuple(modules), checks


def _parse(submission: Submission, name: str) -> Module | Check:
    content = submission.read(name, _LARGEST + 1)
    try:
        if len(content) > _LARGEST:
            raise ValueError(f"it is over {_LARGEST:,} bytes long")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and comparisons in code that is not ours
            tree = ast.parse(content, filename=name)
    except SyntaxError as error:
        finding = f"Python cannot parse it: {error.msg}"
        return Check(
            "syntax", "fail", finding, "mend the line; python -m py_compile tells more", f"{name}:{error.lineno or 1}"
        )
    except (ValueError, RecursionError, MemoryError) as error:
        finding = f"it cannot be parsed: {str(error) or 'it is nested too deeply'}"
        return Check("syntax", "fail", finding, "save it as plain Python text in UTF-8", name)
    nodes = tuple(_nodes(tree))
    return Module(name, tree, nodes, _constants(nodes), tuple(_imports(tree)))


def _is_main_guard(node: ast.AST) -> bool:
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
        guard = isinstance(node, ast.If) and _is_main_guard(node)
        waiting += node.orelse if guard and isinstance(node, ast.If) else ast.iter_child_nodes(node)


def _constants(nodes: tuple[ast.AST, ...]) -> dict[str, str]:
    """Strings by the name they are given to, where that is done once only."""
    given: dict[str, list[ast.AST | None]] = {}
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For)):
            targets = [node.target]
        value = getattr(node, "value", None)
        for target in targets:
            parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
            for part in parts:
                given.setdefault(dotted(part), []).append(value if part is target else None)
        if isinstance(node, ast.arg):
            given.setdefault(node.arg, []).append(None)
    return {
        name: values[0].value
        for name, values in given.items()
        if len(values) == 1 and isinstance(values[0], ast.Constant) and isinstance(values[0].value, str)
    }


def _imports(tree: ast.Module) -> Iterator[Import]:
    """Packages imported; those within ``try`` or a function that may not run are not needed for certain."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, True)]
    for node, needed in waiting:  # grows while it is walked
        if isinstance(node, ast.Import):
            yield from (Import(alias.name.split(".")[0], node.lineno, needed) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield Import(node.module.split(".")[0], node.lineno, needed)
        if isinstance(node, ast.If) and (_is_main_guard(node) or "TYPE_CHECKING" in ast.dump(node.test)):
            continue
        below = needed and not isinstance(node, (ast.Try, ast.If))
        waiting += [(child, below) for child in ast.iter_child_nodes(node)]


def _own_imports(module: Module, names: set[str]) -> Iterator[str]:
    """Files of the submission that a module imports."""
    package = module.name.split("/")[:-1]
    for node in module.nodes:
        wanted = []
        if isinstance(node, ast.Import):
            wanted = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *(node.module.split(".") if node.module else [])]
            wanted = [base, *([*base, alias.name] for alias in node.names)]
        for parts in wanted:
            # A package's own code runs before that of a module within it.
            for depth in range(1, len(parts) + 1):
                path = "/".join(parts[:depth])
                yield from (name for name in (f"{path}/__init__.py", f"{path}.py") if name in names)

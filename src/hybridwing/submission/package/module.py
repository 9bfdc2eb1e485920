"""One parsed file of a submission's code: what it imports and calls."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Import:
    """One imported package: the first part of its name, the line, and whether the code cannot do without it."""

    top: str
    line: int
    needed: bool


@dataclass(frozen=True, eq=False)
class Module:
    """One file of code.

    Parameters
    ----------
    name : str
        Its path in the submission.
    text : str
    tree : ast.Module
    nodes : tuple of ast.AST
        All of its nodes but those that run only when the file is started as a program.
    imports : tuple of Import
    """

    name: str
    text: str = field(repr=False)
    tree: ast.Module
    nodes: tuple[ast.AST, ...] = field(repr=False)
    imports: tuple[Import, ...] = ()

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """All calls with the dotted name of what is called, empty where it has none."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield dotted(node.func), node

    def place(self, node: ast.AST) -> str:
        """``file:line``."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def stated(self, node: ast.AST | None) -> str | None:
        """The text of an expression: a literal, a join of literals, or the only literal that its name is given."""
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
        """What each name is given, anywhere in the file."""
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

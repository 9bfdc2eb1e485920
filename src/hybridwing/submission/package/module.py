"""One parsed file of a submission's code: what it imports and calls."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = FunctionNode | ast.Lambda | ast.ClassDef | ast.Module


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
    own_names : dict
        Names that stand for another file of the submission, or for something in it: file and name there. ``"*"`` for
        everything in it.
    """

    name: str
    text: str = field(repr=False)
    tree: ast.Module
    nodes: tuple[ast.AST, ...] = field(repr=False)
    imports: tuple[Import, ...] = ()
    own_names: dict[str, tuple[str, str]] = field(default_factory=dict)

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """All calls with the dotted name of what is called, empty where it has none."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield dotted(node.func), node

    def place(self, node: ast.AST) -> str:
        """``file:line``."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def parent(self, node: ast.AST | None) -> ast.AST | None:
        """The node that a node belongs to."""
        return self._parents.get(node) if node is not None else None

    def ancestors(self, node: ast.AST | None) -> Iterator[ast.AST]:
        """The nodes that a node belongs to, from the innermost on."""
        while (node := self.parent(node)) is not None:
            yield node

    def scopes(self, node: ast.AST) -> list[ast.AST]:
        """Functions, classes and the module that a node belongs to, from the innermost on."""
        return [above for above in self.ancestors(node) if isinstance(above, _Scope)] or [self.tree]

    @cached_property
    def _parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}


def dotted(node: ast.AST | None) -> str:
    """Name such as ``torch.hub.load``; of a call's result only what follows it; empty for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))

"""One parsed file of a submission's code: what it imports and calls, and what its names were given."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = FunctionNode | ast.Lambda | ast.ClassDef | ast.Module
_Branch = ast.If | ast.Try | ast.ExceptHandler | ast.For | ast.While | ast.match_case


@dataclass(frozen=True)
class Import:
    """One imported package: the first part of its name, the line, and whether the code can do without."""

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

    @cached_property
    def functions(self) -> dict[str, FunctionNode]:
        """Functions and methods by name, where there is one of that name."""
        found = [node for node in self.nodes if isinstance(node, FunctionNode)]
        names = [node.name for node in found]
        return {node.name: node for node in found if names.count(node.name) == 1}

    def top_level(self, name: str) -> list[ast.AST]:
        """What a name of the module, or an attribute of a class in it, was given last."""
        return self._latest(self._given.get((self.tree, name), []), None)

    def bound(self, node: ast.Name | ast.Attribute) -> list[ast.AST] | None:
        """What a name may stand for where it is used, or None if the module gives it nothing.

        Within one function only what comes before it counts, back to the last assignment that certainly took place.
        """
        name = dotted(node)
        if isinstance(node, ast.Attribute):
            if name == f"self.__class__.{node.attr}" or (
                isinstance(node.value, ast.Call) and ast.unparse(node.value) == "type(self)"
            ):
                name = f"self.{node.attr}"
            elif not _is_dotted(node):
                return None
        scopes = [above for above in self.ancestors(node) if isinstance(above, _Scope)]
        for place, scope in enumerate(scopes or [self.tree]):
            found = self._given.get((scope, name))
            # A method does not see the names of its class.
            if found and not (place and isinstance(scope, ast.ClassDef)):
                return self._latest(found, node if place == 0 else None)
        return None

    def _latest(self, given: list[tuple[ast.AST, ast.AST]], use: ast.AST | None) -> list[ast.AST]:
        values = []
        for statement, value in reversed(given):
            if use is not None and (_end(statement) > (use.lineno, use.col_offset)) and not _loops(statement):  # type: ignore[attr-defined]
                continue
            values.append(value)
            if not isinstance(self.parent(statement), _Branch):
                break
        return values

    @cached_property
    def _parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def _given(self) -> dict[tuple[ast.AST, str], list[tuple[ast.AST, ast.AST]]]:
        """By scope and name: statement and value of everything that a name is given, in order of place."""
        found: dict[tuple[ast.AST, str], list[tuple[ast.AST, ast.AST]]] = {}
        ordered = sorted(self.nodes, key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))
        for node in ordered:
            for target, value in _assignments(node):
                scope = next((above for above in self.ancestors(node) if isinstance(above, _Scope)), self.tree)
                name = target.arg if isinstance(target, ast.arg) else dotted(target)
                if isinstance(target, ast.Attribute):
                    scope = self.tree
                found.setdefault((scope, name), []).append((node, value))
                if isinstance(scope, ast.ClassDef) and not isinstance(target, ast.arg):
                    for owner in ("self", "cls", scope.name):
                        found.setdefault((self.tree, f"{owner}.{name}"), []).append((node, value))
        return found


def _assignments(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Names and attributes that a node gives something, with what."""
    if isinstance(node, ast.arg):
        yield node, node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _unpacked(target, node.value)
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        if node.value is not None:
            yield node.target, node.value
    elif isinstance(node, ast.AugAssign):
        yield node.target, node
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield from _unpacked(node.target, node)


def _unpacked(target: ast.AST, value: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    if not isinstance(target, (ast.Tuple, ast.List)):
        yield target, value
    elif isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
        for one, part in zip(target.elts, value.elts, strict=True):
            yield from _unpacked(one, part)
    else:
        for place, one in enumerate(target.elts):
            yield one, Item(value, place)


class Item(ast.AST):
    """One place of a value that is unpacked into several names."""

    def __init__(self, value: ast.AST, place: int) -> None:
        super().__init__()
        self.value, self.place = value, place


def _end(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0


def _is_dotted(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _loops(node: ast.AST) -> bool:
    return isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension))


def dotted(node: ast.AST | None) -> str:
    """Name such as ``torch.hub.load``; of a call's result only what follows it; empty for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))

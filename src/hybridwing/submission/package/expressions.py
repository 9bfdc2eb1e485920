"""Which texts and paths the expressions of a submission may stand for, worked out without running them.

A name stands for everything that it is given anywhere in its scope, in whatever order; a function's argument for what
any call gives it. A module's own folder is :data:`HERE`, so that ``os.path.join(os.path.dirname(__file__), "net.pth")``
becomes ``HERE/net.pth``. What cannot be seen has no value: nothing is guessed.
"""

from __future__ import annotations

import ast
import itertools
import posixpath
from collections import defaultdict
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from hybridwing.submission.package.module import FunctionNode, Module, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Stands for the submission's folder, which has a parent of unknown name.
HERE = "/\0parent/\0submission"
#: Bounds of the values of one expression, of their length, and of the work on one and on all: the code may mean harm.
_MOST, _LONGEST, _STEPS, _ALL_STEPS = 64, 4_096, 500, 200_000
_SELF = ("self", "cls", "type(self)", "self.__class__")
_MODULES = ("os.", "path.", "osp.", "pathlib.")
_PATHS = ("Path", "PurePath", "PosixPath", "PurePosixPath")
#: Functions and methods that leave a path what it is.
_SAME = ("abspath", "realpath", "normpath", "expanduser", "fspath", "str", "resolve", "absolute", "as_posix")
_PATH_METHODS = ("joinpath", "with_name", "with_stem", "with_suffix")
_PATH_ATTRIBUTES = ("parent", "name", "stem", "suffix")


class Expressions:
    """Values of expressions in the modules of one submission.

    Parameters
    ----------
    modules : sequence of Module
        All that ``model.py`` reaches.
    """

    def __init__(self, modules: Sequence[Module]) -> None:
        self._modules = {module.name: module for module in modules}
        #: Expressions that a name is given, by its scope; attributes of classes are ``.name`` in their module, and
        #: what a function returns is ``name()``.
        self._given: dict[tuple[ast.AST, str], list[tuple[Module, ast.AST]]] = defaultdict(list)
        self._active: set[ast.AST] = set()
        self._known: dict[ast.AST, tuple[str, ...]] = {}
        self._steps, self._all_steps = _STEPS, _ALL_STEPS
        functions: dict[str, list[tuple[Module, FunctionNode]]] = defaultdict(list)
        for module in modules:
            for node in module.nodes:
                self._note(module, node)
                if isinstance(node, FunctionNode):
                    taken = [*node.args.posonlyargs, *node.args.args]
                    for argument, value in zip(reversed(taken), reversed(node.args.defaults), strict=False):
                        self._given[node, argument.arg].append((module, value))
                    owner = module.parent(node)
                    made = isinstance(owner, ast.ClassDef) and node.name == "__init__"
                    functions[owner.name if made else node.name].append((module, node))  # type: ignore[union-attr]
        for module in modules:
            for name, call in module.calls():
                for other, function in functions.get(name.rpartition(".")[2], ()):
                    self._note_arguments(module, call, other, function)

    def values(self, module: Module, node: ast.AST | None) -> tuple[str, ...]:
        """Every text or path that an expression may stand for; empty where none can be seen."""
        if node is None or node in self._active or node in self._known:
            return self._known.get(node, ()) if node is not None else ()
        if not self._active:
            self._steps = min(_STEPS, self._all_steps)
        if self._steps <= 0:
            return ()
        self._steps -= 1
        self._all_steps -= 1
        self._active.add(node)
        found: tuple[str, ...] = ()
        with suppress(ValueError, IndexError, RecursionError):  # e.g. with_name("")
            first = itertools.islice(dict.fromkeys(self._values(module, node)), _MOST)
            found = tuple(one for one in first if len(one) <= _LONGEST)
        self._active.discard(node)
        if not self._active:
            self._known[node] = found
        return found

    def text(self, module: Module, node: ast.AST | None) -> str | None:
        """The one text that an expression stands for; None for anything else."""
        found = self.values(module, node)
        given = self._expressions(module, node) if isinstance(node, ast.Name) else []
        return found[0] if len(found) == 1 and all(self.values(*one) for one in given) else None

    def _note(self, module: Module, node: ast.AST) -> None:
        """Note what an assignment, loop or return gives a name."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._give(module, target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self._give(module, node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            self._give(module, node.target, ast.BinOp(node.target, node.op, node.value))
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            self._give(module, node.target, ast.Starred(node.iter, ast.Load()))
        elif isinstance(node, ast.Return) and node.value is not None:
            function = module.scopes(node)[0]
            if isinstance(function, FunctionNode):
                self._given[module.tree, f"{function.name}()"].append((module, node.value))
                if any(dotted(mark).endswith("property") for mark in function.decorator_list):
                    self._given[module.tree, f".{function.name}"].append((module, node.value))

    def _give(self, module: Module, target: ast.AST, value: ast.AST) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)):
                for one, part in zip(target.elts, value.elts, strict=False):
                    self._give(module, one, part)
        elif isinstance(target, ast.Attribute):
            self._given[module.tree, f".{target.attr}"].append((module, value))
        elif isinstance(target, ast.Name):
            scope = module.scopes(target)[0]
            self._given[scope, target.id].append((module, value))
            if isinstance(scope, ast.ClassDef):
                self._given[module.tree, f".{target.id}"].append((module, value))

    def _note_arguments(self, module: Module, call: ast.Call, other: Module, function: FunctionNode) -> None:
        """Note what a call gives a function's arguments."""
        taken = [*function.args.posonlyargs, *function.args.args]
        static = any(dotted(mark) == "staticmethod" for mark in function.decorator_list)
        bound = isinstance(other.parent(function), ast.ClassDef) and not static
        for argument, value in zip(taken[bound:], call.args, strict=False):
            self._given[function, argument.arg].append((module, value))
        for keyword in call.keywords:
            self._given[function, keyword.arg or ""].append((module, keyword.value))

    def _values(self, module: Module, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node.value
        elif isinstance(node, (ast.Name, ast.Attribute)):
            yield from self._named(module, node)
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
            yield from map("".join, self._combined(module, parts))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
            for left, right in self._combined(module, [node.left, node.right]):
                yield left + right if isinstance(node.op, ast.Add) else str(PurePosixPath(left) / right)
        elif isinstance(node, ast.Call):
            yield from self._called(module, node)
        elif isinstance(node, ast.Subscript):
            yield from self._item(module, node)
        elif isinstance(node, (ast.IfExp, ast.BoolOp)):
            for part in node.values if isinstance(node, ast.BoolOp) else (node.body, node.orelse):
                yield from self.values(module, part)
        elif isinstance(node, ast.NamedExpr):
            yield from self.values(module, node.value)
        elif isinstance(node, ast.Starred):  # what a loop runs over
            for where, items in self._literals(module, node.value):
                for one in getattr(items, "keys", getattr(items, "elts", ())):
                    yield from self.values(where, one)

    def _combined(self, module: Module, nodes: Sequence[ast.AST]) -> Iterator[tuple[str, ...]]:
        """Every combination of the values of some expressions."""
        return itertools.islice(itertools.product(*(self.values(module, node) for node in nodes)), 4 * _MOST)

    def _named(self, module: Module, node: ast.Name | ast.Attribute) -> Iterator[str]:
        name = dotted(node)
        if name in ("__file__", "sys.argv[0]"):
            yield f"{HERE}/{module.name}"
        elif name in ("os.sep", "os.path.sep"):
            yield "/"
        elif found := self._expressions(module, node):
            for where, value in found:
                yield from self.values(where, value)
        elif name.endswith(".__file__") and (other := self._imported(module, name)):
            yield f"{HERE}/{other[0].name}"
        elif isinstance(node, ast.Attribute) and node.attr in _PATH_ATTRIBUTES:
            for path in self.values(module, node.value):
                yield str(getattr(PurePosixPath(path), node.attr))

    def _expressions(self, module: Module, node: ast.AST, suffix: str = "") -> list[tuple[Module, ast.AST]]:
        """Expressions that a name or an attribute is given; with the suffix ``()`` those that a function returns."""
        name = dotted(node)
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            classes = [one.name for one in module.nodes if isinstance(one, ast.ClassDef)]
            if owner in _SELF or owner in classes:
                return self._given.get((module.tree, f"{node.attr}{suffix}" if suffix else f".{node.attr}"), [])
        for place, scope in enumerate(module.scopes(node) if isinstance(node, ast.Name) else ()):
            # A method does not see the names of its class.
            if (scope, f"{name}{suffix}") in self._given and not (place and isinstance(scope, ast.ClassDef)):
                return self._given[scope, f"{name}{suffix}"]
        other, rest = self._imported(module, name) or (module, "")
        return self._given.get((other.tree, f"{rest}{suffix}"), []) if rest else []

    def _imported(self, module: Module, name: str, depth: int = 10) -> tuple[Module, str] | None:
        """Module of the submission that a dotted name leads to, and the rest of the name."""
        for local, (file, attribute) in module.own_names.items():
            other = self._modules.get(file)
            if other is not None and depth and (local in ("*", name) or name.startswith(f"{local}.")):
                rest = name if local == "*" else f"{attribute}{name[len(local) :]}".strip(".")
                there = {(other.tree, rest), (other.tree, f"{rest}()")} & self._given.keys()
                found = (other, rest) if there or rest == "__file__" else self._imported(other, rest, depth - 1)
                if found:
                    return found
        return None

    def _called(self, module: Module, call: ast.Call) -> Iterator[str]:
        name, function = dotted(call.func), call.func
        last = function.attr if isinstance(function, ast.Attribute) else name
        # What a method is called on: a path, unless the function is one of a module.
        path = function.value if isinstance(function, ast.Attribute) and not name.startswith(_MODULES) else None
        if returned := self._expressions(module, function, "()"):
            for where, value in returned:
                yield from self.values(where, value)
        elif last in ("getfile", "getsourcefile"):
            yield f"{HERE}/{module.name}"
        elif name in ("os.environ.get", "os.getenv"):
            yield from self.values(module, call.args[1])
        elif last in _SAME and (path is not None or call.args):
            yield from self.values(module, path if path is not None else call.args[0])
        elif path is not None and last in _PATH_METHODS:
            for one, *rest in self._combined(module, [path, *call.args]):
                yield str(getattr(PurePosixPath(one), last)(*rest))
        elif path is None and last in ("join", "dirname", "basename") and call.args:
            yield from (getattr(posixpath, last)(*parts) for parts in self._combined(module, call.args))
        elif last in _PATHS:
            yield from (str(PurePosixPath(*parts)) for parts in self._combined(module, call.args))

    def _literals(self, module: Module, node: ast.AST) -> list[tuple[Module, ast.AST]]:
        """The lists, tuples, sets and dicts that an expression may be."""
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._expressions(module, node)
        return [(module, node)]

    def _item(self, module: Module, node: ast.Subscript) -> Iterator[str]:
        """One of a dict's or list's items, or of the parents of a path."""
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        base = node.value
        if isinstance(key, int) and isinstance(base, ast.Attribute) and base.attr == "parents":
            yield from (str(PurePosixPath(path).parents[key]) for path in self.values(module, base.value))
        elif isinstance(key, int) and isinstance(base, ast.Call) and dotted(base.func) in ("os.path.split", "split"):
            yield from (posixpath.split(path)[key] for path in self.values(module, base.args[0]))
        for where, items in self._literals(module, base):
            if isinstance(items, ast.Dict):
                pairs = zip(items.keys, items.values, strict=True)
                for value in [value for one, value in pairs if isinstance(one, ast.Constant) and one.value == key]:
                    yield from self.values(where, value)
            elif isinstance(items, (ast.Tuple, ast.List)) and isinstance(key, int):
                yield from self.values(where, items.elts[key])

"""Which strings and paths the expressions of a submission stand for, worked out without running them.

A module's own folder is written as :data:`HERE`, so that ``os.path.join(os.path.dirname(__file__), "net.pth")`` becomes
``HERE/net.pth``. What cannot be seen has no value: nothing is guessed.
"""

from __future__ import annotations

import ast
import itertools
import posixpath
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from hybridwing.submission.package.module import FunctionNode, Item, Module, dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Stands for the submission's folder, which has a parent of unknown name.
HERE = "/\0parent/\0submission"
#: Values of one expression that are followed, e.g. the names that a loop runs over.
_MOST = 64
_DEEPEST = 40

Value = Any  # str, int, or tuples and dicts of them

_SAME = ("abspath", "realpath", "fspath", "str", "normpath", "expanduser", "list", "tuple", "sorted", "iter")
_SAME_METHODS = ("resolve", "absolute", "as_posix", "__str__", "__fspath__", "expanduser")
_PATHS = ("Path", "PurePath", "PosixPath", "PurePosixPath")
_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "join": posixpath.join,
    "dirname": posixpath.dirname,
    "basename": posixpath.basename,
    "split": posixpath.split,
    "splitext": posixpath.splitext,
    "enumerate": lambda items: tuple(enumerate(items)),
    "zip": lambda *items: tuple(zip(*items, strict=False)),
    "range": lambda *ends: tuple(itertools.islice(range(*ends), _MOST)),
    **dict.fromkeys(_PATHS, lambda *parts: str(PurePosixPath(*parts))),
}
_METHODS: dict[str, Callable[..., Value]] = {
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
_ATTRIBUTES: dict[str, Callable[[str], Value]] = {
    "parent": lambda path: str(PurePosixPath(path).parent),
    "parents": lambda path: tuple(map(str, PurePosixPath(path).parents)),
    "name": lambda path: PurePosixPath(path).name,
    "stem": lambda path: PurePosixPath(path).stem,
    "suffix": lambda path: PurePosixPath(path).suffix,
    "parts": lambda path: PurePosixPath(path).parts,
}


class Expressions:
    """Values of expressions in the modules of one submission.

    Parameters
    ----------
    modules : sequence of Module
        All that ``model.py`` reaches.
    """

    def __init__(self, modules: Sequence[Module]) -> None:
        self._modules = {module.name: module for module in modules}
        self._calls: dict[str, list[tuple[Module, ast.Call]]] = {}
        for module in modules:
            for name, call in module.calls():
                self._calls.setdefault(name.rpartition(".")[2], []).append((module, call))
        self._active: set[tuple[str, int]] = set()
        self._given: dict[int, tuple[Module, ast.expr | None]] = {}

    def values(self, module: Module, node: ast.AST | None) -> tuple[Value, ...]:
        """Everything that an expression stands for; empty where that cannot be seen."""
        key = (module.name, id(node))
        if node is None or key in self._active or len(self._active) > _DEEPEST:
            return ()
        self._active.add(key)
        try:
            # The operations of Python itself are applied to texts of strangers: any of their errors means "unknown".
            with suppress(Exception):
                found = tuple(itertools.islice(self._values(module, node), _MOST))
                return tuple(one for one in found if not isinstance(one, str) or len(one) < 4096)
            return ()
        finally:
            self._active.discard(key)

    def text(self, module: Module, node: ast.AST | None) -> str | None:
        """The one string that an expression stands for; None for anything else."""
        found = self.values(module, node)
        return found[0] if len(found) == 1 and isinstance(found[0], str) else None

    def _values(self, module: Module, node: ast.AST) -> Iterator[Value]:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, (str, int)) and not isinstance(node.value, bool):
                yield node.value
        elif isinstance(node, (ast.Name, ast.Attribute)):
            yield from self._named(module, node)
        elif isinstance(node, ast.JoinedStr):
            yield from map("".join, self._each(module, [_formatted(part) for part in node.values], as_text=True))
        elif isinstance(node, ast.BinOp):
            for left, right in self._each(module, [node.left, node.right]):
                yield _operated(node.op, left, right)
        elif isinstance(node, ast.Call):
            yield from self._called(module, node)
        elif isinstance(node, ast.Subscript):
            yield from self._item(module, node)
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            yield from self._each(module, node.elts)
        elif isinstance(node, ast.Dict):
            keys = [key for key in node.keys if key is not None]
            for values in self._each(module, [*keys, *node.values]):
                yield dict(zip(values[: len(keys)], values[len(keys) :], strict=True))
        elif isinstance(node, ast.IfExp):
            yield from (*self.values(module, node.body), *self.values(module, node.orelse))
        elif isinstance(node, ast.BoolOp):
            for part in node.values:
                yield from self.values(module, part)
        elif isinstance(node, ast.NamedExpr):
            yield from self.values(module, node.value)

    def _each(self, module: Module, nodes: Sequence[ast.AST], *, as_text: bool = False) -> Iterator[tuple[Value, ...]]:
        values = [self.values(module, node) for node in nodes]
        return itertools.product(*([str(one) for one in some] for some in values) if as_text else values)

    def _named(self, module: Module, node: ast.Name | ast.Attribute) -> Iterator[Value]:
        name = dotted(node)
        if name in ("__file__", "sys.argv[0]") or ast.unparse(node) == "sys.modules[__name__].__file__":
            yield f"{HERE}/{module.name}"
        elif name in ("os.sep", "os.path.sep"):
            yield "/"
        elif (bound := module.bound(node)) is not None:
            for value in bound:
                yield from self._bound(module, value)
        elif (found := self._imported(module, name)) is not None:
            other, rest = found
            if rest == "__file__":
                yield f"{HERE}/{other.name}"
            for value in other.top_level(rest):
                yield from self._bound(other, value)
        elif isinstance(node, ast.Attribute) and node.attr in _ATTRIBUTES:
            yield from (_ATTRIBUTES[node.attr](one) for one in self.values(module, node.value) if isinstance(one, str))

    def _bound(self, module: Module, value: ast.AST) -> Iterator[Value]:
        """Values of what a name was given: an expression, each item of a loop, or what a function is called with."""
        if isinstance(value, Item):
            yield from (one[value.place] for one in self._bound(module, value.value))
        elif isinstance(value, ast.AugAssign):
            for left, right in self._each(module, [value.target, value.value]):
                yield _operated(value.op, left, right)
        elif isinstance(value, ast.For | ast.AsyncFor | ast.comprehension):
            for items in self.values(module, value.iter):
                yield from items
        elif isinstance(value, ast.arg):
            yield from self._argument(module, value)
        else:
            yield from self.values(module, value)

    def _argument(self, module: Module, argument: ast.arg) -> Iterator[Value]:
        """Values of a function's argument: in the call that is followed, else its default and what all calls give."""
        function = module.parent(module.parent(argument))
        if not isinstance(function, FunctionNode):
            return
        if id(argument) in self._given:
            yield from self.values(*self._given[id(argument)])
            return
        taken = [*function.args.posonlyargs, *function.args.args]
        with_default = [*taken[len(taken) - len(function.args.defaults) :], *function.args.kwonlyargs]
        defaults = dict(zip(with_default, [*function.args.defaults, *function.args.kw_defaults], strict=True))
        yield from self.values(module, defaults.get(argument))
        owner = module.parent(function)
        called = owner.name if isinstance(owner, ast.ClassDef) and function.name == "__init__" else function.name
        for other, call in self._calls.get(called, []):
            yield from self.values(other, _given(module, function, argument, call))

    def _imported(self, module: Module, name: str) -> tuple[Module, str] | None:
        """Module of the submission that a dotted name begins with, and the rest of the name."""
        for local, (file, attribute) in module.own_names.items():
            other = self._modules.get(file)
            if other is None:
                continue
            if local == "*" and (other.top_level(name) or self._imported(other, name)):
                return (other, name) if other.top_level(name) else self._imported(other, name)
            if name == local or name.startswith(f"{local}."):
                rest = f"{attribute}{name[len(local) :]}".strip(".")
                return (other, rest) if other.top_level(rest) or rest == "__file__" else self._imported(other, rest)
        return None

    def _called(self, module: Module, call: ast.Call) -> Iterator[Value]:
        name = dotted(call.func)
        last = call.func.attr if isinstance(call.func, ast.Attribute) else name
        if name in ("inspect.getfile", "inspect.getsourcefile", "inspect.getabsfile", "getfile", "getsourcefile"):
            yield f"{HERE}/{module.name}"
        elif name in ("importlib.resources.files", "resources.files", "files"):
            yield posixpath.dirname(f"{HERE}/{module.name}")
        elif name in ("os.environ.get", "os.getenv", "environ.get", "getenv"):
            yield from self.values(module, call.args[1])
        elif (function := self._own_function(module, call.func)) is not None:
            yield from self._returned(module, call, *function)
        elif isinstance(call.func, ast.Name) or name.startswith(("os.", "posixpath.", "pathlib.", "path.", "osp.")):
            if last in _SAME:
                yield from self.values(module, call.args[0])
            elif last in _FUNCTIONS and not any(isinstance(one, ast.Starred) for one in call.args):
                yield from (_FUNCTIONS[last](*values) for values in self._each(module, call.args))
        elif isinstance(call.func, ast.Attribute):
            if last in _SAME_METHODS:
                yield from self.values(module, call.func.value)
            elif last in _METHODS:
                keys = [keyword.arg for keyword in call.keywords if keyword.arg]
                nodes = [call.func.value, *call.args, *(keyword.value for keyword in call.keywords)]
                for values in self._each(module, nodes):
                    named = dict(zip(keys, values[len(values) - len(keys) :], strict=True))
                    found = _METHODS[last](*values[: len(values) - len(keys)], **named)
                    yield tuple(found) if isinstance(found, list) else found

    def _own_function(self, module: Module, func: ast.AST) -> tuple[Module, FunctionNode] | None:
        """A function or method of the submission, by what it is called."""
        name = dotted(func)
        name = name.rpartition(".")[2] if name.startswith(("self.", "cls.", "Model.")) else name
        found = module.functions.get(name)
        if found is None and (imported := self._imported(module, name)):
            module, name = imported
            found = module.functions.get(name)
        return None if found is None else (module, found)

    def _returned(self, module: Module, call: ast.Call, other: Module, function: FunctionNode) -> tuple[Value, ...]:
        """What a function of the submission returns to one call."""
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        given = {id(argument): (module, _given(other, function, argument, call)) for argument in arguments}
        before, self._given = self._given, {**self._given, **{key: one for key, one in given.items() if one[1]}}
        try:
            nodes = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
            return tuple(value for node in nodes for value in self.values(other, node))
        finally:
            self._given = before

    def _item(self, module: Module, node: ast.Subscript) -> Iterator[Value]:
        part = node.slice
        for one in self.values(module, node.value):
            if isinstance(part, ast.Slice):
                ends = [self.values(module, end)[0] if end is not None else None for end in (part.lower, part.upper)]
                yield one[slice(*ends)]
            else:
                negative = isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub)
                for key in self.values(module, part.operand if isinstance(part, ast.UnaryOp) else part):
                    yield one[-key if negative else key]


def _given(module: Module, function: FunctionNode, argument: ast.arg, call: ast.Call) -> ast.expr | None:
    """What a call gives for an argument."""
    taken = [*function.args.posonlyargs, *function.args.args]
    static = any(dotted(mark) == "staticmethod" for mark in function.decorator_list)
    place = taken.index(argument) if argument in taken else len(call.args)
    place -= isinstance(module.parent(function), ast.ClassDef) and not static
    named = next((keyword.value for keyword in call.keywords if keyword.arg == argument.arg), None)
    return call.args[place] if named is None and 0 <= place < len(call.args) else named


def _formatted(part: ast.expr) -> ast.expr:
    """The expression within the braces of an f-string, if it has no format of its own."""
    if not isinstance(part, ast.FormattedValue):
        return part
    plain = part.format_spec is None and part.conversion in (-1, ord("s"))
    return part.value if plain else ast.Name("", ast.Load())


def _operated(operator: ast.operator, left: Value, right: Value) -> Value:
    if isinstance(operator, ast.Div):
        return str(PurePosixPath(left) / right)
    if isinstance(operator, ast.Mod) and isinstance(left, str):
        return left % right
    if isinstance(operator, ast.Add):
        return left + right
    raise TypeError("an operation on numbers")

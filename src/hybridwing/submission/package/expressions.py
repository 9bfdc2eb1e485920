"""Which strings and paths the expressions of a submission stand for, worked out without running them.

A module's own folder is written as :data:`path_operations.HERE`, so that ``os.path.join(os.path.dirname(__file__),
"net.pth")`` becomes ``HERE/net.pth``. What cannot be seen has no value: nothing is guessed.
"""

from __future__ import annotations

import ast
import itertools
import posixpath
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from hybridwing.submission.package.module import FunctionNode, Item, Module, dotted
from hybridwing.submission.package.path_operations import (
    ATTRIBUTES,
    FUNCTIONS,
    HERE,
    METHODS,
    SAME,
    SAME_METHODS,
    Value,
    call_method,
    mapping,
    operate,
    size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Values of one expression that are followed, e.g. the names that a loop runs over.
_MOST = 64
_DEEPEST = 40
#: Bounds of the work on one expression, on all, and of a value in characters and items: the code may mean harm.
_STEPS, _ALL_STEPS, _LARGEST = 500, 200_000, 4_096
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)


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
        self._active: set[ast.AST] = set()
        self._known: dict[ast.AST, tuple[Value, ...]] = {}
        self._steps, self._all_steps = _STEPS, _ALL_STEPS
        self._given: dict[int, tuple[Module, ast.expr | None]] = {}

    def values(self, module: Module, node: ast.AST | None) -> tuple[Value, ...]:
        """Everything that an expression stands for; empty where that cannot be seen."""
        if node is None or node in self._active or len(self._active) > _DEEPEST:
            return ()
        if node in self._known and not self._given:
            return self._known[node]
        if not self._active:
            self._steps = min(_STEPS, self._all_steps)
        if self._steps <= 0:
            return ()
        self._steps -= 1
        self._all_steps -= 1
        self._active.add(node)
        found: tuple[Value, ...] = ()
        # The operations of Python itself are applied to other people's texts: any error means "unknown".
        with suppress(Exception):
            first = itertools.islice(self._values(module, node), _MOST)
            found = tuple(one for one in first if size(one) <= _LARGEST)
        self._active.discard(node)
        if not self._active:
            self._known[node] = found
        return found

    def text(self, module: Module, node: ast.AST | None) -> str | None:
        """The one string that an expression stands for; None for anything else."""
        found = self.values(module, node)
        return found[0] if len(found) == 1 and isinstance(found[0], str) else None

    def _values(self, module: Module, node: ast.AST) -> Iterator[Value]:
        if isinstance(node, ast.Constant):
            if type(node.value) in (str, int):
                yield node.value
        elif isinstance(node, (ast.Name, ast.Attribute)):
            yield from self._named(module, node)
        elif isinstance(node, ast.JoinedStr):
            parts = [_formatted(part) for part in node.values]
            yield from self._results(module, parts, lambda *texts: "".join(map(str, texts)))
        elif isinstance(node, ast.BinOp):
            yield from self._results(module, [node.left, node.right], partial(operate, node.op))
        elif isinstance(node, ast.Call):
            yield from self._called(module, node)
        elif isinstance(node, ast.Subscript):
            yield from self._item(module, node)
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            known = [part for part in node.elts if isinstance(part, ast.Starred) or self.values(module, part)]
            if len(known) == len(node.elts) or isinstance(module.parent(node), _LOOPS):
                yield from self._results(module, known, lambda *items: items)
        elif isinstance(node, ast.Dict):
            # What is unknown, a learning rate perhaps, does not hide the rest.
            pairs = [(key, one) for key, one in zip(node.keys, node.values, strict=True) if self.values(module, one)]
            keys = [key for key, _ in pairs if key is not None]
            if len(keys) == len(pairs):
                yield from self._results(module, [*keys, *(one for _, one in pairs)], mapping)
        elif isinstance(node, ast.IfExp):
            yield from (*self.values(module, node.body), *self.values(module, node.orelse))
        elif isinstance(node, ast.BoolOp):
            for part in node.values:
                yield from self.values(module, part)
        elif isinstance(node, ast.NamedExpr):
            yield from self.values(module, node.value)

    def _results(self, module: Module, nodes: Sequence[ast.AST], function: Callable[..., Value]) -> Iterator[Value]:
        """A function of every combination of the values of some expressions; starred ones give their items."""
        values = [self.values(module, node.value if isinstance(node, ast.Starred) else node) for node in nodes]
        for combination in itertools.islice(itertools.product(*values), 4 * _MOST):
            arguments: list[Value] = []
            for node, value in zip(nodes, combination, strict=True):
                arguments += value if isinstance(node, ast.Starred) else [value]
            with suppress(Exception):
                yield function(*arguments)

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
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            yield from (ATTRIBUTES[node.attr](one) for one in self.values(module, node.value) if isinstance(one, str))

    def _bound(self, module: Module, value: ast.AST) -> Iterator[Value]:
        """Values of what a name was given: an expression, each item of a loop, or what a function is called with."""
        if isinstance(value, Item):
            yield from (one[value.place] for one in self._bound(module, value.value))
        elif isinstance(value, ast.AugAssign):
            yield from self._results(module, [value.target, value.value], partial(operate, value.op))
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
        if id(argument) in self._given:
            yield from self.values(*self._given[id(argument)])
            return
        if not isinstance(function, FunctionNode):
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
        elif last == "files" and call.args and dotted(call.args[0]) in ("__package__", "__name__"):
            yield posixpath.dirname(f"{HERE}/{module.name}")
        elif name in ("os.environ.get", "os.getenv", "environ.get", "getenv"):
            yield from self.values(module, call.args[1])
        elif (function := self._own_function(module, call.func)) is not None:
            yield from self._returned(module, call, *function)
        elif isinstance(call.func, ast.Name) or name.startswith(("os.", "posixpath.", "pathlib.", "path.", "osp.")):
            if last in SAME:
                yield from self.values(module, call.args[0])
            elif last == "dict" and not call.args and all(keyword.arg for keyword in call.keywords):
                names = [str(keyword.arg) for keyword in call.keywords]
                given = [keyword.value for keyword in call.keywords]
                yield from self._results(module, given, lambda *values: dict(zip(names, values, strict=True)))
            elif last in FUNCTIONS:
                yield from self._results(module, call.args, FUNCTIONS[last])
        elif isinstance(call.func, ast.Attribute):
            if last in SAME_METHODS:
                yield from self.values(module, call.func.value)
            elif last in METHODS:
                keys = [keyword.arg for keyword in call.keywords if keyword.arg]
                nodes = [call.func.value, *call.args, *(keyword.value for keyword in call.keywords)]
                yield from self._results(module, nodes, partial(call_method, last, keys))

    def _own_function(self, module: Module, func: ast.AST) -> tuple[Module, FunctionNode | ast.Lambda] | None:
        """A function or method of the submission, by what it is called."""
        name = dotted(func)
        name = name.rpartition(".")[2] if name.startswith(("self.", "cls.", "Model.")) else name
        found: FunctionNode | ast.Lambda | None = module.functions.get(name)
        if found is None and isinstance(func, ast.Name):
            found = next((one for one in module.bound(func) or () if isinstance(one, ast.Lambda)), None)
        if found is None and (imported := self._imported(module, name)):
            module, name = imported
            found = module.functions.get(name)
        return None if found is None else (module, found)

    def _returned(
        self, module: Module, call: ast.Call, other: Module, function: FunctionNode | ast.Lambda
    ) -> tuple[Value, ...]:
        """What a function of the submission returns to one call."""
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        given = {id(argument): (module, _given(other, function, argument, call)) for argument in arguments}
        before, self._given = self._given, {**self._given, **{key: one for key, one in given.items() if one[1]}}
        try:
            nodes: list[ast.expr | None] = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
            nodes += [function.body] if isinstance(function, ast.Lambda) else []
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


def _given(module: Module, function: FunctionNode | ast.Lambda, argument: ast.arg, call: ast.Call) -> ast.expr | None:
    """What a call gives for an argument."""
    taken = [*function.args.posonlyargs, *function.args.args]
    marks = [] if isinstance(function, ast.Lambda) else function.decorator_list
    static = any(dotted(mark) == "staticmethod" for mark in marks)
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

"""Whether there is a class ``Model`` that the ingestion program can make, load and ask."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hybridwing.errors import first_few
from hybridwing.submission.check.findings import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.submission.package.module import Module

#: Arguments that the ingestion program gives each, after ``self``, and how it calls it.
_CALLS = {"__init__": (0, "Model()"), "load": (0, "load()"), "predict": (1, "predict(image)")}
_NAME = "class Model"

_Method = ast.FunctionDef | ast.AsyncFunctionDef


def check_model(modules: tuple[Module, ...]) -> list[Check]:
    """Look for the class, its methods and what they take."""
    first = next((module for module in modules if module.name == "model.py"), None)
    if first is None:
        return []
    classes = {
        node.name: (node, module) for module in reversed(modules) for node in _top_level(module.tree.body, ast.ClassDef)
    }
    own = [node for node in _top_level(first.tree.body, ast.ClassDef) if node.name == "Model"]
    if not own and "Model" not in classes:
        return [_no_model(first)]
    model, module = (own[-1], first) if own else classes["Model"]
    if module is not first and not _bound(first):
        return [_no_model(first)]
    methods, complete = _methods(model, {name: node for name, (node, _) in classes.items()})
    checks = []
    for name, (arguments, call) in _CALLS.items():
        method = methods.get(name)
        if method is not None:
            checks += _check_method(method, arguments, call, module)
        elif name != "__init__":
            checks.append(_no_method(name, methods, module.place(model), sure=complete))
    return checks or [Check(_NAME, "pass", "Model has load() and predict(image)", place=module.place(model))]


def _top_level(body: list[ast.stmt], kind: type[ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """Classes of a module, those within its ``if`` and ``try`` included."""
    for node in body:
        if isinstance(node, kind):
            yield node
        for field in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try, ast.With)):
                yield from _top_level(getattr(node, field, []), kind)


def _bound(module: Module) -> bool:
    """Whether the module gets the name ``Model`` by an import or an assignment."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and any(
            (alias.asname or alias.name) in ("Model", "*") for alias in node.names
        ):
            return True
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "Model" for t in node.targets):
            return True
    return False


def _no_model(module: Module) -> Check:
    found = list(_top_level(module.tree.body, ast.ClassDef))
    if _bound(module):
        finding = "Model is not defined in model.py but given the name there; what it is shows only when it runs"
        return Check(_NAME, "warn", finding, "write 'class Model:' in model.py", "model.py")
    finding = "model.py has no class Model, which the ingestion program imports"
    if found:
        finding += f"; it has {first_few([node.name for node in found])}"
        return Check(_NAME, "fail", finding, "call the class Model", module.place(found[0]))
    return Check(_NAME, "fail", finding, "put load and predict into a class Model", "model.py")


def _methods(model: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> tuple[dict[str, _Method], bool]:
    """Methods of a class and of those it derives from; False if one of these is not in the submission."""
    waiting, complete = [model], True
    methods: dict[str, _Method] = {}
    for node in waiting:  # grows while it is walked
        for statement in node.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                methods.setdefault(statement.name, statement)
        for base in node.bases:
            name = base.id if isinstance(base, ast.Name) else ""
            if name in classes and classes[name] not in waiting:
                waiting.append(classes[name])
            elif name not in ("object", "ABC", "Protocol") and name not in classes:
                complete = False
    return methods, complete


def _no_method(name: str, methods: dict[str, _Method], place: str, *, sure: bool) -> Check:
    near = [other for other in methods if name in other.lower().strip("_")]
    if not sure:
        finding = f"Model has no method {name} of its own; whether it inherits one shows only when it runs"
        return Check(_NAME, "warn", finding, f"write a method {name} in Model", place)
    finding = f"Model has no method {name}" + (f"; it has {near[0]}" if near else "")
    return Check(
        _NAME, "fail", finding, f"call it {name}" if near else f"add one: it is called as {_CALLS[name][1]}", place
    )


def _check_method(method: _Method, given: int, call: str, module: Module) -> list[Check]:
    """Whether the method can be called as the ingestion program does, and returns what it returns."""
    place = module.place(method)
    marks = {getattr(mark, "id", "") for mark in method.decorator_list}
    if marks - {"staticmethod", "classmethod"}:
        if "property" in marks:
            return [
                Check(_NAME, "fail", f"{method.name} is a property and cannot be called", "remove @property", place)
            ]
        given_here = None  # what a decorator makes of it shows only when it runs
    else:
        given_here = given if "staticmethod" in marks else given + 1
    checks = []
    if given_here is not None and (fault := _arity_fault(method.args, given_here)):
        remedy = f"it is called as {call}: def {method.name}(self{', image' if given else ''})"
        checks.append(Check(_NAME, "fail", f"{method.name} {fault}", remedy, place))
    if isinstance(method, ast.AsyncFunctionDef):
        finding = f"{method.name} is async: calling it gives a coroutine, and nothing runs"
        checks.append(Check(_NAME, "fail", finding, f"write def {method.name}", place))
    elif method.name == "predict":
        own = list(_own_nodes(method))
        if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own):
            checks.append(Check(_NAME, "fail", "predict yields: calling it gives a generator", "return a float", place))
        elif not any(isinstance(n, ast.Raise) or (isinstance(n, ast.Return) and n.value is not None) for n in own):
            checks.append(Check(_NAME, "fail", "predict returns nothing", "return a float in (0, 1)", place))
    return checks


def _own_nodes(method: _Method) -> Iterator[ast.AST]:
    """Nodes of a method, without those of functions within it."""
    waiting: list[ast.AST] = list(method.body)
    for node in waiting:  # grows while it is walked
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)


def _arity_fault(arguments: ast.arguments, given: int) -> str | None:
    places = len(arguments.posonlyargs) + len(arguments.args)
    needed = places - len(arguments.defaults)
    keywords = [a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is None]
    if keywords:
        return f"wants the keyword {keywords[0]}, which nobody gives"
    if needed > given:
        return f"wants {needed} arguments and gets {given}, self included"
    if places < given and arguments.vararg is None:
        return f"takes {places} arguments and gets {given}, self included"
    return None

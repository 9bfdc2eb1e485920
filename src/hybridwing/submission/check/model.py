"""Check that there is a class ``Model`` that the ingestion program can create, load and call."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hybridwing.errors import first_few
from hybridwing.submission.check.findings import Check

if TYPE_CHECKING:
    from hybridwing.submission.check.syntax import Module

#: Arguments that the ingestion program gives each, after ``self``, and how it calls it.
_CALLS = {"__init__": (0, "Model()"), "load": (0, "load()"), "predict": (1, "predict(image)")}
_NAME = "class Model"

_Method = ast.FunctionDef | ast.AsyncFunctionDef


def check_model(modules: tuple[Module, ...]) -> list[Check]:
    """Look for the class, its methods and what they take; what only shows when it runs is left to the probe."""
    first = modules[0]  # model.py, from which the others were reached
    classes = {
        node.name: (node, module)
        for module in reversed(modules)
        for node in module.nodes
        if isinstance(node, ast.ClassDef)
    }
    own = [node.name for node in first.nodes if isinstance(node, ast.ClassDef)]
    if "Model" not in own and not _bound(first):
        has = f"; it has {first_few(own)}" if own else ""
        finding = f"model.py has no class Model, which the ingestion program imports{has}"
        remedy = "call the class Model" if own else "put load and predict into a class Model"
        return [Check(_NAME, "fail", finding, remedy, first.place(classes[own[0]][0]) if own else "model.py")]
    if "Model" not in classes:
        finding = "Model is not defined in model.py but given the name there; what it is shows only when it runs"
        return [Check(_NAME, "warn", finding, "write 'class Model:' in model.py", "model.py")]
    model, module = classes["Model"]
    methods, complete = _methods(model, {name: node for name, (node, _) in classes.items()})
    checks = []
    for name, (arguments, call) in _CALLS.items():
        method = methods.get(name)
        if method is None and name != "__init__":
            checks.append(_no_method(name, methods, module.place(model), sure=complete))
        elif method is not None and (fault := _arity_fault(method, arguments)):
            remedy = f"it is called as {call}: def {name}(self{', image' if arguments else ''})"
            checks.append(Check(_NAME, "fail", f"{name} {fault}", remedy, module.place(method)))
    return checks or [Check(_NAME, "pass", "Model has load() and predict(image)", place=module.place(model))]


def _bound(module: Module) -> bool:
    """Whether the module gets the name ``Model`` by an import or an assignment."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and {"Model", "*"} & {alias.asname or alias.name for alias in node.names}:
            return True
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "Model" for t in node.targets):
            return True
    return False


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
    remedy = f"call it {name}" if near else f"add one: it is called as {_CALLS[name][1]}"
    return Check(_NAME, "fail", finding, remedy, place)


def _arity_fault(method: _Method, given: int) -> str | None:
    """Why a method cannot be called with so many arguments after ``self``, or None."""
    marks = {getattr(mark, "id", "") for mark in method.decorator_list}
    if marks - {"staticmethod", "classmethod"}:
        return None  # what a decorator makes of it shows only when it runs
    given += "staticmethod" not in marks
    arguments = method.args
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

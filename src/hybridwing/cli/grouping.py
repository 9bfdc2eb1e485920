"""Options that belong together as one value, and help that shows them together.

A verb that takes a dataclass for a parameter gets one option for each of its fields. The help lists these options under
the dataclass's docstring.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import OptionInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: The verbs in the order of work, by section of the help.
VERBS = {
    "Photographs and tables": ("quickstart", "simulate", "download", "cut", "describe", "audit"),
    "Learn": ("embed", "train", "validate"),
    "Use and judge": ("predict", "identify", "explain", "app", "evaluate", "report", "score", "leaderboard"),
    "For the challenge": ("submission",),
    "Look things up": ("backbones", "detectors", "embeddings"),
}


class SectionedCommand(TyperCommand):
    """A verb whose help shows its options by section."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each section with a heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                panel = getattr(parameter, "rich_help_panel", None)
                title = "Arguments" if is_argument else panel if isinstance(panel, str) else "Options"
                sections.setdefault(title, []).append(record)
        for title in sorted(sections, key=lambda name: (name != "Arguments", name == "Options")):
            with formatter.section(title):
                formatter.write_dl(sections[title], col_max=26)


class SectionedGroup(TyperGroup):
    """The command, whose help shows the verbs in the order of work."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs with their whole first sentence."""
        known = self.list_commands(ctx)
        listed = {name for names in VERBS.values() for name in names}
        rest = tuple(name for name in known if name not in listed)
        sections: Iterable[tuple[str, tuple[str, ...]]] = (*VERBS.items(), ("More", rest))
        for title, names in sections:
            found = [(name, self.get_command(ctx, name)) for name in names if name in known]
            rows = [(name, _first_sentence(command.help or "")) for name, command in found if command is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _first_sentence(text: str) -> str:
    return " ".join(text.strip().partition("\n\n")[0].split())


def verb(app: typer.Typer, example: str, name: str | None = None) -> Callable[[Callable[..., None]], Any]:
    """Add a verb to the command line.

    Parameters
    ----------
    app : typer.Typer
    example : str
        A command that ends the verb's help.
    name : str, optional
        Of the verb; default the function's.
    """

    def add(function: Callable[..., None]) -> Any:
        epilog = f"\b\nExample:\n  {example}"
        return app.command(name, cls=SectionedCommand, epilog=epilog)(grouped(function))

    return add


def _in_section(annotation: Any, section: str) -> Any:
    """The annotation of an option, which other groups may share, with its place in the help."""
    marks = getattr(annotation, "__metadata__", ())
    placed = [copy.copy(mark) for mark in marks]
    for mark in placed:
        if isinstance(mark, OptionInfo):
            mark.rich_help_panel = section
    return Annotated[(annotation.__origin__, *placed)] if marks else annotation


def grouped(function: Callable[..., None]) -> Callable[..., None]:
    """Give a function a keyword parameter for every field of the dataclasses that it takes."""
    hints = get_type_hints(function, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind = hints[name]
        if not dataclasses.is_dataclass(kind):
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kind))
            continue
        groups[name] = kind
        own, section = get_type_hints(kind, include_extras=True), str(kind.__doc__).removesuffix(".")
        for field in dataclasses.fields(kind):
            default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
            annotation = _in_section(own[field.name], section)
            parameters.append(
                inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )

    @functools.wraps(function)
    def call(**values: Any) -> None:
        for name, kind in groups.items():
            values[name] = kind(**{field.name: values.pop(field.name) for field in dataclasses.fields(kind)})
        function(**values)

    del call.__wrapped__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call

"""The command itself, the options that stand before a verb, and what happens when something fails."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing import __version__
from hybridwing.cli.grouping import SectionedGroup
from hybridwing.cli.streams import keep_streams_open
from hybridwing.errors import HybridwingError, bounded, on_the_command_line

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    name="hybridwing",
    cls=SectionedGroup,
    help="Find hybrid butterflies in photographs of specimens: embed, train, evaluate, rank.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hybridwing {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all log messages.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    # Only our own: Pillow and matplotlib say a thousand things in between.
    logging.getLogger("hybridwing").setLevel(logging.DEBUG if debug else logging.ERROR)


def debug_first(arguments: Sequence[str]) -> list[str]:
    """Move ``--debug`` to the front: users add it at the end of the line after a failure."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest = [argument for argument in arguments[:end] if argument != "--debug"]
    return [*["--debug"] * (len(rest) < end), *rest, *arguments[end:]]


def _told(fault: HybridwingError | OSError) -> str:
    """The message of an error, without the error number of the operating system."""
    if isinstance(fault, HybridwingError) or not fault.strerror:
        return str(fault)
    return f"{os.fsdecode(fault.filename)}: {fault.strerror}" if fault.filename else fault.strerror


def main() -> None:
    """Run the command line; input at fault gives one clear line and exit code 2, Ctrl-C exit code 130."""
    # A scheduler's notice to stop is an orderly stop: pools are closed, and what is written is whole.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    sys.argv[1:] = arguments = debug_first(sys.argv[1:])
    debug = arguments[:1] == ["--debug"]
    keep_streams_open()
    try:
        try:
            with on_the_command_line():
                app(prog_name="hybridwing")
        finally:
            sys.stdout.flush()
    except (HybridwingError, OSError) as fault:
        if debug:
            raise
        from hybridwing.cli import show as console

        console.note(f"error: {bounded(_told(fault))}")
        sys.exit(2)
    except SystemExit as stop:
        # Typer turns Ctrl-C into exit code 130 and says nothing.
        if stop.code == 130:
            sys.stderr.write("interrupted\n")
        raise
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)

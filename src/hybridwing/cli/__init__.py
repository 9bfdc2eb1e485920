"""The command line: parses, calls public functions and prints.

Nothing heavy is imported before a verb runs, so that ``hybridwing --help`` answers at once.
"""

# Each of these modules adds its verbs when it is imported.
from hybridwing.cli import collecting, comparing, data, desk, embedding, explaining, learning, lists, submission  # noqa: F401
from hybridwing.cli.command import app, main

__all__ = ["app", "main"]

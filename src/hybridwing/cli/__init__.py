"""The command line: parses, calls public functions and prints.

Nothing heavy is imported before a verb runs, so that ``hybridwing --help`` answers at once.
"""

from hybridwing.cli import collecting, data, embedding, learning, lists, validating
from hybridwing.cli.command import app, main

__all__ = ["app", "collecting", "data", "embedding", "learning", "lists", "main", "validating"]

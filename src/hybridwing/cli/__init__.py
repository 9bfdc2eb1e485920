"""The command line: parses, calls public functions and prints.

Nothing heavy is imported before a verb runs, so that ``hybridwing --help`` answers at once.
"""

from hybridwing.cli import (
    collecting,
    comparing,
    data,
    desk,
    embedding,
    explaining,
    learning,
    lists,
    submission,
)
from hybridwing.cli.command import app, main

__all__ = [
    "app",
    "collecting",
    "comparing",
    "data",
    "desk",
    "embedding",
    "explaining",
    "learning",
    "lists",
    "main",
    "submission",
]

"""What MkDocs calls while it builds: the page on Python lists what ``import hybridwing`` offers."""

from __future__ import annotations

from typing import Any

import hybridwing

MARK = "<!-- public names -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put a reference to each public name in the place of the mark."""
    if MARK not in markdown:
        return markdown
    names = [name for name in getattr(hybridwing, "__all__", ()) if not name.startswith("_")]
    return markdown.replace(MARK, "\n\n".join(map(_section, names)))


def _section(name: str) -> str:
    """A public name with what its docstring says, wherever in the package it lives."""
    item = getattr(hybridwing, name)
    shown = "    options:\n      heading_level: 3\n      show_root_heading: false\n      show_root_toc_entry: false"
    return f"## `hw.{name}`\n\n::: {item.__module__}.{item.__qualname__}\n{shown}"

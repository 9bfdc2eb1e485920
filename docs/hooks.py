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
    public = [getattr(hybridwing, name) for name in names]
    return markdown.replace(MARK, "\n\n".join(f"::: {item.__module__}.{item.__qualname__}" for item in public))

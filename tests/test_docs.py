"""The documentation builds: every link, anchor and name that it refers to is there."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hybridwing

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="the extra 'docs' is not installed")
def test_it_builds_strictly_and_asks_nobody_for_anything(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(
            r"<(?:script|img|link rel=.(?:stylesheet|preconnect).)[^>]*(?:src|href)=.?https?:[^ >]*", text
        )
        assert not fetched, page
        assert not re.findall(r":[a-z]+:<code>|::</p>|<p>\.\. ", text), page  # markup that Markdown does not know
    reference = (tmp_path / "site" / "reference" / "python" / "index.html").read_text(encoding="utf-8")
    for name in getattr(hybridwing, "__all__", ()):
        assert name in reference

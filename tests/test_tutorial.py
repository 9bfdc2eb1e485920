"""Every command of the tutorial, on simulated photographs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from hybridwing.simulate.collection import simulate

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-hour.md"


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def recipe(target: str) -> str:
    """What make runs for a target, without its folder."""
    (line,) = re.findall(rf"^{target}:.*\n\t\$\(BIN\)/(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return line


def own_photographs(folder: Path) -> None:
    """A table with column names of its own, its photographs, and some new ones."""
    collection = folder / "quickstart" / "collection"
    table = pd.read_csv(collection / "train.csv", dtype=str)
    own = pd.DataFrame({"Photo": table["filename"], "Status": table["hybrid_stat"].replace("non-hybrid", "pure")})
    own["Taxon"] = table["subspecies"].where(own["Status"] == "pure")
    own["Drawer"] = table["zenodo_link"].str[-2:]
    own.to_csv(folder / "specimens.csv", index=False)
    shutil.copytree(collection / "images", folder / "photos")
    (folder / "new-photos").mkdir()
    for path in sorted((folder / "photos").iterdir())[:5]:
        shutil.copy(path, folder / "new-photos")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="its commands are for a Unix shell")
def test_every_command_runs(small_run, tmp_path):
    first, *others = blocks()
    # Another test runs the quickstart. Here is what it leaves, smaller; with fewer specimens --tnr 0.95 is refused.
    assert first == "make quickstart\n"
    assert recipe("quickstart") == "hybridwing quickstart --out quickstart --overwrite"
    simulate(tmp_path / "quickstart" / "collection", specimens=240, size=96, workers=1)
    shutil.copytree(small_run.folder, tmp_path / "quickstart" / "run")
    own_photographs(tmp_path)
    program = tmp_path / "bin" / "hybridwing"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hybridwing.cli "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    for block in others:
        done = subprocess.run(
            ["sh", "-ec", block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}{done.stdout}{done.stderr}"
    for made in ("ranked.csv", "description/classes.png", "audit/audit.html"):
        assert (tmp_path / made).is_file()
    ranked = pd.read_csv(tmp_path / "my-ranked.csv")
    assert len(ranked) == 5
    assert ranked["verdict"].isin(["hybrid", "non-hybrid", "cannot tell"]).all()

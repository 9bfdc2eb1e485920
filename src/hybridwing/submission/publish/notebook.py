"""The notebook of a published submission: load it, score photographs, look at the scores."""

from __future__ import annotations

import json

_TEXT = """# {title}

Loads the submission beside this notebook exactly as the challenge does, scores a folder of photographs and draws the
scores. Needs what `submission/requirements.txt` names, and matplotlib.
"""
_LOAD = """import sys
from pathlib import Path

from PIL import Image

HERE = Path.cwd()
ROOT = HERE if (HERE / "submission").is_dir() else HERE.parent
sys.path.append(str(ROOT / "submission"))
from model import Model

model = Model()
model.load()
print("runs on", model.device)"""
_SCORE = """PHOTOGRAPHS = ROOT / "images"  # a folder of photographs; see training/commands.sh

scores = {}
for path in sorted(PHOTOGRAPHS.glob("*")):
    if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".tif", ".tiff"}:
        with Image.open(path) as image:
            scores[path.name] = model.predict(image)
print(len(scores), "photographs")
for name, score in sorted(scores.items(), key=lambda pair: -pair[1])[:20]:
    print(f"{score:.4f}  {name}")"""
_DRAW = """import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 3))
ax.hist(list(scores.values()), bins=40, range=(0, 1), color="#0072B2")
ax.set_xlabel("hybrid score")
ax.set_ylabel("photographs")
for side in ("top", "right"):
    ax.spines[side].set_visible(False)"""


def notebook_json(title: str) -> str:
    """The notebook's text (nbformat 4.5), without any output."""
    cells = [_cell("markdown", "what", _TEXT.format(title=title).rstrip())]
    cells += [_cell("code", name, text) for name, text in (("load", _LOAD), ("score", _SCORE), ("draw", _DRAW))]
    values = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, name: str, text: str) -> dict[str, object]:
    cell: dict[str, object] = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})

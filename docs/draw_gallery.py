"""Draw the pictures of gallery.md: run its commands in an empty folder and keep what they draw."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
from PIL import Image

DOCS = Path(__file__).parent
GALLERY = DOCS / "images" / "gallery"
KEPT = ("description/classes.svg", "description/records.svg", "evaluation/evaluation.svg")
WIDTH, HEIGHT, ROWS = 360, 270, 2


def draw_specimens(collection: Path) -> Image.Image:
    """Lay out, for each of two crosses, a parent, a hybrid and the other parent."""
    truth = pd.read_csv(collection / "truth" / "truth.csv").query("side == 'dorsal' and not detached")
    pure = truth[~truth["hybrid"]].drop_duplicates("subspecies").set_index("subspecies")["filename"]
    crosses = truth[truth["hybrid"] & ~truth["looks_like_parent"]].groupby("cross")["filename"].agg(["size", "first"])
    sheet = Image.new("RGB", (3 * WIDTH, ROWS * HEIGHT))
    for row, (cross, _, hybrid) in enumerate(crosses.nlargest(ROWS, "size").itertuples()):
        first, second = str(cross).split(" x ")
        for column, name in enumerate((pure[first], hybrid, pure[second])):
            with Image.open(collection / "images" / name) as photograph:
                sheet.paste(photograph.resize((WIDTH, HEIGHT)), (column * WIDTH, row * HEIGHT))
    return sheet


def main() -> None:
    """Replace the pictures."""
    commands = re.findall(r"^```sh\n(.*?)^```$", (DOCS / "gallery.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    GALLERY.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for command in commands:
            subprocess.run(["sh", "-ec", command], cwd=folder, check=True)
        work = Path(folder)
        for made in KEPT:
            shutil.copy(work / made, GALLERY)
        page = (work / "audit" / "audit.html").read_text("utf-8")
        (first, *_) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
        (GALLERY / "rules.svg").write_text(first, "utf-8")
        draw_specimens(work / "collection").save(GALLERY / "specimens.jpg", quality=85)


if __name__ == "__main__":
    main()

"""Every command of the curator's day, from a spreadsheet with mistakes to a ranked sheet, and the screens it shows."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridwing.cli import main
from hybridwing.simulate.collection import simulate

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "a-curators-day.md"
SPECIES = {"A": "Heliconius erato", "B": "Heliconius melpomene"}


def make_museum(folder: Path) -> None:
    """Photographs, a spreadsheet of sixty specimens with mistakes in it, and one of newcomers."""
    openpyxl = pytest.importorskip("openpyxl")
    made = simulate(folder / "collection", specimens=150, size=96, workers=1)
    made.images.rename(folder / "photos")
    truth = pd.read_csv(made.truth, dtype=str)
    truth = truth[truth["side"] == "dorsal"].iloc[
        np.random.default_rng(1).permutation((truth["side"] == "dorsal").sum())
    ]
    name = truth["subspecies"].fillna("(" + truth["cross"] + ")")
    table = pd.DataFrame(
        {
            "Catalog No.": truth["CAMID"],
            "Photo": truth["filename"],
            "Taxon": truth["species"].map(SPECIES) + " " + name,
            "Locality": ["Baños" if number % 2 else "Puyo" for number in range(len(truth))],
            "Collector": "P. Salazar",
        }
    )
    species = table["Taxon"].str.split().str[:2].str.join(" ")
    known, new = table.iloc[:60].copy(), table.assign(Taxon=species).iloc[60:76]
    known.iloc[2, 1] = known.iloc[2, 1].upper().removesuffix(".JPG")  # a name without its ending
    known.iloc[3, 2] = f"{known.iloc[3, 2]} ?"
    known.iloc[4, 3] = "#N/A"
    faulty = pd.concat([known, known.iloc[[5]]])
    for file, rows in (("faulty.xlsx", faulty), ("specimens.xlsx", known), ("newcomers.xlsx", new)):
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(["Drawers 12 to 14, copied from the register"])
        for row in [list(table), *rows.to_numpy().tolist()]:
            sheet.append(row)
        book.save(folder / file)
    shutil.rmtree(folder / "collection")


def steps() -> list[tuple[list[str], list[str]]]:
    """Each command of the page with the lines that it shows of what is printed."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", text, re.MULTILINE | re.DOTALL)
    return [(command.replace("\\\n", " ").split()[1:], screen.splitlines()) for command, screen in found]


def masked(line: str) -> str:
    """A line without its numbers and blanks, which vary with the machine."""
    return re.sub(r"[\d.,…]+", "#", re.sub(r"\s+", " ", line)).strip()


@pytest.mark.slow
def test_the_day(tmp_path, monkeypatch, capsys):
    make_museum(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = steps()
    assert len(commands) >= 5
    for arguments, screen in commands:
        monkeypatch.setattr(sys, "argv", ["hybridwing", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        assert code == (2 if "faulty.xlsx" in arguments else 0), f"{arguments}\n{out}{err}"
        printed = {masked(line) for line in (out + err).splitlines()}
        for line in screen:
            ranked = re.match(r" *\d+ +0\.\d{4} ", line)  # which photograph has which rank may vary
            assert ranked or line in ("", "…") or masked(line) in printed, f"{line}\n{out}{err}"
    ranked = pd.read_excel("ranked.xlsx", engine="openpyxl")
    assert len(ranked) == 16
    assert ranked["verdict"].isin(["hybrid", "non-hybrid", "cannot tell"]).all()
    assert ranked["Catalog No."].notna().all()
    assert set(ranked["Collector"]) == {"P. Salazar"}
    assert pd.read_csv("names.csv")["recordedBy"].eq("P. Salazar").all()

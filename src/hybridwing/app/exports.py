"""Write what was decided: a table, Darwin Core, or a contact sheet to print for the drawer."""

from __future__ import annotations

import base64
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from hybridwing.app.thumbnails import make_thumbnails, thumbnail_path
from hybridwing.catalogue.darwin_core import darwin_core
from hybridwing.files import write_text
from hybridwing.result_files import write_results

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybridwing.app.project import Decision, Project, Specimen
    from hybridwing.app.thresholds import Limit

COLUMNS = (
    *("rank", "file", "decision", "decided_name", "note", "decided_by", "decided_at"),
    *("score", "verdict", "threshold", "reason", "likely_name", "failure"),
)


def verdict_of(specimen: Specimen, limit: Limit | None) -> str:
    """``"hybrid"``, ``"non-hybrid"``, ``"cannot tell"``, or empty where there is no score or no threshold."""
    if specimen.reason:
        return "cannot tell"
    if specimen.score is None or limit is None:
        return ""
    return "hybrid" if specimen.score > limit.value else "non-hybrid"


def likely_name(specimen: Specimen, limit: Limit | None) -> str:
    """The likeliest parents of what is flagged, and the likeliest subspecies of the rest."""
    looks = specimen.looks
    if verdict_of(specimen, limit) == "hybrid" and looks.parents:
        return " x ".join(looks.parents)
    return looks.identities[0][0] if looks.identities else ""


def write_decisions(project: Project, limit: Limit | None, path: Path) -> None:
    """Write every specimen with its verdict, its decision and the spreadsheet's columns.

    `limit` is the threshold that verdicts go by. The path ends in ``.csv``, ``.xlsx`` or ``.parquet``.
    """
    specimens, decisions = project.specimens(), project.decisions()
    own = list(dict.fromkeys(name for one in specimens for name in one.facts))
    rows = [
        [*_row(rank, one, decisions.get(one.id), limit), *(one.facts.get(name, "") for name in own)]
        for rank, one in enumerate(specimens, start=1)
    ]
    columns = [*COLUMNS, *(f"own_{name}" if name in COLUMNS else name for name in own)]
    write_results(path, columns, rows)


def write_darwin_core(project: Project, limit: Limit | None, path: Path) -> None:
    """Write the decisions as identifications in Darwin Core; what nobody decided on stays unverified."""
    import pandas as pd

    specimens, decisions = project.specimens(), project.decisions()
    ranked = pd.DataFrame(
        {
            "path": one.name,
            "score": one.score,
            "verdict": verdict_of(one, limit),
            "threshold": limit.value if limit else "",
            "tnr": limit.tnr if limit else "",
            "reason": one.reason,
            "failure": one.failure,
            "identity_1": one.looks.identities[0][0] if one.looks.identities else "",
            "identity_1_probability": one.looks.identities[0][1] if one.looks.identities else "",
        }
        for one in specimens
    )
    rows = darwin_core(ranked, run=str(project.folder)).to_dict("records")
    for row, one in zip(rows, specimens, strict=True):
        row["identifiedBy"] = ""
        decision = decisions.get(one.id)
        if decision is not None and decision.choice:
            row.update(_identification(decision))
            if decision.note:
                row["identificationRemarks"] = f"{row['identificationRemarks']}; {decision.note}"
    columns = [str(name) for name in rows[0]] if rows else []
    write_results(path, columns, [list(row.values()) for row in rows])


def write_contact_sheet(project: Project, limit: Limit | None, path: Path) -> None:
    """Write a page to print: what was called a hybrid or unsure, else what is flagged, each with a box to tick."""
    decisions = project.decisions()
    specimens = project.specimens()
    chosen = [one for one in specimens if (d := decisions.get(one.id)) and d.choice in ("hybrid", "unsure")]
    chosen = chosen or [one for one in specimens if verdict_of(one, limit) == "hybrid"]
    make_thumbnails(project.folder, [(one.id, one.path) for one in chosen])
    cards = "\n".join(_card(project, one, decisions.get(one.id), limit) for one in chosen)
    write_text(path, _SHEET.format(day=date.today().isoformat(), count=len(chosen), cards=cards))


def _identification(decision: Decision) -> dict[str, str]:
    """What a person determined, in Darwin Core's terms."""
    name = f" ({decision.parents})" if decision.parents else ""
    qualifiers = {"hybrid": f"hybrid{name}", "non-hybrid": decision.parents, "unsure": f"hybrid?{name}"}
    return {
        "identificationQualifier": qualifiers[decision.choice],
        "identificationVerificationStatus": "unverified" if decision.choice == "unsure" else "verified by curator",
        "identifiedBy": decision.who,
        "dateIdentified": str(decision.at)[:10],
    }


def _row(rank: int, one: Specimen, decision: Decision | None, limit: Limit | None) -> Sequence[object]:
    decided = ("",) * 5
    if decision is not None:
        decided = (decision.choice, decision.parents, decision.note, decision.who, decision.at)
    threshold = "" if limit is None else limit.value
    scored = (one.score, verdict_of(one, limit), threshold, one.reason, likely_name(one, limit), one.failure)
    return (rank, one.name, *decided, *scored)


def _card(project: Project, one: Specimen, decision: Decision | None, limit: Limit | None) -> str:
    path = thumbnail_path(project.folder, one.id, "small")
    picture = base64.b64encode(path.read_bytes()).decode() if path.exists() else ""
    name = (decision.parents if decision else "") or likely_name(one, limit)
    facts = " · ".join(f"{key}: {value}" for key, value in list(one.facts.items())[:4])
    said = decision.choice if decision and decision.choice else verdict_of(one, limit)
    score = "" if one.score is None else f"{one.score:.3f}"
    return (
        f'<figure><img alt="" src="data:image/webp;base64,{picture}"><figcaption><b>☐ {escape(one.name)}</b><br>'
        f"{escape(said)} {score} · {escape(name)}<br><small>{escape(facts)}</small></figcaption></figure>"
    )


_SHEET = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Specimens to look at</title>
<style>
body {{ font: 10pt/1.35 system-ui, sans-serif; margin: 1rem; color: #111; background: #fff }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(55mm, 1fr)); gap: 5mm }}
figure {{ margin: 0; border: 1px solid #999; break-inside: avoid }}
img {{ width: 100%; height: 38mm; object-fit: contain; background: #eee }}
figcaption {{ padding: 1.5mm 2mm; overflow-wrap: anywhere }}
@page {{ size: A4; margin: 12mm }}
@media print {{ body {{ margin: 0 }} }}
</style>
<h1>{count} specimens to look at</h1>
<p>Made on {day}. Tick what you have found in the drawer.</p>
<main>
{cards}
</main></html>
"""

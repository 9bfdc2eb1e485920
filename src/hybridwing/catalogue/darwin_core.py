"""Results in the terms of Darwin Core, the standard by which collections exchange their records."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING

from hybridwing.catalogue.column_names import folded

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import pandas as pd

    from hybridwing.catalogue.schema import Catalogue

TERMS = (
    "occurrenceID", "institutionCode", "collectionCode", "catalogNumber", "otherCatalogNumbers", "recordNumber",
    "recordedBy", "sex", "lifeStage", "preparations", "typeStatus", "eventDate", "verbatimEventDate", "year", "month",
    "day", "country", "countryCode", "stateProvince", "county", "municipality", "locality", "verbatimLocality",
    "decimalLatitude", "decimalLongitude", "minimumElevationInMeters", "maximumElevationInMeters",
)  # fmt: skip
"""Terms (http://rs.tdwg.org/dwc/terms/) that a column of a collection's table is taken for by its name."""

_ALSO = {
    "collectedby": "recordedBy", "collector": "recordedBy", "date": "eventDate", "collectiondate": "eventDate",
    "stage": "lifeStage", "otherid": "otherCatalogNumbers", "latitude": "decimalLatitude",
    "longitude": "decimalLongitude", "province": "stateProvince", "site": "locality",
}  # fmt: skip
_ISO = re.compile(r"\d{4}(-\d\d){0,2}([T/].*)?")


def darwin_core(results: pd.DataFrame, catalogue: Catalogue | None = None, *, run: str) -> pd.DataFrame:
    """Convert a ranking or an identification to identifications in Darwin Core, a row an image, in the same order.

    `results` has the column ``path``, and those of a written ranking or identification that are known: ``verdict``,
    ``score``, ``threshold``, ``tnr``, ``detector``, ``reason``, ``failure``, ``parent_1``, ``parent_2``,
    ``parent_probability``, ``identity_1`` and ``identity_1_probability``. `catalogue` is the table of the specimens,
    row for row. Its other columns come under the term that their name stands for; those without one, under
    ``dynamicProperties``. `run` is what made the identifications, such as the run's folder or DOI; it is given as
    ``identificationReferences``.

    All cells are texts; what is not known is empty. ``dateIdentified`` is today. Nobody has verified the
    identifications: ``identificationVerificationStatus`` is ``"unverified"``.
    """
    import pandas as pd

    out = pd.DataFrame({"associatedMedia": results["path"].astype("string")}).reset_index(drop=True)
    names = [""] * len(results)
    if catalogue is not None:
        out = pd.concat([_specimens(catalogue), out], axis=1)
        names = catalogue.table["cross"].fillna(catalogue.table["subspecies"]).fillna("").tolist()
    cells = results.astype(object).where(results.notna(), "").to_dict("records")
    out["identificationQualifier"] = [_qualifier(row, name) for row, name in zip(cells, names, strict=True)]
    out["identificationRemarks"] = [_remarks(row) for row in cells]
    out["identificationVerificationStatus"] = "unverified"
    out["dateIdentified"] = date.today().isoformat()  # the day where the user is
    out["identificationReferences"] = run
    return out.fillna("").astype("string")


def localities(catalogue: Catalogue) -> pd.Series[str]:
    """Where each specimen is from, by the table's column of localities; NA where it does not say."""
    import pandas as pd

    terms = {term: name for name in reversed(list(catalogue.extra)) if (term := _term(str(name)))}
    name = terms.get("locality", terms.get("verbatimLocality"))
    nowhere = pd.Series(pd.NA, index=catalogue.table.index, dtype="string")
    return nowhere if name is None else catalogue.extra[name]


def _term(name: str) -> str:
    """The term that a column is taken for by its name; empty if there is none."""
    short = folded(name)
    return next((term for term in TERMS if term.casefold() == short), _ALSO.get(short, ""))


def _specimens(catalogue: Catalogue) -> pd.DataFrame:
    """What a catalogue says of its specimens."""
    import pandas as pd

    table, columns, rest = catalogue.table, {}, {}
    for name, values in catalogue.extra.items():
        term = _term(str(name))
        if term == "eventDate" and not values.dropna().str.fullmatch(_ISO.pattern).all():
            term = "verbatimEventDate"
        if term and term not in columns:
            columns[term] = values
        else:
            rest[str(name)] = values
    names = table["species"].fillna("") + " " + table["pedigree"].fillna(table["subspecies"]).fillna("")
    columns = {"catalogNumber": table["specimen"], "scientificName": names.str.strip(), **columns}
    if rest:
        rows = pd.DataFrame(rest).to_dict("records")
        said = [{name: str(value) for name, value in row.items() if not pd.isna(value)} for row in rows]
        columns["dynamicProperties"] = pd.Series([json.dumps(row, ensure_ascii=False) if row else "" for row in said])
    return pd.DataFrame(columns)


def _qualifier(row: Mapping[Hashable, object], name: str) -> str:
    """The ``identificationQualifier``: the doubt in a determiner's words; empty where the name stands."""
    parents = [str(parent) for parent in (row.get("parent_1"), row.get("parent_2")) if parent]
    if row.get("verdict") == "hybrid" or ("verdict" not in row and parents):
        return f"hybrid? ({' x '.join(parents)})" if parents else "hybrid?"
    if row.get("verdict") == "non-hybrid":
        return ""
    shown = str(row.get("identity_1", "")) if "verdict" not in row else ""
    if not shown or row.get("reason"):
        return "undetermined"
    return "" if shown == name else f"cf. {shown}"


def _remarks(row: Mapping[Hashable, object]) -> str:
    for failed in ("failure", "reason"):
        if row.get(failed):
            return f"not identified by photograph: {row[failed]}"
    said = []
    if row.get("score") not in (None, ""):
        said.append(f"hybrid score {row['score']}")
    if row.get("threshold") not in (None, ""):
        said.append(f"threshold {row['threshold']} at a true-negative rate of {row['tnr']}")
    if row.get("detector"):
        said.append(f"detector {row['detector']}")
    if row.get("parent_2"):
        said.append(f"parents {row['parent_1']} and {row['parent_2']} with probability {row['parent_probability']}")
    elif row.get("identity_1"):
        said.append(f"looks like {row['identity_1']} with probability {row['identity_1_probability']}")
    return "; ".join(said)

"""Rankings in the terms of Darwin Core, the standard by which collections exchange their records."""

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


def darwin_core(
    ranked: pd.DataFrame, catalogue: Catalogue | None = None, *, run: str, on: date | None = None
) -> pd.DataFrame:
    """Say a ranking as identifications in Darwin Core, a row an image, in the same order.

    Parameters
    ----------
    ranked : pandas.DataFrame
        With the columns ``path``, ``score``, ``verdict``, ``threshold`` and ``tnr``; ``detector``, ``reason``,
        ``failure``, ``parent_1``, ``parent_2`` and ``parent_probability`` where they are known.
    catalogue : Catalogue, optional
        The table of the specimens; its uuids are the paths. Its other columns are given by the term of their name, and
        under ``dynamicProperties`` where there is none.
    run : str
        What made the identifications, such as the run's folder or DOI: ``identificationReferences``.
    on : date, optional
        ``dateIdentified``; by default today.

    Returns
    -------
    pandas.DataFrame
        Texts; what is not known is empty. Nobody has verified them: ``identificationVerificationStatus`` is
        ``"unverified"``.
    """
    import pandas as pd

    out = pd.DataFrame({"associatedMedia": ranked["path"].astype("string")}).reset_index(drop=True)
    if catalogue is not None:
        rows = pd.Index(catalogue.uuids).get_indexer(pd.Index(ranked["path"].astype(str)))
        known = _specimens(catalogue).iloc[rows].reset_index(drop=True)
        out = pd.concat([known.mask(pd.Series(rows < 0), ""), out], axis=1)
    cells = ranked.astype(object).where(ranked.notna(), "").to_dict("records")
    out["identificationQualifier"] = [_qualifier(row) for row in cells]
    out["identificationRemarks"] = [_remarks(row) for row in cells]
    out["identificationVerificationStatus"] = "unverified"
    out["dateIdentified"] = (on or date.today()).isoformat()  # the day where the user is
    out["identificationReferences"] = run
    return out.fillna("").astype("string")


def _specimens(catalogue: Catalogue) -> pd.DataFrame:
    """What a catalogue says of its specimens."""
    import pandas as pd

    table, columns, rest = catalogue.table, {}, {}
    for name, values in catalogue.extra.items():
        short = folded(str(name))
        term = next((term for term in TERMS if term.casefold() == short), _ALSO.get(short, ""))
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


def _qualifier(row: Mapping[Hashable, object]) -> str:
    """The doubt, in the determiner's words; none where the name stands."""
    if row["verdict"] == "hybrid":
        parents = [str(parent) for parent in (row.get("parent_1"), row.get("parent_2")) if parent]
        return f"hybrid? ({' x '.join(parents)})" if len(parents) == 2 else "hybrid?"
    return "" if row["verdict"] == "non-hybrid" else "undetermined"


def _remarks(row: Mapping[Hashable, object]) -> str:
    for failed in ("failure", "reason"):
        if row.get(failed):
            return f"not identified by photograph: {row[failed]}"
    said = [f"hybrid score {row['score']}", f"threshold {row['threshold']} at a true-negative rate of {row['tnr']}"]
    if row.get("detector"):
        said.append(f"detector {row['detector']}")
    if row.get("parent_probability") and row.get("parent_2"):
        said.append(f"parents {row['parent_1']} and {row['parent_2']} with probability {row['parent_probability']}")
    return "; ".join(said)

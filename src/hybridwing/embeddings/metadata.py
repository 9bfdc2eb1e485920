"""The catalogue's columns beside the embeddings in a table, under the names that other tools look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from hybridwing.catalogue.schema import Catalogue

#: Classification of *Heliconius* (GBIF Backbone Taxonomy), for the tree that emb-explorer draws.
_CLASSIFICATION = {
    "kingdom": "Animalia",
    "phylum": "Arthropoda",
    "class": "Insecta",
    "order": "Lepidoptera",
    "family": "Nymphalidae",
    "genus": "Heliconius",
}
#: The challenge's two species; its mimics are of the second.
_ERATO, _MELPOMENE = "Heliconius erato", "Heliconius melpomene"


def metadata_of(catalogue: Catalogue) -> pd.DataFrame:
    """The columns of a catalogue that go beside its embeddings: a row an image, indexed by its key.

    ``label`` is ``"hybrid"`` or ``"non-hybrid"``, ``image_url`` the address that emb-explorer shows a picture from. The
    ranks from ``kingdom`` to ``genus`` stand in the challenge's tables alone, since no other table is known to be of
    *Heliconius*. A column of which nothing is known is left out.
    """
    import pandas as pd

    from hybridwing.catalogue.darwin_core import localities

    table = catalogue.table
    named = table["hybrid"].map({True: "hybrid", False: "non-hybrid"}).astype("string")
    frame = pd.DataFrame(
        {
            "specimen": table["specimen"],
            "label": named,
            "subspecies": table["subspecies"],
            "cross": table["cross"],
            "species": table["species"],
            "locality": localities(catalogue),
            "record": table["record"],
            "side": table["side"],
            "image_url": table["file_url"],
        }
    )
    if catalogue.form != "custom":
        for rank, name in _CLASSIFICATION.items():
            frame[rank] = pd.Series(name, index=frame.index, dtype="string")
        mimic = (table["group"] == "mimic").fillna(value=False)
        frame["species"] = mimic.map({True: _MELPOMENE, False: _ERATO}).astype("string")
    frame.index = pd.Index(table["uuid"].astype(str), name="uuid")
    return frame.loc[:, frame.notna().any()]


def aligned(metadata: pd.DataFrame | None, uuids: Sequence[str]) -> pd.DataFrame | None:
    """Metadata of some images, in their order; None where there is none."""
    return None if metadata is None else metadata.reindex(list(uuids)).reset_index(drop=True)

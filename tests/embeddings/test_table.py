from __future__ import annotations

import numpy as np
import pytest

from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import EmbeddingError
from hybridwing.runtime.preprocess import Preprocess

SPEC = BackboneSpec("pattern", "pattern", "v1", "", "wings", 2, Preprocess())
VECTORS = np.array([[0, 1], [2, 3], [4, 5]], np.float32)


def test_rows_are_found_by_image():
    table = EmbeddingTable(("a", "b", "c"), VECTORS, SPEC, (Failure("d", "d.jpg", "open", "no such file"),))
    assert len(table) == 3
    rows = table.rows_of(["c", "d", "a", "a"])
    assert rows.tolist() == [2, -1, 0, 0]
    assert rows.dtype == np.int64
    assert table.rows_of([]).shape == (0,)
    with pytest.raises(EmbeddingError, match=r"2 of 3 images are not in the embedding table: x, y; embed this"):
        table.rows_of(["x", "a", "y"])


@pytest.mark.parametrize(
    ("uuids", "vectors", "said"),
    [
        (("a", "b"), VECTORS, r"2 images and a backbone of dimension 2 do not fit vectors of shape \(3, 2\)"),
        (("a", "b", "c"), VECTORS[:, :1], r"shape \(3, 1\)"),
        (("a", "b", "c"), VECTORS.ravel(), r"shape \(6,\)"),
        (("a", "b", "a"), VECTORS, "the same image stands twice"),
        (("a", "b", "c"), np.where(VECTORS == 3, np.nan, VECTORS), "embeddings with NaN or infinity: b"),
        (("a", "b", "c"), np.where(VECTORS == 4, np.inf, VECTORS), "embeddings with NaN or infinity: c"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(uuids, vectors, said):
    with pytest.raises(EmbeddingError, match=said):
        EmbeddingTable(uuids, vectors, SPEC)

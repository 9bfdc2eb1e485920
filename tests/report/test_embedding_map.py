"""The map of embeddings lies on its principal components, and its table holds the points' numbers."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.report.embedding_map import MOST_POINTS, MOST_ROWS, EmbeddingMap, embedding_map


def mapped(vectors: np.ndarray, seed: int = 0) -> EmbeddingMap:
    n = len(vectors)
    rng = np.random.default_rng(seed)
    names = np.array([f"{number}.jpg" for number in range(n)])
    return embedding_map(vectors, names, np.full(n, "erato"), rng.random(n) < 0.3, rng.random(n))


def test_the_axes_say_how_much_of_the_variance_they_hold():
    from sklearn.decomposition import PCA

    vectors = np.random.default_rng(1).normal(size=(60, 5)) * [5, 3, 1, 1, 1] + 7
    made = mapped(vectors)
    known = PCA(2).fit(vectors)
    assert made.shares == pytest.approx(tuple(known.explained_variance_ratio_))
    place = known.transform(vectors)
    of = {point.name: point for point in made.points}
    for number in range(60):
        point = of[f"{number}.jpg"]
        assert np.abs([point.first, point.second]) == pytest.approx(np.abs(place[number]))
    assert [point.hybrid for point in made.points] == sorted(point.hybrid for point in made.points)
    up = sorted(made.points, key=lambda point: point.second)
    assert (up[0].down, up[-1].down) == (98, 2)


def test_the_table_is_capped_and_begins_with_the_highest_scores():
    made = mapped(np.random.default_rng(2).normal(size=(MOST_POINTS + 300, 3)))
    assert (len(made.points), len(made.rows), made.images) == (MOST_POINTS, MOST_ROWS, MOST_POINTS + 300)
    scores = [point.score for point in made.points]
    assert [point.score for point in made.rows] == sorted(scores, reverse=True)[:MOST_ROWS]


@pytest.mark.parametrize("vectors", [np.ones((3, 4)), np.ones((1, 4)), np.arange(3.0)[:, None]])
def test_what_has_less_than_two_dimensions_has_a_map_too(vectors):
    made = mapped(vectors)
    assert len(made.points) == len(vectors)
    assert 0 <= sum(made.shares) <= 1
    assert all(2 <= point.across <= 98 and 2 <= point.down <= 98 for point in made.points)

"""Neighbours against comparing all with all, and the images that live among outliers."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.audit.neighbours import EmbeddedImages, find_class_outliers, likeness_finding, with_neighbours


def _images(vectors: np.ndarray) -> EmbeddedImages:
    return with_neighbours(tuple(f"{n:02}" for n in range(len(vectors))), vectors)


def _two_classes() -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(3)
    centres = np.repeat(np.eye(2, 8) * 6, 20, axis=0)
    return (centres + rng.normal(size=(40, 8))).astype(np.float32), ["a"] * 20 + ["b"] * 20


def test_nearest_are_those_of_comparing_all() -> None:
    found = _images(_two_classes()[0])
    products = found.vectors @ found.vectors.T
    np.fill_diagonal(products, -np.inf)
    assert np.array_equal(found.nearest, np.argsort(-products, axis=1)[:, :5])
    assert np.allclose(found.cosine, -np.sort(-products, axis=1)[:, :5], atol=1e-6)


def test_dimensions_that_do_not_vary_do_not_count() -> None:
    vectors, _ = _two_classes()
    padded = np.concatenate([vectors, np.full((40, 2), 5.0, np.float32)], axis=1)
    assert np.allclose(_images(padded).cosine, _images(vectors).cosine, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1])
def test_with_nobody_else_there_are_no_neighbours(n: int) -> None:
    found = _images(np.ones((n, 3), np.float32))
    assert found.nearest.shape == (n, 0)


def test_an_image_under_the_wrong_class_is_found_first() -> None:
    vectors, classes = _two_classes()
    classes[3] = "b"
    images = _images(vectors)
    outliers = find_class_outliers(images, classes, ["R"] * 40)
    assert [outlier.uuid for outlier in outliers] == ["03"]
    assert (outliers[0].class_name, outliers[0].looks_like) == ("b", "a")
    assert {name for _, name, _ in outliers[0].neighbours} == {"a"}
    assert 0 < outliers[0].excess <= 2


def test_tiny_classes_are_not_asked() -> None:
    vectors, classes = _two_classes()
    images = _images(vectors)
    assert find_class_outliers(images, ["a"] * 38 + ["c", "d"], ["R"] * 40) == []
    assert find_class_outliers(images, ["c", *classes[1:]], ["R"] * 40) == []


def test_copies_are_each_pair_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridwing.audit.neighbours.COPY_COSINE", 0.999)
    vectors, _ = _two_classes()
    vectors[7] = vectors[2]
    images = _images(vectors)
    ((first, second, cosine),) = images.copies()
    assert (first, second) == ("02", "07")
    assert cosine == pytest.approx(1, abs=1e-5)
    places = {f"{n:02}": "mine.csv: a" for n in range(40)}
    mild = likeness_finding([(first, second, cosine)], places)
    bad = likeness_finding([(first, second, cosine)], {**places, "07": "mine.csv: b"})
    assert (mild.severity, bad.severity) == ("caution", "serious")

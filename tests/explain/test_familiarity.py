"""Images unlike those in training are told apart, at the stated rate, and for a stated reason."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.array_file import write_arrays
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import EmbeddingTable, Fallback
from hybridwing.errors import RunError
from hybridwing.explain.familiarity import MOST_VECTORS, Familiarity, fit_familiarity, read_familiarity
from hybridwing.runtime.preprocess import Preprocess


def draw(n, seed, d=8):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def table(vectors, fallbacks=()):
    spec = BackboneSpec("stub", "stub", "v1", "", "pixels", vectors.shape[1], Preprocess(size=8))
    return EmbeddingTable(tuple(f"{i}.png" for i in range(len(vectors))), vectors, spec, (), fallbacks)


def test_images_of_the_same_kind_are_taken_for_strange_as_rarely_as_stated():
    rates = []
    for seed in range(40):
        known = fit_familiarity(draw(150, seed), draw(199, 1000 + seed))
        limit, level = known.limit
        assert level == pytest.approx(0.99)
        rates.append((known.distance(draw(400, 2000 + seed)) > limit).mean())
    assert np.mean(rates) <= 0.01 + 3 * np.std(rates) / np.sqrt(40)


def test_far_images_are_strange_and_say_so():
    known = fit_familiarity(draw(150, 1), draw(199, 2))
    reasons = known.reasons(table(np.vstack([draw(3, 3), draw(3, 4) + 9])))
    assert reasons[:3] == ("", "", "")
    assert all(reason.startswith("unlike the training images: ") for reason in reasons[3:])


def test_few_held_out_images_give_what_level_they_can():
    limit, level = fit_familiarity(draw(20, 1), draw(9, 2)).limit
    assert level == pytest.approx(0.9)
    assert limit > 0


def test_a_view_that_was_not_found_is_a_reason_unless_training_lacked_it_too():
    vectors = draw(150, 1)[:4]
    missed = (Fallback("0.png", "whole", 0.0), Fallback("1.png", "whole", 0.3))
    reasons = fit_familiarity(draw(150, 1), draw(99, 2), fallbacks=2, images=150).reasons(table(vectors, missed))
    assert reasons == ("no specimen was found in the picture", "the view was not found (confidence 0.30)", "", "")
    often = fit_familiarity(draw(150, 1), draw(99, 2), fallbacks=40, images=150)
    assert often.reasons(table(vectors, missed)) == ("", "", "", "")


def test_distances_are_those_to_the_five_nearest():
    known = fit_familiarity(draw(60, 1), draw(20, 2))
    asked = draw(700, 3)
    apart = np.linalg.norm(asked[:, None].astype(float) - known.vectors[None].astype(float), axis=2)
    assert known.distance(asked) == pytest.approx(np.sort(apart, axis=1)[:, :5].mean(axis=1), abs=1e-5)
    assert len(fit_familiarity(draw(MOST_VECTORS + 7, 1, 2), draw(5, 2, 2)).vectors) == MOST_VECTORS


def test_it_is_read_as_it_was_written(tmp_path):
    known = fit_familiarity(draw(60, 1), draw(20, 2), fallbacks=1, images=60)
    known.write(tmp_path / "f.npz")
    again = read_familiarity(tmp_path / "f.npz", 8)
    assert isinstance(again, Familiarity)
    assert np.array_equal(again.vectors, known.vectors)
    assert again.limit == known.limit
    assert again.fallback_share == pytest.approx(1 / 60)
    assert read_familiarity(tmp_path / "absent.npz", 8) is None
    with pytest.raises(RunError, match="not of embeddings of 9 values"):
        read_familiarity(tmp_path / "f.npz", 9)
    write_arrays(tmp_path / "g.npz", "familiarity", {}, {"vectors": known.vectors})
    with pytest.raises(RunError, match="does not hold what it should"):
        read_familiarity(tmp_path / "g.npz", 8)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(RunError, match="takes training and held-out images"):
        fit_familiarity(draw(5, 1), draw(0, 2))

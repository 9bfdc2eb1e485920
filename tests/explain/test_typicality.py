"""Images unlike those in training are told apart, at the stated rate, and for a stated reason."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.array_file import write_arrays
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import EmbeddingTable, Fallback
from hybridwing.errors import RunError
from hybridwing.explain.typicality import Typicality, read_typicality
from hybridwing.explain.typicality_fitting import MOST_VECTORS, Images, fit_typicality
from hybridwing.runtime.pattern import DIMENSION, REGIONS
from hybridwing.runtime.preprocess import Preprocess


def draw(n, seed, d=8):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def images(vectors, under=0):
    """The last so many are known undersides."""
    return Images(vectors, np.arange(len(vectors)) >= len(vectors) - under)


def fit(train, held_out, *, under=0, held_under=0, regions=None, **more):
    regions = regions or (train.shape[1],)
    asked = {"is_pattern": False, "fallbacks": 0, "doubts": 0, **more}
    return fit_typicality(images(train, under), images(held_out, held_under), regions=regions, **asked)


def table(vectors, fallbacks=()):
    spec = BackboneSpec("stub", "stub", "v1", "", "pixels", vectors.shape[1], Preprocess(size=8))
    return EmbeddingTable(tuple(f"{i}.png" for i in range(len(vectors))), vectors, spec, (), fallbacks)


def strange(known, vectors):
    return np.array([bool(reason) for reason in known.reasons(table(vectors))])


def test_images_of_the_same_kind_are_taken_for_strange_as_rarely_as_stated():
    rates = []
    for seed in range(40):
        known = fit(draw(150, seed), draw(199, 1000 + seed))
        assert known.level == pytest.approx(0.99)
        rates.append(strange(known, draw(400, 2000 + seed)).mean())
    assert np.mean(rates) <= 0.01 + 3 * np.std(rates) / np.sqrt(40)
    assert np.mean(rates) > 0.002


def test_the_stated_share_is_divided_among_the_measures():
    rates = []
    for seed in range(30):
        train = np.vstack([draw(150, seed), draw(6, 500 + seed) + 1])
        known = fit(train, draw(399, 1000 + seed), under=6)
        assert known.sides is not None
        assert known.level == pytest.approx(0.99)
        rates.append(strange(known, draw(400, 2000 + seed)).mean())
    assert np.mean(rates) <= 0.01 + 3 * np.std(rates) / np.sqrt(30)
    assert np.mean(rates) > 0.002


def test_of_pattern_too_it_is_kept():
    ordinary = np.abs(draw(1000, 1, DIMENSION))
    known = fit(ordinary[:200], ordinary[200:600], regions=REGIONS, is_pattern=True)
    assert known.turns is not None
    assert known.paleness is not None
    assert known.level == pytest.approx(1 - 3 / 401)
    assert strange(known, ordinary[600:]).mean() < 0.03


def test_far_images_are_strange_and_say_so():
    known = fit(draw(150, 1), draw(199, 2))
    reasons = known.reasons(table(np.vstack([draw(3, 3), draw(3, 4) + 9])))
    assert reasons[:3] == ("", "", "")
    assert all(reason.startswith("unlike the training images: ") for reason in reasons[3:])


def test_a_strange_block_shows_beside_a_much_larger_one():
    large, small = draw(150, 1, 8) * 1000, draw(150, 2, 4)
    held_out = np.hstack([draw(199, 3, 8) * 1000, draw(199, 4, 4)])
    asked = np.hstack([large[:5], small[:5] + 12])
    train = np.hstack([large, small])
    assert strange(fit(train, held_out, regions=(8, 4)), asked).all()
    assert not strange(fit(train, held_out), asked).any()


def test_a_block_in_which_training_does_not_differ_is_no_division_by_zero():
    flat = np.hstack([draw(60, 1), np.full((60, 3), 7, np.float32), np.zeros((60, 2), np.float32)])
    known = fit(flat[:40], flat[40:], regions=(8, 3, 2))
    assert np.isfinite(known.distances).all()
    assert known.scale[8] == pytest.approx(7 * np.sqrt(3) * 1e-3)
    assert known.scale[-1] == 1
    same = fit(np.ones((3, 4), np.float32), np.ones((2, 4), np.float32))
    assert strange(same, np.float32([[1, 1, 1, 1], [1, 1, 1, 2]])).tolist() == [False, True]


def test_few_held_out_images_give_what_level_they_can():
    known = fit(draw(20, 1), draw(9, 2))
    assert known.level == pytest.approx(0.9)
    assert known.limit(known.distances) == known.distances.max() > 0


def test_undersides_that_are_named_are_learnt():
    apart = np.zeros(30, np.float32)
    apart[3] = 3
    spread = np.float32([1.5] * 3 + [0.5] + [1.5] * 26)  # the undersides lie within the cloud, along its narrowest side
    upper, lower = draw(400, 1, 30) * spread, draw(60, 2, 30) * spread + apart
    train, held_out = np.vstack([upper[:200], lower[:8]]), np.vstack([upper[200:], lower[8:10]])
    known = fit(train, held_out, under=8, held_under=2)
    assert len(known.vectors) == 200
    assert len(known.distances) == 200
    reasons = known.reasons(table(lower[10:]))
    assert sum(reason.startswith("looks like an underside: ") for reason in reasons) >= 40
    assert strange(known, draw(400, 3, 30) * spread).mean() < 0.03
    blind = fit(upper[:200], upper[200:])
    assert blind.sides is None
    assert strange(blind, lower).sum() <= 5


def test_more_columns_than_images_make_no_difference_to_what_is_learnt():
    wide, narrow = draw(40, 1, 60), draw(200, 2, 60)
    for upper in (wide, narrow):
        known = fit(np.vstack([upper] * 4 + [upper[:5] + 2]), draw(120, 3, 60), under=5)
        scaled = (np.vstack([upper] * 4) / known.scale).astype(float)
        rest = scaled - scaled.mean(0)
        covariance = 0.7 * rest.T @ rest / len(rest) + 0.3 * (rest**2).mean() * np.eye(60)
        apart = ((upper[:5] + 2) / known.scale).mean(0) - scaled.mean(0)
        assert known.direction * known.scale == pytest.approx(np.linalg.solve(covariance, apart), rel=1e-4, abs=1e-4)


def test_undersides_are_nothing_strange_where_training_has_many_and_not_learnt_from_few():
    often = fit(np.vstack([draw(100, 1), draw(20, 2) + 9]), np.vstack([draw(80, 3), draw(20, 4) + 9]), under=20)
    assert often.sides is None
    assert len(often.vectors) == 120
    assert not strange(often, draw(10, 5) + 9).any()
    few = fit(np.vstack([draw(100, 1), draw(4, 2) + 9]), draw(99, 3), under=4)
    assert few.sides is None
    assert len(few.vectors) == 100
    assert strange(few, draw(10, 5) + 9).all()  # those four do not make undersides familiar


def test_measures_are_left_out_where_too_few_images_were_held_out():
    train = np.vstack([draw(150, 1), draw(6, 2) + 1])
    assert fit(train, draw(65, 3), under=6).sides is None
    assert fit(train, draw(66, 3), under=6).sides is not None
    pattern = np.abs(draw(100, 1, DIMENSION))
    small = fit(pattern[:60], pattern[60:], regions=REGIONS, is_pattern=True)
    assert small.turns is not None
    assert small.paleness is None


def test_a_view_that_was_not_found_is_a_reason_unless_training_lacked_it_too():
    vectors = draw(150, 1)[:4]
    missed = (Fallback("0.png", "whole", 0.0), Fallback("1.png", "whole", 0.3))
    reasons = fit(draw(150, 1), draw(99, 2), fallbacks=2).reasons(table(vectors, missed))
    assert reasons == ("no specimen was found in the picture", "the view was not found (confidence 0.30)", "", "")
    often = fit(draw(150, 1), draw(99, 2), fallbacks=40)
    assert often.reasons(table(vectors, missed)) == ("", "", "", "")


def test_distances_are_those_to_the_five_nearest():
    known = fit(draw(60, 1), draw(20, 2))
    asked = draw(700, 3)
    apart = np.linalg.norm(asked[:, None].astype(float) - known.vectors[None].astype(float), axis=2) / known.scale[0]
    assert known.distance(asked) == pytest.approx(np.sort(apart, axis=1)[:, :5].mean(axis=1), abs=1e-5)
    assert len(fit(draw(MOST_VECTORS + 7, 1, 2), draw(5, 2, 2)).vectors) == MOST_VECTORS


def test_it_is_read_as_it_was_written(tmp_path):
    vectors = np.abs(draw(400, 1, DIMENSION))
    train = np.vstack([vectors[:200], vectors[200:206] + 0.2])
    known = fit(train, vectors[206:], under=6, regions=REGIONS, is_pattern=True, fallbacks=1)
    known.write(tmp_path / "f.npz")
    again = read_typicality(tmp_path / "f.npz", DIMENSION)
    assert isinstance(again, Typicality)
    for name in ("vectors", "scale", "distances", "turns", "direction", "sides", "paleness"):
        assert np.array_equal(getattr(again, name), getattr(known, name)), name
    assert again.fallback_share == pytest.approx(1 / 206)
    assert again.reasons(table(vectors[:20] + 1)) == known.reasons(table(vectors[:20] + 1))
    assert read_typicality(tmp_path / "absent.npz", 8) is None
    with pytest.raises(RunError, match="not of embeddings of 9 values"):
        read_typicality(tmp_path / "f.npz", 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": None}, "does not hold what it should"),
        ({"distances": None}, "does not hold what it should"),
        ({"sides": np.zeros(20)}, "does not hold what it should"),
        ({"more": np.zeros(20)}, "does not hold what it should"),
        ({"scale": np.zeros(8)}, "not of embeddings of 8 values"),
        ({"scale": np.full(8, 1e-320)}, "not of embeddings of 8 values"),
        ({"vectors": np.full((60, 8), 1e300)}, "not of embeddings of 8 values"),
        ({"scale": np.ones(7)}, "not of embeddings of 8 values"),
        ({"distances": np.zeros(0)}, "not of embeddings of 8 values"),
        ({"turns": np.zeros(20)}, "not of embeddings of 8 values"),
        ({"sides": np.zeros(19), "direction": np.zeros(8)}, "not of embeddings of 8 values"),
        ({"sides": np.zeros(20), "direction": np.zeros(7)}, "not of embeddings of 8 values"),
    ],
)
def test_damaged_files_are_refused(change, message, tmp_path):
    known = fit(draw(60, 1), draw(20, 2))
    arrays = {"vectors": known.vectors, "scale": known.scale, "distances": known.distances, **change}
    kept = {name: values for name, values in arrays.items() if values is not None}
    write_arrays(tmp_path / "g.npz", "typicality", {"fallback_share": 0.0, "doubt_share": 0.0}, kept)
    with pytest.raises(RunError, match=message):
        read_typicality(tmp_path / "g.npz", 8)


@pytest.mark.parametrize("share", ["none", None, -0.1, 1.5, 10**400])
def test_a_share_that_is_none_is_refused(share, tmp_path):
    arrays = {"vectors": draw(9, 1), "scale": np.ones(8), "distances": np.ones(9)}
    write_arrays(tmp_path / "g.npz", "typicality", {"fallback_share": share, "doubt_share": 0.0}, arrays)
    with pytest.raises(RunError, match="does not hold what it should"):
        read_typicality(tmp_path / "g.npz", 8)


def test_an_empty_table_has_no_reasons():
    vectors = np.abs(draw(400, 1, DIMENSION))
    known = fit(vectors[:200], vectors[200:], regions=REGIONS, is_pattern=True)
    assert known.paleness is not None
    assert known.reasons(table(vectors[:0])) == ()


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(RunError, match="needs training and held-out images"):
        fit(draw(5, 1), draw(0, 2))


def test_a_doubt_is_the_reason_unless_training_images_are_often_in_doubt():
    doubt = Fallback("0.png", "whole", 0.9, "which way the specimen lies cannot be told (confidence 0.20)")
    known = fit(draw(60, 1), draw(20, 2))
    asked = table(draw(60, 1)[:3], (doubt,))
    assert known.reasons(asked)[0] == doubt.doubt
    assert fit(draw(60, 1), draw(20, 2), doubts=40).reasons(asked)[0] == ""

"""What a protocol holds out is nowhere in training, and no label of it reaches a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridwing.catalogue.schema import COLUMNS, Catalogue
from hybridwing.detectors.registry import detector_names
from hybridwing.errors import ScoringError
from hybridwing.validation.held_out import (
    MADE_CROSSES,
    RECORD_ONLY,
    Fitting,
    fit_fold,
    held_out_scores,
    made_crosses,
    record_only_scores,
)
from hybridwing.validation.protocols import folds
from hybridwing.validation.report import MEAN, protocol_report

KINDS = ("a", "b", "c")
PROTOCOLS = ("cross", "subspecies", "record", "specimen")


def catalogue(crosses=(("a", "b"),), unknown=0, each=12, seed=0, **changed):
    """Two images a specimen; hybrids mostly of record 1."""
    rng = np.random.default_rng(seed)
    rows = [{"subspecies": kind, "hybrid": False} for kind in KINDS for _ in range(each)]
    rows += [
        {"parent_1": a, "parent_2": b, "cross": f"{a} x {b}", "hybrid": True} for a, b in crosses for _ in range(each)
    ]
    rows += [{"hybrid": True} for _ in range(unknown)]
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    n = len(table)
    table["uuid"] = table["filename"] = [f"{i}.png" for i in range(n)]
    table["specimen"] = [f"s{i // 2}" for i in range(n)]
    table["record"] = [str(1 if row.get("hybrid") and i % 6 else rng.integers(2, 5)) for i, row in enumerate(rows)]
    table["row"] = np.arange(n) + 2
    for name, values in changed.items():
        table[name] = values
    return Catalogue(table.astype(dict(COLUMNS)), "custom", Path("made.csv"), "0" * 64)


def vectors(table, d=6, seed=1):
    rng = np.random.default_rng(seed)
    means = {kind: rng.normal(size=d) * 3 for kind in KINDS}
    rows = [
        means[s] if s else (means[p[0]] + means[p[1]]) / 2 if p else np.zeros(d)
        for s, p in zip(table.subspecies, table.parent_pairs, strict=True)
    ]
    return (np.array(rows) + rng.normal(size=(len(table), d))).astype(np.float32)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("crosses", [(("a", "b"),), (("a", "b"), ("b", "c"))])
def test_folds_never_share_a_specimen(protocol, crosses):
    table = catalogue(crosses, unknown=4)
    for fold in folds(table, protocol):
        parts = [set(table.specimens[rows]) for rows in (fold.train, fold.asked, fold.reference)]
        assert all(parts)
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert not table.labels[fold.reference].any()


def test_a_cross_is_hidden_altogether_and_so_are_hybrids_that_may_be_of_it():
    table = catalogue((("a", "b"), ("b", "c")), unknown=4)
    found = folds(table, "cross")
    assert {fold.unit for fold in found} == {"a x b", "b x c"}
    crosses = table.table["cross"]
    for fold in found:
        trained = crosses.iloc[fold.train]
        assert fold.unit not in set(trained.dropna())
        hybrids = table.labels[fold.train] == 1
        assert trained[hybrids].notna().all()
        assert (crosses.iloc[fold.asked] == fold.unit).all()
    for unit in ("a x b", "b x c"):
        asked = np.concatenate([fold.asked for fold in found if fold.unit == unit])
        assert sorted(asked) == np.flatnonzero((crosses == unit).fillna(False)).tolist()


def test_a_subspecies_is_hidden_with_its_hybrids():
    table = catalogue((("a", "b"), ("b", "c")))
    for fold in folds(table, "subspecies"):
        assert fold.unit not in table.subspecies[fold.train]
        assert fold.unit not in table.parents[fold.train]
        assert set(table.subspecies[fold.asked]) == {fold.unit}


def test_a_record_is_hidden_and_asked_about_as_a_whole():
    table = catalogue()
    for fold in folds(table, "record"):
        assert fold.unit not in table.records[fold.train]
        assert sorted(fold.asked) == np.flatnonzero(table.records == fold.unit).tolist()


def test_specimens_ask_about_every_hybrid_once():
    table = catalogue()
    asked = np.concatenate([fold.asked for fold in folds(table, "specimen")])
    assert sorted(asked) == np.flatnonzero(table.labels).tolist()


def test_one_seed_one_division():
    table = catalogue()
    first, again, other = (folds(table, "specimen", seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a.train, b.train) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.train, b.train) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_labels_of_what_is_held_out_change_no_model(protocol):
    table = catalogue((("a", "b"), ("b", "c")))
    values = vectors(table)
    for fold in folds(table, protocol)[:3]:
        shown, _ = fit_fold(values, table, fold, "svm")
        columns = ["hybrid", "subspecies", "parent_1", "parent_2", "cross", "record"]
        held = np.concatenate([fold.asked, fold.reference])
        mixed = table.table.copy()
        order = np.random.default_rng(3).permutation(held)
        mixed.loc[held, columns] = table.table.loc[order, columns].to_numpy()
        again, _ = fit_fold(values, Catalogue(mixed.astype(dict(COLUMNS)), "custom", table.source, ""), fold, "svm")
        one, other = shown.to_saved().arrays, again.to_saved().arrays
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_without_hybrids_crosses_are_made_but_never_the_hidden_one_or_no_score_is_given():
    table = catalogue()
    values, found = vectors(table), folds(table, "cross")
    made = held_out_scores(values, table, found, "svm")
    assert made.notes == (("a x b", MADE_CROSSES),)
    assert np.isfinite(made.levels).all()
    none = held_out_scores(values, table, found, "svm", Fitting(make_crosses=False))
    assert np.isnan(none.levels).all()
    (note,) = dict(none.notes).values()
    assert note.startswith("not applicable: training has no hybrids")
    # With the species of c another one, only the hidden cross could be made.
    apart = catalogue(species=["y" if kind == "c" else "x" for kind in table.subspecies])
    (note,) = dict(held_out_scores(values, apart, found, "svm").notes).values()
    assert "no two subspecies of one species" in note


def test_made_crosses_lie_between_and_are_as_long_as_their_parents():
    ends = np.array([[2.0, 0.0], [0.0, 4.0]])
    made, pairs = made_crosses(ends, ["a", "b"], [("a", "b"), ("b", "c")], 5)
    assert set(pairs) == {("a", "b")}  # there is no c
    assert made == pytest.approx(np.tile(3 * np.array([1, 2]) / np.sqrt(5), (5, 1)))


def test_what_says_nothing_is_shown_as_such():
    table = catalogue()
    found = folds(table, "record")
    report = protocol_report(table, [record_only_scores(table, found)], resamples=30)
    assert [row.unit for row in report.rows] == ["1", "2", "3", "4", MEAN]
    hidden = report.rows[0]
    assert hidden.note == "constant"  # a record that is hidden has no rate: the control cannot know it
    empty = held_out_scores(vectors(table), table, folds(table, "cross"), "svm", Fitting(make_crosses=False))
    rows = protocol_report(table, [empty], resamples=30).rows
    assert rows[0].recall is None
    assert rows[-1].note == "1 of 1 not applicable"


def test_the_record_gives_the_cross_away_and_nothing_does_where_records_are_even():
    table = catalogue(each=60)
    found = folds(table, "cross")
    away = protocol_report(table, [record_only_scores(table, found)], resamples=30).rows[-1]
    assert away.scorer == RECORD_ONLY
    assert away.roc_auc is not None
    assert away.roc_auc.value > 0.85
    even = catalogue(each=60, record=[str(i % 5) for i in np.random.default_rng(0).integers(0, 5, 240)])
    row = protocol_report(even, [record_only_scores(even, folds(even, "cross"))], resamples=200).rows[-1]
    assert row.roc_auc is not None
    assert 0.35 < row.roc_auc.value < 0.65


def test_differences_are_paired_and_a_share_of_all_has_a_width():
    table = catalogue(each=20)
    values = vectors(table)
    found = folds(table, "specimen")
    scores = [held_out_scores(values, table, found, name) for name in ("svm", "svm", "knn")]
    report = protocol_report(table, [scores[0], scores[2], record_only_scores(table, found)], resamples=60)
    assert {(d.first, d.second) for d in report.differences} == {
        ("svm", "knn"), ("svm", RECORD_ONLY), ("knn", RECORD_ONLY),
    }  # fmt: skip
    for row in report.rows:
        if row.recall is not None and row.recall.value == 1.0:
            assert row.recall.interval.low < 1.0


def test_the_mean_of_several_crosses_resamples_them_too():
    table = catalogue((("a", "b"), ("b", "c")), each=20)
    values = vectors(table)
    rows = protocol_report(table, [held_out_scores(values, table, folds(table, "cross"), "knn")], resamples=200).rows
    units, mean = rows[:-1], rows[-1]
    recalls = [row.recall.value for row in units if row.recall]
    assert mean.recall is not None
    assert mean.recall.value == pytest.approx(np.mean(recalls))
    assert mean.recall.interval.low <= min(recalls) + 0.15
    assert mean.hybrids == 40


@pytest.mark.parametrize("name", detector_names())
def test_every_detector_can_be_asked(name):
    table = catalogue()
    scored = held_out_scores(vectors(table), table, folds(table, "cross", parts=2), name, progress=lambda *_: None)
    assert np.isfinite(scored.levels).all()
    assert (scored.levels >= 0).all()
    assert (scored.levels <= 1).all()


@pytest.mark.parametrize(
    ("protocol", "table", "message"),
    [
        ("batch", catalogue(), "Unknown protocol"),
        ("cross", catalogue((), unknown=6), "no hybrid has known parents"),
        ("record", catalogue(record=["7"] * 48), "all images are from record 7"),
        ("record", catalogue(record=["7", None] * 24), "have no record"),
        ("subspecies", catalogue(subspecies=[None] * 48), "takes two or more"),
        ("specimen", catalogue(()), "no hybrids"),
        ("specimen", catalogue(specimen=["one"] * 48), "no non-hybrids"),
    ],
)
def test_what_a_catalogue_does_not_allow_is_said(protocol, table, message):
    with pytest.raises(ScoringError, match=message):
        folds(table, protocol)


def test_fewer_than_two_parts_are_refused():
    with pytest.raises(ScoringError, match="at least 2 parts"):
        folds(catalogue(), "cross", parts=1)


def test_the_blocks_reach_the_detectors_that_know_them():
    table = catalogue(crosses=(("a", "b"), ("b", "c")))
    values = vectors(table)
    width = values.shape[1]
    fitted, _ = fit_fold(values, table, folds(table, "specimen")[0], "mahalanobis", Fitting(blocks=(1, width - 1)))
    assert tuple(fitted.blocks) == (1, width - 1)
    found = folds(table, "specimen", parts=2)
    whole, divided = (
        held_out_scores(values, table, found, "mahalanobis", Fitting(blocks=blocks)).levels
        for blocks in (None, (1, width - 1))
    )
    assert not np.array_equal(whole, divided)
    one = held_out_scores(values, table, found, "mahalanobis", Fitting(blocks=(width,))).levels
    np.testing.assert_array_equal(whole, one)


def test_a_detector_that_needs_no_hybrids_is_taught_none():
    table = catalogue()
    alone = held_out_scores(vectors(table), table, folds(table, "cross"), "ridge")
    assert alone.notes == ()
    assert np.isfinite(alone.levels).all()

"""One call from embeddings to a detector that is ready to save."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hybridwing.detectors.calibration import fit_score_map, threshold_at
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import detector_for_run, detector_names, make_detector
from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import load_arrays, save_arrays
from hybridwing.runtime.scoring import calibrated_scores, fallback_score, raw_scores

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Specimens

each_detector = pytest.mark.parametrize("name", detector_names())


@each_detector
def test_complete_and_the_same_bytes_again(name: str, random_specimens: Specimens, tmp_path: Path) -> None:
    data = random_specimens
    for path in (tmp_path / "a.npz", tmp_path / "b.npz"):
        save_arrays(path, fit_detector(detector_for_run(name, seed=4), data.X, data.y, data.X_heldout, data.y_heldout))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()

    saved = load_arrays(tmp_path / "a.npz")
    scores = calibrated_scores(saved, data.X_heldout)
    score_map = fit_score_map(raw_scores(saved, data.X_heldout), data.y_heldout)
    np.testing.assert_array_equal(scores, score_map(raw_scores(saved, data.X_heldout)))
    np.testing.assert_array_equal(saved.arrays["heldout_nonhybrid"], np.sort(scores[data.y_heldout == 0]))
    assert fallback_score(saved) == np.median(scores)
    assert (scores[data.y_heldout == 0] <= threshold_at(saved, 0.8)).mean() >= 0.8
    assert roc_auc_score(data.y_heldout, scores) > 0.7


@pytest.mark.slow
@each_detector
def test_calibrated_scores_rank_as_the_detector_does(name: str, specimens: Specimens) -> None:
    fitted = make_detector(name).fit(specimens.X, specimens.y)
    saved = fit_detector(make_detector(name), specimens.X, specimens.y, specimens.X_heldout, specimens.y_heldout)
    raw, scores = fitted.decision_function(specimens.X_heldout), calibrated_scores(saved, specimens.X_heldout)
    # Pairs that the detector tells apart by more than it agrees with the arrays keep their order.
    apart = raw[:, None] - raw[None] > 2e-6
    assert (scores[:, None] - scores[None])[apart].min(initial=np.inf) > 0


def test_heldout_hybrids_are_not_needed(random_specimens: Specimens) -> None:
    data = random_specimens
    nonhybrid = data.y_heldout == 0
    saved = fit_detector(make_detector("svm"), data.X, data.y, data.X_heldout[nonhybrid], data.y_heldout[nonhybrid])
    assert len(saved.arrays["heldout_nonhybrid"]) == nonhybrid.sum()


def test_columns_about_the_specimens_are_checked(random_specimens: Specimens) -> None:
    data = random_specimens
    with pytest.raises(DetectorError, match="'subspecies' has 1 entries"):
        fit_detector(make_detector("svm"), data.X, data.y, data.X_heldout, data.y_heldout, subspecies=["8"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :3], "the held-out embeddings cannot be used: the detector was fitted on embeddings of 12"),
        (
            lambda X: np.where(np.arange(len(X))[:, None] == 2, np.nan, X),
            "1 held-out embeddings cannot be scored.*row 2",
        ),
        (lambda X: X[:-1], "held-out scores of shape .* do not fit labels"),
    ],
)
def test_heldout_embeddings_that_cannot_be_used(change, message: str, random_specimens: Specimens) -> None:
    data = random_specimens
    with pytest.raises(DetectorError, match=message):
        fit_detector(make_detector("svm"), data.X, data.y, change(data.X_heldout), data.y_heldout)

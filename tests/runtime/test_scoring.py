"""Scoring from arrays alone, held against the formulas; agreement with scikit-learn is tested with the detectors."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.integrate import quad
from scipy.special import expit

from hybridwing.runtime import scoring
from hybridwing.runtime.arrays import (
    DetectorHeader,
    FormatError,
    SavedDetector,
    check_saved,
    load_arrays,
    save_arrays,
)
from hybridwing.runtime.layouts import LAYOUTS
from hybridwing.runtime.scoring import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    SCORERS,
    calibrated_scores,
    fallback_score,
    map_scores,
    raw_scores,
)

MAP = {
    "map_knots": np.array([0.0, 0.5, 1.0]),
    "map_levels": np.array([0.2, 0.5, 0.9]),
    "map_scales": np.array([0.5, 0.5]),
    "heldout_nonhybrid": np.array([0.2, 0.3]),
    "fallback": np.asarray(0.3),
}


def saved(kind: str, n_features: int, *, calibrated: bool = False, **arrays: object) -> SavedDetector:
    header = DetectorHeader(kind, kind, n_features, {}, "0.1.0", score_map="quantile" if calibrated else "none")
    values = {name: np.asarray(value) for name, value in arrays.items()}
    detector = SavedDetector(header, {**values, **(MAP if calibrated else {})})
    check_saved(detector)
    return detector


def nearest(*, calibrated: bool = False, n_neighbors: int = 2) -> SavedDetector:
    return saved(
        "knn",
        1,
        calibrated=calibrated,
        vectors=[[0.0], [1.0], [2.0], [10.0]],
        labels=[0, 0, 1, 1],
        n_neighbors=n_neighbors,
    )


def random_detector(kind: str, seed: int = 0, n_features: int = 7, n_vectors: int = 40) -> SavedDetector:
    """A detector of every kind that no scikit-learn estimator made."""
    arrays = random_arrays(kind, np.random.default_rng(seed), n_features, n_vectors)
    return saved(kind, n_features, calibrated=True, **arrays)


def random_arrays(kind: str, rng: np.random.Generator, n_features: int, n_vectors: int) -> dict[str, object]:
    vectors = rng.normal(size=(n_vectors, n_features))
    mean, scale = rng.normal(size=n_features), rng.uniform(0.5, 2, n_features)
    if kind == "svm":
        weights = {"weights": rng.normal(size=n_vectors), "intercept": 0.3, "gamma": 0.1}
        return {"mean": mean, "scale": scale, "vectors": vectors, **weights}
    if kind == "sgd":
        return {
            "coef": rng.normal(size=(5, n_features)),
            "intercept": rng.normal(size=5),
            "slope": -rng.uniform(0.5, 2, 5),
            "offset": rng.normal(size=5),
        }
    if kind == "knn":
        return {"vectors": vectors, "labels": rng.integers(0, 2, n_vectors), "n_neighbors": 5}
    if kind == "gaussian":
        whitener = np.tril(rng.normal(size=(n_vectors, n_vectors))) * 0.01
        numbers = {"amplitude": 1.0, "length_scale": 2.0}
        return {"vectors": vectors, "residual": rng.normal(size=n_vectors), "whitener": whitener, **numbers}
    if kind in ("soft-parents", "gap"):
        linear = {"coef": rng.normal(size=(4, n_features)), "intercept": rng.normal(size=4)}
        return {"mean": mean, "scale": scale, **linear, "crossed": [0, 0, 0, 1]}
    if kind == "linear":
        return {"coef": rng.normal(size=n_features), "intercept": 0.3}
    starts = [0, 4] if n_features > 4 else [0]
    if kind == "mahalanobis":
        whitener = rng.normal(size=(n_features, 4))
        own = {"whitener": whitener, "means": vectors[:5], "counts": [9, 1, 2, 30, 4]}
    else:
        own = {"projection": rng.normal(size=(n_features, 2)) / 9, "scale": scale, "rest": rng.random(n_vectors)}
        own["vectors"] = rng.normal(size=(n_vectors, 2 * len(starts)))
        own.update(weights=rng.normal(size=(n_vectors, 3)), crossed=[0, 0, 1])
    return {"starts": starts, "centre": mean, **own}


def test_every_layout_has_its_scorer() -> None:
    assert SCORERS.keys() == LAYOUTS.keys()


def test_svm_by_hand() -> None:
    detector = saved(
        "svm",
        2,
        mean=[1.0, 2.0],
        scale=[2.0, 4.0],
        vectors=[[1.0, 2.0], [3.0, 2.0]],
        weights=[0.5, -0.25],
        intercept=0.1,
        gamma=0.7,
    )
    # Standardised: the vectors are (0, 0) and (1, 0), the specimen (1, 1).
    expected = 0.5 * math.exp(-0.7 * 2) - 0.25 * math.exp(-0.7 * 1) + 0.1
    np.testing.assert_allclose(raw_scores(detector, [[3.0, 6.0]]), [expected], rtol=1e-14)


def test_sgd_by_hand() -> None:
    detector = saved(
        "sgd", 2, coef=[[1.0, 0.0], [0.0, 2.0]], intercept=[0.5, 0.0], slope=[-1.0, -2.0], offset=[0.25, 0.0]
    )
    expected = (expit(1.0 * 1.5 - 0.25) + expit(2.0 * 6.0)) / 2
    np.testing.assert_allclose(raw_scores(detector, [[1.0, 3.0]]), [expected], rtol=1e-14)


def test_sgd_does_not_overflow() -> None:
    detector = saved("sgd", 1, coef=[[1.0]], intercept=[0.0], slope=[-1.0], offset=[0.0])
    np.testing.assert_array_equal(raw_scores(detector, [[-1e5], [0.0], [1e5]]), [0.0, 0.5, 1.0])


def test_knn_by_hand() -> None:
    np.testing.assert_array_equal(raw_scores(nearest(), [[0.1], [1.6], [50.0]]), [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(raw_scores(nearest(n_neighbors=4), [[0.1]]), [0.5])


def test_knn_counts_the_earlier_of_equally_near_neighbours() -> None:
    detector = saved("knn", 1, vectors=[[1.0], [-1.0], [1.0], [-1.0]], labels=[0, 1, 1, 1], n_neighbors=1)
    assert raw_scores(detector, [[0.0]])[0] == 0.0
    turned = saved("knn", 1, vectors=[[-1.0], [1.0], [1.0], [-1.0]], labels=[1, 0, 1, 1], n_neighbors=1)
    assert raw_scores(turned, [[0.0]])[0] == 1.0


def test_knn_breaks_ties_alike_far_from_the_origin() -> None:
    # Twins with different labels in a place where the matrix product has lost every digit of their distance.
    rng = np.random.default_rng(0)
    base = 1e6 + rng.normal(size=(30, 64))
    vectors = np.concatenate([base, base])
    labels = np.repeat([1, 0], 30)
    detector = saved("knn", 64, vectors=vectors, labels=labels, n_neighbors=1)
    np.testing.assert_array_equal(raw_scores(detector, base + 1e-3), np.ones(30))


def test_gaussian_follows_the_integral_it_approximates() -> None:
    detector = saved(
        "gaussian",
        1,
        vectors=[[0.0], [3.0]],
        residual=[0.8, -0.6],
        whitener=[[0.5, 0.0], [0.1, 0.4]],
        amplitude=1.0,
        length_scale=1.5,
    )
    for x in (-1.0, 0.0, 0.7, 3.0, 40.0):
        kernel = np.exp(-0.5 * (x - np.array([0.0, 3.0])) ** 2 / 1.5**2)
        mean = float(kernel @ [0.8, -0.6])
        spread = math.sqrt(1 - float(np.square(np.array([[0.5, 0.0], [0.1, 0.4]]) @ kernel).sum()))

        def weighed(f: float, mean: float = mean, spread: float = spread) -> float:
            return float(expit(f)) * math.exp(-0.5 * ((f - mean) / spread) ** 2) / spread / math.sqrt(2 * math.pi)

        integral = quad(weighed, mean - 12 * spread, mean + 12 * spread)[0]
        # Williams and Barber's five error functions are good to about three decimals.
        assert raw_scores(detector, [[x]])[0] == pytest.approx(integral, abs=2e-3)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_the_size_of_matrices_changes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = random_detector(kind)
    X = np.random.default_rng(1).normal(size=(23, 7))
    whole = raw_scores(detector, X)
    monkeypatch.setattr(scoring, "MOST_VALUES", 200)
    np.testing.assert_allclose(raw_scores(detector, X), whole, rtol=0, atol=1e-12)
    single = np.concatenate([raw_scores(detector, row[None]) for row in X])
    np.testing.assert_allclose(single, whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_unusable_rows_get_the_fallback_and_leave_the_others_alone(kind: str) -> None:
    detector = random_detector(kind)
    X = np.random.default_rng(1).normal(size=(6, 7))
    clean = calibrated_scores(detector, X[[0, 5]])
    X[1, 0], X[2, 3], X[3, 6], X[4] = np.nan, np.inf, -np.inf, 1e200
    raw = raw_scores(detector, X)
    assert np.isnan(raw[1:4]).all()
    scores = calibrated_scores(detector, X)
    np.testing.assert_array_equal(scores[1:4], fallback_score(detector))
    np.testing.assert_allclose(scores[[0, 5]], clean, atol=1e-12)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("kind", LAYOUTS)
def test_no_rows(kind: str) -> None:
    assert calibrated_scores(random_detector(kind), np.empty((0, 7))).shape == (0,)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 1)])
def test_embeddings_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(FormatError, match="fitted on embeddings of 1 values and got an array of shape"):
        raw_scores(nearest(), np.zeros(shape))


def test_an_uncalibrated_detector_has_no_calibrated_score() -> None:
    for call in (lambda: calibrated_scores(nearest(), [[0.0]]), lambda: fallback_score(nearest())):
        with pytest.raises(FormatError, match="no score map"):
            call()


def test_calibrated_scores_are_mapped_raw_scores() -> None:
    detector = nearest(calibrated=True)
    expected = [LOWEST_SCORE + (HIGHEST_SCORE - LOWEST_SCORE) * (0.02 + 0.96 * level) for level in (0.2, 0.5, 0.9)]
    np.testing.assert_allclose(calibrated_scores(detector, [[0.1], [1.6], [50.0]]), expected, rtol=1e-12)


def test_fallback_stays_within_the_bounds() -> None:
    for value, expected in ((0.0, LOWEST_SCORE), (0.4, 0.4), (1.0, HIGHEST_SCORE)):
        detector = nearest(calibrated=True)
        changed = SavedDetector(detector.header, {**detector.arrays, "fallback": np.asarray(value)})
        assert fallback_score(changed) == expected


@st.composite
def score_maps(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numbers = st.floats(-1e100, 1e100)
    knots = np.array(sorted(draw(st.lists(numbers, min_size=1, max_size=8, unique=True))))
    levels = np.sort(np.linspace(0.01, 0.99, 2 * len(knots))[::2])
    scales = draw(st.tuples(*[st.floats(5e-324, 1e100)] * 2))
    return knots, levels, np.array(scales)


@given(score_maps(), hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(allow_nan=False)))
def test_any_map_rises_and_stays_within_the_bounds(
    score_map: tuple[np.ndarray, np.ndarray, np.ndarray], raw: np.ndarray
) -> None:
    raw = np.sort(np.concatenate([raw, score_map[0]]))
    scores = map_scores(raw, *score_map)
    assert (np.diff(scores) >= 0).all()
    assert ((scores >= LOWEST_SCORE) & (scores <= HIGHEST_SCORE)).all()
    rounded = np.array([round(score, 4) for score in scores.tolist()])
    assert ((rounded > 0) & (rounded < 1)).all()
    at_knots = map_scores(score_map[0], *score_map)
    assert (np.diff(at_knots) > 0).all()


def test_far_beyond_the_knots_the_map_does_not_fall() -> None:
    scores = map_scores([-1.0, 0.0], [-9.00719925e15], [0.01], [1.0, 1.0])
    assert scores[0] <= scores[1]


def test_the_map_rises_strictly_also_beyond_the_knots() -> None:
    raw = np.concatenate([-np.logspace(3, -3, 200), np.linspace(0, 1, 200), 1 + np.logspace(-3, 3, 200)])
    assert (np.diff(map_scores(raw, MAP["map_knots"], MAP["map_levels"], MAP["map_scales"])) > 0).all()


def test_a_single_knot_maps_too() -> None:
    scores = map_scores([-1.0, 2.0, 5.0], [2.0], [0.5], [1.0, 1.0])
    assert scores[1] == pytest.approx(0.5)
    assert scores[0] == pytest.approx(1 - scores[2])
    assert scores[0] < scores[1] < scores[2]


def test_numpy_and_five_files_are_enough(tmp_path: Path) -> None:
    """Score every kind in a Python that cannot import anything else of ours, nor the libraries we train with."""
    package = tmp_path / "carried"
    package.mkdir()
    (package / "__init__.py").touch()
    folder = Path(scoring.__file__).parent
    for name in ("arrays.py", "layouts.py", "parents.py", "ridge.py", "scoring.py"):
        shutil.copy(folder / name, package / name)
    X = np.random.default_rng(1).normal(size=(5, 7))
    np.save(tmp_path / "X.npy", X)
    expected = []
    for kind in LAYOUTS:
        save_arrays(tmp_path / f"{kind}.npz", random_detector(kind))
        expected.append(calibrated_scores(load_arrays(tmp_path / f"{kind}.npz"), X))
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['hybridwing', 'sklearn', 'scipy', 'pandas', 'torch', 'PIL']))\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import numpy as np\n"
        "from carried.arrays import load_arrays\n"
        "from carried.scoring import calibrated_scores\n"
        f"X = np.load({str(tmp_path / 'X.npy')!r})\n"
        f"for kind in {list(LAYOUTS)!r}:\n"
        f"    saved = load_arrays({str(tmp_path)!r} + '/' + kind + '.npz')\n"
        "    print(*calibrated_scores(saved, X).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    scores = np.array([line.split() for line in done.stdout.splitlines()], dtype=float)
    np.testing.assert_allclose(scores, expected, rtol=1e-12)

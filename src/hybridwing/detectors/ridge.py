"""The default detector: a kernel ridge regression to the subspecies and to being a hybrid."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.utils.extmath import randomized_svd

from hybridwing.detectors.base import TRAINING_TNR, Detector, DetectorInputError
from hybridwing.detectors.groups import block_starts, group
from hybridwing.detectors.parent_model import shrunk_whitener
from hybridwing.runtime.parents import block_slices
from hybridwing.runtime.ridge import kernel, lead_of_hybrid, projected, score_ridge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybridwing.detectors.base import Floats, Labels, Metadata
    from hybridwing.detectors.groups import Groups
    from hybridwing.runtime.arrays import Array


BETWEEN = 3.0
"""Weight, without known hybrids, of a direction in which the subspecies' means differ; other directions have 1."""


class RidgeDetector(Detector):
    """A specimen's membership of the hybrids, less most of its membership of the likeliest subspecies.

    A kernel ridge regression predicts a specimen's membership of each subspecies and of the known hybrids, 1 or 0. The
    score is the membership of the hybrids less four fifths of the largest one of a subspecies. What is unlike every
    training specimen has a membership of 0 everywhere, and so scores higher than a non-hybrid and lower than a known
    hybrid. Without known hybrids the first term is missing, and with one subspecies the score is how unlike its
    specimens something is.

    The kernel is Gaussian. Every block of the embedding is brought to the same mean squared length, so that a wide one
    does not drown a narrow one. For a small saved form the distances are those of principal components, and what lies
    outside these is taken to be at right angles between two specimens. Without known hybrids nothing shows which
    differences matter: each component then counts by how little it varies within subspecies, directions in which the
    subspecies differ count more than others (`BETWEEN`), since hybrids of these lie there, and what lies outside
    does not count. ``threshold_`` is the 95 % quantile of the non-hybrids' leave-one-out scores.

    Parameters
    ----------
    blocks : sequence of int, optional
        Widths of the blocks of the embedding, such as its views; by default it is one block.
    alpha : float, default=0.2
        Regularisation, in ``(0, inf)``.
    n_components : int, default=128
        Principal components of each block, at most; at least 1.

    Attributes
    ----------
    arrays_ : dict of str to ndarray
        Projection, projected training specimens and their weights, in the layout of this kind.
    left_out_scores_ : ndarray of shape (n,), float64
        Score of each training specimen by the regression on all others.

    References
    ----------
    Regression to class codes: Rifkin, Yeo and Poggio (2003), "Regularized least-squares classification". The
    leave-one-out predictions in closed form: Rasmussen and Williams (2006), "Gaussian Processes for Machine Learning",
    section 5.4.2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> kind = rng.integers(0, 3, 90)
    >>> X = np.array([[4, 0], [0, 4], [2, 2]])[kind] + rng.normal(scale=0.5, size=(90, 2))
    >>> names = [["cyrbia", "lativitta", None][place] for place in kind]
    >>> detector = RidgeDetector().fit(X, kind == 2, subspecies=names)
    >>> detector.decision_function([[4, 0], [0, 4], [2, 2]]).round(1)
    array([-0.8, -0.9,  1. ])
    """

    kind: ClassVar[str] = "ridge"
    needs_hybrids: ClassVar[bool] = False
    arrays_: dict[str, Array]
    left_out_scores_: Floats

    def __init__(self, blocks: Sequence[int] | None = None, alpha: float = 0.2, n_components: int = 128) -> None:
        self.blocks = blocks
        self.alpha = alpha
        self.n_components = n_components

    def _fit(self, X: Floats, y: Labels, metadata: Metadata) -> None:
        if not self.alpha > 0:
            raise DetectorInputError(f"alpha must be greater than 0; got {self.alpha}")
        if self.n_components < 1:
            raise DetectorInputError(f"n_components must be a whole number of at least 1; got {self.n_components}")
        groups = group(y, metadata)
        kinds = len(groups.subspecies) + bool(y.any())
        codes = np.eye(kinds)[np.minimum(groups.member, kinds - 1)]
        arrays = self._projection(X, groups)
        arrays["crossed"] = groups.crossed[:kinds]
        vectors, rest = projected(arrays, X)
        arrays.update(vectors=vectors.astype(np.float32), rest=rest)
        similar = kernel(arrays, vectors, rest)
        np.fill_diagonal(similar, 1.0)
        inverse = cho_solve(cho_factor(similar + self.alpha * np.eye(len(X))), np.eye(len(X)))
        coef = inverse @ codes
        self.arrays_ = {**arrays, "weights": coef}
        self.left_out_scores_ = lead_of_hybrid(codes - coef / np.diag(inverse)[:, None], arrays["crossed"])
        self.threshold_ = float(np.quantile(self.left_out_scores_[y == 0], TRAINING_TNR))

    def _projection(self, X: Floats, groups: Groups) -> dict[str, Array]:
        """Scales and projection after which plain squared distances are those of the kernel."""
        starts = block_starts(self.blocks, X.shape[1])
        slices = block_slices(starts, X.shape[1])
        centre = X.mean(axis=0)
        scale, projection = np.empty(X.shape[1]), np.zeros((X.shape[1], min(self.n_components, *X.shape)))
        for block in slices:
            apart = X[:, block] - centre[block]
            # The mean squared length of a block is then 1 / (number of blocks), and that of all together 1.
            length = np.sqrt(np.square(apart).sum(axis=1).mean() * len(slices))
            scale[block] = length if length > 0 else 1.0
            unit = apart / scale[block]
            n = min(projection.shape[1], unit.shape[1])
            basis = randomized_svd(unit, n, random_state=0)[2].T  # principal components: the data are centred
            if not groups.crosses:
                means = np.stack([unit[groups.member == place].mean(axis=0) for place in range(len(groups))])
                within = (unit - means[groups.member]) @ basis
                whitener = shrunk_whitener(within, [slice(0, n)], max(len(X) - len(groups), 1))
                weight = _between(means @ basis @ whitener)
                basis = basis @ whitener @ weight / np.sqrt(np.square(weight).sum() * len(slices))
            projection[block, :n] = basis
        return {"starts": starts, "centre": centre, "scale": scale, "projection": projection.astype(np.float32)}

    def _score(self, X: Floats) -> Floats:
        return score_ridge(self.arrays_, X)

    def _arrays(self) -> Mapping[str, Array]:
        return self.arrays_


def _between(means: Floats) -> Floats:
    """Symmetric matrix of shape (n, n) that weighs the directions in which means of shape (k, n) differ."""
    _, sizes, directions = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    apart = directions[sizes > 1e-9 * max(float(np.abs(means).max()), 1e-300)]
    return np.asarray(np.eye(means.shape[1]) + (np.sqrt(BETWEEN) - 1) * apart.T @ apart)

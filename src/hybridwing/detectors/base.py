"""The contract of every detector: a scikit-learn classifier with a saved form of plain arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

import hybridwing
from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import DetectorHeader, SavedDetector, check_saved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from numpy.typing import ArrayLike, NDArray

    from hybridwing.runtime.arrays import Array

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

TRAINING_TNR = 0.95
"""Share of the training non-hybrids that ``predict`` calls such, for a detector whose scores have no boundary of their
own: the true-negative rate of the challenge."""


class DetectorInputError(DetectorError, ValueError):
    """A detector cannot use the data it was given.

    It is a ``ValueError`` too, because scikit-learn's tools expect one where an estimator refuses its input.
    """


@dataclass(frozen=True, eq=False)
class Metadata:
    """What is known of each training specimen beside its embedding and its label."""

    subspecies: list[str | None] | None = None  # The subspecies of each non-hybrid
    parents: list[tuple[str, str] | None] | None = None  # The parent subspecies of each hybrid


class Detector(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no type information
    """A scikit-learn classifier of embeddings: the higher its decision function, the more likely a hybrid.

    It works in pipelines and searches, e.g. ``cross_val_score(detector, X, y, scoring="roc_auc")``. Where
    scikit-learn's metadata routing is on, ``set_fit_request(subspecies=True, parents=True)`` passes the
    metadata on to ``fit``.

    A subclass takes its parameters in ``__init__`` as scikit-learn asks, and implements ``_fit``, ``_score`` and
    ``_arrays``. This class checks the data before they see it.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The two labels, that of the hybrids last: ``[0, 1]`` or ``[False, True]``, as ``fit`` was given them.
    threshold_ : float
        ``predict`` calls hybrid what the decision function puts above it. It rests on the training specimens; the
        threshold of a stated true-negative rate is `hybridwing.detectors.threshold.threshold_of`.
    n_features_in_ : int
        Length of the embeddings that ``fit`` saw.
    """

    kind: ClassVar[str]
    """The name in the registry and in saved headers."""

    form: ClassVar[str] = ""
    """The saved form: which arrays ``_arrays`` returns, one of ``hybridwing.runtime.layouts.LAYOUTS``; or the kind."""

    min_per_class: ClassVar[int] = 1
    """Fewest non-hybrids and fewest hybrids that ``fit`` can work with."""

    needs_hybrids: ClassVar[bool] = True
    """Whether ``fit`` needs a known hybrid. A detector that does not can learn from non-hybrids alone."""

    boundary: ClassVar[float] = 0.0
    """The ``threshold_`` of a detector whose scores have one of their own; otherwise ``_fit`` sets ``threshold_``."""

    classes_: NDArray[np.generic]
    threshold_: float
    n_features_in_: int

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        subspecies: Sequence[str | None] | None = None,
        parents: Sequence[tuple[str, str] | None] | None = None,
    ) -> Self:
        """Learn from labelled specimens.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite. The computation is in float64.
        y : array-like of shape (n_samples,)
            1 (or True) for a hybrid, 0 (or False) for a non-hybrid. Other labels are refused, text too: scikit-learn
            takes the last label in sorted order for the positive one, and of "hybrid" and "non-hybrid" that is the
            wrong one. Of a pandas column of names use ``y = names == "hybrid"``.
        subspecies : sequence of str or None, of length n_samples, optional
            The subspecies of each non-hybrid. A detector that has no use for it ignores it, like the next one.
        parents : sequence of (str, str) or None, of length n_samples, optional
            The parent subspecies of each hybrid.

        Returns
        -------
        Self
            The fitted detector.

        Raises
        ------
        DetectorInputError
            If the data hold NaN or infinity, do not fit each other, hold only hybrids, hold only non-hybrids and the
            detector needs hybrids, or are too few, or a parameter is out of range.
        """
        values = self._checked_samples(X, reset=True)
        classes, labels = _checked_labels(y, len(values), needs_hybrids=self.needs_hybrids)
        given = {"subspecies": subspecies, "parents": parents}
        metadata = Metadata(**{name: _checked_entries(name, entries, len(values)) for name, entries in given.items()})
        self._check_counts(labels)
        self.threshold_ = self.boundary
        try:
            self._fit(values, labels, metadata)
        except ValueError as error:
            raise DetectorInputError(f"{type(self).__name__} cannot be fitted: {error}") from error
        self.classes_ = classes
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Score embeddings on the detector's own scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Higher = more likely hybrid. The range is the detector's own, and the boundary is ``threshold_``, which
            need not be 0.

        Raises
        ------
        DetectorInputError
            If the data hold NaN or infinity, or do not have the width that ``fit`` saw.
        """
        check_is_fitted(self, "classes_")
        scores = np.asarray(self._score(self._checked_samples(X, reset=False)), dtype=np.float64)
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise DetectorInputError(f"row {row} of X holds values too large to compute with; check that embedding")
        return scores

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Call embeddings hybrid (the last of ``classes_``) or not.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite.

        Returns
        -------
        ndarray of shape (n_samples,), of the type of ``classes_``

        Raises
        ------
        DetectorInputError
            As ``decision_function``.
        """
        hybrid = self.decision_function(X) > self.threshold_
        return np.asarray(self.classes_[hybrid.astype(np.intp)])

    def to_saved(self) -> SavedDetector:
        """Return the fitted detector as plain arrays, without a calibration.

        Returns
        -------
        SavedDetector
            ``hybridwing.runtime`` scores from it, in agreement with ``decision_function`` to 1e-6.
        """
        check_is_fitted(self, "classes_")
        header = DetectorHeader(
            kind=self.kind,
            form=self.form or self.kind,
            n_features=self.n_features_in_,
            # JSON knows Python's numbers, and none of NumPy's.
            params={
                name: v.item() if isinstance(v, np.generic) else v for name, v in self.get_params(deep=False).items()
            },
            package_version=hybridwing.__version__,
        )
        saved = SavedDetector(header, self._arrays())
        check_saved(saved)
        return saved

    @abstractmethod
    def _fit(self, X: Floats, y: Labels, metadata: Metadata) -> None:
        """Learn from checked data: float64 ``X``, and ``y`` of 0 and 1, with both present if ``needs_hybrids``."""

    @abstractmethod
    def _score(self, X: Floats) -> Floats:
        """Score checked data."""

    @abstractmethod
    def _arrays(self) -> Mapping[str, Array]:
        """Return the fitted state in the layout of ``form``."""

    def _check_counts(self, y: Labels) -> None:
        """Refuse too few specimens; a subclass adds what it needs beyond ``min_per_class``."""
        for name, count in (("non-hybrids", int((y == 0).sum())), ("hybrids", int((y == 1).sum()))):
            if count < self.min_per_class and (name == "non-hybrids" or self.needs_hybrids):
                raise DetectorInputError(
                    f"{type(self).__name__} needs at least {self.min_per_class} {name} and got {count} "
                    f"among {len(y)} specimens; give it more of them, or use a detector that needs fewer"
                )

    def _checked_samples(self, X: ArrayLike, *, reset: bool) -> Floats:
        try:
            # One memory order, because sums depend on it in the last digit and a table arrives in the other one.
            return np.asarray(validate_data(self, X, reset=reset, dtype=np.float64, order="C"))
        except ValueError as error:
            if "features as input" in str(error):
                message = f"{error} Use embeddings of the backbone and views it was fitted on."
            else:
                message = f"the embeddings cannot be used: {error}"
            raise DetectorInputError(message) from error

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn's tools that ``y`` has two values."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class ProbabilisticDetector(Detector):
    """A detector whose decision function is the probability of being a hybrid, in [0, 1]."""

    boundary: ClassVar[float] = 0.5

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probabilities of both classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite.

        Returns
        -------
        ndarray of shape (n_samples, 2), float64
            Columns in the order of ``classes_``. They are true of the share of hybrids in training, which is not that
            of a collection.

        Raises
        ------
        DetectorInputError
            As ``decision_function``.
        """
        hybrid = self.decision_function(X)
        return np.column_stack([1 - hybrid, hybrid])


def compact(values: ArrayLike) -> Array:
    """Return a copy, float32 if that loses nothing (embeddings are float32 to begin with), otherwise float64."""
    wide = np.array(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide) else wide


def _checked_entries(name: str, entries: Sequence[Any] | None, n_samples: int) -> list[Any] | None:
    """Metadata as a list; what stands for nothing in a pandas column, NaN or NA, becomes None."""
    if entries is None:
        return None
    if len(entries) != n_samples:
        raise DetectorInputError(f"'{name}' has {len(entries)} entries for {n_samples} embeddings; give one for each")
    return [None if str(entry) in ("nan", "<NA>") and not isinstance(entry, str) else entry for entry in entries]


def _checked_labels(y: ArrayLike, n_samples: int, *, needs_hybrids: bool) -> tuple[NDArray[np.generic], Labels]:
    """Both classes, that of the hybrids last, and the labels as 0 and 1."""
    if y is None:
        raise DetectorInputError("requires y to be passed, but the target y is None: 1 = hybrid, 0 = non-hybrid")
    try:
        labels = np.asarray(column_or_1d(y, warn=True))
    except ValueError as error:
        raise DetectorInputError(f"the labels cannot be used: {error}") from error
    if len(labels) != n_samples:
        raise DetectorInputError(f"{n_samples} embeddings but {len(labels)} labels; give one label for each")
    try:
        known = np.isin(labels, (0, 1))
    except TypeError:  # pandas.NA compares with nothing
        raise DetectorInputError("the labels cannot be used: some are missing; leave those specimens out") from None
    if not known.all():
        shown = ", ".join(dict.fromkeys(repr(value)[:40] for value in labels[~known].tolist()[:5]))
        raise DetectorInputError(
            f"y must hold 1 (hybrid) and 0 (non-hybrid), or True and False; got {shown}. Of a column of names, use "
            # The rest is the wording that scikit-learn's own checks look for.
            f'y = names == "hybrid". Only binary classification is supported. Unknown label type: {labels.dtype}'
        )
    encoded = labels.astype(np.int64)
    classes = np.unique(encoded if labels.dtype == object else labels)
    if len(classes) < 2:
        name = "hybrids" if classes[0] else "non-hybrids"
        if name == "non-hybrids" and not needs_hybrids:
            return np.array([0, 1]).astype(classes.dtype), encoded
        raise DetectorInputError(
            f"all {n_samples} specimens to learn from are {name}; a detector needs both kinds. (Only one class.)"
        )
    return classes, encoded

"""The contract every detector keeps: scikit-learn's conventions, and a saved form of plain arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

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


class DetectorInputError(DetectorError, ValueError):
    """A detector cannot use the data it was given.

    It is a ``ValueError`` too, because scikit-learn's tools expect one where an estimator refuses its input.
    """


class Detector(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no type information
    """A model that scores embeddings: higher = more likely hybrid, always.

    Subclasses take their parameters in ``__init__`` as scikit-learn asks, and implement ``_fit``, ``_score``
    and ``_arrays``; this class checks the data before they see it.

    Attributes
    ----------
    n_features_in_ : int
        Length of the embeddings seen by ``fit``.
    """

    kind: ClassVar[str]
    """The name in the registry, in saved headers and in ``hybridwing.runtime.layouts.LAYOUTS``."""

    min_per_class: ClassVar[int] = 1
    """Fewest non-hybrids and fewest hybrids that ``fit`` can work with."""

    n_features_in_: int

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        subspecies: Sequence[str | None] | None = None,
        parents: Sequence[tuple[str, str] | None] | None = None,
        records: Sequence[str | None] | None = None,
    ) -> Self:
        """Learn from labelled specimens.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite; computed on as float64.
        y : array-like of shape (n_samples,)
            1 (or True) for a hybrid, 0 (or False) for a non-hybrid.
        subspecies : sequence of str or None, of length n_samples, optional
            The subspecies of each non-hybrid. A detector that does not need it ignores it, like the next two.
        parents : sequence of (str, str) or None, of length n_samples, optional
            The parent subspecies of each hybrid.
        records : sequence of str or None, of length n_samples, optional
            The source batch of each specimen.

        Returns
        -------
        Self
            The fitted detector.

        Raises
        ------
        DetectorInputError
            If the data hold NaN or infinity, do not fit each other, hold only one class, or are too few, or a
            parameter is out of range.
        """
        values = self._checked_samples(X)
        labels = _checked_labels(y, len(values))
        for name, given in (("subspecies", subspecies), ("parents", parents), ("records", records)):
            if given is not None and len(given) != len(values):
                raise DetectorInputError(
                    f"'{name}' has {len(given)} entries for {len(values)} embeddings; give one for each"
                )
        self._check_counts(labels)
        self.n_features_in_ = values.shape[1]
        try:
            self._fit(values, labels, subspecies=subspecies, parents=parents, records=records)
        except ValueError as error:
            raise DetectorInputError(f"{type(self).__name__} cannot be fitted: {error}") from error
        return self

    def score_samples(self, X: ArrayLike) -> Floats:
        """Score embeddings on the detector's own scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Higher = more likely hybrid; the range is the detector's own.

        Raises
        ------
        DetectorInputError
            If the data hold NaN or infinity, or do not have the width ``fit`` saw.
        """
        check_is_fitted(self)
        values = self._checked_samples(X)
        if values.shape[1] != self.n_features_in_:
            # The first half is the wording that scikit-learn's own checks look for.
            raise DetectorInputError(
                f"X has {values.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input; "
                "use embeddings of the backbone and views it was fitted on"
            )
        scores = np.asarray(self._score(values), dtype=np.float64)
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise DetectorInputError(f"row {row} of X holds values too large to compute with; check that embedding")
        return scores

    def to_saved(self) -> SavedDetector:
        """Return the fitted detector as plain arrays, without a calibration.

        Returns
        -------
        SavedDetector
            What ``hybridwing.runtime`` scores from, in agreement with ``score_samples`` to 1e-6.
        """
        check_is_fitted(self)
        header = DetectorHeader(
            kind=self.kind,
            n_features=self.n_features_in_,
            params={name: _plain(value) for name, value in self.get_params(deep=False).items()},
            package_version=hybridwing.__version__,
        )
        saved = SavedDetector(header, self._arrays())
        check_saved(saved)
        return saved

    @abstractmethod
    def _fit(
        self,
        X: Floats,
        y: Labels,
        *,
        subspecies: Sequence[str | None] | None,
        parents: Sequence[tuple[str, str] | None] | None,
        records: Sequence[str | None] | None,
    ) -> None:
        """Learn from checked data: float64 ``X``, and ``y`` of 0 and 1 with both present."""

    @abstractmethod
    def _score(self, X: Floats) -> Floats:
        """Score checked data."""

    @abstractmethod
    def _arrays(self) -> Mapping[str, Array]:
        """Return the fitted state in the layout of this kind."""

    def _check_counts(self, y: Labels) -> None:
        """Refuse too few samples; a subclass adds what it needs beyond ``min_per_class``."""
        for name, count in (("non-hybrids", int((y == 0).sum())), ("hybrids", int((y == 1).sum()))):
            if count < self.min_per_class:
                raise DetectorInputError(
                    f"{type(self).__name__} needs at least {self.min_per_class} {name} and got {count} "
                    f"among {len(y)} images; give it more of them, or use a detector that needs fewer"
                )

    def _checked_samples(self, X: ArrayLike) -> Floats:
        try:
            # One memory order, because sums depend on it in the last digit and a table arrives in the other one.
            return np.asarray(check_array(X, dtype=np.float64, order="C", estimator=self, input_name="X"))
        except ValueError as error:
            raise DetectorInputError(f"the embeddings cannot be used: {error}") from error

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn's tools that ``y`` is needed and has two values."""
        from sklearn.utils import ClassifierTags

        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def compact(values: ArrayLike) -> Array:
    """Return a copy, float32 if that loses nothing (embeddings are float32 to begin with), otherwise float64."""
    wide = np.array(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide) else wide


def _plain(value: object) -> object:
    """Return a NumPy scalar as the Python number that JSON knows."""
    return value.item() if isinstance(value, np.generic) else value


def _checked_labels(y: ArrayLike, n_samples: int) -> Labels:
    if y is None:
        raise DetectorInputError("requires y to be passed, but the target y is None: 1 = hybrid, 0 = non-hybrid")
    try:
        labels = np.asarray(column_or_1d(y, warn=True))
    except ValueError as error:
        raise DetectorInputError(f"the labels cannot be used: {error}") from error
    if len(labels) != n_samples:
        raise DetectorInputError(f"{n_samples} embeddings but {len(labels)} labels; give one label for each")
    values = np.unique(labels)
    if not np.isin(values, (0, 1)).all():
        shown = ", ".join(repr(value) for value in values[:5].tolist())
        raise DetectorInputError(f"Unknown label type: y must hold 1 (hybrid) and 0 (non-hybrid); got {shown}")
    if len(values) < 2:
        name = "hybrids" if values[0] else "non-hybrids"
        raise DetectorInputError(
            f"all {n_samples} images to learn from are {name}, which is one class; a detector learns from hybrids and "
            "non-hybrids"
        )
    return labels.astype(np.int64)

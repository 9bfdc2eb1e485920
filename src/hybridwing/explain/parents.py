"""Which subspecies an image shows, one or two, and how much of each.

An embedding is divided into traits, see `hybridwing.backbones.base.BackboneSpec.traits`. The Gaussian model
of `hybridwing.detectors.parent_model` is fitted to them, and each trait is projected on the directions in which
the subspecies differ (Fisher's linear discriminants). In the projection a subspecies is a Gaussian of unit covariance.
A hybrid of two shows, trait by trait, the one parent, the other, or half of each: pattern elements are inherited by
locus and swapped rather than blended (Wallbank et al. 2016, *PLoS Biology* 14; Martin et al. 2012, *PNAS* 109), so the
traits need not agree.

Traits are not independent and crosses lie outside of what was fitted. So log-likelihoods are divided by
`TEMPERING` times the number of traits before they become probabilities. This and `DOMINANCE` were set on
simulated crosses; see ``benchmarks/parents.py``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.array_file import read_arrays, write_arrays
from hybridwing.errors import RunError
from hybridwing.evaluation.intervals import Interval
from hybridwing.runtime.parents import unit_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

KIND = "parents"
TEMPERING = 5.0
PAIR_PRIOR = 0.1
"""Probability, before anything is seen, that an image shows two parents."""
SHARES = (0.0, 0.5, 1.0)
"""Share of the second parent that a trait of a hybrid may have."""
DOMINANCE = 0.25
"""Standard deviation of the visible share about the inherited one: dominant elements hide others."""
USUAL_SHARE, SHARE_SPREAD = 0.5, 0.2
"""Mean and standard deviation of the inherited share: one half in first generations, a quarter in back-crosses."""


@dataclass(frozen=True)
class Parentage:
    """The parents that an image shows.

    Attributes
    ----------
    parents : tuple of str
        The most probable one or two, sorted.
    probability : float in [0, 1]
        Probability of exactly these, among all single subspecies and all pairs.
    two_parents : float in [0, 1]
        Probability of any two parents.
    hybrid_index : float in [0, 1]
        Share of the second parent; 0 where one parent explains the image.
    interval : Interval
        Interval of the index at 95 %, which allows for both one parent and two.
    """

    parents: tuple[str, ...]
    probability: float
    two_parents: float
    hybrid_index: float
    interval: Interval


@dataclass(frozen=True)
class Looks:
    """The subspecies that an image would show as a non-hybrid, and the parents that it would show as a hybrid.

    Attributes
    ----------
    identities : tuple of (str, float)
        The three most probable subspecies, or as many as come into question, with their probabilities among all single
        subspecies.
    parents : tuple of str
        The most probable pair, sorted; empty where no pair comes into question.
    probability : float in [0, 1]
        Of this pair among all pairs; 0 without one.
    two_parents : float in [0, 1]
        Probability of any two parents rather than one subspecies.
    hybrid_index : float in [0, 1)
        Share of the second parent, above 0; 0 without one.
    interval : Interval
        Of the index at 95 %.
    """

    identities: tuple[tuple[str, float], ...]
    parents: tuple[str, ...]
    probability: float
    two_parents: float
    hybrid_index: float
    interval: Interval


@dataclass(frozen=True, eq=False)
class Trait:
    """Columns of the embedding that describe one trait, and the subspecies in them."""

    start: int  # First column
    centre: Floats  # Shape (w,): mean of the subspecies' means; w columns belong to the trait
    projection: Floats  # Shape (w, k): linear discriminants
    means: Floats  # Shape (s, k): means of the s subspecies in the projection

    def project(self, vectors: Floats) -> Floats:
        """Project embeddings, shape (n, d); returns shape (n, k)."""
        columns = vectors[:, self.start : self.start + len(self.centre)]
        return np.asarray((unit_blocks(columns, [slice(None)]) - self.centre) @ self.projection)


@dataclass(frozen=True, eq=False)
class ParentModel:
    """Subspecies as Gaussians."""

    names: tuple[str, ...]  # Subspecies, sorted
    counts: Floats  # Shape (s,): training images of each
    traits: tuple[Trait, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All pairs of subspecies, as indices into `names`."""
        return list(itertools.combinations(range(len(self.names)), 2))

    def pairs_among(self, subspecies: Mask) -> Mask:
        """The pairs of which both are in a mask of subspecies, shape (n, s); returns shape (n, s (s - 1) / 2)."""
        first, second = (np.array(side) for side in zip(*self.pairs, strict=True))
        return np.asarray(subspecies[:, first] & subspecies[:, second])

    def log_likelihoods(self, vectors: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Tempered log-likelihoods of single subspecies, shape (n, s), and of pairs, shape (n, s (s - 1) / 2)."""
        values = np.asarray(vectors, dtype=np.float64)
        first, second = (np.array(side) for side in zip(*self.pairs, strict=True))
        single = np.zeros((len(values), len(self.names)))
        double = np.zeros((len(values), len(first)))
        for trait in self.traits:
            projected, means = trait.project(values), trait.means
            apart = ((projected[:, None, :] - means) ** 2).sum(axis=2)
            between = ((means[first] - means[second]) ** 2).sum(axis=1)
            width = means.shape[1]
            # A mean of few images is itself uncertain: its variance adds to that of the image.
            single += _log_density(apart, 1 + 1 / self.counts, width)
            cases = [
                _log_density(
                    (1 - w) * apart[:, first] + w * apart[:, second] - w * (1 - w) * between,
                    1 + (1 - w) ** 2 / self.counts[first] + w**2 / self.counts[second],
                    width,
                )
                for w in SHARES
            ]
            double += np.logaddexp.reduce(cases, axis=0) - np.log(len(SHARES))
        tempered = TEMPERING * len(self.traits)
        return single / tempered, double / tempered

    def parentage(self, vectors: NDArray[np.floating]) -> tuple[Parentage, ...]:
        """Return the parents of each image, from embeddings of shape (n, d).

        They are by the backbone that the model was fitted on.
        """
        return tuple(self._parentage(*image) for image in self._judged(vectors))

    def looks(self, vectors: NDArray[np.floating], possible: tuple[Mask, Mask] | None = None) -> tuple[Looks, ...]:
        """Return the likeliest subspecies and the likeliest parents of each image, from embeddings of shape (n, d).

        `possible` are masks of shape (n, s) and (n, s (s - 1) / 2): which subspecies and which pairs come into question
        for each image, at least one subspecies; by default all.
        """
        return tuple(self._looks(*image) for image in self._judged(vectors, possible))

    def _judged(
        self, vectors: NDArray[np.floating], possible: tuple[Mask, Mask] | None = None
    ) -> Iterator[tuple[Floats, Floats, int, float, float]]:
        """For each image, probabilities of subspecies and of pairs, the best pair, its share and the share's spread."""
        if not len(vectors):
            return
        single, double = self.log_likelihoods(vectors)
        if possible is not None:
            single, double = (
                np.where(mask, log, -np.inf) for log, mask in zip((single, double), possible, strict=True)
            )
        single, double = _with_prior(single, 1 - PAIR_PRIOR), _with_prior(double, PAIR_PRIOR)
        total = np.logaddexp.reduce(np.hstack([single, double]), axis=1)[:, None]
        # Kept above 0, so that the likeliest of either kind can be told even where the other kind has it all.
        one, two = (
            np.exp(np.maximum(logs - total, -600 + logs - np.maximum(logs.max(axis=1), -1e300)[:, None]))
            for logs in (single, double)
        )
        best = double.argmax(axis=1)
        share, spread = self._shares(np.asarray(vectors, dtype=np.float64), best)
        for row in range(len(vectors)):
            yield one[row], two[row], int(best[row]), float(share[row]), float(spread[row])

    def _looks(self, one: Floats, two: Floats, best: int, share: float, spread: float) -> Looks:
        order = np.argsort(-one, kind="stable")[: min(3, np.count_nonzero(one))]
        identities = tuple((self.names[place], float(one[place] / one.sum())) for place in order)
        if not two.any():
            return Looks(identities, (), 0.0, 0.0, 0.0, Interval(0.0, 0.0))
        return Looks(
            identities,
            tuple(self.names[place] for place in self.pairs[best]),
            float(two[best] / two.sum()),
            float(two.sum()),
            share,
            _mixed_interval(0.0, share, spread),
        )

    def _parentage(self, one: Floats, two: Floats, best: int, share: float, spread: float) -> Parentage:
        any_two = float(two.sum())
        interval = _mixed_interval(1 - any_two, share, spread)
        if any_two > 0.5:
            parents = tuple(self.names[place] for place in self.pairs[best])
            return Parentage(parents, float(two[best]), any_two, share, interval)
        own = int(one.argmax())
        return Parentage((self.names[own],), float(one[own]), any_two, 0.0, interval)

    def _shares(self, vectors: Floats, best: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Share of the second parent of each image's best pair, and its standard deviation.

        Each trait tells where the image lies between the two; traits in which they hardly differ tell little. The mean
        of the traits is a normal likelihood, and `USUAL_SHARE` is the mean of the normal prior.
        """
        pairs = np.array(self.pairs)[best]
        shown = np.empty((len(vectors), len(self.traits)))
        noise = np.empty_like(shown)
        for place, trait in enumerate(self.traits):
            start, step = trait.means[pairs[:, 0]], trait.means[pairs[:, 1]] - trait.means[pairs[:, 0]]
            length = np.maximum((step**2).sum(axis=1), 1e-9)
            shown[:, place] = (((trait.project(vectors) - start) * step).sum(axis=1) / length).clip(0, 1)
            noise[:, place] = 1 / length
        weights = 1 / (noise + DOMINANCE**2)
        weights /= weights.sum(axis=1, keepdims=True)
        mean = (weights * shown).sum(axis=1)
        variance = DOMINANCE**2 + (weights**2 * ((shown - mean[:, None]) ** 2 + noise)).sum(axis=1)
        precision = 1 / variance + 1 / SHARE_SPREAD**2
        return (mean / variance + USUAL_SHARE / SHARE_SPREAD**2) / precision, 1 / np.sqrt(precision)

    def write(self, path: Path) -> None:
        """Write one ``.npz`` of plain arrays."""
        arrays: dict[str, Floats] = {"counts": self.counts}
        for number, trait in enumerate(self.traits):
            parts = {"centre": trait.centre, "projection": trait.projection, "means": trait.means}
            arrays.update({f"{name}_{number}": values for name, values in parts.items()})
        header = {"names": list(self.names), "starts": [trait.start for trait in self.traits]}
        write_arrays(path, KIND, header, arrays)


def read_parents(path: Path, dimension: int) -> ParentModel | None:
    """Read a run's model; None where the file is absent, since the training specimens did not tell subspecies apart.

    Raises RunError if the file is damaged or not of embeddings of this dimension.
    """
    if not path.is_file():
        return None
    header, arrays = read_arrays(path, KIND)
    try:
        names = tuple(str(name) for name in header["names"])  # type: ignore[attr-defined]
        starts = [int(start) for start in header["starts"]]  # type: ignore[attr-defined]
        counts = arrays["counts"].astype(np.float64)
        traits = tuple(
            Trait(start, *(arrays[f"{name}_{number}"].astype(np.float64) for name in ("centre", "projection", "means")))
            for number, start in enumerate(starts)
        )
        fits = all(
            trait.projection.shape == (len(trait.centre), trait.means.shape[1])
            and len(trait.means) == len(names)
            and 0 <= trait.start <= dimension - len(trait.centre)
            for trait in traits
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RunError(f"{path} does not hold what it should: {error}; train again") from error
    if not fits or not traits or len(names) < 2 or counts.shape != (len(names),) or not (counts > 0).all():
        raise RunError(f"{path} is not of embeddings of {dimension} values; train again")
    return ParentModel(names, counts, traits)


def _log_density(squares: Floats, variance: Floats, width: int) -> Floats:
    """Log-density of a Gaussian with equal variances in `width` dimensions, without its constant."""
    return np.asarray(-0.5 * (squares / variance + width * np.log(variance)))


def _with_prior(logs: Floats, prior: float) -> Floats:
    """Log-probabilities of the possible ones, which share a prior probability; -inf for the others."""
    count = np.maximum(np.isfinite(logs).sum(axis=1, keepdims=True), 1)
    return np.asarray(logs + np.log(prior / count))


def _mixed_interval(none: float, share: float, spread: float) -> Interval:
    """95 % interval of an index that is 0 with probability `none`, and otherwise normal within [0, 1]."""
    from statistics import NormalDist

    normal = NormalDist(share, spread)

    def quantile(level: float) -> float:
        beyond = (level - none) / max(1 - none, 1e-12)
        return 0.0 if beyond <= 0 else min(max(normal.inv_cdf(min(beyond, 1 - 1e-9)), 0.0), 1.0)

    return Interval(quantile(0.025), quantile(0.975))

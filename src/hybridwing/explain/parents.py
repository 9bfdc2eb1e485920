"""Which subspecies an image shows, one or two, and how much of each.

Every block of an embedding (of `pattern`: edges, colours and proportions of each wing; of others all of it) is brought
to unit length and projected where the subspecies differ most against their shared within-subspecies covariance,
shrunken as in Ledoit & Wolf (2004, *Journal of Multivariate Analysis* 88): Fisher's linear discriminants. There a
subspecies is a Gaussian of unit covariance. A hybrid of two shows, block by block, the one parent, the other, or half
of each: pattern elements are inherited by locus and swapped rather than blended (Wallbank et al. 2016, *PLoS Biology*
14; Martin et al. 2012, *PNAS* 109), so the blocks need not agree.

Blocks are not independent and crosses lie outside of what was fitted, so log-likelihoods are divided by
:data:`TEMPERING` times the number of blocks before they become probabilities. This and :data:`DOMINANCE` were set on
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

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KIND = "parents"
TEMPERING = 5.0
PAIR_PRIOR = 0.1
"""Probability, before anything is seen, that an image shows two parents."""
SHARES = (0.0, 0.5, 1.0)
"""What a block of a hybrid may have of the second parent."""
DOMINANCE = 0.25
"""Standard deviation of the share that shows about the share that was inherited: dominant elements hide others."""
USUAL_SHARE, SHARE_SPREAD = 0.5, 0.2
"""Mean and standard deviation of the share hybrids inherit: first generations one half, back-crosses a quarter."""


@dataclass(frozen=True)
class Parentage:
    """What an image shows of its parents.

    Attributes
    ----------
    parents : tuple of str
        The best one, or the best two, sorted.
    probability : float in [0, 1]
        Of just these, among all single subspecies and all pairs.
    two_parents : float in [0, 1]
        Probability of any two parents.
    hybrid_index : float in [0, 1]
        Share that the second parent has; 0 where one parent explains the image.
    interval : Interval
        Of the index, at 95 %, one parent or two left open.
    """

    parents: tuple[str, ...]
    probability: float
    two_parents: float
    hybrid_index: float
    interval: Interval


@dataclass(frozen=True, eq=False)
class Block:
    """One block's place in the embedding, its centre and projection, and the subspecies' means in the projection.

    Attributes
    ----------
    begin : int
    centre : ndarray of shape (w,)
    projection : ndarray of shape (w, k)
    means : ndarray of shape (s, k)
    """

    begin: int
    centre: Floats
    projection: Floats
    means: Floats

    def project(self, vectors: Floats) -> Floats:
        """Embeddings, shape (n, d), in the projection, shape (n, k)."""
        part = vectors[:, self.begin : self.begin + len(self.centre)]
        found: Floats = (unit(part) - self.centre) @ self.projection
        return found


@dataclass(frozen=True, eq=False)
class ParentModel:
    """Subspecies as Gaussians.

    Attributes
    ----------
    names : tuple of str
        Subspecies, sorted.
    counts : ndarray of shape (s,), float64
        Training images of each.
    blocks : tuple of Block
    """

    names: tuple[str, ...]
    counts: Floats
    blocks: tuple[Block, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All pairs of subspecies, by their places."""
        return list(itertools.combinations(range(len(self.names)), 2))

    def log_likelihoods(self, vectors: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Tempered log-likelihoods of single subspecies, shape (n, s), and of pairs, shape (n, s (s - 1) / 2)."""
        values = np.asarray(vectors, dtype=np.float64)
        first, second = (np.array(side) for side in zip(*self.pairs, strict=True))
        single = np.zeros((len(values), len(self.names)))
        double = np.zeros((len(values), len(first)))
        for block in self.blocks:
            projected, means = block.project(values), block.means
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
        tempered = TEMPERING * len(self.blocks)
        return single / tempered, double / tempered

    def parentage(self, vectors: NDArray[np.floating]) -> tuple[Parentage, ...]:
        """The parents of each image.

        Parameters
        ----------
        vectors : ndarray of shape (n, d)
            Embeddings of the kind that the model was fitted on.
        """
        if not len(vectors):
            return ()
        single, double = self.log_likelihoods(vectors)
        single = single + np.log((1 - PAIR_PRIOR) / single.shape[1])
        double = double + np.log(PAIR_PRIOR / double.shape[1])
        total = np.logaddexp.reduce(np.hstack([single, double]), axis=1)[:, None]
        one, two = np.exp(single - total), np.exp(double - total)
        best = two.argmax(axis=1)
        share, spread = self._shares(np.asarray(vectors, dtype=np.float64), best)
        return tuple(
            self._parentage(one[row], two[row], int(best[row]), float(share[row]), float(spread[row]))
            for row in range(len(vectors))
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

        Each block says where the image lies between the two; blocks in which they hardly differ say little. What the
        blocks say on average is then weighed against :data:`USUAL_SHARE`, as a normal likelihood and a normal prior.
        """
        pairs = np.array(self.pairs)[best]
        shown = np.empty((len(vectors), len(self.blocks)))
        noise = np.empty_like(shown)
        for place, block in enumerate(self.blocks):
            start, step = block.means[pairs[:, 0]], block.means[pairs[:, 1]] - block.means[pairs[:, 0]]
            length = np.maximum((step**2).sum(axis=1), 1e-9)
            shown[:, place] = (((block.project(vectors) - start) * step).sum(axis=1) / length).clip(0, 1)
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
        for number, block in enumerate(self.blocks):
            parts = {"centre": block.centre, "projection": block.projection, "means": block.means}
            arrays.update({f"{name}_{number}": values for name, values in parts.items()})
        header = {"names": list(self.names), "begins": [block.begin for block in self.blocks]}
        write_arrays(path, KIND, header, arrays)


def read_parents(path: Path, dimension: int) -> ParentModel | None:
    """Read a run's model; None for a run that has none.

    Raises
    ------
    RunError
        If the file is damaged or not of embeddings of this dimension.
    """
    if not path.is_file():
        return None
    header, arrays = read_arrays(path, KIND)
    try:
        names = tuple(str(name) for name in header["names"])  # type: ignore[attr-defined]
        begins = [int(begin) for begin in header["begins"]]  # type: ignore[attr-defined]
        counts = arrays["counts"].astype(np.float64)
        blocks = tuple(
            Block(begin, *(arrays[f"{name}_{number}"].astype(np.float64) for name in ("centre", "projection", "means")))
            for number, begin in enumerate(begins)
        )
        fits = all(
            block.projection.shape == (len(block.centre), block.means.shape[1])
            and len(block.means) == len(names)
            and 0 <= block.begin <= dimension - len(block.centre)
            for block in blocks
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RunError(f"{path} does not hold what it should: {error}; train again") from error
    if not fits or not blocks or len(names) < 2 or counts.shape != (len(names),) or not (counts > 0).all():
        raise RunError(f"{path} is not of embeddings of {dimension} values; train again")
    return ParentModel(names, counts, blocks)


def unit(values: Floats) -> Floats:
    """Rows brought to length 1; those of length 0 stay."""
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length > 0, length, 1.0))


def _log_density(squares: Floats, variance: Floats, width: int) -> Floats:
    """Log-density of a Gaussian of so many equal variances, without its constant."""
    return np.asarray(-0.5 * (squares / variance + width * np.log(variance)))


def _mixed_interval(none: float, share: float, spread: float) -> Interval:
    """Quantiles of an index that is 0 with probability `none`, and otherwise normal within [0, 1]."""
    from statistics import NormalDist

    normal = NormalDist(share, spread)

    def quantile(level: float) -> float:
        beyond = (level - none) / max(1 - none, 1e-12)
        return 0.0 if beyond <= 0 else min(max(normal.inv_cdf(min(beyond, 1 - 1e-9)), 0.0), 1.0)

    return Interval(quantile(0.025), quantile(0.975))

"""Draw one individual: its descent, what it shows, and how it lies on the card."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.simulate.genetics import Diploid, Generation, Phenotype, cross, express
from hybridwing.simulate.taxa import TAXA, Taxon, Traits

if TYPE_CHECKING:
    import numpy.typing as npt

    from hybridwing.simulate.strata import Stratum


@dataclass(frozen=True)
class Individual:
    """One animal."""

    species: str  # ``"A"`` or ``"B"``
    generation: Generation  # How it descends from its parents' subspecies
    diploid: Diploid
    phenotype: Phenotype
    traits: Traits  # How it shows
    # For a hybrid, whether the phenotype is that of one of its two parent subspecies; True for the pure.
    looks_like_parent: bool


HETEROZYGOTE_SHRINKS = 0.7
"""Standard deviations by which *WntA* heterozygotes have smaller bands: dominance is not quite complete."""


def individual(stratum: Stratum, rng: np.random.Generator) -> Individual:
    """Draw an animal of a stratum: generation, alleles, traits."""
    parents = [TAXA[name] for name in stratum.parents]
    first, second = parents[0], parents[-1]
    shares = [share for _, share in stratum.generations]
    generation = stratum.generations[int(rng.choice(len(shares), p=shares))][0]
    diploid = cross(first.genotype, second.genotype, generation, rng)
    phenotype = express(diploid.genotype)
    alike = [taxon for taxon in parents if express(taxon.genotype) == phenotype]
    # One that shows a parent's elements is that parent to the eye: its measures are the parent's too.
    likeness = alike[0] if alike else None
    return Individual(
        species=first.species,
        generation=generation,
        diploid=diploid,
        phenotype=phenotype,
        traits=_traits(diploid, likeness or first, likeness or second, rng),
        looks_like_parent=bool(alike),
    )


def _traits(diploid: Diploid, first: Taxon, second: Taxon, rng: np.random.Generator) -> Traits:
    """Between the means of two parents (or of one, given twice), by the descent of the background, and individual."""
    share = diploid.background_index
    drawn = {}
    for trait in fields(Traits):
        mean = (1 - share) * getattr(first.traits, trait.name) + share * getattr(second.traits, trait.name)
        if trait.name == "iridescence":
            drawn[trait.name] = float(np.clip(mean + 0.08 * rng.standard_normal() * (mean > 0.02), 0, 1))
        else:
            drawn[trait.name] = float(mean + np.clip(rng.standard_normal(), -2.5, 2.5))
    wnta = diploid.genotype.wnta
    if first is not second:
        drawn["band_size"] -= HETEROZYGOTE_SHRINKS * (wnta[0] is not wnta[1])
    return Traits(**drawn)


@dataclass(frozen=True)
class Pose:
    """How a specimen lies in its picture."""

    detached: bool  # Whether the wings lie apart, without the body
    ventral: bool  # Whether the underside shows
    centre: tuple[float, float]  # Of the specimen, as shares of the picture's width and height
    span: float  # Length of a forewing as a share of the picture's width
    rotation: float  # Of the whole specimen, degrees, counter-clockwise
    opening: float  # How far the forewings are raised, degrees


def pose(*, detached: bool, ventral: bool, zoom: float, middle: float, rng: np.random.Generator) -> Pose:
    """Draw a pose; `zoom` and `middle` are the record's usual scale and height in the picture."""
    return Pose(
        detached=detached,
        ventral=ventral,
        centre=(0.5 + 0.03 * _bounded(rng), middle + 0.022 * _bounded(rng)),
        span=0.345 * zoom * (1 + 0.045 * _bounded(rng)),
        rotation=3.0 * _bounded(rng),
        opening=11.0 + 5.0 * _bounded(rng),
    )


def _bounded(rng: np.random.Generator) -> float:
    return float(np.clip(rng.standard_normal(), -2, 2))


@dataclass(frozen=True)
class Bend:
    """A smooth change of shape of one wing: a few long waves."""

    waves: npt.NDArray[np.float64]  # Wave vectors, shape (k, 2), radians per wing unit
    phases: npt.NDArray[np.float64]  # Shape (k,), radians
    pushes: npt.NDArray[np.float64]  # Displacements, shape (k, 2), wing units
    aspect: float  # Factor on length; width takes the inverse

    def __call__(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Bend points of shape (n, 2)."""
        moved = points + np.sin(points @ self.waves.T + self.phases) @ self.pushes
        return np.asarray(moved * [self.aspect, 1 / self.aspect])


def bend(aspect: float, rng: np.random.Generator, *, strength: float = 0.011) -> Bend:
    """Draw a bend; `aspect` is the trait ``wing_aspect``."""
    return Bend(
        waves=rng.normal(0, 4.0, (4, 2)),
        phases=rng.uniform(0, 2 * np.pi, 4),
        pushes=rng.normal(0, strength / 2, (4, 2)),
        aspect=1 + 0.014 * aspect,
    )

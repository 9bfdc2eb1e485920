"""Wing-pattern genetics: loci, dominance, Mendelian crosses and what a genotype shows.

Everything here is simplified from the literature: five unlinked loci with clear dominance stand for what are,
in the butterflies, linked clusters of regulatory modules. Where the literature gives no clean order of
dominance, the order below is an assumption of the simulation.

References
----------
.. [1] Reed et al. (2011), *Science* 333: optix drives the repeated evolution of butterfly wing pattern mimicry.
.. [2] Wallbank et al. (2016), *PLoS Biology* 14: band, dennis and ray as separate, shuffled modules at *optix*.
.. [3] Van Belleghem et al. (2017), *Nature Ecology & Evolution* 1: complex modular architecture around *optix*.
.. [4] Martin et al. (2012), *PNAS* 109: *WntA* and the place and shape of the forewing band.
.. [5] Nadeau et al. (2016), *Nature* 534: *cortex* and the yellow hindwing bar.
.. [6] Westerman et al. (2018), *Current Biology* 28: *aristaless1* switches white (dominant) and yellow.
.. [7] Sheppard et al. (1985), *Phil. Trans. R. Soc. B* 308: crosses, dominance and the locus *Ro*.
.. [8] Mallet (1989), *Proc. R. Soc. B* 236: genotypes and dominance across a hybrid zone of *H. erato*.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np


class Optix(Enum):
    """Haplotypes of *optix*; the value names the modules switched on, all dominant [1]_ [2]_ [3]_."""

    SILENT = frozenset[str]()
    BAND = frozenset({"band"})
    DENNIS = frozenset({"dennis"})
    DENNIS_RAY = frozenset({"dennis", "ray"})


class WntA(Enum):
    """Shapes of the forewing band, the most dominant first (order simplified from [4]_ and [7]_)."""

    SPLIT = "split"
    BROAD = "broad"
    COMPACT = "compact"
    SPOTS = "spots"
    REDUCED = "reduced"
    MELANIC = "melanic"


class Cortex(Enum):
    """Hindwing (and forewing base) yellow or white; plain is dominant (simplified from [5]_ and [8]_)."""

    PLAIN = "plain"
    BAR = "bar"
    BAR_AND_LINE = "bar_and_line"
    MARGIN = "margin"


class Aristaless(Enum):
    """Colour of the forewing's light scales; white is dominant [6]_."""

    WHITE = "white"
    YELLOW = "yellow"


class Ro(Enum):
    """Distal edge of a broad band; the rounded edge is dominant (simplified from [7]_)."""

    ROUND = "round"
    TOOTHED = "toothed"


Allele = TypeVar("Allele", bound=Enum)


class Genotype(NamedTuple):
    """Two alleles at each locus: the first from the mother's gamete, the second from the father's."""

    optix: tuple[Optix, Optix]
    wnta: tuple[WntA, WntA]
    cortex: tuple[Cortex, Cortex]
    aristaless: tuple[Aristaless, Aristaless]
    ro: tuple[Ro, Ro]

    def spelled(self, locus: str) -> str:
        """One locus in writing, alleles in alphabetical order, such as ``"band/dennis_ray"``."""
        return "/".join(sorted(allele.name.lower() for allele in getattr(self, locus)))


LOCI: tuple[str, ...] = Genotype._fields
BACKGROUND_LOCI = 24
"""Unlinked loci of small effect that carry the quantitative traits."""


@dataclass(frozen=True)
class Haplotype:
    """One gamete."""

    alleles: tuple[Optix, WntA, Cortex, Aristaless, Ro]  # One at each pattern locus
    # For each pattern locus and then each background locus, whether the allele descends from the second parent
    # subspecies; length ``len(LOCI) + BACKGROUND_LOCI``.
    ancestry: tuple[bool, ...]


@dataclass(frozen=True)
class Diploid:
    """One individual: two gametes."""

    maternal: Haplotype
    paternal: Haplotype

    @property
    def genotype(self) -> Genotype:
        """The pattern loci as pairs of alleles."""
        return Genotype._make(zip(self.maternal.alleles, self.paternal.alleles, strict=True))

    @property
    def hybrid_index(self) -> float:
        """Share of all simulated alleles that descend from the second parent subspecies, in [0, 1]."""
        both = self.maternal.ancestry + self.paternal.ancestry
        return sum(both) / len(both)

    @property
    def background_index(self) -> float:
        """The hybrid index of the background loci alone, in [0, 1]; it places the quantitative traits."""
        both = self.maternal.ancestry[len(LOCI) :] + self.paternal.ancestry[len(LOCI) :]
        return sum(both) / len(both)


def pure(genotype: Genotype, *, second: bool) -> Diploid:
    """An individual of a parent subspecies, which is homozygous at every locus.

    Its alleles count as the second parent's where `second` is true, else as the first's.
    """
    ancestry = (second,) * (len(LOCI) + BACKGROUND_LOCI)
    optix, wnta, cortex, aristaless, ro = genotype
    gamete = Haplotype((optix[0], wnta[0], cortex[0], aristaless[0], ro[0]), ancestry)
    return Diploid(gamete, gamete)


def meiosis(parent: Diploid, rng: np.random.Generator) -> Haplotype:
    """Draw one gamete: at every locus one of the two alleles with equal chance, loci unlinked."""
    from_mother = rng.random(len(LOCI) + BACKGROUND_LOCI) < 0.5
    sides = [parent.maternal if mother else parent.paternal for mother in from_mother]
    ancestry = tuple(side.ancestry[i] for i, side in enumerate(sides))
    alleles = tuple(side.alleles[i] for i, side in enumerate(sides[: len(LOCI)]))
    return Haplotype(alleles, ancestry)  # type: ignore[arg-type]  # one allele of each locus, in their order


class Generation(Enum):
    """How an individual descends from two parent subspecies."""

    PURE = "pure"
    F1 = "F1"
    F2 = "F2"
    BC_FIRST = "BC1 to the first parent"
    BC_SECOND = "BC1 to the second parent"


def cross(first: Genotype, second: Genotype, generation: Generation, rng: np.random.Generator) -> Diploid:
    """Breed one individual of a generation from two pure subspecies (``PURE`` gives the first itself)."""
    mother, father = pure(first, second=False), pure(second, second=True)
    if generation is Generation.PURE:
        return mother
    f1 = Diploid(mother.maternal, father.maternal)
    if generation is Generation.F1:
        return f1
    if generation is Generation.F2:
        return Diploid(meiosis(f1, rng), meiosis(f1, rng))
    recurrent = mother if generation is Generation.BC_FIRST else father
    return Diploid(meiosis(f1, rng), recurrent.maternal)


@dataclass(frozen=True)
class Phenotype:
    """The pattern elements that can be seen; two individuals of equal phenotype show the same element set."""

    band: WntA  # Shape of the forewing band; ``MELANIC`` means no band
    band_red: bool  # Whether the band is red (of a split band: its rim)
    light: Aristaless | None  # Colour of the light scales in the forewing band; None where none show
    edge: Ro | None  # Distal edge of a broad band; None for the other shapes
    # Red base patches, red hindwing rays, yellow hindwing bar, yellow line at the forewing base, white hindwing
    # margin.
    dennis: bool
    rays: bool
    bar: bool
    line: bool
    margin: bool

    def elements(self) -> tuple[str, ...]:
        """Names of what shows, in a fixed order, for the truth table."""
        shown = {
            f"{self.band.value}_band": self.band is not WntA.MELANIC,
            "red_scales": self.band_red,
            "white_scales": self.light is Aristaless.WHITE,
            "yellow_scales": self.light is Aristaless.YELLOW,
            "toothed_edge": self.edge is Ro.TOOTHED,
            "dennis": self.dennis,
            "rays": self.rays,
            "bar": self.bar,
            "line": self.line,
            "margin": self.margin,
        }
        return tuple(name for name, shows in shown.items() if shows)


def express(genotype: Genotype) -> Phenotype:
    """What a genotype shows: modules of *optix* add up, every other locus shows its more dominant allele.

    Epistasis hides alleles: red scales cover the light ones except in the core of a split band, and the edge
    locus shows in broad bands alone.
    """
    modules = genotype.optix[0].value | genotype.optix[1].value
    band = _dominant(genotype.wnta)
    hindwing = _dominant(genotype.cortex)
    has_band = band is not WntA.MELANIC
    red = "band" in modules and has_band
    light_shows = has_band and (not red or band is WntA.SPLIT)
    return Phenotype(
        band=band,
        band_red=red,
        light=_dominant(genotype.aristaless) if light_shows else None,
        edge=_dominant(genotype.ro) if band is WntA.BROAD else None,
        dennis="dennis" in modules,
        rays="ray" in modules,
        bar=hindwing in (Cortex.BAR, Cortex.BAR_AND_LINE),
        line=hindwing is Cortex.BAR_AND_LINE,
        margin=hindwing is Cortex.MARGIN,
    )


def _dominant(pair: tuple[Allele, Allele]) -> Allele:
    order = list(type(pair[0]))
    return min(pair, key=order.index)

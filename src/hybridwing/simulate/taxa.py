"""The subspecies that are simulated: their genotypes and the means of their quantitative traits.

The patterns are caricatures of the real subspecies, simplified from Sheppard et al. (1985), *Phil. Trans. R.
Soc. B* 308, and Mallet (1989), *Proc. R. Soc. B* 236; genotypes are chosen to give the pattern and are no
measurement. Iridescence is treated as polygenic, after Brien et al. (2019), *Interface Focus* 9.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hybridwing.simulate.genetics import Aristaless, Cortex, Genotype, Optix, Ro, WntA


@dataclass(frozen=True)
class Traits:
    """Quantitative traits; each but ``iridescence`` (0 to 1) is in within-subspecies standard deviations."""

    band_size: float = 0.0  # Of the forewing band
    band_place: float = 0.0  # Towards the apex
    band_slant: float = 0.0  # Turn of the band about its middle
    ray_width: float = 0.0  # Of the hindwing rays
    ray_length: float = 0.0
    bar_width: float = 0.0  # Of the yellow bar; place is towards the costa
    bar_place: float = 0.0
    dennis_size: float = 0.0  # Of the red base patches
    redness: float = 0.0  # From orange (low) to crimson (high)
    wing_aspect: float = 0.0  # From short and broad (low) to long and narrow (high)
    iridescence: float = 0.0  # Blue sheen of the dark scales, 0 to 1


@dataclass(frozen=True)
class Taxon:
    """One subspecies."""

    name: str
    species: str  # ``"A"`` (like *H. erato*) or ``"B"`` (like *H. melpomene*)
    code: int | None  # Code in the training table; None for species B, which is in no training table
    genotype: Genotype  # Homozygous
    traits: Traits = field(default_factory=Traits)  # Means of the quantitative traits


def _fixed(
    optix: Optix,
    wnta: WntA,
    cortex: Cortex = Cortex.PLAIN,
    aristaless: Aristaless = Aristaless.YELLOW,
    ro: Ro = Ro.ROUND,
) -> Genotype:
    return Genotype((optix, optix), (wnta, wnta), (cortex, cortex), (aristaless, aristaless), (ro, ro))


_ROWS: tuple[tuple[str, Genotype, Traits], ...] = (
    ("amalfreda", _fixed(Optix.DENNIS, WntA.COMPACT), Traits(band_size=0.8, band_place=0.8, redness=0.5)),
    ("chestertonii", _fixed(Optix.SILENT, WntA.MELANIC, Cortex.BAR),
     Traits(bar_width=1.6, wing_aspect=0.4, iridescence=0.55)),
    ("cyrbia", _fixed(Optix.BAND, WntA.BROAD, Cortex.MARGIN),
     Traits(band_size=-0.3, band_place=-0.6, redness=0.4, iridescence=0.9)),
    ("demophoon", _fixed(Optix.BAND, WntA.BROAD, Cortex.BAR), Traits(bar_width=0.5, bar_place=0.4)),
    ("dignus", _fixed(Optix.BAND, WntA.BROAD, Cortex.PLAIN, ro=Ro.TOOTHED),
     Traits(band_size=0.8, band_place=-0.9, redness=-0.6)),
    ("erato", _fixed(Optix.DENNIS_RAY, WntA.SPOTS), Traits(ray_width=0.5, dennis_size=0.4)),
    ("etylus", _fixed(Optix.DENNIS_RAY, WntA.REDUCED), Traits(band_size=0.9, ray_width=-0.4, redness=-0.4)),
    ("hydara", _fixed(Optix.BAND, WntA.BROAD), Traits(band_size=0.2)),
    ("lativitta", _fixed(Optix.DENNIS_RAY, WntA.COMPACT), Traits(redness=-0.5)),
    ("notabilis", _fixed(Optix.BAND, WntA.SPLIT, aristaless=Aristaless.WHITE), Traits(redness=0.3)),
    ("petiverana", _fixed(Optix.BAND, WntA.BROAD, Cortex.BAR, ro=Ro.TOOTHED),
     Traits(band_size=-0.4, bar_width=-0.3, redness=0.3)),
    ("phyllis", _fixed(Optix.BAND, WntA.BROAD, Cortex.BAR_AND_LINE),
     Traits(band_size=-0.5, band_slant=0.8, bar_width=-0.4, wing_aspect=0.5)),
    ("reductimacula", _fixed(Optix.DENNIS_RAY, WntA.REDUCED), Traits(band_size=-0.9, ray_length=-0.6, redness=0.3)),
    ("venus", _fixed(Optix.BAND, WntA.BROAD, Cortex.BAR),
     Traits(band_size=-0.8, bar_width=-0.9, bar_place=-0.4, iridescence=0.8)),
)  # fmt: skip
_MIMICS: tuple[tuple[str, Genotype, Traits], ...] = (
    ("malleti", _fixed(Optix.DENNIS_RAY, WntA.COMPACT), Traits(redness=-0.6, band_size=-0.2, dennis_size=0.3)),
    ("plesseni", _fixed(Optix.BAND, WntA.SPLIT, aristaless=Aristaless.WHITE), Traits(redness=0.1, band_size=0.2)),
)

TAXA: dict[str, Taxon] = {
    **{name: Taxon(name, "A", code, genes, traits) for code, (name, genes, traits) in enumerate(_ROWS)},
    **{name: Taxon(name, "B", None, genes, traits) for name, genes, traits in _MIMICS},
}
"""All subspecies by name; those of species A in alphabetical order, which is the order of their codes."""

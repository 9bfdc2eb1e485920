"""Which specimens a collection holds, from which records, in the proportions of the official tables.

The counts are those of the official training, validation and test tables of the 2024 HDR Anomaly Challenge
"Hybrid Butterfly Detection" (Imageomics/HDR-anomaly-challenge), class by class and record by record; the
record numbers are invented, one for each of the 24 Zenodo records there.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybridwing.simulate.genetics import Generation


@dataclass(frozen=True)
class Source:
    """How many images of a stratum come from one record in the official tables."""

    record: int
    train: int
    test: int


@dataclass(frozen=True)
class Stratum:
    """Specimens of one subspecies or of one kind of cross."""

    parents: tuple[str, ...]  # One name for a subspecies, two (mother, father) for a cross
    indicator: str  # ``"major"``, ``"minor"`` or ``"mimic"``
    val: int  # Official count in the validation table; those images are in the test table too
    sources: tuple[Source, ...]  # Official counts in the training and test tables by record
    least_train: int = 2  # What the stratum keeps in a small collection
    least_test: int = 1
    least_val: int = 0
    # Shares of the generations; they add up to 1.
    generations: tuple[tuple[Generation, float], ...] = ((Generation.PURE, 1.0),)

    @property
    def hybrid(self) -> bool:
        """Whether its specimens have two parent subspecies."""
        return len(self.parents) == 2

    @property
    def name(self) -> str:
        """As in the column ``subspecies_ref``: ``"hydara"`` or ``"hydara x erato"``."""
        return " x ".join(self.parents)

    @property
    def train(self) -> int:
        """Official count in the training table."""
        return sum(source.train for source in self.sources)

    @property
    def test(self) -> int:
        """Official count in the test table."""
        return sum(source.test for source in self.sources)


FIRST_RECORD = 9000001

BRED = ((Generation.F1, 0.15), (Generation.F2, 0.25), (Generation.BC_FIRST, 0.3), (Generation.BC_SECOND, 0.3))
"""Signal and mimic hybrids: reared families, mostly of second generation. The shares are an assumption."""
WILD = ((Generation.F1, 0.4), (Generation.F2, 0.3), (Generation.BC_FIRST, 0.15), (Generation.BC_SECOND, 0.15))
"""Non-signal hybrids: caught where subspecies meet. The shares are an assumption."""


def _from(*rows: tuple[int, int, int]) -> tuple[Source, ...]:
    return tuple(Source(FIRST_RECORD - 1 + record, train, test) for record, train, test in rows)


STRATA: tuple[Stratum, ...] = (
    Stratum(("lativitta",), "major", 173, _from((2, 1, 0), (4, 1, 0), (13, 5, 0), (14, 78, 0), (15, 142, 0),
            (17, 34, 0), (18, 80, 0), (19, 11, 0), (20, 477, 0), (22, 27, 368)), least_test=4, least_val=2),
    Stratum(("notabilis",), "major", 46, _from((4, 4, 0), (11, 1, 0), (12, 9, 0), (18, 187, 69), (19, 0, 18)),
            least_test=2, least_val=1),
    Stratum(("amalfreda",), "minor", 1, _from((13, 21, 9))),
    Stratum(("chestertonii",), "minor", 12, _from((9, 48, 19), (21, 0, 2))),
    Stratum(("cyrbia",), "minor", 107, _from((14, 198, 0), (15, 170, 0), (21, 2, 0), (23, 119, 211)), least_val=1),
    Stratum(("demophoon",), "minor", 18, _from((8, 77, 33), (9, 0, 1))),
    Stratum(("dignus",), "minor", 6, _from((14, 16, 7))),
    Stratum(("erato",), "minor", 5, _from((12, 22, 0), (13, 1, 8), (20, 0, 2))),
    Stratum(("etylus",), "minor", 1, _from((12, 2, 1))),
    Stratum(("hydara",), "minor", 20, _from((9, 14, 0), (10, 1, 0), (11, 33, 0), (12, 50, 40), (13, 0, 2)),
            least_val=1),
    Stratum(("petiverana",), "minor", 2, _from((12, 8, 4))),
    Stratum(("phyllis",), "minor", 13, _from((24, 67, 30))),
    Stratum(("reductimacula",), "minor", 0, _from((17, 2, 2))),
    Stratum(("venus",), "minor", 16, _from((12, 9, 0), (16, 74, 15), (21, 0, 21))),
    Stratum(("malleti",), "mimic", 333, _from((1, 0, 3), (2, 0, 4), (3, 0, 4), (4, 0, 4), (5, 0, 1), (6, 0, 26),
            (7, 0, 1), (11, 0, 7), (12, 0, 1), (14, 0, 61), (15, 0, 76), (17, 0, 7), (18, 0, 80), (20, 0, 375),
            (22, 0, 32)), least_test=4, least_val=2),
    Stratum(("plesseni",), "mimic", 90, _from((1, 0, 4), (2, 0, 3), (4, 0, 8), (5, 0, 3), (7, 0, 1), (11, 0, 6),
            (12, 0, 46), (18, 0, 30), (19, 0, 64)), least_test=2, least_val=1),
    Stratum(("notabilis", "lativitta"), "major", 184, _from((1, 3, 0), (13, 5, 0), (18, 83, 325), (19, 0, 32)),
            least_train=6, least_test=7, least_val=3, generations=BRED),
    Stratum(("lativitta", "notabilis"), "major", 6, _from((18, 0, 8)), generations=BRED),
    Stratum(("chestertonii", "venus"), "minor", 1, _from((9, 0, 1)), least_val=1, generations=WILD),
    Stratum(("venus", "chestertonii"), "minor", 0, _from((21, 0, 1)), generations=WILD),
    Stratum(("hydara", "amalfreda"), "minor", 5, _from((13, 0, 8)), least_test=2, least_val=1, generations=WILD),
    Stratum(("hydara", "erato"), "minor", 1, _from((13, 0, 1)), least_val=1, generations=WILD),
    Stratum(("hydara", "petiverana"), "minor", 10, _from((11, 0, 1), (12, 0, 16)), least_test=3, least_val=1,
            generations=WILD),
    Stratum(("plesseni", "malleti"), "mimic", 111, _from((2, 0, 1), (13, 0, 24), (18, 0, 196), (19, 0, 1)),
            least_test=6, least_val=3, generations=BRED),
    Stratum(("malleti", "plesseni"), "mimic", 14, _from((13, 0, 8), (18, 0, 18)), least_test=2, least_val=1,
            generations=BRED),
)  # fmt: skip
"""Every stratum of the official tables.

The least counts of the non-signal crosses add up to 8 in test and 4 in validation.
"""
